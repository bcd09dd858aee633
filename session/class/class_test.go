package class

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/keyring"
	"github.com/opentwag/twag/session"
)

var testNow = time.Unix(1_700_000_000, 0)

func testKey(id uint8) keyring.Key { return keyring.Key{ID: id, Secret: [32]byte{id, 1}} }

func testCodec(t testing.TB, cfg Config, keys ...keyring.Key) *Codec {
	if keys == nil {
		keys = []keyring.Key{testKey(7)}
	}
	ring, err := keyring.New(keys...)
	require.NoError(t, err)
	c, err := New(ring, cfg)
	require.NoError(t, err)
	return c
}

func testFacts() Facts {
	return Facts{
		Server: "PAENRAS01", Area: "SC", Result: "OK", Service: "DEF", UseKey: "CLF", Package: "0",
		IMSI: "001010000000001", Method: "AKA'", Realm: "wlan.mnc001.mcc001.3gppnetwork.org", Group: "gold_1 100%",
		Session: session.NamedID("x"), Timeout: time.Hour, Interim: 10 * time.Minute,
	}
}

func TestRoundTrip(t *testing.T) {
	for _, cfg := range []Config{{}, {Signed: true}} {
		c := testCodec(t, cfg)
		for _, f := range []Facts{testFacts(), {}, {Session: session.NamedID("y")}, {UseKey: "a_b%5F%"}, {Idle: time.Second, Visited: "\x00\xffé"}} {
			v, err := c.Append([]byte("x"), &f, testNow)
			require.NoError(t, err)
			require.LessOrEqual(t, len(v), 1+MaxLen)
			got, err := testCodec(t, Config{Signed: !cfg.Signed}).Open(v[1:], testNow.Add(time.Hour))
			require.NoError(t, err, "either configuration opens both")
			f.Issued = testNow
			require.Equal(t, f, got)
		}
	}
}

func TestReadable(t *testing.T) {
	c := testCodec(t, Config{Signed: true})
	f := testFacts()
	v, err := c.Append(nil, &f, testNow)
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(string(v), "PAENRAS01_SC_OK_DEF_CLF_0_001010000000001_AKA'_"), "%s", v)
	require.Contains(t, string(v), "_gold%5F1%20100%25_")
	require.Equal(t, "_07_", string(v[len(v)-trailer:len(v)-2*tagLen]))
}

// TestSealedSaysNothing: nothing of the subscriber is readable on the way.
func TestSealedSaysNothing(t *testing.T) {
	f := testFacts()
	v, err := testCodec(t, Config{}).Append(nil, &f, testNow)
	require.NoError(t, err)
	require.NotContains(t, string(v), f.IMSI)
	require.NotContains(t, string(v), f.Server)
}

// TestForged: no octet of either form can be changed.
func TestForged(t *testing.T) {
	for _, cfg := range []Config{{AllowPlain: true}, {Signed: true, AllowPlain: true}} {
		c := testCodec(t, cfg)
		f := testFacts()
		v, err := c.Append(nil, &f, testNow)
		require.NoError(t, err)
		for i := range v {
			v[i] ^= 1
			_, err := c.Open(v, testNow)
			require.Error(t, err, "octet %d", i)
			v[i] ^= 1
		}
		for n := range v {
			_, err := c.Open(v[:n], testNow)
			if n > 50 || !cfg.Signed { // a short piece of text is a plain Class
				require.Error(t, err, "%d octets", n)
			}
		}
		other := testCodec(t, cfg, keyring.Key{ID: 7, Secret: [32]byte{9}})
		_, err = other.Open(v, testNow)
		require.ErrorIs(t, err, ErrForged, "another operator's key of the same number")
		other = testCodec(t, cfg, testKey(8))
		_, err = other.Open(v, testNow)
		require.ErrorIs(t, err, ErrForged, "another operator's key")
	}
}

