package auc

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/aka"
	"github.com/opentwag/twag/milenage"
	"github.com/opentwag/twag/milenage/tuak"
)

type hexBytes []byte

func (h *hexBytes) UnmarshalText(b []byte) (err error) {
	*h, err = hex.DecodeString(string(b))
	return err
}

func load(t *testing.T, name string, into any) {
	t.Helper()
	b, err := os.ReadFile("../../testdata/" + name)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(b, into))
}

// makeAUTS is what a USIM does (TS 33.102, clause 6.3.3).
func makeAUTS(alg milenage.Algorithm, rand [16]byte, sqnMS uint64) (auts [14]byte) {
	sqn := sqnOctets(sqnMS)
	hidden, mac := xor6(sqn, alg.F5Star(rand)), alg.F1Star(rand, sqn, [2]byte{})
	copy(auts[:], hidden[:])
	copy(auts[6:], mac[:])
	return auts
}

// TestVectorsMilenage makes the centre use the RAND and SQN of each
// conformance set.
func TestVectorsMilenage(t *testing.T) {
	var file struct {
		Sets []struct {
			Set                          any
			K, OPc, RAND, SQN, AMF, AUTN hexBytes
			F2, F3, F4                   hexBytes
			Separated                    bool `json:"amf_separation_bit"`
		}
	}
	load(t, "milenage.json", &file)
	require.Len(t, file.Sets, 22)
	for _, s := range file.Sets {
		t.Run(fmt.Sprint(s.Set), func(t *testing.T) {
			c, err := milenage.New([16]byte(s.K), [16]byte(s.OPc))
			require.NoError(t, err)
			a := New(Config{Rand: bytes.NewReader(s.RAND), Scheme: Counter{}})
			require.NoError(t, a.Put(Subscriber{
				IMSI: imsi, Algorithm: c.Algorithm(), AMF: [2]byte(s.AMF),
				SQN: sqnNumber([6]byte(s.SQN)) - 1,
			}))
			v, err := a.Vectors(t.Context(), aka.VectorRequest{IMSI: imsi, Scheme: aka.SchemeAKA})
			require.NoError(t, err)
			require.True(t, v[0] == aka.Vector{
				RAND: [16]byte(s.RAND), AUTN: [16]byte(s.AUTN),
				XRES: [16]byte(append(s.F2, make([]byte, 8)...)), XRESLen: 8,
				CK: [16]byte(s.F3), IK: [16]byte(s.F4),
			})
		})
	}
}

// TestVectorsPrime makes the centre produce the vector of RFC 9048, Appendix
// D, case 1, which is TS 35.208 set 19.
func TestVectorsPrime(t *testing.T) {
	var sets struct {
		Sets []struct {
			Set               any
			K, OPc, RAND, SQN hexBytes
		}
	}
	load(t, "milenage.json", &sets)
	var prime struct {
		Cases []struct {
			Case               int
			Network            string `json:"network_name"`
			RAND, AUTN, CK, IK hexBytes
			RES                hexBytes
			CKPrime            hexBytes `json:"CK_prime"`
			IKPrime            hexBytes `json:"IK_prime"`
		}
	}
	load(t, "eap_aka_prime.json", &prime)
	require.Len(t, prime.Cases, 4)
	done := 0
	for _, s := range sets.Sets {
		for _, p := range prime.Cases {
			if !bytes.Equal(s.RAND, p.RAND) {
				continue
			}
			done++
			c, err := milenage.New([16]byte(s.K), [16]byte(s.OPc))
			require.NoError(t, err)
			a := New(Config{Rand: bytes.NewReader(append(s.RAND, s.RAND...))})
			// AMF c3ab without the separation bit: it must be set.
			require.NoError(t, a.Put(Subscriber{IMSI: imsi, Algorithm: c.Algorithm(), AMF: [2]byte{0x43, 0xab}}))
			before := sqnNumber([6]byte(s.SQN)) - 1<<defaultINDBits
			req := aka.VectorRequest{IMSI: imsi, Scheme: aka.SchemeAKAPrime, NetworkName: p.Network}
			want := aka.Vector{
				RAND: [16]byte(p.RAND), AUTN: [16]byte(p.AUTN),
				XRES: [16]byte(append(p.RES, make([]byte, 8)...)), XRESLen: 8,
				CK: [16]byte(p.CK), IK: [16]byte(p.IK),
			}

			a.SetSQN(imsi, before)
			v, err := a.VectorsWith(t.Context(), req, KeysPlain)
			require.NoError(t, err)
			require.True(t, v[0] == want, "plain")

			a.SetSQN(imsi, before)
			v, err = a.Vectors(t.Context(), req)
			require.NoError(t, err)
			want.CK, want.IK = [16]byte(p.CKPrime), [16]byte(p.IKPrime)
			want.Primed, want.NetworkName = true, p.Network
			require.True(t, v[0] == want, "primed")
		}
	}
	require.Equal(t, 2, done)
}

