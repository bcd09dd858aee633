package diameter

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/opentwag/twag/diameter/wire"
)

// failOver is a request of Exchange that did not simply get its answer. All of
// it happens in the caller's goroutine, which still has the request; what the
// connections have to say comes through events.
//
// An attempt that is live is registered with its connection, however silent
// that is: its answer counts if it is the first.
type failOver struct {
	node *Node
	m    wire.Message
	h    wire.Header

	tries  []try
	events chan tryEvent
	// unanswered: copies were sent that no answer has come to, so the next one
	// is a possible duplicate.
	unanswered int
	// due: another attempt is to be made.
	due bool
	// patient: and waited for a peer, if none is open. Else it is dropped.
	patient bool
	slow    bool  // sent again for nothing but slowness; once is enough
	cause   *peer // which made another attempt due

	answer  wire.Message // what to return, with done
	refused wire.Message // the latest 3002 or 3004
	err     error        // why the latest attempt failed
	done    bool
}

// try is one attempt.
type try struct {
	conn    *conn
	id      uint32
	call    *call
	live    bool
	refused bool // 3002 or 3004: the peer need not be asked again
}

// tryEvent is a notice about an attempt; msg and err come with noticeDone.
type tryEvent struct {
	try    int
	notice notice
	msg    wire.Message
	err    error
}

func (n *Node) newFailOver(m wire.Message, h wire.Header) *failOver {
	return &failOver{
		node: n, m: m, h: h,
		// Room for every notice of every attempt: who sends one never waits.
		events: make(chan tryEvent, n.cfg.MaxAttempts*int(noticeDone+1)),
	}
}

// unsent goes on after the first attempt was not even sent.
func (f *failOver) unsent(ctx context.Context, err error) (wire.Message, error) {
	f.forget(0)
	f.err, f.due = err, true
	f.patient = !errors.Is(err, ErrBusy)
	return f.run(ctx)
}

// resume goes on after the first notice about the first attempt. It takes call
// over.
func (f *failOver) resume(ctx context.Context, c *conn, id uint32, call *call, what notice) (wire.Message, error) {
	f.tries = append(f.tries, try{conn: c, id: id, call: call, live: true})
	f.unanswered = 1
	f.told(firstEvent(call, what))
	return f.run(ctx)
}

// firstEvent is a notice of the first attempt's call, which is the caller's to
// look at only when it is done.
func firstEvent(c *call, what notice) tryEvent {
	e := tryEvent{notice: what}
	if what == noticeDone {
		e.msg, e.err = c.msg, c.err
	}
	return e
}

// retryBusy is how long to wait before a connection without room is tried
// again.
const retryBusy = 20 * time.Millisecond

// run ends with the request's outcome.
func (f *failOver) run(ctx context.Context) (wire.Message, error) {
	defer f.release()
	n := f.node
	var first chan notice
	var firstCall *call
	if len(f.tries) > 0 && f.tries[0].live {
		firstCall = f.tries[0].call
		first = firstCall.ch
	}
	var giveUp *time.Timer // once a peer was waited for
	over := false
	defer func() {
		if giveUp != nil {
			giveUp.Stop()
			n.waiting.Add(-1)
		}
	}()
	for !f.done {
		var changed <-chan struct{}
		var retry, expired <-chan time.Time
		if f.due && ctx.Err() != nil {
			return f.timedOut(ctx)
		}
		if f.due {
			changed = n.peersChanged() // before looking at them
			if f.send() == ErrBusy && f.patient {
				retry = time.After(retryBusy + rand.N(retryBusy))
			}
		}
		if f.due {
			if giveUp == nil && f.patient && n.cfg.PeerWait > 0 {
				giveUp = time.NewTimer(n.cfg.PeerWait)
				over = n.waiting.Add(1) > int64(n.cfg.MaxPending)
			}
			f.due = f.patient && giveUp != nil && !over && !n.draining.Load()
		}
		if f.due {
			expired = giveUp.C
		} else {
			changed, retry = nil, nil
			if f.live() == 0 {
				break
			}
		}
		select {
		case what := <-first:
			f.told(firstEvent(firstCall, what))
			if what == noticeDone {
				first = nil
			}
		case e := <-f.events:
			f.told(e)
		case <-changed:
		case <-retry:
		case <-expired:
			over = true
		case <-ctx.Done():
			return f.timedOut(ctx)
		case <-n.ctx.Done():
			if f.err != nil {
				return nil, fmt.Errorf("%w, after %w", ErrClosed, f.err)
			}
			return nil, ErrClosed
		}
	}
	return f.outcome()
}

func (f *failOver) outcome() (wire.Message, error) {
	switch {
	case f.done:
		return f.answer, f.err
	case f.refused != nil:
		return f.refused, nil
	default:
		return nil, f.err
	}
}

func (f *failOver) live() (n int) {
	for i := range f.tries {
		if f.tries[i].live {
			n++
		}
	}
	return n
}

