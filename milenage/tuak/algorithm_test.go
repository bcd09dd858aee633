package tuak

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAlgorithm(t *testing.T) {
	for _, cfg := range []Config{{MACLen: 16}, {RESLen: 32}, {CKLen: 32}, {IKLen: 32}} {
		c, err := New(make([]byte, 16), [32]byte{}, cfg)
		require.NoError(t, err)
		_, err = c.Algorithm()
		require.ErrorIs(t, err, ErrConfig, "%+v", cfg)
	}
	for _, resLen := range []int{4, 8, 16} {
		c, err := New(make([]byte, 32), [32]byte{1}, Config{RESLen: resLen})
		require.NoError(t, err)
		alg, err := c.Algorithm()
		require.NoError(t, err)
		rand, sqn, amf := [16]byte{1}, [6]byte{2}, [2]byte{3}
		res, ck, ik, ak := c.F2345(rand)
		o := alg.F2345(rand)
		require.Equal(t, res[:16], o.RES[:])
		require.Equal(t, uint8(resLen), o.RESLen)
		require.Equal(t, ck[:16], o.CK[:])
		require.Equal(t, ik[:16], o.IK[:])
		require.Equal(t, ak, o.AK)
		macA, macS := c.F1(rand, sqn, amf), c.F1Star(rand, sqn, amf)
		gotA, gotS := alg.F1(rand, sqn, amf), alg.F1Star(rand, sqn, amf)
		require.Equal(t, macA[:8], gotA[:])
		require.Equal(t, macS[:8], gotS[:])
		require.Equal(t, c.F5Star(rand), alg.F5Star(rand))
		require.Zero(t, testing.AllocsPerRun(10, func() { alg.F2345(rand) }))
	}
}
