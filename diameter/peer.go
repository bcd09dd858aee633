package diameter

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/opentwag/twag/diameter/wire"
)

// peerEvent is what happens to a peer, as told to its goroutine.
type peerEvent struct {
	kind    eventKind
	conn    *conn
	header  wire.Header
	message wire.Message
	cause   uint32
	err     error
	dial    uint64
	nc      net.Conn
	ack     chan struct{} // closed when the event was dealt with
}

type eventKind uint8

const (
	kindCER         eventKind = iota // an acceptable CER on an accepted connection
	kindDialed                       // the outcome of connecting: nc or err
	kindCEA                          // an acceptable CEA
	kindNonCEA                       // something else instead; err says what
	kindDWA                          // answer to a DWR
	kindDPR                          // cause, and the message to be answered
	kindDPA                          // answer to a DPR
	kindGone                         // the connection is closed
	kindActivity                     // messages came while conn.eager
	kindOriginState                  // cause is an Origin-State-Id
	kindSilent                       // requests wait, and nothing comes
	kindStop                         // disconnect and end
	kindRefused                      // who may be the peer connected in vain; err says why
)

// peer is a peer and its goroutine, which owns the two machines, the timers
// and the connections. Requests and answers don't pass through it: senders
// take the connection from usable.
type peer struct {
	node *Node
	cfg  PeerConfig
	// passing: not configured; the entry ends with its connection.
	passing bool
	inbox   chan peerEvent
	done    chan struct{}

	usable      atomic.Pointer[conn]         // where requests may be sent; nil: nowhere
	shown       atomic.Pointer[conn]         // the one in the peer table
	caps        atomic.Pointer[capabilities] // of the last connection that was open
	originState atomic.Uint32                // the greatest Origin-State-Id so far
	counters

	// Of the goroutine:
	m              machine
	wd             watchdog
	iconn, rconn   *conn
	rheader        wire.Header // of the CER on rconn
	rpending       bool        // which is not answered yet
	offered        *conn       // of the R-Conn-CER at hand
	rheaderOffered wire.Header
	dial           uint64 // counts attempts
	dialCancel     context.CancelFunc
	dials          sync.WaitGroup
	begun          bool      // a CER was accepted
	openedAt       time.Time // the last time
	timeoutAt      time.Time // of the handshake or the disconnection
	startAt        time.Time // of the next attempt to connect
	attempts       int       // failed ones in a row
	wdID           uint32    // Hop-by-Hop identifier of the DWR that is out
	peerDPR        wire.Message
	heldOff        bool // the peer asked us not to come back soon
	stopping       bool
	lastErr        error

	mu     sync.Mutex // guards the following
	status PeerStatus
}

func (n *Node) newPeer(cfg PeerConfig, passing bool) *peer {
	p := &peer{
		node: n, cfg: cfg, passing: passing,
		inbox: make(chan peerEvent, 16),
		done:  make(chan struct{}),
		wd:    watchdog{init: n.cfg.Watchdog},
	}
	p.m = machine{do: p.act, won: func() bool { return winsElection(n.cfg.OriginHost, cfg.Host) }, changed: p.changed}
	if n.cfg.Logger.Enabled(n.ctx, slog.LevelDebug) {
		p.m.stepped, p.wd.stepped = p.logStep, p.logWatchdog
	}
	p.status = PeerStatus{Host: cfg.Host, Realm: cfg.Realm, Address: cfg.Address, Transport: cfg.Transport, Initiator: cfg.initiates(), Since: time.Now(), Priority: cfg.Priority, Weight: max(cfg.Weight, 1), Serves: cfg.Serves}
	if cfg.Transport == "" {
		p.status.Transport = TransportTCP
	}
	return p
}

// post tells the peer's goroutine; false means that it has ended.
func (p *peer) post(e peerEvent) bool {
	select {
	case p.inbox <- e:
		return true
	case <-p.done:
		return false
	}
}