func TestSeparationBit(t *testing.T) {
	a, _ := newAuC(t, Config{}, 0)
	v, err := a.Vectors(t.Context(), aka.VectorRequest{IMSI: imsi, Scheme: aka.SchemeAKA})
	require.NoError(t, err)
	require.Equal(t, []byte{0, 0}, v[0].AUTN[6:8])
	v, err = a.VectorsWith(t.Context(), aka.VectorRequest{IMSI: imsi, Scheme: aka.SchemeAKAPrime}, KeysPlain)
	require.NoError(t, err)
	require.Equal(t, []byte{0x80, 0}, v[0].AUTN[6:8])
	require.False(t, v[0].Primed)
}

func TestAUTSVectors(t *testing.T) {
	var file struct {
		Cases []struct {
			Set                any `json:"milenage_set"`
			K, OPc, RAND, AUTS hexBytes
			HE                 hexBytes `json:"SQN_HE"`
			MS                 hexBytes `json:"SQN_MS"`
		}
	}
	load(t, "auts.json", &file)
	require.Len(t, file.Cases, 5)
	for _, s := range file.Cases {
		t.Run(fmt.Sprint(s.Set), func(t *testing.T) {
			c, err := milenage.New([16]byte(s.K), [16]byte(s.OPc))
			require.NoError(t, err)
			a, ms := New(Config{}), sqnNumber([6]byte(s.MS))
			sub := Subscriber{IMSI: imsi, Algorithm: c.Algorithm(), SQN: sqnNumber([6]byte(s.HE))}
			require.NoError(t, a.Put(sub))
			req := aka.VectorRequest{
				IMSI: imsi, Scheme: aka.SchemeAKA,
				Resync: &aka.Resync{RAND: [16]byte(s.RAND), AUTS: [14]byte(s.AUTS)},
			}
			v, err := a.Vectors(t.Context(), req)
			require.NoError(t, err)
			require.Equal(t, ms+32, sqnOf(sub.Algorithm, v[0]))
			require.NotEqual(t, [16]byte(s.RAND), v[0].RAND)

			// Each octet counts, and so does the RAND.
			for i := range req.Resync.AUTS {
				bad := *req.Resync
				bad.AUTS[i] ^= 1
				_, err := a.Vectors(t.Context(), aka.VectorRequest{IMSI: imsi, Scheme: aka.SchemeAKA, Resync: &bad})
				require.ErrorIs(t, err, aka.ErrSyncFailure, i)
			}
			bad := *req.Resync
			bad.RAND[15] ^= 1
			_, err = a.Vectors(t.Context(), aka.VectorRequest{IMSI: imsi, Scheme: aka.SchemeAKA, Resync: &bad})
			require.ErrorIs(t, err, aka.ErrSyncFailure)
			last, _ := a.SQN(imsi)
			require.Equal(t, ms+32, last, "a bad AUTS changes nothing")
		})
	}
}