func TestTime(t *testing.T) {
	f := testFacts()
	for _, cfg := range []Config{{Lifetime: time.Hour}, {Lifetime: time.Hour, Signed: true}} {
		c := testCodec(t, cfg)
		v, err := c.Append(nil, &f, testNow)
		require.NoError(t, err)
		_, err = c.Open(v, testNow.Add(time.Hour))
		require.NoError(t, err)
		_, err = c.Open(v, testNow.Add(time.Hour+time.Second))
		require.ErrorIs(t, err, ErrExpired)
		_, err = c.Open(v, testNow.Add(-time.Hour-time.Second))
		require.ErrorIs(t, err, ErrForged)

		old := testKey(7)
		old.NotAfter = testNow.Add(time.Minute)
		rotated := testCodec(t, Config{Lifetime: -1}, testKey(8), old)
		_, err = rotated.Open(v, testNow.Add(time.Minute))
		require.NoError(t, err)
		_, err = rotated.Open(v, testNow.Add(2*time.Minute))
		require.ErrorIs(t, err, ErrExpired, "its key is retired")
	}
	c := testCodec(t, Config{Lifetime: -1})
	v, err := c.Append(nil, &f, testNow)
	require.NoError(t, err)
	_, err = c.Open(v, testNow.AddDate(50, 0, 0))
	require.NoError(t, err)
}

// TestPlain: the Class of the thesis's third ticket, which a foreign server issued.
func TestPlain(t *testing.T) {
	const thesis = "PAENRAS01_SC_OK_DEF_CLF_0"
	_, err := testCodec(t, Config{}).Open([]byte(thesis), testNow)
	require.ErrorIs(t, err, ErrForeign)
	c := testCodec(t, Config{AllowPlain: true})
	f, err := c.Open([]byte(thesis), testNow)
	require.NoError(t, err)
	require.Equal(t, Facts{Server: "PAENRAS01", Area: "SC", Result: "OK", Service: "DEF", UseKey: "CLF", Package: "0", Plain: true}, f)

	var pairs []string
	f.Each(func(name, value string) { pairs = append(pairs, name+"="+value) })
	require.Equal(t, []string{"Server=PAENRAS01", "Area=SC", "Result=OK", "Service=DEF", "Use-Key=CLF", "Package=0"}, pairs)

	for _, foreign := range []string{"", "x", "a_b_c_d_e_f_g", "a_\x00", "a_\xff", strings.Repeat("a_", 127)} {
		_, err := c.Open([]byte(foreign), testNow)
		require.ErrorIs(t, err, ErrForeign, "%q", foreign)
	}
}

func TestTooLong(t *testing.T) {
	for _, cfg := range []Config{{}, {Signed: true}} {
		c := testCodec(t, cfg)
		for _, n := range []int{150, 230, 253, 254, 1000} {
			f := Facts{Realm: strings.Repeat("r", n)}
			v, err := c.Append([]byte("abc"), &f, testNow)
			if n == 150 {
				require.NoError(t, err)
				continue
			}
			require.ErrorIs(t, err, ErrTooLong, n)
			require.Equal(t, "abc", string(v))
		}
	}
}

func TestNoRing(t *testing.T) {
	_, err := New(nil, Config{})
	require.Error(t, err)
}

// FuzzOpen: anything is an error or facts that can be written again.
func FuzzOpen(f *testing.F) {
	sealed, signed := testCodec(f, Config{AllowPlain: true}), testCodec(f, Config{Signed: true})
	facts := testFacts()
	for _, c := range []*Codec{sealed, signed} {
		v, err := c.Append(nil, &facts, testNow)
		require.NoError(f, err)
		f.Add(v)
	}
	f.Add([]byte("PAENRAS01_SC_OK_DEF_CLF_0"))
	f.Fuzz(func(t *testing.T, v []byte) {
		got, err := sealed.Open(v, testNow)
		if err == nil && !got.Plain {
			_, err = sealed.Append(nil, &got, testNow)
			require.NoError(t, err)
		}
		// What is authentic may still be of a later version.
		var raw Facts
		_ = decode(&raw, string(v))
		var text Facts
		_ = split(&text, string(v))
	})
}

func BenchmarkOpen(b *testing.B) {
	for name, cfg := range map[string]Config{"sealed": {}, "signed": {Signed: true}} {
		c := testCodec(b, cfg)
		f := testFacts()
		v, err := c.Append(nil, &f, testNow)
		require.NoError(b, err)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.ReportMetric(float64(len(v)), "octets")
			for b.Loop() {
				if _, err := c.Open(v, testNow); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkAppend(b *testing.B) {
	c := testCodec(b, Config{})
	f := testFacts()
	var buf [MaxLen]byte
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Append(buf[:0], &f, testNow); err != nil {
			b.Fatal(err)
		}
	}
}