// run is the peer's goroutine.
func (p *peer) run() {
	defer p.end()
	if p.cfg.initiates() {
		p.startAt = time.Now()
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		p.timers(time.Now())
		p.publish()
		if p.m.state == stateClosed && (p.stopping || p.passing && p.begun) {
			return
		}
		if next := p.nextTimer(); next.IsZero() {
			timer.Stop()
		} else {
			timer.Reset(time.Until(next))
		}
		select {
		case <-timer.C:
		case e := <-p.inbox:
			p.handle(e)
			p.publish()
			if e.ack != nil {
				close(e.ack)
			}
		case <-p.node.ctx.Done():
			p.stopping = true
			p.fail(ErrClosed)
			p.act(actError)
			p.m.state = stateClosed
			p.wd.down()
			return
		}
	}
}

// end leaves nothing behind for those who wait for the peer.
func (p *peer) end() {
	p.cancelDial()
	p.publish()
	p.node.forget(p)
	dialed := make(chan struct{})
	p.node.wg.Go(func() {
		p.dials.Wait()
		close(dialed)
	})
	for {
		select {
		case e := <-p.inbox:
			p.discard(e)
			continue
		case <-dialed:
		}
		break
	}
	close(p.done)
	for {
		select {
		case e := <-p.inbox:
			p.discard(e)
		default:
			return
		}
	}
}

// discard deals with an event that came too late.
func (p *peer) discard(e peerEvent) {
	if e.nc != nil {
		_ = e.nc.Close()
	}
	if e.kind == kindCER {
		e.conn.orphan.Store(true)
	}
	if e.ack != nil {
		close(e.ack)
	}
}

// nextTimer returns when timers has something to do; zero: never.
func (p *peer) nextTimer() time.Time {
	var next time.Time
	for _, t := range [...]time.Time{p.timeoutAt, p.startAt, p.wd.deadline} {
		if !t.IsZero() && (next.IsZero() || t.Before(next)) {
			next = t
		}
	}
	return next
}

func (p *peer) timers(now time.Time) {
	if due(p.startAt, now) {
		p.startAt = time.Time{}
		if p.m.state == stateClosed && !p.stopping {
			p.m.step(evStart)
		}
	}
	if due(p.timeoutAt, now) {
		p.timeoutAt = time.Time{}
		if p.m.state != stateClosing {
			p.fail(fmt.Errorf("%w in state %v", errTimeout, p.m.state))
		}
		p.m.step(evTimeout)
	}
	if due(p.wd.deadline, now) {
		// Only silence counts: has anything come meanwhile?
		if c := p.current(); c != nil {
			if at := p.node.start.Add(time.Duration(c.lastRecv.Load())); at.After(p.wd.since) {
				p.watch(p.wd.receive(at, false))
			}
		}
		if due(p.wd.deadline, now) {
			p.watch(p.wd.expire(now))
		}
	}
}

func due(t, now time.Time) bool { return !t.IsZero() && !t.After(now) }

// current returns the connection in use, if there is one.
func (p *peer) current() *conn {
	switch p.m.state {
	case stateIOpen:
		return p.iconn
	case stateROpen:
		return p.rconn
	case stateClosing:
		if p.iconn != nil {
			return p.iconn
		}
		return p.rconn
	default:
		return nil
	}
}

