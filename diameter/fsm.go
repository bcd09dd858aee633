package diameter

// peerState is a state of the peer state machine of RFC 6733, section 5.6.
//
//	         Start            I-Rcv-Conn-Ack          I-Rcv-CEA
//	Closed ---------> WaitConnAck ---------> WaitICEA ---------> IOpen --+
//	 |  ^                 | R-Conn-CER           | R-Conn-CER            | Stop,
//	 |  |                 v                      v                       | DPR
//	 |  |          WaitConnAckElect -------> WaitReturns --> I/ROpen     v
//	 |  +--- time-outs, disconnections, and after ------------------- Closing
//	 |                                                                   ^
//	 +------------------------- R-Conn-CER --------------> ROpen --------+
//
// "I" is the connection this node initiated, "R" the one it responds on. Those
// of the connections that did not yet bring a CER belong to no peer and are
// the business of the listener (section 5.6.1).
type peerState uint8

const (
	// stateClosed: no connection. Left by Start (the reconnection timer) or by
	// a CER on an accepted connection.
	stateClosed peerState = iota
	// stateWaitConnAck: we are connecting. Timer: HandshakeTimeout, which also
	// ends the attempt.
	stateWaitConnAck
	// stateWaitICEA: connected, CER sent. Timer: HandshakeTimeout. Only a CEA
	// with success leads to IOpen, everything else back to Closed.
	stateWaitICEA
	// stateWaitConnAckElect: we are connecting, and hold an accepted connection
	// whose CER is not answered yet. Timer: HandshakeTimeout.
	stateWaitConnAckElect
	// stateWaitReturns: CER sent on ours, a CER received on theirs, and the
	// election not won (or it would have been left at once): the peer is to
	// answer ours or close it. Timer: HandshakeTimeout.
	stateWaitReturns
	// stateROpen: in use, on the connection the peer initiated. Timer: the
	// watchdog.
	stateROpen
	// stateIOpen: in use, on the connection we initiated. Timer: the watchdog.
	stateIOpen
	// stateClosing: a DPR was sent, or one was answered. Timer:
	// DisconnectTimeout. Answers still outstanding are accepted.
	stateClosing

	numStates
)

func (s peerState) String() string {
	switch s {
	case stateClosed:
		return "Closed"
	case stateWaitConnAck:
		return "Wait-Conn-Ack"
	case stateWaitICEA:
		return "Wait-I-CEA"
	case stateWaitConnAckElect:
		return "Wait-Conn-Ack/Elect"
	case stateWaitReturns:
		return "Wait-Returns"
	case stateROpen:
		return "R-Open"
	case stateIOpen:
		return "I-Open"
	case stateClosing:
		return "Closing"
	default:
		return "?"
	}
}

// event is an event of section 5.6.2. A CER or CEA that can't be accepted is
// not R-Conn-CER or I-Rcv-CEA: the former is refused by the listener, the
// latter is I-Rcv-Non-CEA.
type event uint8

const (
	evStart event = iota
	evRConnCER
	evIRcvConnAck
	evIRcvConnNack
	evTimeout
	evIRcvCEA
	evIRcvNonCEA
	evIPeerDisc
	evRPeerDisc
	evWinElection
	evIRcvDWR
	evRRcvDWR
	evIRcvDWA
	evRRcvDWA
	evIRcvDPR
	evRRcvDPR
	evIRcvDPA
	evRRcvDPA
	evIRcvMessage
	evRRcvMessage
	evSendMessage
	evStop

	numEvents
)

func (e event) String() string {
	return [numEvents]string{
		"Start", "R-Conn-CER", "I-Rcv-Conn-Ack", "I-Rcv-Conn-Nack", "Timeout", "I-Rcv-CEA", "I-Rcv-Non-CEA",
		"I-Peer-Disc", "R-Peer-Disc", "Win-Election", "I-Rcv-DWR", "R-Rcv-DWR", "I-Rcv-DWA", "R-Rcv-DWA",
		"I-Rcv-DPR", "R-Rcv-DPR", "I-Rcv-DPA", "R-Rcv-DPA", "I-Rcv-Message", "R-Rcv-Message", "Send-Message", "Stop",
	}[e]
}

// action is an action of section 5.6.3.
type action uint8

const (
	actISndConnReq action = iota + 1
	actISndCER
	actRAccept // and Process-CER
	actRReject
	actRSndCEA
	actProcessCEA
	actElect
	actIDisc
	actRDisc
	actISndDPR
	actRSndDPR
	actISndDPA
	actRSndDPA
	actProcessDWA
	actSend    // Snd-Message: by the sender itself, not by the machine
	actProcess // Process, Process-DWR and Snd-DWA: by the reader itself
	actError   // disconnect both, whichever there are
)

