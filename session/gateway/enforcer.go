package gateway

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"time"

	layeh "layeh.com/radius"
	"layeh.com/radius/rfc2865"
	"layeh.com/radius/rfc2866"
	"layeh.com/radius/rfc3162"
	"layeh.com/radius/rfc3576"

	"github.com/opentwag/twag/radius"
	"github.com/opentwag/twag/session"
)

// Messages of the log.
const (
	logRefused   = "NAS refused to change a session"
	logNoAnswer  = "NAS does not answer dynamic authorization"
	logUncharged = "Session can't be charged"
	logNotStored = "Charging could not be stored"
)

// defaultEnforceTimeout bounds one attempt at a request to a NAS; the task is tried again.
const defaultEnforceTimeout = 35 * time.Second

// Sender sends dynamic authorization requests. *radius.DynAuth is one.
type Sender interface {
	Exchange(ctx context.Context, nas netip.Addr, p *layeh.Packet) (*layeh.Packet, error)
}

// EnforcerConfig configures an [Enforcer]. Zero fields have the defaults named.
type EnforcerConfig struct {
	// Timeout bounds one attempt. Default 35 s.
	Timeout time.Duration
	Logger  *slog.Logger // nil: silence
	// Sent is called after each attempt; it must not block. May be nil.
	Sent func(code layeh.Code, err error)
}

// Enforcer has NASes do what was decided about their sessions: it does the tasks to
// disconnect them and to change them (RFC 5176).
type Enforcer struct {
	m    *session.Manager
	send Sender
	cfg  EnforcerConfig
}

// NewEnforcer returns an enforcer that does m's tasks through send. Call it before m.Run.
func NewEnforcer(m *session.Manager, send Sender, cfg EnforcerConfig) *Enforcer {
	if cfg.Timeout == 0 {
		cfg.Timeout = defaultEnforceTimeout
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	e := &Enforcer{m: m, send: send, cfg: cfg}
	m.HandleTask(session.TaskDisconnect, e.disconnect)
	m.HandleTask(session.TaskChange, e.change)
	return e
}

// disconnect asks the session's NAS to end it. A NAS that does not know the session has
// ended it already, and its Stop may be lost: the session ends from its latest interim.
func (e *Enforcer) disconnect(ctx context.Context, t session.Task) error {
	en, err := e.session(ctx, t.Session)
	if en == nil {
		return err
	}
	err = e.ask(ctx, layeh.CodeDisconnectRequest, &en.Session, nil)
	var nak *radius.NAKError
	switch {
	case !errors.As(err, &nak):
		return err
	case nak.Cause == rfc3576.ErrorCause_Value_SessionContextNotFound:
		why := en.Session.Closing
		if len(t.Data) == 1 {
			why = session.Reason(t.Data[0])
		}
		return e.m.End(ctx, en, why)
	default:
		return e.refused(ctx, nak, &en.Session)
	}
}

// change asks the session's NAS to change it.
func (e *Enforcer) change(ctx context.Context, t session.Task) error {
	en, err := e.session(ctx, t.Session)
	if en == nil {
		return err
	}
	attributes, err := layeh.ParseAttributes(t.Data)
	if err != nil {
		return nil // it can't be sent, now or later
	}
	err = e.ask(ctx, layeh.CodeCoARequest, &en.Session, attributes)
	var nak *radius.NAKError
	if errors.As(err, &nak) {
		return e.refused(ctx, nak, &en.Session)
	}
	return err
}

// session returns the session of a task, or nil if there is nothing to do any more.
func (e *Enforcer) session(ctx context.Context, id session.ID) (*session.Entry, error) {
	en, err := e.m.Get(ctx, id)
	switch {
	case errors.Is(err, session.ErrNotFound):
		return nil, nil
	case err != nil:
		return nil, err
	case en.Session.State == session.Ended, !en.Session.NAS.Source.IsValid():
		return nil, nil
	}
	return en, nil
}

// refused tells of a NAK. Asking again would not change the NAS's mind, unless it was short
// of something.
func (e *Enforcer) refused(ctx context.Context, nak *radius.NAKError, s *session.Session) error {
	if nak.Cause == rfc3576.ErrorCause_Value_ResourcesUnavailable {
		return nak
	}
	e.cfg.Logger.LogAttrs(ctx, slog.LevelWarn, logRefused, slog.String("nas", s.NAS.Name()), slog.Any("session", s.ID), slog.Any("error", nak))
	return nil
}

// ask sends a request about a session. All the attributes that name it have to match
// (RFC 5176, section 3), so only those are given that a NAS hardly has otherwise.
func (e *Enforcer) ask(ctx context.Context, code layeh.Code, s *session.Session, more layeh.Attributes) error {
	p := &layeh.Packet{Code: code}
	if s.NAS.Identifier != "" {
		_ = rfc2865.NASIdentifier_SetString(p, s.NAS.Identifier)
	}
	switch a := s.NAS.Addr; {
	case a.Is4():
		_ = rfc2865.NASIPAddress_Set(p, a.AsSlice())
	case a.IsValid():
		_ = rfc3162.NASIPv6Address_Set(p, a.AsSlice())
	}
	if s.AccountID != "" {
		_ = rfc2866.AcctSessionID_SetString(p, s.AccountID)
	}
	if s.Station != "" {
		_ = rfc2865.CallingStationID_SetString(p, s.Station)
	}
	p.Attributes = append(p.Attributes, more...)
	ctx, cancel := context.WithTimeout(ctx, e.cfg.Timeout)
	defer cancel()
	_, err := e.send.Exchange(ctx, s.NAS.Source, p)
	if e.cfg.Sent != nil {
		e.cfg.Sent(code, err)
	}
	if errors.Is(err, radius.ErrNoAnswer) {
		e.cfg.Logger.LogAttrs(ctx, slog.LevelWarn, logNoAnswer, slog.String("nas", s.NAS.Name()), slog.Any("error", err))
	}
	return err
}
