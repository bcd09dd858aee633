package aka

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// SRES and Kc of GSM-Milenage follow from f2, f3 and f4 (TS 55.205, clause 4);
// those of the first set are written out as well.
func TestTriplet(t *testing.T) {
	var f struct {
		Sets []struct {
			RAND   hexBytes
			F2     hexBytes `json:"f2"`
			F3, F4 hexBytes
		}
	}
	load(t, "milenage.json", &f)
	require.Len(t, f.Sets, 22)
	for i, s := range f.Sets {
		v := Vector{RAND: s.RAND.a16(), CK: s.F3.a16(), IK: s.F4.a16()}
		v.XRESLen = uint8(copy(v.XRES[:], s.F2))
		got := v.Triplet()
		require.Equal(t, v.RAND, got.RAND)
		for k := range got.SRES {
			require.Equal(t, s.F2[k]^s.F2[k+4], got.SRES[k])
		}
		for k := range got.Kc {
			require.Equal(t, s.F3[k]^s.F3[k+8]^s.F4[k]^s.F4[k+8], got.Kc[k])
		}
		if i == 0 {
			require.Equal(t, unhex(t, "46f8416a"), got.SRES[:])
			require.Equal(t, unhex(t, "eae4be823af9a08b"), got.Kc[:])
		}
		back := got.Vector()
		require.Equal(t, got, back.Triplet())
	}
}

// c2 takes all of a XRES of any length (TS 33.102, clause 6.8.1.2).
func TestTripletOfXRESOfAnyLength(t *testing.T) {
	var v Vector
	for i := range v.XRES {
		v.XRES[i] = byte(i + 1)
	}
	for n, want := range map[uint8]string{
		4:  "01020304",
		5:  "04020304",
		8:  "0404040c",
		16: "00000010",
		99: "00000010",
	} {
		v.XRESLen = n
		got := v.Triplet()
		require.Equal(t, want, fmt.Sprintf("%x", got.SRES[:]), n)
	}
}

func TestTripletDoesNotPrint(t *testing.T) {
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x"} {
		require.Equal(t, "aka.Triplet[redacted]", fmt.Sprintf(verb, Triplet{Kc: [8]byte{1}}))
	}
}