// handle deals with one event.
func (p *peer) handle(e peerEvent) {
	if e.kind == kindStop {
		p.stopping = true
		p.startAt = time.Time{}
		p.m.step(evStop)
		return
	}
	if e.kind == kindCER {
		p.begun = true
		p.offered, p.rheaderOffered = e.conn, e.header
		p.m.step(evRConnCER)
		p.offered = nil
		return
	}
	if e.kind == kindDialed {
		p.dialed(e)
		return
	}
	if e.kind == kindRefused {
		if p.m.state == stateClosed {
			p.lastErr = e.err
		}
		return
	}
	ours := e.conn == p.iconn
	if !ours && e.conn != p.rconn || e.conn == nil {
		return // of a connection that was given up
	}
	either := func(i, r event) event {
		if ours {
			return i
		}
		return r
	}
	switch e.kind {
	case kindCEA:
		p.m.step(either(evIRcvCEA, evRRcvMessage))
	case kindNonCEA:
		p.fail(e.err)
		p.m.step(either(evIRcvNonCEA, evRRcvMessage))
	case kindDWA:
		if e.header.HopByHop != p.wdID || !p.wd.pending {
			p.node.drop(e.conn, e.header.Command, DropUnexpected)
			return
		}
		p.m.step(either(evIRcvDWA, evRRcvDWA))
	case kindDPR:
		p.peerDPR = e.message
		p.heldOff = e.cause == DisconnectBusy || e.cause == DisconnectDoNotWantToTalkToYou
		p.fail(fmt.Errorf("disconnected by the peer, cause %d", e.cause))
		p.m.step(either(evIRcvDPR, evRRcvDPR))
	case kindDPA:
		if p.m.state != stateClosing {
			p.node.drop(e.conn, e.header.Command, DropUnexpected)
		}
		p.m.step(either(evIRcvDPA, evRRcvDPA))
	case kindGone:
		if p.m.state != stateClosing {
			p.fail(e.conn.err)
		}
		p.m.step(either(evIPeerDisc, evRPeerDisc))
	case kindActivity:
		if e.conn == p.current() {
			p.watch(p.wd.receive(time.Now(), false))
		}
	case kindOriginState:
		p.sawOriginState(e.cause)
	case kindSilent:
		if e.conn == p.current() {
			p.watch(p.wd.probe(time.Now()))
		}
	}
}

// dialed takes in the outcome of an attempt to connect.
func (p *peer) dialed(e peerEvent) {
	if e.dial != p.dial || p.m.state != stateWaitConnAck && p.m.state != stateWaitConnAckElect {
		if e.nc != nil {
			_ = e.nc.Close()
		}
		return
	}
	p.cancelDial()
	if e.err != nil {
		p.fail(e.err)
		p.m.step(evIRcvConnNack)
		return
	}
	c := p.node.newConn(e.nc, true)
	c.peer.Store(p)
	p.iconn = c
	p.node.wg.Go(func() { p.node.readConn(c) })
	p.m.step(evIRcvConnAck)
}

// act performs an action of the state machine.
func (p *peer) act(a action) {
	n := p.node
	switch a {
	case actISndConnReq:
		p.connect()
	case actISndCER:
		p.timeoutAt = time.Now().Add(n.cfg.HandshakeTimeout)
		m, err := n.cer(nil, p.iconn.nc.LocalAddr())
		if err == nil {
			m.SetHopByHop(p.iconn.pending.id())
			m.SetEndToEnd(n.ids.nextEndToEnd())
			err = p.iconn.send(m)
		}
		if err != nil {
			p.iconn.close(err)
		}
	case actRAccept:
		p.rconn, p.rheader = p.offered, p.rheaderOffered
		p.rpending = true
	case actRReject:
		p.reject(p.offered, p.rheaderOffered, &ResultError{Code: ResultUnableToComply, Message: "there is a connection already"})
		// If the peer has restarted, it may be the only one who knows yet.
		p.watch(p.wd.probe(time.Now()))
	case actRSndCEA:
		p.rpending = false
		p.opened(p.rconn)
		p.rconn.sendAnswer(n.cea(nil, p.rheader, p.rconn.nc.LocalAddr(), nil))
	case actProcessCEA:
		p.opened(p.iconn)
	case actIDisc:
		p.iconn = shut(p.iconn)
	case actRDisc:
		if p.rpending {
			p.rpending = false
			p.reject(p.rconn, p.rheader, &ResultError{Code: ResultElectionLost})
			p.rconn = nil
			return
		}
		p.rconn = shut(p.rconn)
	case actISndDPR:
		p.disconnect(p.iconn)
	case actRSndDPR:
		p.disconnect(p.rconn)
	case actISndDPA:
		p.answerDPR(p.iconn)
	case actRSndDPA:
		p.answerDPR(p.rconn)
	case actProcessDWA:
		p.watch(p.wd.receive(time.Now(), true))
	case actError:
		p.cancelDial()
		p.iconn = shut(p.iconn)
		p.rconn = shut(p.rconn)
		p.rpending = false
	case actElect, actSend, actProcess:
		// The machine's, the sender's and the reader's own business.
	}
}

