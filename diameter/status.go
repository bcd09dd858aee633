package diameter

import (
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// Messages of the log.
const (
	logTimeout       = "Diameter peer connection timeout"
	logFailed        = "Diameter peer connection failed"
	logOpen          = "Diameter peer connected"
	logSuspect       = "Diameter peer suspect"
	logClosed        = "Diameter peer disconnected"
	logRefused       = "Diameter peer refused"
	logStep          = "Diameter peer event"
	logWatchdog      = "Diameter watchdog event"
	logRestarted     = "Diameter peer restarted"
	logCallbackPanic = "Diameter callback panic"
	logHandlerPanic  = "Diameter handler panic"
)

// PeerState is a peer's state as people want to know it.
type PeerState uint8

// States of a peer.
const (
	PeerClosed     PeerState = iota // no connection
	PeerConnecting                  // connecting, or exchanging capabilities
	PeerOpen                        // in use
	PeerSuspect                     // connected, but silent: not used until it says something
	PeerReopening                   // connected again, being probed before it's used
	PeerClosing                     // one side said that it disconnects
)

func (s PeerState) String() string {
	switch s {
	case PeerClosed:
		return "closed"
	case PeerConnecting:
		return "connecting"
	case PeerOpen:
		return "open"
	case PeerSuspect:
		return "suspect"
	case PeerReopening:
		return "reopening"
	case PeerClosing:
		return "closing"
	default:
		return "unknown"
	}
}

// PeerStatus is a line of the peer table.
type PeerStatus struct {
	Host    string
	Realm   string
	Address string // of the connection's far end, or that to connect to
	State   PeerState
	Since   time.Time // of State
	// Initiator: we connected, or, without a connection, we would.
	Initiator     bool
	Transport     string // "tcp", "tls" or "sctp"; of the connection, else as configured
	ProductName   string
	VendorID      uint32
	OriginStateID uint32        // the greatest so far, in CER, CEA, DWR and DWA; 0: none
	Applications  []Application // advertised by the peer; shared, not to be changed
	Pending       int           // requests that wait for an answer
	Unmatched     uint64        // answers that nobody waited for, on this connection
	// Requests are those sent to the peer, Answers what came back. Timeouts are
	// the requests whose caller's context ended without one, and FailedOver
	// those that were sent elsewhere because of this peer.
	Requests, Answers, Timeouts, FailedOver uint64
	// Duplicates are the peer's requests that got the answer of an earlier copy.
	Duplicates uint64
	// Restarts is how often its Origin-State-Id has grown.
	Restarts uint64

	Priority, Weight int      // as configured, with defaults
	Serves           []string // as configured; shared, not to be changed
	Relay            bool     // advertised the relay application
	LastError        string   // why the last connection or attempt ended
}

// counters count, for as long as the peer is in the table.
type counters struct {
	requests, answers, timeouts, failedOver, duplicates, restarts atomic.Uint64
}

// Connected reports whether there is a connection to the peer, with
// capabilities exchanged.
func (s PeerState) Connected() bool { return s != PeerClosed && s != PeerConnecting }

// state maps the two machines' states to one.
func (p *peer) state() PeerState {
	switch p.m.state {
	case stateClosed:
		return PeerClosed
	case stateClosing:
		return PeerClosing
	case stateIOpen, stateROpen:
		switch p.wd.state {
		case wdOkay:
			return PeerOpen
		case wdReopen:
			return PeerReopening
		default:
			return PeerSuspect
		}
	default:
		return PeerConnecting
	}
}

// publish makes the machines' state known.
func (p *peer) publish() {
	c, state := p.current(), p.state()
	if c != nil {
		c.eager.Store(state == PeerSuspect)
	}
	if c != nil {
		c.pending.setSuspect(state == PeerSuspect)
	}
	if state == PeerOpen {
		p.usable.Store(c)
	} else {
		p.usable.Store(nil)
	}
	p.shown.Store(c)
	p.mu.Lock()
	was := p.status.State
	if p.lastErr != nil {
		p.status.LastError = p.lastErr.Error()
	}
	if was == state {
		p.mu.Unlock()
		return
	}
	p.status.State, p.status.Since = state, time.Now()
	if c != nil {
		p.status.Initiator = c.initiator
		if a := c.nc.RemoteAddr(); a != nil {
			p.status.Address = a.String()
		}
		p.status.Transport = c.transport()
		if caps := c.caps.Load(); caps != nil {
			p.status.Realm, p.status.ProductName, p.status.VendorID = caps.realm, caps.product, caps.vendor
			p.status.Applications = caps.applications
		}
	} else if p.cfg.initiates() {
		p.status.Initiator, p.status.Address = true, p.cfg.Address
	}
	p.mu.Unlock()

	p.logChange(was, state)
	if h := p.node.cfg.Hooks.PeerChange; h != nil {
		h(PeerChange{Host: p.cfg.Host, From: was, To: state, Err: p.lastErr})
	}
	p.node.notify()
}

func (p *peer) logChange(was, state PeerState) {
	switch {
	case state == PeerOpen:
		p.log(slog.LevelWarn, logOpen, slog.String("transport", p.status.Transport),
			slog.Bool("initiator", p.status.Initiator), slog.String("product", p.status.ProductName))
	case state == PeerSuspect:
		p.log(slog.LevelWarn, logSuspect)
	case was.Connected() && !state.Connected():
		var why []slog.Attr
		if p.lastErr != nil {
			why = append(why, slog.Any("error", p.lastErr))
		}
		p.log(slog.LevelWarn, logClosed, why...)
	default:
		p.log(slog.LevelDebug, "Diameter peer "+state.String())
	}
}

// snapshot returns the peer's line of the table.
func (p *peer) snapshot() PeerStatus {
	p.mu.Lock()
	s := p.status
	p.mu.Unlock()
	if c := p.shown.Load(); c != nil {
		s.Pending, s.Unmatched = c.pending.len(), c.unmatched.Load()
	}
	s.Requests, s.Answers = p.requests.Load(), p.answers.Load()
	s.Timeouts, s.FailedOver, s.Duplicates = p.timeouts.Load(), p.failedOver.Load(), p.duplicates.Load()
	s.Restarts = p.restarts.Load()
	s.OriginStateID = p.originState.Load()
	if caps := p.caps.Load(); caps != nil {
		s.Relay = caps.relay
	}
	return s
}

// Peers returns the peer table, by host: the configured peers and those that
// are connected.
func (n *Node) Peers() []PeerStatus {
	list := n.peerList()
	out := make([]PeerStatus, 0, len(list))
	for _, p := range list {
		out = append(out, p.snapshot())
	}
	slices.SortFunc(out, func(a, b PeerStatus) int { return strings.Compare(a.Host, b.Host) })
	return out
}
