package diameter

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"runtime/debug"
	"sync/atomic"
)

// guard has the functions of a configuration called so that a panic in one
// costs no more than that call. Only the first panic of each is logged, since
// there may be one per message.
func (c *Config) guard() {
	log := c.Logger
	c.Hooks.Message = guarded(log, "Message", c.Hooks.Message)
	c.Hooks.Dropped = guarded(log, "Dropped", c.Hooks.Dropped)
	c.Hooks.PeerChange = guarded(log, "PeerChange", c.Hooks.PeerChange)
	c.Hooks.PeerRestarted = guarded(log, "PeerRestarted", c.Hooks.PeerRestarted)
	if allow := c.AllowPeer; allow != nil {
		var logged atomic.Bool
		c.AllowPeer = func(p PeerInfo) (ok bool) {
			defer rescue(log, "AllowPeer", &logged, func(any) { ok = false })
			return allow(p)
		}
	}
	dial := c.Dial
	var logged atomic.Bool
	c.Dial = func(ctx context.Context, p PeerConfig) (nc net.Conn, err error) {
		defer rescue(log, "Dial", &logged, func(v any) { err = fmt.Errorf("diameter: panic in Dial: %T", v) })
		return dial(ctx, p)
	}
	for i := range c.Peers {
		if dial := c.Peers[i].Dial; dial != nil {
			c.Peers[i].Dial = func(ctx context.Context) (nc net.Conn, err error) {
				defer rescue(log, "Dial", &logged, func(v any) { err = fmt.Errorf("diameter: panic in Dial: %T", v) })
				return dial(ctx)
			}
		}
	}
}

// guarded returns f in a guard, or nil for nil.
func guarded[T any](log *slog.Logger, name string, f func(T)) func(T) {
	if f == nil {
		return nil
	}
	logged := new(atomic.Bool)
	return func(v T) {
		defer rescue(log, name, logged, nil)
		f(v)
	}
}

// rescue is deferred: it ends a panic, logs the first, and calls then.
func rescue(log *slog.Logger, name string, logged *atomic.Bool, then func(any)) {
	v := recover()
	if v == nil {
		return
	}
	if !logged.Swap(true) {
		// The type alone: the value may hold what is nobody's business.
		log.LogAttrs(context.Background(), slog.LevelError, logCallbackPanic,
			slog.String("function", name), slog.String("panic", fmt.Sprintf("%T", v)), slog.String("stack", string(debug.Stack())))
	}
	if then != nil {
		then(v)
	}
}
