package accounting

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/session"
)

// TestNASAway: a NAS that was cut off for hours comes back with counters that have gone on. Its
// session was ended meanwhile; what was counted then is not counted again.
func TestNASAway(t *testing.T) {
	for _, last := range []Status{Interim, Stop} {
		synctest.Test(t, func(t *testing.T) {
			d := newDesk(t, RecorderConfig{}, session.Config{})
			begun := time.Now()
			event := func(status Status, in uint64) Verdict {
				now := time.Now()
				return d.record(now, packet(status, "A", append(volumes(uint32(now.Sub(begun).Seconds()), in, 0), stamp(now))...))
			}
			event(Start, 0)
			time.Sleep(10 * time.Minute)
			event(Interim, 100)
			id := d.sessionOf().ID
			e, err := d.m.Get(t.Context(), id)
			require.NoError(t, err)
			require.NoError(t, d.r.End(t.Context(), e, session.ReasonSilent))

			time.Sleep(20 * time.Hour)
			require.Equal(t, New, event(last, 150))
			s := d.sessionOf()
			require.Equal(t, id, s.ID)
			require.EqualValues(t, 150, s.Usage.InputOctets)
			require.Equal(t, last == Stop, s.State == session.Ended)
			all := d.tickets()
			require.Len(t, all, 4)
			require.EqualValues(t, 100, all[2].Usage.InputOctets)
			require.EqualValues(t, 150, all[3].Usage.InputOctets)
		})
	}
}
