package gy

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// rfcRows are Tables 3 and 4 of RFC 8506, section 7, copied by hand from the
// text: state, event, failure handling, new state. They are the measure; rows
// is what is measured.
var rfcRows = []struct {
	state    State
	event    event
	handling FailureHandling // FailureDefault: any
	next     State
}{
	// Table 3: first interrogation with CCR.
	{Idle, evStart, FailureDefault, PendingI},
	{PendingI, evSuccess, FailureDefault, Open},
	{PendingI, evFailureToSend, FailureContinue, Idle},
	{PendingI, evTemporaryError, FailureContinue, Idle},
	{PendingI, evFailureToSend, FailureTerminate, Idle},
	{PendingI, evTemporaryError, FailureTerminate, Idle},
	{PendingI, evFailureToSend, FailureRetry, Idle},
	{PendingI, evTemporaryError, FailureRetry, Idle},
	{PendingI, evTxExpired, FailureTerminate, Idle},
	{PendingI, evTxExpired, FailureContinue, PendingI},
	{PendingI, evTxExpired, FailureRetry, PendingI},
	{PendingI, evDenied, FailureDefault, Idle},
	{PendingI, evNotApplicable, FailureDefault, Idle},
	{PendingI, evFailedAnswer, FailureContinue, Idle},
	{PendingI, evFailedAnswer, FailureTerminate, Idle},
	{PendingI, evFailedAnswer, FailureRetry, Idle},
	{PendingI, evTerminated, FailureDefault, PendingI},
	{PendingI, evRatingChange, FailureDefault, PendingI},
	// Table 4: intermediate and final interrogations.
	{Open, evUnitsElapsed, FailureDefault, PendingU},
	{Open, evFinalElapsed, FailureDefault, PendingT},
	{Open, evQueuedRatingChange, FailureDefault, PendingU},
	{Open, evQueuedTerminated, FailureDefault, PendingT},
	{Open, evRatingChange, FailureDefault, PendingU},
	{Open, evValidityElapsed, FailureDefault, PendingU},
	{Open, evTerminated, FailureDefault, PendingT},
	{Open, evRAR, FailureDefault, PendingU},
	{PendingU, evSuccess, FailureDefault, Open},
	{PendingU, evFailureToSend, FailureContinue, Idle},
	{PendingU, evTemporaryError, FailureContinue, Idle},
	{PendingU, evFailureToSend, FailureTerminate, Idle},
	{PendingU, evTemporaryError, FailureTerminate, Idle},
	{PendingU, evFailureToSend, FailureRetry, Idle},
	{PendingU, evTemporaryError, FailureRetry, Idle},
	{PendingU, evTxExpired, FailureTerminate, Idle},
	{PendingU, evTxExpired, FailureContinue, PendingU},
	{PendingU, evTxExpired, FailureRetry, PendingU},
	{PendingU, evDenied, FailureDefault, Idle},
	{PendingU, evNotApplicable, FailureDefault, Idle},
	{PendingU, evFailedAnswer, FailureContinue, Idle},
	{PendingU, evFailedAnswer, FailureTerminate, Idle},
	{PendingU, evFailedAnswer, FailureRetry, Idle},
	{PendingU, evTerminated, FailureDefault, PendingU},
	{PendingU, evRatingChange, FailureDefault, PendingU},
	{PendingU, evRAR, FailureDefault, PendingU},
	{PendingT, evSuccess, FailureDefault, Idle},
	{PendingT, evFailureToSend, FailureDefault, Idle},
	{PendingT, evTemporaryError, FailureDefault, Idle},
	{PendingT, evFailedAnswer, FailureDefault, Idle},
	{PendingT, evRatingChange, FailureDefault, PendingT},
}

// rfcActions are the actions of the same tables, by what the RFC calls them.
var rfcActions = map[string]map[action]bool{
	"grant":     {actGrantStored: true, actGrantWaiting: true, actGrantRefused: true, actFree: true},
	"terminate": {actEndStored: true, actEndRefused: true},
}