// told takes in what happened to an attempt.
func (f *failOver) told(e tryEvent) {
	t := &f.tries[e.try]
	p := t.conn.peer.Load()
	switch e.notice {
	case noticeSlow:
		if !f.slow {
			f.slow, f.due, f.cause = true, true, p
		}
		return
	case noticeSuspect:
		f.due, f.patient, f.cause = true, true, p
		return
	case noticeDone:
	}
	t.live = false
	switch code := tryElsewhere(e.msg); {
	case errors.Is(e.err, ErrDisconnected):
		f.err, f.due, f.patient, f.cause = e.err, true, true, p
	case code != 0:
		f.refused, t.refused = e.msg, true
		f.unanswered--
		f.due, f.patient, f.cause = true, false, p
		if code == ResultTooBusy {
			t.conn.busy(e.msg)
		}
	default:
		f.done, f.answer, f.err = true, e.msg, e.err
	}
}

// send makes another attempt, if there is a peer for it: due says whether that
// is still to be done.
func (f *failOver) send() error {
	n := f.node
	if len(f.tries) >= n.cfg.MaxAttempts {
		f.due = false
		return nil
	}
	var full []*conn
	for {
		c, err := n.route(f.m, f.h, func(c *conn) bool { return f.tried(c) || slices.Contains(full, c) })
		if err != nil {
			if len(full) > 0 {
				return ErrBusy
			}
			return err
		}
		i := len(f.tries)
		call := &call{
			fn:   func(m wire.Message, err error) { f.events <- tryEvent{i, noticeDone, m, err} },
			told: func(what notice) { f.events <- tryEvent{try: i, notice: what} },
		}
		var flags uint8
		if f.unanswered > 0 {
			flags = wire.FlagRetransmitted
		}
		id, err := n.begin(c, call, f.m, f.h, flags)
		if err != nil {
			f.forget(i)
			full = append(full, c)
			if f.unanswered == 0 && (f.err == nil || errors.Is(f.err, ErrNoPeer)) {
				f.err = err
			}
			continue
		}
		f.tries = append(f.tries, try{conn: c, id: id, call: call, live: true})
		f.unanswered++
		f.due = false
		if errors.Is(f.err, ErrNoPeer) || errors.Is(f.err, ErrBusy) {
			f.err = nil // it has been sent now: no error may say that it was not
		}
		if f.cause != nil {
			f.cause.failedOver.Add(1)
		}
		return nil
	}
}

// tried reports whether c is not to be used again: not the same connection, and
// not a peer that has refused.
func (f *failOver) tried(c *conn) bool {
	for i := range f.tries {
		if t := &f.tries[i]; t.conn == c || t.refused && t.conn.peer.Load() == c.peer.Load() {
			return true
		}
	}
	return false
}

// forget removes the notices about attempt i, which was not made after all: the
// next one has its number. No more of them come.
func (f *failOver) forget(i int) {
	for range len(f.events) {
		if e := <-f.events; e.try != i {
			f.events <- e
		}
	}
}

// timedOut is the outcome when ctx has ended.
func (f *failOver) timedOut(ctx context.Context) (wire.Message, error) {
	for i := range f.tries {
		if f.tries[i].live {
			f.tries[i].conn.peer.Load().timeouts.Add(1)
		}
	}
	if f.err != nil {
		return nil, fmt.Errorf("%w, after %w", ctx.Err(), f.err)
	}
	return nil, ctx.Err()
}

// release leaves nothing registered. Answers that still come are unmatched.
func (f *failOver) release() {
	for i := range f.tries {
		t := &f.tries[i]
		taken := !t.live || t.conn.pending.take(t.id) != nil
		if i == 0 && t.call.fn == nil {
			if !taken {
				t.call.wait()
			}
			f.node.calls.put(t.call)
		}
	}
}

// tryElsewhere returns the Result-Code of an answer that says to try elsewhere, or
// 0 (RFC 6733, section 7.1.3).
func tryElsewhere(m wire.Message) uint32 {
	if m == nil {
		return 0
	}
	if a, ok := m.Find(AVPResultCode, 0); ok {
		if code, err := a.Uint32(); err == nil && (code == ResultUnableToDeliver || code == ResultTooBusy) {
			return code
		}
	}
	return 0
}

const (
	// avoidSilent in conn.avoid: until anything comes from the peer.
	avoidSilent = math.MaxInt64
	// avoidBusy is how long a peer that says it is busy is left alone, if there
	// are others; up to as much again is added by chance.
	avoidBusy = time.Second
)

// busy lets a peer alone that has answered 3004, unless it only passed on what
// another node said.
func (c *conn) busy(m wire.Message) {
	if a, ok := m.Find(AVPOriginHost, 0); ok && len(a.Data) > 0 && !equalFoldASCII(a.Data, c.host()) {
		return
	}
	if c.avoid.Load() != avoidSilent {
		c.avoid.Store(c.node.sinceStart() + int64(avoidBusy+rand.N(avoidBusy)))
	}
}

// slow is told that requests have waited for AttemptTimeout. If nothing at all
// has come meanwhile, others are preferred until something does, and the
// watchdog looks at once.
func (c *conn) slow() {
	if c.node.sinceStart()-c.lastRecv.Load() < int64(c.node.cfg.AttemptTimeout) {
		return
	}
	c.avoid.Store(avoidSilent)
	if p := c.peer.Load(); p != nil {
		select {
		case p.inbox <- peerEvent{kind: kindSilent, conn: c}:
		default: // it has enough to do, and Tw of its own
		}
	}
}