func (a action) String() string {
	return [...]string{
		"", "I-Snd-Conn-Req", "I-Snd-CER", "R-Accept,Process-CER", "R-Reject", "R-Snd-CEA", "Process-CEA", "Elect", "I-Disc",
		"R-Disc", "I-Snd-DPR", "R-Snd-DPR", "I-Snd-DPA", "R-Snd-DPA", "Process-DWA", "Snd-Message", "Process", "Error",
	}[a]
}

// origin says where a transition comes from.
type origin uint8

const (
	unset   origin = iota // no transition: the table has a hole
	rfc                   // section 5.6's table
	ours                  // not in that table, decided here; the comment says why
	dropped               // can only come late or by error: no action, same state
)

type transition struct {
	origin  origin
	actions []action
	next    peerState
}

func to(next peerState, actions ...action) transition { return transition{rfc, actions, next} }
func add(next peerState, actions ...action) transition {
	return transition{ours, actions, next}
}

// transitions is the table of RFC 6733, section 5.6. Every pair is there.
//
// Departures: an I-Rcv-Non-CEA in Wait-Returns, which the RFC leaves out (a
// peer may answer a lost election with 4003), is taken as I-Peer-Disc. Stop in
// the states between closes whatever there is. In Closing, a peer's own DPR is
// answered, and its DWRs, so that two nodes that stop together don't wait for
// their timers.
var transitions = table(map[peerState]map[event]transition{
	stateClosed: {
		evStart:    to(stateWaitConnAck, actISndConnReq),
		evRConnCER: to(stateROpen, actRAccept, actRSndCEA),
		evStop:     add(stateClosed),
	},
	stateWaitConnAck: {
		evIRcvConnAck:  to(stateWaitICEA, actISndCER),
		evIRcvConnNack: to(stateClosed, actError),
		evRConnCER:     to(stateWaitConnAckElect, actRAccept),
		evTimeout:      to(stateClosed, actError),
		evStop:         add(stateClosed, actError),
	},
	stateWaitICEA: {
		evIRcvCEA:    to(stateIOpen, actProcessCEA),
		evRConnCER:   to(stateWaitReturns, actRAccept, actElect),
		evIPeerDisc:  to(stateClosed, actIDisc),
		evIRcvNonCEA: to(stateClosed, actError),
		evTimeout:    to(stateClosed, actError),
		evStop:       add(stateClosed, actError),
	},
	stateWaitConnAckElect: {
		evIRcvConnAck:  to(stateWaitReturns, actISndCER, actElect),
		evIRcvConnNack: to(stateROpen, actRSndCEA),
		evRPeerDisc:    to(stateWaitConnAck, actRDisc),
		evRConnCER:     to(stateWaitConnAckElect, actRReject),
		evTimeout:      to(stateClosed, actError),
		evStop:         add(stateClosed, actError),
	},
	stateWaitReturns: {
		evWinElection: to(stateROpen, actIDisc, actRSndCEA),
		evIPeerDisc:   to(stateROpen, actIDisc, actRSndCEA),
		evIRcvNonCEA:  add(stateROpen, actIDisc, actRSndCEA),
		evIRcvCEA:     to(stateIOpen, actRDisc, actProcessCEA),
		evRPeerDisc:   to(stateWaitICEA, actRDisc),
		evRConnCER:    to(stateWaitReturns, actRReject),
		evTimeout:     to(stateClosed, actError),
		evStop:        add(stateClosed, actError),
	},
	stateROpen: {
		evSendMessage: to(stateROpen, actSend),
		evRRcvMessage: to(stateROpen, actProcess),
		evRRcvDWR:     to(stateROpen, actProcess),
		evRRcvDWA:     to(stateROpen, actProcessDWA),
		evRConnCER:    to(stateROpen, actRReject),
		evStop:        to(stateClosing, actRSndDPR),
		evRRcvDPR:     to(stateClosing, actRSndDPA),
		evRPeerDisc:   to(stateClosed, actRDisc),
	},
	stateIOpen: {
		evSendMessage: to(stateIOpen, actSend),
		evIRcvMessage: to(stateIOpen, actProcess),
		evIRcvDWR:     to(stateIOpen, actProcess),
		evIRcvDWA:     to(stateIOpen, actProcessDWA),
		evRConnCER:    to(stateIOpen, actRReject),
		evStop:        to(stateClosing, actISndDPR),
		evIRcvDPR:     to(stateClosing, actISndDPA),
		evIPeerDisc:   to(stateClosed, actIDisc),
	},
	stateClosing: {
		evIRcvDPA:     to(stateClosed, actIDisc),
		evRRcvDPA:     to(stateClosed, actRDisc),
		evTimeout:     to(stateClosed, actError),
		evIPeerDisc:   to(stateClosed, actIDisc),
		evRPeerDisc:   to(stateClosed, actRDisc),
		evIRcvDPR:     add(stateClosing, actISndDPA),
		evRRcvDPR:     add(stateClosing, actRSndDPA),
		evIRcvDWR:     add(stateClosing, actProcess),
		evRRcvDWR:     add(stateClosing, actProcess),
		evIRcvMessage: add(stateClosing, actProcess),
		evRRcvMessage: add(stateClosing, actProcess),
		evRConnCER:    add(stateClosing, actRReject),
	},
})

