package eapradius

import (
	"errors"
	"log/slog"
	"time"

	layeh "layeh.com/radius"

	"github.com/opentwag/twag/eap"
)

// The handler's log lines, their levels and attributes:
//
//	Info  "Authentication ACCEPTED"             nas, client, station, ap, imsi, method, reauthenticated, requests, elapsed
//	Info  "Authentication REJECTED"             nas, client, station, ap, imsi, method, requests, elapsed, error
//	Info  "Failed to decode EAP message"        nas, client, station, ap, imsi, method, requests, elapsed, error
//	Debug "EAP message discarded"               the same
//	Debug "Access-Request dropped"              client, error
//	Debug "User-Name is not the EAP identity"   nas, client, station, ap, imsi, method, requests, elapsed
//	Error "RADIUS answer not sent"              client, code, error
//
// The IMSI is redacted, and left out where it is not known; so is what else
// is empty. The line for each Access-Request is the RADIUS server's.

// info describes the login as far as it is known.
func (x *exchange) info() Info {
	i := x.brief()
	if x.s != nil {
		i.Identity = x.s.conv.Identity()
	}
	return i
}

// brief is info without what the identity tells.
func (x *exchange) brief() Info {
	i := Info{Client: x.q.client}
	if s := x.s; s != nil {
		i.Peer, i.Method = s.conv.Peer(), s.conv.Method()
		i.Requests, i.Elapsed = s.requests, time.Since(s.began)
		return i
	}
	i.Peer, _, _ = x.q.peer()
	i.Requests, i.Elapsed = 1, time.Since(x.now)
	return i
}

func (x *exchange) accepted(result *eap.Result) {
	log, hook := x.enabled(slog.LevelInfo), x.h.cfg.Hooks.Accept
	if !log && hook == nil {
		return
	}
	if log {
		i := x.brief()
		x.log(slog.LevelInfo, "Authentication ACCEPTED", &i, result.IMSI, slog.Bool("reauthenticated", result.Reauthenticated))
	}
	if hook != nil {
		hook(x.info(), result)
	}
}

func (x *exchange) rejected(err error) {
	log, hook := x.enabled(slog.LevelInfo), x.h.cfg.Hooks.Reject
	if !log && hook == nil {
		return
	}
	i := x.info()
	if log {
		x.log(slog.LevelInfo, "Authentication REJECTED", &i, i.Identity.IMSI, slog.Any("error", err))
	}
	if hook != nil {
		hook(i, err)
	}
}

func (x *exchange) discarded(err error) {
	// What is no EAP at all is worth a line of its own; there are at most
	// MaxInvalid in a login.
	level, msg := slog.LevelDebug, "EAP message discarded"
	if errors.Is(err, eap.ErrMalformed) {
		level, msg = slog.LevelInfo, "Failed to decode EAP message"
	}
	log, hook := x.enabled(level), x.h.cfg.Hooks.Discard
	if !log && hook == nil {
		return
	}
	i := x.info()
	if log {
		x.log(level, msg, &i, i.Identity.IMSI, slog.Any("error", err))
	}
	if hook != nil {
		hook(i, err)
	}
}

// drop leaves the request without an answer.
func (x *exchange) drop(err error) {
	if x.enabled(slog.LevelDebug) {
		x.h.cfg.Logger.LogAttrs(x.r.Context(), slog.LevelDebug, "Access-Request dropped",
			slog.Any("client", x.q.client), slog.Any("error", err))
	}
	if hook := x.h.cfg.Hooks.Drop; hook != nil {
		hook(x.q.client, err)
	}
}

// compareUserName looks whether the NAS says what the peer says.
func (x *exchange) compareUserName() {
	if !x.q.hasUserName || string(x.q.userName) == x.s.conv.Peer().Identity {
		return
	}
	log, hook := x.enabled(slog.LevelDebug), x.h.cfg.Hooks.UserNameDiffers
	if !log && hook == nil {
		return
	}
	i := x.info()
	if log {
		x.log(slog.LevelDebug, "User-Name is not the EAP identity", &i, i.Identity.IMSI)
	}
	if hook != nil {
		hook(i, string(x.q.userName))
	}
}

func (x *exchange) notSent(code layeh.Code, err error) {
	x.h.cfg.Logger.LogAttrs(x.r.Context(), slog.LevelError, "RADIUS answer not sent",
		slog.Any("client", x.q.client), slog.String("code", code.String()), slog.Any("error", err))
}

func (x *exchange) enabled(level slog.Level) bool {
	return x.h.cfg.Logger.Enabled(x.r.Context(), level)
}

// log writes a line about a login; the level is enabled.
func (x *exchange) log(level slog.Level, msg string, i *Info, imsi eap.IMSI, more ...slog.Attr) {
	var room [10]slog.Attr
	attrs := append(room[:0], slog.String("nas", i.Peer.NASID), slog.String("client", i.Client.String()))
	if i.Peer.StationID != "" {
		attrs = append(attrs, slog.String("station", i.Peer.StationID))
	}
	if i.Peer.AccessPointID != "" {
		attrs = append(attrs, slog.String("ap", i.Peer.AccessPointID))
	}
	if imsi.IsValid() {
		attrs = append(attrs, slog.String("imsi", imsi.String()))
	}
	if i.Method != 0 {
		attrs = append(attrs, slog.String("method", i.Method.String()))
	}
	attrs = append(attrs, slog.Int("requests", i.Requests), slog.Duration("elapsed", i.Elapsed))
	x.h.cfg.Logger.LogAttrs(x.r.Context(), level, msg, append(attrs, more...)...)
}
