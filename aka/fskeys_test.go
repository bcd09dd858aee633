package aka

import (
	"crypto/hmac"
	"crypto/sha256"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/eap"
)

// The keys derived once more, word for word as RFC 9678, section 6.3, has
// them.
func TestAKAPrimeFSKeys(t *testing.T) {
	prf := func(key []byte, s string) (out []byte) {
		var last []byte
		for i := byte(1); len(out) < 160; i++ {
			h := hmac.New(sha256.New, key)
			h.Write(last)
			h.Write([]byte(s))
			h.Write([]byte{i})
			last = h.Sum(nil)
			out = append(out, last...)
		}
		return out
	}
	ck, ik, secret := [16]byte{1, 2}, [16]byte{3, 4}, [32]byte{5, 6, 31: 7}
	for _, identity := range []string{"", primeID, string(make([]byte, 253))} {
		key := append(ik[:], ck[:]...)
		mk := prf(key, "EAP-AKA'"+identity)
		mkECDHE := prf(append(append(ik[:], ck[:]...), secret[:]...), "EAP-AKA' FS"+identity)
		k := AKAPrimeFSKeys(identity, ck, ik, secret)
		require.Equal(t, eap.TypeAKAPrime, k.Method)
		require.Equal(t, mk[:16], k.KEncr[:])
		require.Equal(t, mk[16:48], k.KAut[:])
		require.Equal(t, mkECDHE[:32], k.KRe[:])
		require.Equal(t, mkECDHE[32:96], k.MSK[:])
		require.Equal(t, mkECDHE[96:160], k.EMSK[:])

		plain := AKAPrimeKeys(identity, ck, ik)
		require.True(t, plain.KEncr == k.KEncr && plain.KAut == k.KAut)
		require.False(t, plain.KRe == k.KRe || plain.MSK == k.MSK || plain.EMSK == k.EMSK)

		// A fast re-authentication goes on from K_re (section 6.5.5).
		one, two := k.Reauth("8x", 1, [16]byte{9}), plain.Reauth("8x", 1, [16]byte{9})
		require.NotEqual(t, one.MSK, two.MSK)
	}
}