// droppedEvents are the events that are dropped in each state: they belong to
// a connection that the state does not have, to a timer that it does not run,
// or to a request that was made before. An error of this package that posted
// one would change nothing.
var droppedEvents = map[peerState][]event{
	stateClosed: {
		evIRcvConnAck, evIRcvConnNack, evTimeout, evIRcvCEA, evIRcvNonCEA, evIPeerDisc, evRPeerDisc, evWinElection,
		evIRcvDWR, evRRcvDWR, evIRcvDWA, evRRcvDWA, evIRcvDPR, evRRcvDPR, evIRcvDPA, evRRcvDPA,
		evIRcvMessage, evRRcvMessage, evSendMessage,
	},
	stateWaitConnAck: {
		evStart, evIRcvCEA, evIRcvNonCEA, evIPeerDisc, evRPeerDisc, evWinElection,
		evIRcvDWR, evRRcvDWR, evIRcvDWA, evRRcvDWA, evIRcvDPR, evRRcvDPR, evIRcvDPA, evRRcvDPA,
		evIRcvMessage, evRRcvMessage, evSendMessage,
	},
	stateWaitICEA: {
		evStart, evIRcvConnAck, evIRcvConnNack, evRPeerDisc, evWinElection,
		evIRcvDWR, evRRcvDWR, evIRcvDWA, evRRcvDWA, evIRcvDPR, evRRcvDPR, evIRcvDPA, evRRcvDPA,
		evIRcvMessage, evRRcvMessage, evSendMessage,
	},
	stateWaitConnAckElect: {
		evStart, evIRcvCEA, evIRcvNonCEA, evIPeerDisc, evWinElection,
		evIRcvDWR, evRRcvDWR, evIRcvDWA, evRRcvDWA, evIRcvDPR, evRRcvDPR, evIRcvDPA, evRRcvDPA,
		evIRcvMessage, evRRcvMessage, evSendMessage,
	},
	stateWaitReturns: {
		evStart, evIRcvConnAck, evIRcvConnNack,
		evIRcvDWR, evRRcvDWR, evIRcvDWA, evRRcvDWA, evIRcvDPR, evRRcvDPR, evIRcvDPA, evRRcvDPA,
		evIRcvMessage, evRRcvMessage, evSendMessage,
	},
	stateROpen: {
		evStart, evIRcvConnAck, evIRcvConnNack, evTimeout, evIRcvCEA, evIRcvNonCEA, evIPeerDisc, evWinElection,
		evIRcvDWR, evIRcvDWA, evIRcvDPR, evIRcvDPA, evIRcvMessage, evRRcvDPA,
	},
	stateIOpen: {
		evStart, evIRcvConnAck, evIRcvConnNack, evTimeout, evIRcvCEA, evIRcvNonCEA, evRPeerDisc, evWinElection,
		evRRcvDWR, evRRcvDWA, evRRcvDPR, evRRcvDPA, evRRcvMessage, evIRcvDPA,
	},
	stateClosing: {
		evStart, evIRcvConnAck, evIRcvConnNack, evIRcvCEA, evIRcvNonCEA, evWinElection,
		evIRcvDWA, evRRcvDWA, evSendMessage, evStop,
	},
}

func table(m map[peerState]map[event]transition) (t [numStates][numEvents]transition) {
	for s, row := range m {
		for e, tr := range row {
			t[s][e] = tr
		}
	}
	for s, events := range droppedEvents {
		for _, e := range events {
			if t[s][e].origin == unset {
				t[s][e] = transition{origin: dropped, next: s}
			}
		}
	}
	return t
}

// machine is the state machine itself, without timers or connections. It is
// not safe for concurrent use.
type machine struct {
	state peerState
	// do performs an action. It may be called with several in turn before the
	// state changes.
	do func(action)
	// won reports whether the election that was just held was won.
	won func() bool
	// changed is told of each change, after the actions.
	changed func(from, to peerState)
	// stepped, if not nil, is told of each event before its actions.
	stepped func(from peerState, e event, to peerState)
}

// step feeds an event.
func (m *machine) step(e event) {
	t := &transitions[m.state][e]
	if m.stepped != nil {
		m.stepped(m.state, e, t.next)
	}
	elect := false
	for _, a := range t.actions {
		if a == actElect {
			elect = true
			continue
		}
		m.do(a)
	}
	if from := m.state; from != t.next {
		m.state = t.next
		m.changed(from, t.next)
	}
	if elect && m.won() {
		m.step(evWinElection)
	}
}

// winsElection reports whether the node local wins the election against the
// node remote: whether its identity is the greater one, case aside (section
// 5.6.4). The winner closes the connection it initiated.
func winsElection(local, remote string) bool {
	return foldIdentity(local) > foldIdentity(remote)
}
