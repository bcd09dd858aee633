package accounting

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/session"
)

// TestRecorderAnyOrder: the same of whole sessions with the store, ended and opened again in
// between: one session, one ticket for each event, and the NAS's totals on it in the end.
func TestRecorderAnyOrder(t *testing.T) {
	n := nasKind{stamps: true, sessionTime: true, gigawords: true, packets: true}
	for seed := range uint64(150) {
		r := rand.New(rand.NewPCG(seed, 2))
		d := newDesk(t, RecorderConfig{}, session.Config{})
		life := n.life(r)
		for i := range life { // stores forget what is past
			life[i].at = life[i].at.Add(now().Sub(testBegin))
		}
		order := make([]int, 0, 2*len(life))
		for i := range life {
			for range 1 + r.IntN(2) {
				order = append(order, i)
			}
		}
		if seed%2 == 0 {
			r.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		}
		var log []string
		var usage session.Usage
		for _, i := range order {
			v := d.record(life[i].at.Add(time.Second), n.packet(life[i], time.Second))
			log = append(log, fmt.Sprint(i, " ", life[i].status, ": ", v))
			s := d.sessionOf()
			noLess(t, usage, s.Usage, log)
			usage = s.Usage
			if r.IntN(4) == 0 {
				require.NoError(t, d.r.End(t.Context(), mustGet(t, d.m, s.ID), session.ReasonSilent))
				log = append(log, "ended")
			}
		}
		count := make(map[string]int)
		for _, ticket := range d.tickets() {
			require.Equal(t, d.sessionOf().ID, ticket.Session, log)
			if !ticket.Archival {
				count[fmt.Sprint(ticket.Status, ticket.EventTime.Unix())]++
			}
		}
		require.Len(t, count, len(life), log)
		for what, tickets := range count {
			require.Equal(t, 1, tickets, "%s: %v", what, log)
		}
		s := d.sessionOf()
		require.Equal(t, session.Ended, s.State, log)
		require.Equal(t, life[len(life)-1].truth, s.Usage, log)
		require.Equal(t, session.Counts{}, d.m.Counts(), log)
		started := slices.IndexFunc(life, func(h happened) bool { return h.status == Start })
		require.True(t, s.Started.Equal(life[started].at), log)
	}
}
