package accounting

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	layeh "layeh.com/radius"

	"github.com/opentwag/twag/radius"
	"github.com/opentwag/twag/session"
)

// HandlerConfig configures a [Handler]. The zero value does.
type HandlerConfig struct {
	// Next takes requests that are no Accounting-Requests; nil: they get no
	// answer.
	Next layeh.Handler

	Logger *slog.Logger // nil: silence
	Hooks  HandlerHooks
}

// HandlerHooks are called synchronously; they must not block and may be called
// concurrently. Each may be nil.
type HandlerHooks struct {
	// Request is called when a request has been dealt with.
	Request func(RequestInfo)
}

// RequestInfo describes an Accounting-Request that has been dealt with. It was answered if
// Err is nil.
type RequestInfo struct {
	Status  Status  // 0 if it is not known
	Verdict Verdict // if it was recorded
	// Refusal says why it can't be an event; 0: it is one.
	Refusal Refusal
	Source  netip.Addr
	Elapsed time.Duration
	Err     error
}

// Handler answers Accounting-Requests once they are recorded (RFC 2866, section 4.2). What
// can't be understood or stored gets no answer, and its repetition is tried anew.
type Handler struct {
	rec     *Recorder
	cfg     HandlerConfig
	failing atomic.Bool // the store

	exchanges sync.Pool // of *exchange, used again: an Event is large
}

var _ layeh.Handler = (*Handler)(nil)

// NewHandler returns a handler over rec.
func NewHandler(rec *Recorder, cfg HandlerConfig) *Handler {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	h := &Handler{rec: rec, cfg: cfg}
	h.exchanges.New = func() any {
		x := new(exchange)
		x.steps = steps{onRecorded: x.recorded, onStored: x.answer, onHandoff: x.goOn, onRecord: x.record}
		return x
	}
	return h
}

// NonBlocking implements radius.NonBlocking: what has to wait is handed to a worker, and an
// event that is being stored goes on when it has been.
func (h *Handler) NonBlocking() bool { return true }

// ServeRADIUS implements layeh's Handler.
func (h *Handler) ServeRADIUS(w layeh.ResponseWriter, r *layeh.Request) {
	if r.Code != layeh.CodeAccountingRequest {
		if h.cfg.Next == nil || !radius.Handoff(w, func() { h.cfg.Next.ServeRADIUS(w, r) }) {
			radius.Discard(w)
		}
		return
	}
	x := h.exchanges.Get().(*exchange)
	x.h, x.w, x.r, x.begun, x.info.Source = h, w, r, time.Now(), sourceOf(r.RemoteAddr)
	var err error
	if x.event, err = ParseEvent(r.Packet, x.info.Source, x.begun); err != nil {
		if refused, ok := errors.AsType[*EventError](err); ok {
			x.info.Refusal = refused.Refusal
		}
		x.finish(err)
		return
	}
	x.info.Status = x.event.Status
	if radius.Inline(w) {
		radius.Suspend(w)
		if h.rec.RecordFunc(r.Context(), &x.event, x.onRecorded) {
			return
		}
		radius.Continue(w, func() {})
		x.onWorker()
		return
	}
	x.record()
}

// steps are the methods of an exchange that others call, made once.
type steps struct {
	onRecorded                    func(Verdict, error)
	onStored, onHandoff, onRecord func()
}

// exchange is one Accounting-Request and what becomes of it. finish ends it; nobody may
// use it after.
type exchange struct {
	h     *Handler
	w     layeh.ResponseWriter
	r     *layeh.Request
	begun time.Time
	event Event
	info  RequestInfo
	// uncertain is the verdict of an attempt to record the event whose outcome is not known.
	uncertain Verdict

	err  error  // outcome of the recording
	next func() // what to do then
	steps
}

// record records the event, and waits for that.
func (x *exchange) record() {
	var err error
	x.info.Verdict, err = x.h.rec.record(x.r.Context(), &x.event, x.uncertain)
	x.stored(err)
}

// onWorker records the event where somebody may wait.
func (x *exchange) onWorker() {
	if !radius.Handoff(x.w, x.onRecord) {
		x.finish(ErrOverload)
	}
}

// ErrOverload is RequestInfo.Err of a request that was not recorded because too many wait
// for something that may block. The store has not failed.
var ErrOverload = errors.New("accounting: overloaded")

// recorded goes on with an event that nobody has waited for. It is called by the goroutine that
// writes for all, which has better things to do.
func (x *exchange) recorded(v Verdict, err error) {
	x.info.Verdict = v
	uncertain := errors.Is(err, session.ErrUncertain)
	if uncertain {
		x.uncertain = v
	}
	again := uncertain || errors.Is(err, session.ErrConflict)
	x.err, x.next = err, x.onStored
	if again {
		x.next = x.onRecord
	}
	switch {
	case radius.Handoff(x.w, x.onHandoff):
	case again:
		radius.Continue(x.w, func() { x.finish(ErrOverload) })
	default:
		radius.Continue(x.w, x.next) // an answer is less work than the repetition
	}
}

// goOn does what comes after the recording.
func (x *exchange) goOn() { radius.Continue(x.w, x.next) }

// answer ends an event whose recording has come to an end.
func (x *exchange) answer() { x.stored(x.err) }

// stored ends an event that the store has taken or not.
func (x *exchange) stored(err error) {
	x.h.noteStore(x.r.Context(), err)
	x.finish(err)
}

// finish answers the request if it was recorded.
func (x *exchange) finish(err error) {
	if x.info.Err = err; err != nil {
		// Not to be taken for a request in progress: the NAS will try again, and
		// then it may work.
		radius.Discard(x.w)
	} else {
		x.info.Err = x.w.Write(x.r.Response(layeh.CodeAccountingResponse))
	}
	if hook := x.h.cfg.Hooks.Request; hook != nil {
		x.info.Elapsed = time.Since(x.begun)
		hook(x.info)
	}
	h := x.h
	*x = exchange{steps: x.steps}
	h.exchanges.Put(x)
}

// noteStore tells once when the store begins to fail, and once when it serves again.
func (h *Handler) noteStore(ctx context.Context, err error) {
	switch {
	case err == nil:
		if h.failing.Load() && h.failing.CompareAndSwap(true, false) {
			h.cfg.Logger.LogAttrs(ctx, slog.LevelWarn, logServing)
		}
	case errors.Is(err, session.ErrConflict) || ctx.Err() != nil:
		// Not its fault, or not known to be.
	case h.failing.CompareAndSwap(false, true):
		h.cfg.Logger.LogAttrs(ctx, slog.LevelError, logFailing, slog.Any("error", err))
	}
}

func sourceOf(a net.Addr) netip.Addr {
	if udp, ok := a.(*net.UDPAddr); ok {
		addr, _ := netip.AddrFromSlice(udp.IP)
		return addr.Unmap()
	}
	if a == nil {
		return netip.Addr{}
	}
	// Transports of other kinds, such as tests have.
	ap, err := netip.ParseAddrPort(a.String())
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().Unmap()
}
