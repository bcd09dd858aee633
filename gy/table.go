package gy

import "fmt"

// State is a state of the credit-control client (RFC 8506, section 7, Tables 3
// and 4). In each Pending state one request is unanswered.
type State uint8

const (
	// Idle: no credit-control session. The service may be off, free (4011),
	// or going on without the server for a while; a request whose fate is not
	// known may be stored, and then Retry leads on to its Pending state.
	Idle State = iota
	// PendingI: CCR-I is unanswered. Entered from Idle, and from PendingU when
	// the server has lost the session. Timer Tx.
	PendingI
	// PendingU: CCR-U is unanswered. Timer Tx.
	PendingU
	// PendingT: the session is being closed: CCR-T is unanswered, or waits for
	// the service's final counters (Config.StopWait).
	PendingT
	// Open: quota is there, or in ModeAuthorize permission.
	Open

	numStates = iota
)

// String returns the state's name.
func (s State) String() string {
	switch s {
	case Idle:
		return "Idle"
	case PendingI:
		return "PendingI"
	case PendingU:
		return "PendingU"
	case PendingT:
		return "PendingT"
	case Open:
		return "Open"
	default:
		return fmt.Sprintf("State(%d)", uint8(s))
	}
}

// event is what may happen to a session.
type event uint8

// Events of RFC 8506, section 7, and behind them ours.
const (
	evStart              event = iota // client or device requests access/service
	evSuccess                         // successful answer
	evFailureToSend                   // no server can be reached, or none answers
	evTemporaryError                  // TOO_BUSY, UNABLE_TO_DELIVER, LOOP_DETECTED
	evTxExpired                       // Tx timer expired
	evDenied                          // END_USER_SERVICE_DENIED, USER_UNKNOWN, and the like
	evNotApplicable                   // CREDIT_CONTROL_NOT_APPLICABLE
	evFailedAnswer                    // any other failure
	evTerminated                      // user service terminated
	evRatingChange                    // change in rating condition, or another reason to report
	evUnitsElapsed                    // granted units elapse, not the final ones
	evFinalElapsed                    // final units elapse, action TERMINATE
	evValidityElapsed                 // Validity-Time elapses
	evQueuedRatingChange              // change in rating condition in queue
	evQueuedTerminated                // service terminated in queue
	evRAR                             // RAR received

	evUnknownSession    // UNKNOWN_SESSION_ID: the server has lost the session
	evAbort             // ASR received: end the service
	evStoredInitial     // time to send a stored CCR-I again, or it was answered late
	evStoredUpdate      // the same of a CCR-U
	evStoredTermination // the same of a CCR-T

	numEvents = iota
)

// action is what is done for an event, before the next one.
type action uint8

const (
	// actUnexpected: an event that the state has no place for. It changes
	// nothing, and Output.Unexpected tells.
	actUnexpected action = iota
	// actNone: rightly nothing.
	actNone
	// actSendInitial, actSendUpdate, actSendTermination: send the request,
	// start Tx.
	actSendInitial
	actSendUpdate
	actSendTermination
	// actResend sends the stored request again as it was.
	actResend
	// actOpen: stop Tx, settle the usage reported, take the grants.
	actOpen
	// actGrantWaiting: the service goes on, or begins, within the bounds of
	// grace; a late answer is awaited.
	actGrantWaiting
	// actGrantStored: the same, but the request is stored for later.
	actGrantStored
	// actGrantRefused: the same, but the request was refused: a new session
	// later.
	actGrantRefused
	// actEndStored: end the service; the request is stored for later.
	actEndStored
	// actEndRefused: end the service; the request was refused.
	actEndRefused
	// actFree: the service goes on and credit control ends.
	actFree
	// actQueue: remembered; dealt with when the answer has come.
	actQueue
	// actEnd: end the service. What follows from it is dealt with when its
	// final counters come.
	actEnd
	// actEndClose: end the service and close the session with CCR-T, as soon
	// as the final counters are known.
	actEndClose
	// actClosed: the session is closed, its usage settled.
	actClosed
	// actStored: the request is stored for later.
	actStored
	// actRefused: the request was refused; there is nothing to end.
	actRefused
	// actLost: the server does not know the session that was to be closed.
	actLost
	// actReopen: begin a new credit-control session in place of the lost one.
	actReopen
	// actReauthorize: credit is asked for again, now or when the answer has
	// come.
	actReauthorize
)

// handling sets select rows by Credit-Control-Failure-Handling.
const (
	onTerminate = 1 << iota
	onContinue
	onRetry
	always = onTerminate | onContinue | onRetry
)

// row is one row of the state machine. Source is the RFC's table, or "ours"
// where it has no such row.
type row struct {
	state    State
	event    event
	handling uint8
	action   action
	next     State
	source   string
}

