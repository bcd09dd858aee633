package accounting

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
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
}

var _ layeh.Handler = (*Handler)(nil)

// NewHandler returns a handler over rec.
func NewHandler(rec *Recorder, cfg HandlerConfig) *Handler {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	return &Handler{rec: rec, cfg: cfg}
}

// ServeRADIUS implements layeh's Handler.
func (h *Handler) ServeRADIUS(w layeh.ResponseWriter, r *layeh.Request) {
	if r.Code != layeh.CodeAccountingRequest {
		if h.cfg.Next != nil {
			h.cfg.Next.ServeRADIUS(w, r)
		} else {
			radius.Discard(w)
		}
		return
	}
	info := RequestInfo{Source: sourceOf(r.RemoteAddr)}
	begin := time.Now()
	if info.Err = h.record(r, &info, begin); info.Err != nil {
		// Not to be taken for a request in progress: the NAS will try again, and
		// then it may work.
		radius.Discard(w)
	} else {
		info.Err = w.Write(r.Response(layeh.CodeAccountingResponse))
	}
	if hook := h.cfg.Hooks.Request; hook != nil {
		info.Elapsed = time.Since(begin)
		hook(info)
	}
}

func (h *Handler) record(r *layeh.Request, info *RequestInfo, now time.Time) error {
	e, err := ParseEvent(r.Packet, info.Source, now)
	if err != nil {
		if refused, ok := errors.AsType[*EventError](err); ok {
			info.Refusal = refused.Refusal
		}
		return err
	}
	info.Status = e.Status
	info.Verdict, err = h.rec.Record(r.Context(), &e)
	h.noteStore(r.Context(), err)
	return err
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
