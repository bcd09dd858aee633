package milenage

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAlgorithm(t *testing.T) {
	sets := loadSets(t)
	for _, s := range sets {
		c, err := New([16]byte(s.K), [16]byte(s.OPc))
		require.NoError(t, err)
		alg, rand := c.Algorithm(), [16]byte(s.RAND)
		require.Equal(t, [8]byte(s.F1), alg.F1(rand, [6]byte(s.SQN), [2]byte(s.AMF)))
		require.Equal(t, [8]byte(s.F1Star), alg.F1Star(rand, [6]byte(s.SQN), [2]byte(s.AMF)))
		require.Equal(t, [6]byte(s.F5Star), alg.F5Star(rand))
		o := alg.F2345(rand)
		require.True(t, o == Output{
			RES: [16]byte(append(s.F2, make([]byte, 8)...)), RESLen: 8,
			CK: [16]byte(s.F3), IK: [16]byte(s.F4), AK: [6]byte(s.F5),
		}, s.Set)
		require.Equal(t, "milenage.Output[redacted] milenage.Output[redacted]", fmt.Sprintf("%x %#v", o, o))
		require.Zero(t, testing.AllocsPerRun(10, func() { alg.F2345(rand) }))
	}
}
