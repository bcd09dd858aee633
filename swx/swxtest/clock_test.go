package swxtest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/aka"
	"github.com/opentwag/twag/aka/auc"
	"github.com/opentwag/twag/eap/eaptest"
	"github.com/opentwag/twag/milenage"
)

func TestClockSQN(t *testing.T) {
	at := func(ms int64) time.Time { return time.UnixMilli(1_800_000_000_000 + ms) }
	one, two := ClockSQN{IND: 1}, ClockSQN{IND: 2}
	a, b := one.Set(0, at(0)), two.Set(77<<5, at(-5))
	var last uint64
	for ms := int64(1); ms < 100; ms += 2 {
		a, b = one.Next(a, at(ms)), two.Next(b, at(ms+1))
		require.EqualValues(t, 1, a.Last&31)
		require.EqualValues(t, 2, b.Last&31)
		require.Greater(t, one.SEQ(a.Last), last)
		require.Greater(t, two.SEQ(b.Last), one.SEQ(a.Last), "one sequence for both")
		last = two.SEQ(b.Last)
	}
	require.EqualValues(t, 1_800_000_000_100, last)

	again := two.Next(b, at(0))
	require.Equal(t, two.SEQ(b.Last)+1, two.SEQ(again.Last), "a clock that goes back, numbers do not")

	// A USIM that is ahead of the clock takes both with it.
	ahead := uint64(1_800_000_001_000) << 5
	a = one.Next(one.Set(ahead, at(100)), at(101))
	require.Equal(t, ahead>>5+1, one.SEQ(a.Last))
	require.Equal(t, ahead>>5+11, one.SEQ(one.Next(a, at(111)).Last))
	require.LessOrEqual(t, one.Next(auc.SQNState{Last: auc.MaxSQN}, at(0)).Last, uint64(auc.MaxSQN))
}

// TestClockSQNAtAUSIM: two centres in two processes, as it were, serve one USIM
// in turn, and it never has to resynchronise.
func TestClockSQNAtAUSIM(t *testing.T) {
	c, err := milenage.New(testK, testOPc)
	require.NoError(t, err)
	card, err := eaptest.NewUSIM(eaptest.USIMConfig{Algorithm: c.Algorithm(), Delta: 1 << 48})
	require.NoError(t, err)
	var centres []*auc.AuC
	for ind := range uint8(2) {
		centre := auc.New(auc.Config{Scheme: ClockSQN{IND: ind}})
		require.NoError(t, centre.Put(auc.Subscriber{IMSI: testIMSI, Algorithm: c.Algorithm()}))
		centres = append(centres, centre)
	}
	for i := range 50 {
		vectors, err := centres[i%3%2].Vectors(t.Context(), request(aka.SchemeAKA))
		require.NoError(t, err)
		verdict, _, _ := card.Authenticate(vectors[0].RAND, vectors[0].AUTN)
		require.Equal(t, eaptest.Accepted, verdict, i)
	}
}