// shut closes a connection that is given up.
func shut(c *conn) *conn {
	if c != nil {
		c.close(net.ErrClosed)
	}
	return nil
}

// connect begins an attempt.
func (p *peer) connect() {
	p.dial++
	id, timeout := p.dial, p.node.cfg.HandshakeTimeout
	// The context ends first, and what comes of that says more.
	p.timeoutAt = time.Now().Add(timeout + max(timeout/10, time.Second))
	ctx, cancel := context.WithTimeout(p.node.ctx, timeout)
	p.dialCancel = cancel
	p.dials.Go(func() {
		defer cancel()
		nc, err := p.open(ctx)
		p.post(peerEvent{kind: kindDialed, dial: id, nc: nc, err: err})
	})
}

func (p *peer) cancelDial() {
	if p.dialCancel != nil {
		p.dialCancel()
		p.dialCancel = nil
	}
}

// opened lets a connection be used.
func (p *peer) opened(c *conn) {
	_ = c.nc.SetReadDeadline(time.Time{})
	caps := c.caps.Load()
	p.caps.Store(caps)
	p.sawOriginState(caps.originStateID)
	c.phase.Store(uint32(phaseOpen))
}

// reject answers a CER with an error and closes the connection.
func (p *peer) reject(c *conn, h wire.Header, err error) {
	c.sendAnswer(p.node.cea(nil, h, c.nc.LocalAddr(), err))
	c.finish(err)
}

// disconnect sends a DPR.
func (p *peer) disconnect(c *conn) {
	p.timeoutAt = time.Now().Add(p.node.cfg.DisconnectTimeout)
	m, err := p.node.dpr(nil, DisconnectRebooting)
	if err == nil {
		m.SetHopByHop(c.pending.id())
		m.SetEndToEnd(p.node.ids.nextEndToEnd())
		err = c.send(m)
	}
	if err != nil {
		c.close(err)
	}
}

// answerDPR answers a DPR; closing is the peer's part (RFC 6733, section 5.4).
// Another one does not give it more time.
func (p *peer) answerDPR(c *conn) {
	if p.m.state != stateClosing {
		p.timeoutAt = time.Now().Add(p.node.cfg.DisconnectTimeout)
	}
	w := p.node.beginAnswer(nil, p.peerDPR, ResultSuccess, false)
	c.sendAnswer(w.Message())
}

// watch does what the watchdog asks for.
func (p *peer) watch(a watchdogAction) {
	c := p.current()
	if c == nil {
		return
	}
	switch a {
	case wdSend:
		m, err := p.node.dwr(nil)
		if err == nil {
			p.wdID = c.pending.id()
			m.SetHopByHop(p.wdID)
			m.SetEndToEnd(p.node.ids.nextEndToEnd())
			err = c.send(m)
		}
		if err != nil && !errors.Is(err, ErrBusy) {
			c.close(err)
		}
	case wdClose:
		p.fail(fmt.Errorf("%w: no answer to the watchdog", errTimeout))
		c.close(errTimeout)
		if c == p.iconn {
			p.m.step(evIPeerDisc)
		} else {
			p.m.step(evRPeerDisc)
		}
	case wdFailOver, wdFailBack, wdNothing:
		// publish lets requests go elsewhere, or here again.
	}
}

