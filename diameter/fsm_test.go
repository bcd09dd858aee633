package diameter

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestEveryPairIsInTheTable(t *testing.T) {
	for s := range numStates {
		require.NotEqual(t, "?", s.String())
		for e := range numEvents {
			tr := transitions[s][e]
			require.NotEqual(t, unset, tr.origin, "%v, %v", s, e)
			if tr.origin == dropped {
				require.Equal(t, s, tr.next, "%v, %v", s, e)
				require.Empty(t, tr.actions)
			}
			for _, a := range tr.actions {
				require.NotEmpty(t, a.String())
			}
		}
	}
}

func TestTableHasTheRFCsRows(t *testing.T) {
	rows := map[peerState]int{
		stateClosed: 2, stateWaitConnAck: 4, stateWaitICEA: 5, stateWaitConnAckElect: 5,
		stateWaitReturns: 6, stateROpen: 8, stateIOpen: 8, stateClosing: 5,
	}
	for s := range numStates {
		n := 0
		for e := range numEvents {
			if transitions[s][e].origin == rfc {
				n++
			}
		}
		require.Equal(t, rows[s], n, "%v", s)
	}
}

// walk steps through events and compares the states and actions.
func walk(t *testing.T, won bool, steps ...string) {
	t.Helper()
	var got []string
	m := machine{won: func() bool { return won }}
	m.do = func(a action) { got = append(got, a.String()) }
	m.changed = func(_, to peerState) { got = append(got, "="+to.String()) }
	var want []string
	flush := func() {
		if got == nil {
			got = []string{}
		}
		if want == nil {
			want = []string{}
		}
		require.Equal(t, want, got)
		got, want = nil, nil
	}
	for _, s := range steps {
		if e := slices.IndexFunc(allEvents(), func(e event) bool { return e.String() == s }); e >= 0 {
			flush()
			m.step(event(e))
			continue
		}
		want = append(want, s)
	}
	flush()
}

func allEvents() (all []event) {
	for e := range numEvents {
		all = append(all, e)
	}
	return all
}

func TestInitiatorWalk(t *testing.T) {
	walk(t, false,
		"Start", "I-Snd-Conn-Req", "=Wait-Conn-Ack",
		"I-Rcv-Conn-Ack", "I-Snd-CER", "=Wait-I-CEA",
		"I-Rcv-CEA", "Process-CEA", "=I-Open",
		"I-Rcv-DWA", "Process-DWA",
		"R-Conn-CER", "R-Reject",
		"Timeout",
		"Stop", "I-Snd-DPR", "=Closing",
		"I-Rcv-DPA", "I-Disc", "=Closed")
}

func TestResponderWalk(t *testing.T) {
	walk(t, false,
		"R-Conn-CER", "R-Accept,Process-CER", "R-Snd-CEA", "=R-Open",
		"R-Rcv-DPR", "R-Snd-DPA", "=Closing",
		"R-Peer-Disc", "R-Disc", "=Closed",
		"Start", "I-Snd-Conn-Req", "=Wait-Conn-Ack",
		"I-Rcv-Conn-Nack", "Error", "=Closed")
}

func TestElectionWalks(t *testing.T) {
	walk(t, true,
		"Start", "I-Snd-Conn-Req", "=Wait-Conn-Ack",
		"I-Rcv-Conn-Ack", "I-Snd-CER", "=Wait-I-CEA",
		"R-Conn-CER", "R-Accept,Process-CER", "=Wait-Returns", "I-Disc", "R-Snd-CEA", "=R-Open")
	walk(t, false,
		"Start", "I-Snd-Conn-Req", "=Wait-Conn-Ack",
		"R-Conn-CER", "R-Accept,Process-CER", "=Wait-Conn-Ack/Elect",
		"I-Rcv-Conn-Ack", "I-Snd-CER", "=Wait-Returns",
		"I-Rcv-CEA", "R-Disc", "Process-CEA", "=I-Open")
	walk(t, false,
		"Start", "I-Snd-Conn-Req", "=Wait-Conn-Ack",
		"R-Conn-CER", "R-Accept,Process-CER", "=Wait-Conn-Ack/Elect",
		"I-Rcv-Conn-Nack", "R-Snd-CEA", "=R-Open")
	walk(t, false,
		"Start", "I-Snd-Conn-Req", "=Wait-Conn-Ack",
		"I-Rcv-Conn-Ack", "I-Snd-CER", "=Wait-I-CEA",
		"R-Conn-CER", "R-Accept,Process-CER", "=Wait-Returns",
		"I-Rcv-Non-CEA", "I-Disc", "R-Snd-CEA", "=R-Open")
}

func TestWinsElection(t *testing.T) {
	require.True(t, winsElection("b.example", "a.example"))
	require.False(t, winsElection("a.example", "b.example"))
	require.False(t, winsElection("A.example", "a.EXAMPLE"), "equal but for case")
	require.True(t, winsElection("B.example", "a.example"), "case does not count")
	for _, pair := range [][2]string{{"a", "ab"}, {"aaa1.x", "hss1.x"}} {
		require.NotEqual(t, winsElection(pair[0], pair[1]), winsElection(pair[1], pair[0]), fmt.Sprint(pair))
	}
}
