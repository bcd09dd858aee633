package keyring_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/opentwag/twag/keyring"
	"github.com/stretchr/testify/require"
)

func key(id, fill byte) keyring.Key {
	k := keyring.Key{ID: id}
	for i := range k.Secret {
		k.Secret[i] = fill
	}
	return k
}

func ring(t *testing.T, keys ...keyring.Key) *keyring.Ring {
	t.Helper()
	r, err := keyring.New(keys...)
	require.NoError(t, err)
	return r
}

func TestNewRefuses(t *testing.T) {
	ended := key(1, 1)
	ended.NotAfter = time.Unix(1, 0)
	for name, keys := range map[string][]keyring.Key{
		"no key":           nil,
		"ID twice":         {key(1, 1), key(1, 2)},
		"zero secret":      {key(1, 0)},
		"active one ended": {ended},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := keyring.New(keys...)
			require.ErrorIs(t, err, keyring.ErrConfig)
		})
	}
}

func TestAnotherProcessOpens(t *testing.T) {
	now := time.Unix(1000, 0)
	a := ring(t, key(1, 1)).Sealer("state")
	b := ring(t, key(1, 1)).Sealer("state")
	sealed := a.Seal([]byte("prefix"), []byte("plain"), []byte("ctx"))
	require.Len(t, sealed, len("prefix")+len("plain")+keyring.Overhead)
	got, err := b.Open(nil, sealed[len("prefix"):], []byte("ctx"), now)
	require.NoError(t, err)
	require.Equal(t, "plain", string(got))
}

func TestOpenRefuses(t *testing.T) {
	now := time.Unix(1000, 0)
	s := ring(t, key(1, 1)).Sealer("state")
	sealed := s.Seal(nil, []byte("plain"), []byte("ctx"))
	for i := range sealed {
		bad := bytes.Clone(sealed)
		bad[i] ^= 1
		_, err := s.Open(nil, bad, []byte("ctx"), now)
		require.ErrorIs(t, err, keyring.ErrOpen, "octet %d changed", i)
	}
	for n := range sealed {
		_, err := s.Open(nil, sealed[:n], []byte("ctx"), now)
		require.ErrorIs(t, err, keyring.ErrOpen, "cut to %d", n)
	}
	_, err := s.Open(nil, sealed, []byte("other"), now)
	require.ErrorIs(t, err, keyring.ErrOpen)
	_, err = ring(t, key(1, 1)).Sealer("class").Open(nil, sealed, []byte("ctx"), now)
	require.ErrorIs(t, err, keyring.ErrOpen, "sealed for another purpose")
	_, err = ring(t, key(1, 2)).Sealer("state").Open(nil, sealed, []byte("ctx"), now)
	require.ErrorIs(t, err, keyring.ErrOpen, "another secret under the same ID")
}

func TestRotation(t *testing.T) {
	now := time.Unix(1000, 0)
	old := key(1, 1)
	sealed := ring(t, old).Sealer("state").Seal(nil, []byte("plain"), nil)

	old.NotAfter = now
	rotated := ring(t, key(2, 2), old).Sealer("state")
	got, err := rotated.Open(nil, sealed, nil, now)
	require.NoError(t, err)
	require.Equal(t, "plain", string(got))
	_, err = rotated.Open(nil, sealed, nil, now.Add(time.Nanosecond))
	require.ErrorIs(t, err, keyring.ErrRetired)
	require.EqualValues(t, 2, rotated.Seal(nil, nil, nil)[0], "the new key seals")
}

func TestNoncesDiffer(t *testing.T) {
	s := keyring.NewRandom().Sealer("state")
	var mu sync.Mutex
	seen := map[string]bool{}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 500 {
				nonce := string(s.Seal(nil, nil, nil)[1:13])
				mu.Lock()
				require.False(t, seen[nonce])
				seen[nonce] = true
				mu.Unlock()
			}
		})
	}
	wg.Wait()
}

func TestNothingPrintsASecret(t *testing.T) {
	k := key(7, 'A')
	for _, v := range []any{k, &k, ring(t, k), ring(t, k).Derive("x", 4)} {
		out, err := json.Marshal(v)
		require.NoError(t, err)
		require.NotContains(t, string(out), "65,65")
		require.NotContains(t, string(out), `"Secret"`)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x"} {
		r := ring(t, k)
		for _, v := range []any{k, &k, r, *r, r.Derive("x", 4)} {
			out := fmt.Sprintf(verb, v)
			require.NotContains(t, out, "AAAA")
			require.NotContains(t, out, "41414141")
			require.NotContains(t, out, "65 65 65")
		}
	}
}

func BenchmarkSealOpen(b *testing.B) {
	s := keyring.NewRandom().Sealer("state")
	plain, now := make([]byte, 200), time.Unix(1000, 0)
	var sealed, opened []byte
	b.ReportAllocs()
	for b.Loop() {
		sealed = s.Seal(sealed[:0], plain, plain[:30])
		opened, _ = s.Open(opened[:0], sealed, plain[:30], now)
	}
}

func ExampleRing_Sealer() {
	ring := keyring.NewRandom()
	s := ring.Sealer("example")
	sealed := s.Seal(nil, []byte("who and until when"), []byte("AP 7"))
	plain, err := s.Open(nil, sealed, []byte("AP 7"), time.Now())
	fmt.Println(string(plain), err)
	// Output: who and until when <nil>
}
