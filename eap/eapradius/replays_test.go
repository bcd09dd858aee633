package eapradius

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestReplaysAgainstModel: over any run of logins and any time, a State that was
// answered, or whose login is over, is refused for as long as it is good.
func TestReplaysAgainstModel(t *testing.T) {
	const lifetime = 60 * time.Second
	type known struct {
		turn  uint16
		until time.Time
		over  bool
	}
	for seed := range uint64(50) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		r := newReplays(1<<16, lifetime)
		model := map[loginID]known{}
		now := time.Unix(1000, 0)
		for range 2000 {
			now = now.Add(time.Duration(rnd.IntN(3000)) * time.Millisecond)
			id := loginID{7: byte(rnd.IntN(40))}
			turn := uint16(1 + rnd.IntN(4))
			m := model[id]
			_, err := r.claim(id, turn, now)
			if !now.After(m.until) && (m.over || turn <= m.turn) {
				require.Error(t, err, "seed %d", seed)
			}
			if err != nil {
				continue
			}
			switch rnd.IntN(3) {
			case 0:
				r.done(id, turn, now)
				model[id] = known{turn: turn, until: now.Add(lifetime)}
			case 1:
				r.release(id, turn, now)
				model[id] = known{turn: turn - 1, until: now.Add(lifetime)}
				_, err = r.claim(id, turn, now)
				require.NoError(t, err)
				r.release(id, turn, now)
			case 2:
				r.end(id, turn, now)
				model[id] = known{over: true, until: now.Add(lifetime)}
			}
		}
	}
}