func TestResync(t *testing.T) {
	const he = 1000<<5 | 3
	for _, c := range []struct {
		name     string
		ms, want uint64
	}{
		{"USIM ahead", 2000<<5 | 7, 2001<<5 | 7},
		{"USIM at the same number", he, 1001<<5 | 3},
		{"USIM one SEQ ahead, lower IND", 1001<<5 | 1, 1002<<5 | 1},
		{"USIM at the end of the numbers", MaxSQN - 32, MaxSQN},
		{"USIM behind: it would accept the next, which stands", 900<<5 | 3, 1001<<5 | 3},
		{"USIM behind by Delta", 1<<5 | 3, 1001<<5 | 3},
		{"USIM behind by more than Delta", 0<<5 | 3, 1<<5 | 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, alg := newAuC(t, Config{Delta: 1000}, he)
			rand := [16]byte{7}
			v, err := a.Vectors(t.Context(), aka.VectorRequest{
				IMSI: imsi, Scheme: aka.SchemeAKA,
				Resync: &aka.Resync{RAND: rand, AUTS: makeAUTS(alg, rand, c.ms)},
			})
			require.NoError(t, err)
			require.Equal(t, c.want, sqnOf(alg, v[0]))
		})
	}
}

func TestTUAK(t *testing.T) {
	for _, resLen := range []int{4, 8, 16} {
		c, err := tuak.New(make([]byte, 32), [32]byte{1}, tuak.Config{RESLen: resLen})
		require.NoError(t, err)
		alg, err := c.Algorithm()
		require.NoError(t, err)
		a := New(Config{})
		require.NoError(t, a.Put(Subscriber{IMSI: imsi, Algorithm: alg}))
		rand := [16]byte{1}
		v, err := a.Vectors(t.Context(), aka.VectorRequest{
			IMSI: imsi, Scheme: aka.SchemeAKA,
			Resync: &aka.Resync{RAND: rand, AUTS: makeAUTS(alg, rand, 640)},
		})
		require.NoError(t, err)
		require.Equal(t, uint64(672), sqnOf(alg, v[0]))
		require.Equal(t, uint8(resLen), v[0].XRESLen)
		res, ck, ik, _ := c.F2345(v[0].RAND)
		require.Equal(t, res[:16], v[0].XRES[:])
		require.Equal(t, ck[:16], v[0].CK[:])
		require.Equal(t, ik[:16], v[0].IK[:])
		mac := c.F1(v[0].RAND, sqnOctets(672), [2]byte{})
		require.Equal(t, mac[:8], v[0].AUTN[8:])
	}
}

// For EAP-SIM there are quintets, each with a RAND of its own.
func TestVectorsSIM(t *testing.T) {
	c, err := milenage.New([16]byte{1}, [16]byte{2})
	require.NoError(t, err)
	for _, keys := range []Keys{KeysPrimed, KeysPlain} {
		a := New(Config{Keys: keys})
		require.NoError(t, a.Put(Subscriber{IMSI: imsi, Algorithm: c.Algorithm()}))
		v, err := a.Vectors(t.Context(), aka.VectorRequest{IMSI: imsi, Scheme: aka.SchemeSIM, Count: 3})
		require.NoError(t, err)
		require.Len(t, v, 3)
		rands := map[[16]byte]bool{}
		for i := range v {
			require.False(t, v[i].Primed)
			out := c.Algorithm().F2345(v[i].RAND)
			want := aka.Vector{RAND: v[i].RAND, XRES: out.RES, XRESLen: out.RESLen, CK: out.CK, IK: out.IK}
			require.True(t, want.Triplet() == v[i].Triplet())
			rands[v[i].RAND] = true
		}
		require.Len(t, rands, 3)
	}
	broken := New(Config{Rand: bytes.NewReader(make([]byte, 48))})
	require.NoError(t, broken.Put(Subscriber{IMSI: imsi, Algorithm: c.Algorithm()}))
	_, err = broken.Vectors(t.Context(), aka.VectorRequest{IMSI: imsi, Scheme: aka.SchemeSIM, Count: 3})
	require.ErrorIs(t, err, aka.ErrUnavailable)
}
