package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	layeh "layeh.com/radius"

	"github.com/opentwag/twag/aka"
	"github.com/opentwag/twag/diameter"
	"github.com/opentwag/twag/radius"
)

// observer counts and logs what the packages' hooks tell. What the packages
// log themselves is not repeated here.
//
// Packets are Debug, logins Info, what somebody ought to look at Warn.
type observer struct {
	log   *slog.Logger
	count *counters
	debug bool // lines for each packet are wanted
}

func (o *observer) radiusHooks() radius.Hooks {
	return radius.Hooks{
		Received: func(r radius.RequestInfo) {
			if r.Code == layeh.CodeAccessRequest {
				o.count.accessRequest.Add(1)
			}
			if addr := r.Remote.Addr(); o.count.points.add(addr) {
				o.log.Info(fmt.Sprintf("Registered AP: %v", addr), "client", r.Client.Name())
			}
		},
		Sent: func(r radius.ReplyInfo) {
			// The answer to a Status-Server is an Access-Accept too.
			if r.Request.Code != layeh.CodeAccessRequest || r.Err != nil {
				return
			}
			switch r.Code {
			case layeh.CodeAccessAccept:
				o.count.accessAccept.Add(1)
			case layeh.CodeAccessReject:
				o.count.accessReject.Add(1)
			case layeh.CodeAccessChallenge:
				o.count.accessChallenge.Add(1)
			}
		},
	}
}

func (o *observer) diameterHooks() diameter.Hooks {
	return diameter.Hooks{
		Message: func(m diameter.MessageInfo) { o.count.message(m.Application, m.Command, m.Sent) },
	}
}

func (o *observer) akaHooks() aka.Hooks {
	return aka.Hooks{
		Identity: func(e aka.Event) {
			o.count.identity.Add(1)
			o.event(slog.LevelDebug, "Phase 1: Identity Response", e)
		},
		Challenge: func(e aka.Event) {
			o.count.challenge.Add(1)
			o.event(slog.LevelDebug, "Phase 2: AKA Challenge", e)
		},
		SyncFailure: func(e aka.Event) {
			o.count.syncFailure.Add(1)
			o.event(slog.LevelInfo, "Sequence number synchronization required", e)
		},
		Reauthentication: func(e aka.Event) {
			o.count.reauthentication.Add(1)
			o.event(slog.LevelDebug, "Phase 2: Fast re-authentication", e)
		},
		CounterTooSmall: func(e aka.Event) {
			o.event(slog.LevelInfo, "Phone wants a full authentication: counter too small", e)
		},
		StoreFailed: func(e aka.Event) {
			o.event(slog.LevelError, "Store of re-authentications failed", e)
		},
		Verified: func(e aka.Event) {
			if e.FSGroup != 0 {
				o.event(slog.LevelDebug, "Forward secrecy agreed", e)
			}
		},
		Succeeded: func(e aka.Event) {
			o.count.authSuccess.Add(1)
		},
		Rejected: func(e aka.Event) {
			o.count.authReject.Add(1)
			switch {
			case errors.Is(e.Err, aka.ErrRES):
				o.event(slog.LevelWarn, "RES verification failed: expected [redacted], got [redacted]", e)
			case errors.Is(e.Err, aka.ErrSubtype):
				o.event(slog.LevelWarn, "Unknown EAP-AKA subtype", e)
			}
		},
	}
}

// event logs a step of a login.
func (o *observer) event(level slog.Level, msg string, e aka.Event) {
	ctx := context.Background()
	if !o.log.Enabled(ctx, level) {
		return
	}
	attrs := []slog.Attr{
		slog.String("nas", e.Peer.NASID), slog.String("station", e.Peer.StationID),
		slog.String("method", e.Method.String()), slog.String("identity", e.Identity.String()),
	}
	if e.IMSI.IsValid() {
		attrs = append(attrs, slog.Any("imsi", e.IMSI))
	}
	if e.FSGroup != 0 {
		attrs = append(attrs, slog.String("forward_secrecy", e.FSGroup.String()))
	}
	if e.Err != nil {
		attrs = append(attrs, slog.Any("error", e.Err))
	}
	o.log.LogAttrs(ctx, level, msg, attrs...)
}
