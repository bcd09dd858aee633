package eaptest

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/aka"
	"github.com/opentwag/twag/aka/auc"
	"github.com/opentwag/twag/milenage"
	"github.com/opentwag/twag/milenage/tuak"
)

func TestNewUSIM(t *testing.T) {
	alg := set19(t)
	for _, cfg := range []USIMConfig{{}, {Algorithm: alg, INDBits: 9}, {Algorithm: alg, SQN: 1 << 48}} {
		_, err := NewUSIM(cfg)
		require.ErrorIs(t, err, ErrUSIM)
	}
}

// autn makes the AUTN of a challenge.
func autn(alg milenage.Algorithm, rand [16]byte, sqn uint64, amf [2]byte) (a [16]byte) {
	number := sqnOctets(sqn)
	hidden, mac := xor6(number, alg.F2345(rand).AK), alg.F1(rand, number, amf)
	copy(a[:6], hidden[:])
	copy(a[6:8], amf[:])
	copy(a[8:], mac[:])
	return a
}

func TestUSIMVectors(t *testing.T) {
	var file struct {
		Sets []struct {
			Set                     any
			K, OPc, RAND, SQN, AUTN hexBytes
			F2, F3, F4              hexBytes
			AUTS                    hexBytes `json:"AUTS_for_SQNMS_eq_SQN_AMF0000"`
		}
	}
	load(t, "milenage.json", &file)
	require.Len(t, file.Sets, 22)
	for _, s := range file.Sets {
		t.Run(fmt.Sprint(s.Set), func(t *testing.T) {
			c, err := milenage.New([16]byte(s.K), [16]byte(s.OPc))
			require.NoError(t, err)
			sqn := sqnNumber([6]byte(s.SQN))
			u := newUSIM(t, USIMConfig{Algorithm: c.Algorithm(), SQN: sqn - 1, INDBits: -1})
			rand, token := [16]byte(s.RAND), [16]byte(s.AUTN)
			v, out, _ := u.Authenticate(rand, token)
			require.Equal(t, Accepted, v)
			require.Equal(t, []byte(s.F2), out.RES[:out.RESLen])
			require.Equal(t, []byte(s.F3), out.CK[:])
			require.Equal(t, []byte(s.F4), out.IK[:])
			require.Equal(t, sqn, u.SQN())

			v, out, auts := u.Authenticate(rand, token)
			require.Equal(t, NotFresh, v, "the same challenge again")
			require.Equal(t, []byte(s.AUTS), auts[:])
			require.True(t, out == milenage.Output{})

			for i := range token {
				bad := token
				bad[i] ^= 0x10
				v, out, auts = u.Authenticate(rand, bad)
				require.Equal(t, WrongMAC, v, i)
				require.True(t, out == milenage.Output{})
				require.Zero(t, auts)
			}
		})
	}
}

// TestFreshness is TS 33.102, Annex C.2, with Delta 100.
func TestFreshness(t *testing.T) {
	alg := set19(t)
	type step struct {
		seq, ind uint64
		want     Verdict
	}
	for _, c := range []struct {
		name  string
		cfg   USIMConfig
		steps []step
	}{
		{"ascending", USIMConfig{}, []step{{11, 0, Accepted}, {12, 0, Accepted}, {12, 0, NotFresh}, {11, 0, NotFresh}}},
		{"equal and below at the start", USIMConfig{}, []step{{10, 0, NotFresh}, {9, 3, NotFresh}}},
		{"out of order with another IND", USIMConfig{}, []step{{15, 1, Accepted}, {12, 2, Accepted}, {12, 1, NotFresh}, {13, 2, Accepted}, {16, 31, Accepted}}},
		{"as far as Delta", USIMConfig{}, []step{{111, 0, NotFresh}, {110, 0, Accepted}, {211, 1, NotFresh}, {210, 1, Accepted}}},
		{"no IND", USIMConfig{INDBits: -1, SQN: 10}, []step{{11, 0, Accepted}, {11, 0, NotFresh}, {12, 0, Accepted}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.cfg.Algorithm, c.cfg.Delta = alg, 100
			bits := uint64(5)
			if c.cfg.INDBits < 0 {
				bits = 0
			} else {
				c.cfg.SQN = 10 << bits
			}
			u := newUSIM(t, c.cfg)
			highest := u.SQN()
			for i, s := range c.steps {
				rand, sqn := [16]byte{byte(i)}, s.seq<<bits|s.ind
				v, _, auts := u.Authenticate(rand, autn(alg, rand, sqn, [2]byte{}))
				require.Equal(t, s.want, v, i)
				if v == Accepted {
					highest = max(highest, sqn)
					continue
				}
				require.Equal(t, u.AUTS(rand), auts)
				ms := xor6([6]byte(auts[:6]), alg.F5Star(rand))
				require.Equal(t, highest, sqnNumber(ms))
			}
		})
	}
}

// TestUSIMAndCentre lets a TUAK USIM resynchronise a centre.
func TestUSIMAndCentre(t *testing.T) {
	c, err := tuak.New(make([]byte, 32), [32]byte{1}, tuak.Config{RESLen: 16})
	require.NoError(t, err)
	alg, err := c.Algorithm()
	require.NoError(t, err)
	u := newUSIM(t, USIMConfig{Algorithm: alg, SQN: 1e6})
	a := auc.New(auc.Config{})
	require.NoError(t, a.Put(auc.Subscriber{IMSI: testIMSI, Algorithm: alg}))
	req := aka.VectorRequest{IMSI: testIMSI, Scheme: aka.SchemeAKA}
	v, err := a.Vectors(t.Context(), req)
	require.NoError(t, err)
	verdict, _, auts := u.Authenticate(v[0].RAND, v[0].AUTN)
	require.Equal(t, NotFresh, verdict)
	req.Resync = &aka.Resync{RAND: v[0].RAND, AUTS: auts}
	v, err = a.Vectors(t.Context(), req)
	require.NoError(t, err)
	verdict, out, _ := u.Authenticate(v[0].RAND, v[0].AUTN)
	require.Equal(t, Accepted, verdict)
	require.Equal(t, v[0].XRES, out.RES)
	require.Equal(t, v[0].XRESLen, out.RESLen)
	require.Equal(t, v[0].CK, out.CK)
	require.Equal(t, v[0].IK, out.IK)
}