// rows is the whole machine: RFC 8506, Tables 3 and 4 row by row, and ours.
// What is in neither is actUnexpected.
var rows = []row{
	// Table 3.
	{Idle, evStart, always, actSendInitial, PendingI, "Table 3"},
	{PendingI, evSuccess, always, actOpen, Open, "Table 3"},
	{PendingI, evFailureToSend, onContinue, actGrantStored, Idle, "Table 3"},
	{PendingI, evTemporaryError, onContinue, actGrantStored, Idle, "Table 3"},
	{PendingI, evFailureToSend, onTerminate | onRetry, actEndStored, Idle, "Table 3"},
	{PendingI, evTemporaryError, onTerminate | onRetry, actEndStored, Idle, "Table 3"},
	{PendingI, evTxExpired, onTerminate, actEndStored, Idle, "Table 3"},
	{PendingI, evTxExpired, onContinue | onRetry, actGrantWaiting, PendingI, "Table 3"},
	{PendingI, evDenied, always, actEndRefused, Idle, "Table 3"},
	{PendingI, evNotApplicable, always, actFree, Idle, "Table 3"},
	{PendingI, evFailedAnswer, onContinue, actGrantRefused, Idle, "Table 3"},
	{PendingI, evFailedAnswer, onTerminate | onRetry, actEndRefused, Idle, "Table 3"},
	{PendingI, evTerminated, always, actQueue, PendingI, "Table 3"},
	{PendingI, evRatingChange, always, actQueue, PendingI, "Table 3"},

	// Table 4. Departure: CCR-T waits for the final counters, in PendingT.
	{Open, evUnitsElapsed, always, actSendUpdate, PendingU, "Table 4"},
	{Open, evFinalElapsed, always, actEndClose, PendingT, "Table 4"},
	{Open, evQueuedRatingChange, always, actSendUpdate, PendingU, "Table 4"},
	{Open, evQueuedTerminated, always, actSendTermination, PendingT, "Table 4"},
	{Open, evRatingChange, always, actSendUpdate, PendingU, "Table 4"},
	{Open, evValidityElapsed, always, actSendUpdate, PendingU, "Table 4"},
	{Open, evTerminated, always, actSendTermination, PendingT, "Table 4"},
	{Open, evRAR, always, actSendUpdate, PendingU, "Table 4"},
	{PendingU, evSuccess, always, actOpen, Open, "Table 4"},
	{PendingU, evFailureToSend, onContinue, actGrantStored, Idle, "Table 4"},
	{PendingU, evTemporaryError, onContinue, actGrantStored, Idle, "Table 4"},
	{PendingU, evFailureToSend, onTerminate | onRetry, actEndStored, Idle, "Table 4"},
	{PendingU, evTemporaryError, onTerminate | onRetry, actEndStored, Idle, "Table 4"},
	{PendingU, evTxExpired, onTerminate, actEndStored, Idle, "Table 4"},
	{PendingU, evTxExpired, onContinue | onRetry, actGrantWaiting, PendingU, "Table 4"},
	{PendingU, evDenied, always, actEndRefused, Idle, "Table 4"},
	{PendingU, evNotApplicable, always, actFree, Idle, "Table 4"},
	{PendingU, evFailedAnswer, onContinue, actGrantRefused, Idle, "Table 4"},
	{PendingU, evFailedAnswer, onTerminate | onRetry, actEndRefused, Idle, "Table 4"},
	{PendingU, evTerminated, always, actQueue, PendingU, "Table 4"},
	{PendingU, evRatingChange, always, actQueue, PendingU, "Table 4"},
	{PendingU, evRAR, always, actNone, PendingU, "Table 4"},
	{PendingT, evSuccess, always, actClosed, Idle, "Table 4"},
	{PendingT, evFailureToSend, always, actStored, Idle, "Table 4"},
	{PendingT, evTemporaryError, always, actStored, Idle, "Table 4"},
	{PendingT, evFailedAnswer, always, actRefused, Idle, "Table 4"},
	{PendingT, evRatingChange, always, actNone, PendingT, "Table 4"},

	// Ours: the session that the server has lost.
	{PendingI, evUnknownSession, onContinue, actGrantRefused, Idle, "ours"},
	{PendingI, evUnknownSession, onTerminate | onRetry, actEndRefused, Idle, "ours"},
	{PendingU, evUnknownSession, always, actReopen, PendingI, "ours"},
	{PendingT, evUnknownSession, always, actLost, Idle, "ours"},
	// Ours: more that the server may say.
	{PendingI, evRAR, always, actReauthorize, PendingI, "ours"},
	{PendingT, evRAR, always, actNone, PendingT, "ours"},
	{PendingT, evDenied, always, actRefused, Idle, "ours"},
	{PendingT, evNotApplicable, always, actClosed, Idle, "ours"},
	{Idle, evAbort, always, actEnd, Idle, "ours"},
	{PendingI, evAbort, always, actEnd, PendingI, "ours"},
	{PendingU, evAbort, always, actEnd, PendingU, "ours"},
	{PendingT, evAbort, always, actNone, PendingT, "ours"},
	{Open, evAbort, always, actEndClose, PendingT, "ours"},
	// Ours: the final counters have come, or are awaited no longer; and CCR-T
	// is awaited longer than Tx, which concerns nobody.
	{PendingT, evTerminated, always, actSendTermination, PendingT, "ours"},
	{PendingT, evTxExpired, always, actNone, PendingT, "ours"},
	// Ours: usage that is still to be reported.
	{Idle, evTerminated, always, actSendTermination, PendingT, "ours"},
	{Idle, evStoredInitial, always, actResend, PendingI, "ours"},
	{Idle, evStoredUpdate, always, actResend, PendingU, "ours"},
	{Idle, evStoredTermination, always, actResend, PendingT, "ours"},
}

// cell is what an event does in a state.
type cell struct {
	action action
	next   State
}

// table is rows by state, event and failure handling (less one).
var table = func() (t [numStates][numEvents][3]cell) {
	for s := range t {
		for e := range t[s] {
			for h := range t[s][e] {
				t[s][e][h] = cell{actUnexpected, State(s)}
			}
		}
	}
	for _, r := range rows {
		for h := range 3 {
			if r.handling&(1<<h) != 0 {
				t[r.state][r.event][h] = cell{r.action, r.next}
			}
		}
	}
	return t
}()