func TestEveryRowOfTheRFC(t *testing.T) {
	for _, r := range rfcRows {
		handlings := []FailureHandling{r.handling}
		if r.handling == FailureDefault {
			handlings = []FailureHandling{FailureTerminate, FailureContinue, FailureRetry}
		}
		for _, h := range handlings {
			c := table[r.state][r.event][h-1]
			require.Equal(t, r.next, c.next, "%v, event %d, %v", r.state, r.event, h)
			require.NotEqual(t, actUnexpected, c.action, "%v, event %d, %v", r.state, r.event, h)
			// What the RFC has the client do to the service.
			switch {
			case r.state != PendingI && r.state != PendingU:
			case r.event == evNotApplicable,
				r.handling == FailureContinue,
				r.event == evTxExpired && r.handling == FailureRetry:
				require.True(t, rfcActions["grant"][c.action], "%v, event %d, %v", r.state, r.event, h)
			case r.event == evDenied, r.handling != FailureDefault:
				require.True(t, rfcActions["terminate"][c.action], "%v, event %d, %v", r.state, r.event, h)
			}
		}
	}
	require.Len(t, rfcRows, 49)
}

// TestEveryPairIsDecided: each (state, event) pair has exactly one row for
// each failure handling, or it is one of those that can only be a mistake.
func TestEveryPairIsDecided(t *testing.T) {
	covered := make(map[[3]int]int)
	for _, r := range rows {
		for h := range 3 {
			if r.handling&(1<<h) != 0 {
				covered[[3]int{int(r.state), int(r.event), h}]++
			}
		}
		require.Contains(t, []string{"Table 3", "Table 4", "ours"}, r.source)
		require.NotEqual(t, actUnexpected, r.action)
	}
	// Answers without a question, questions while there is no session, and
	// what only Open can notice. Nothing but a bug, or a caller's, leads here.
	mistakes := map[State][]event{
		Idle: {evSuccess, evFailureToSend, evTemporaryError, evTxExpired, evDenied, evNotApplicable, evFailedAnswer,
			evRatingChange, evUnitsElapsed, evFinalElapsed, evValidityElapsed, evQueuedRatingChange, evQueuedTerminated, evRAR, evUnknownSession},
		PendingI: {evStart, evUnitsElapsed, evFinalElapsed, evValidityElapsed, evQueuedRatingChange, evQueuedTerminated,
			evStoredInitial, evStoredUpdate, evStoredTermination},
		PendingU: {evStart, evUnitsElapsed, evFinalElapsed, evValidityElapsed, evQueuedRatingChange, evQueuedTerminated,
			evStoredInitial, evStoredUpdate, evStoredTermination},
		PendingT: {evStart, evUnitsElapsed, evFinalElapsed, evValidityElapsed, evQueuedRatingChange, evQueuedTerminated,
			evStoredInitial, evStoredUpdate, evStoredTermination},
		Open: {evStart, evSuccess, evFailureToSend, evTemporaryError, evTxExpired, evDenied, evNotApplicable, evFailedAnswer,
			evUnknownSession, evStoredInitial, evStoredUpdate, evStoredTermination},
	}
	for s := range State(numStates) {
		for e := range event(numEvents) {
			for h := range 3 {
				n := covered[[3]int{int(s), int(e), h}]
				want := 1
				for _, m := range mistakes[s] {
					if m == e {
						want = 0
						require.Equal(t, cell{actUnexpected, s}, table[s][e][h])
					}
				}
				require.Equal(t, want, n, "%v, event %d, handling %d", s, e, h)
			}
		}
	}
}

func TestStateNames(t *testing.T) {
	for s := range State(numStates) {
		require.NotContains(t, s.String(), "(")
	}
	require.Equal(t, "State(9)", State(9).String())
}