// changed is told of each change of state.
func (p *peer) changed(from, to peerState) {
	now := time.Now()
	switch to {
	case stateIOpen, stateROpen:
		p.timeoutAt = time.Time{}
		p.lastErr = nil
		p.heldOff = false
		p.openedAt = now
		p.watch(p.wd.up(now))
	case stateClosing:
		p.wd.down()
	case stateClosed:
		p.wd.down()
		p.timeoutAt = time.Time{}
		p.peerDPR = nil
		if from == stateIOpen || from == stateROpen || from == stateClosing {
			// A peer that takes us in and throws us out again is no better
			// than one that does not answer.
			if now.Sub(p.openedAt) >= p.node.cfg.Reconnect/3 {
				p.attempts = 0
			}
		}
		if p.cfg.initiates() && !p.stopping {
			p.startAt = now.Add(p.backoff())
		}
	default:
	}
}

// backoff returns how long to wait before the next attempt to connect: half a
// second at first, doubled up to Tc, less up to half of it by chance. A peer
// that asked us to stay away is left alone for ten times Tc, once (RFC 6733,
// sections 2.1 and 5.4.3).
func (p *peer) backoff() time.Duration {
	tc := p.node.cfg.Reconnect
	d := min(tc, 500*time.Millisecond<<min(p.attempts, 16))
	p.attempts++
	if p.heldOff {
		d, p.heldOff = 10*tc, false
	}
	return d - time.Duration(rand.Float64()*float64(d)/2)
}

func (p *peer) logStep(from peerState, e event, to peerState) {
	p.log(slog.LevelDebug, logStep, slog.String("state", from.String()), slog.String("event", e.String()), slog.String("next", to.String()))
}

func (p *peer) logWatchdog(state watchdogState, e watchdogEvent) {
	p.log(slog.LevelDebug, logWatchdog, slog.String("state", state.String()), slog.String("event", e.String()))
}

// fail notes why the connection, or the attempt, has ended.
func (p *peer) fail(err error) {
	p.lastErr = err
	var ne net.Error
	timeout := errors.Is(err, errTimeout) || errors.Is(err, os.ErrDeadlineExceeded) || errors.As(err, &ne) && ne.Timeout()
	switch {
	case p.stopping:
	case timeout:
		p.log(slog.LevelWarn, logTimeout, slog.Any("error", err))
	case p.m.state != stateIOpen && p.m.state != stateROpen:
		p.log(slog.LevelWarn, logFailed, slog.Any("error", err))
	}
}

func (p *peer) log(level slog.Level, msg string, attrs ...slog.Attr) {
	attrs = append([]slog.Attr{slog.String("peer", p.cfg.Host), slog.String("address", p.status.Address)}, attrs...)
	p.node.cfg.Logger.LogAttrs(p.node.ctx, level, msg, attrs...)
}

// acceptCEA decides about a CEA.
func (p *peer) acceptCEA(m wire.Message, h wire.Header) (*capabilities, error) {
	if h.Command != CmdCapabilitiesExchange || h.IsRequest() {
		return nil, fmt.Errorf("command %d instead of a CEA", h.Command)
	}
	caps, err := parseCapabilities(m)
	switch {
	case err != nil && caps == nil:
		// A refusal may lack all that a CEA has.
		if a, ok := m.Find(AVPResultCode, 0); ok {
			if code, e := a.Uint32(); e == nil && code != ResultSuccess {
				return nil, fmt.Errorf("refused with Result-Code %d", code)
			}
		}
		return nil, fmt.Errorf("unacceptable CEA: %w", err)
	case caps.result != ResultSuccess && caps.result != ResultLimitedSuccess:
		return nil, fmt.Errorf("refused with Result-Code %d %q", caps.result, caps.errorMessage)
	case !strings.EqualFold(caps.host, p.cfg.Host):
		return nil, fmt.Errorf("the peer is %s", caps.host)
	case !caps.commonWith(p.node.cfg.Applications):
		return nil, errors.New("no common application")
	}
	return caps, nil
}
