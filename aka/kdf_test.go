package aka

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/eap"
)

// RFC 9048, section 3.2. One function is defined, so these offer others that
// are derived alike.
func TestKDFNegotiation(t *testing.T) {
	for _, storing := range []bool{false, true} {
		offer := func() *conv {
			m := newTest(eap.TypeAKAPrime, Config{})
			m.kdfs = NewKDFList(3, 1, 2)
			c := newConv(t, m, primeID)
			c.storing = storing
			c.toChallenge()
			require.Equal(t, NewKDFList(3, 1, 2), c.last.KDFs)
			return c
		}

		// A change puts the choice in front of the whole list, with the same
		// vector.
		c := offer()
		require.Equal(t, "challenge", c.handle(c.kdfAnswer(1)))
		require.Equal(t, NewKDFList(1, 3, 1, 2), c.last.KDFs)
		require.Equal(t, c.vector.RAND[:], c.last.RAND)
		require.NoError(t, c.last.VerifyMAC(c.keys(), nil))
		require.Equal(t, "need authorization", c.handle(c.goodAnswer()))

		// The list stays changed after a resynchronisation, which repeats it.
		c = offer()
		c.handle(c.kdfAnswer(2))
		require.Equal(t, "notify 16384", c.handle(c.syncFailure(NewKDFList(3, 1, 2))))
		require.ErrorIs(t, c.step.Err, ErrKDF)
		c = offer()
		c.handle(c.kdfAnswer(2))
		require.Equal(t, "need vectors", c.handle(c.syncFailure(NewKDFList(2, 3, 1, 2))))
		v := testVector()
		v.RAND[0]++
		require.Equal(t, "challenge", c.give(v))
		require.Equal(t, NewKDFList(2, 3, 1, 2), c.last.KDFs)
		require.Equal(t, "notify 16384", c.handle(c.kdfAnswer(1)), "a second change")

		// Refused: the first, one not offered, a second change, the same again.
		for _, v := range []uint16{3, 0, 4} {
			c = offer()
			require.Equal(t, "notify 16384", c.handle(c.kdfAnswer(v)))
			require.ErrorIs(t, c.step.Err, ErrKDF)
		}
		for _, v := range []uint16{1, 2, 3} {
			c = offer()
			require.Equal(t, "challenge", c.handle(c.kdfAnswer(2)))
			require.Equal(t, "notify 16384", c.handle(c.kdfAnswer(v)))
			require.ErrorIs(t, c.step.Err, ErrKDF)
		}

		// Two AT_KDF are no choice; one beside a good answer is no question.
		c = offer()
		require.Equal(t, "notify 16384", c.handle(c.response(SubtypeChallenge, func(b *Builder) { b.KDFs(NewKDFList(1, 2)) })))
		require.ErrorIs(t, c.step.Err, ErrMissing)
		c = offer()
		require.Equal(t, "need authorization", c.handle(c.response(SubtypeChallenge, func(b *Builder) {
			b.Number(AttrKDF, 3)
			b.Octets(AttrRES, c.vector.XRES[:8])
			b.MAC(c.keys(), nil)
		})))
	}
}

func TestKDFList(t *testing.T) {
	l := NewKDFList(1, 2, 3, 4, 5, 6, 7, 8, 9)
	require.Equal(t, 8, l.Len())
	require.EqualValues(t, 3, l.At(2))
	require.Equal(t, NewKDFList(), KDFList{})
}
