package gateway

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	layeh "layeh.com/radius"
	"layeh.com/radius/rfc2865"
	"layeh.com/radius/rfc2869"
	"layeh.com/radius/rfc3162"
	"layeh.com/radius/rfc4372"

	"github.com/opentwag/twag/accounting"
	"github.com/opentwag/twag/eap"
	"github.com/opentwag/twag/eap/eapradius"
	"github.com/opentwag/twag/gy"
	"github.com/opentwag/twag/keyring"
	"github.com/opentwag/twag/session"
	"github.com/opentwag/twag/session/class"
)

// ErrUnrecorded: the login could not be recorded as a session.
var ErrUnrecorded = errors.New("gateway: session could not be recorded")

// AdmitterConfig configures an [Admitter]. Zero fields have the defaults named.
type AdmitterConfig struct {
	// Server is this server's name in Class and tickets.
	Server string
	// Area and Package go into Class as they are (facts of the accounting side's
	// tickets).
	Area, Package string
	// Class makes the Class attribute. nil: none is sent, and accounting has to
	// recognise sessions by their station.
	Class *class.Codec
	// Names makes the Chargeable-User-Identity of subscribers (RFC 4372), for NASes that
	// ask for one: the same for one subscriber on every server with these keys,
	// and nothing that leads back to the IMSI. nil: none is sent.
	Names *keyring.Ring

	// Service returns what a session gets by what it asked for. nil: the
	// SSID.
	Service func(s *session.Session) string
	// Plan chooses Acct-Interim-Interval. nil: none is sent.
	Plan *accounting.InterimPlan
	// History is what is known of a NAS, for Plan: (*accounting.Recorder).History. nil:
	// nothing.
	History func(ctx context.Context, nas session.NAS) (accounting.NASHistory, error)
	// Timeout and Idle are Session-Timeout and Idle-Timeout; 0: not sent.
	Timeout, Idle time.Duration

	// Checks are asked in order before a session is admitted: the subscriber's profile, his
	// credit. Each may change the session, and refuse.
	Checks []Check

	// Charging, if not nil, asks the OCS for credit before the subscriber is let in. It needs
	// a manager.
	Charging *Charging

	// AllowUnrecorded lets subscribers in when the store does not work: their
	// sessions are known by their Class when accounting begins, if the store works then. It
	// does nothing with Charging.
	AllowUnrecorded bool
}

// Check decides about a login that is otherwise good. The session has what is
// known of it; what the check changes there holds. A refusal that is not zero reaches
// the phone as the method's notification; err is its cause, for logs.
type Check func(ctx context.Context, l eapradius.Login, s *session.Session) (refusal eap.Refusal, err error)

// Admitter makes sessions of logins: it is the [eapradius.Authorizer] of a
// gateway. It is safe for concurrent use.
type Admitter struct {
	m     *session.Manager
	cfg   AdmitterConfig
	names []byte
}

var _ eapradius.Authorizer = (*Admitter)(nil)

// NewAdmitter returns an admitter of sessions to m. A nil m records nothing: on a
// server that only authenticates, Class is all that the accounting server needs.
func NewAdmitter(m *session.Manager, cfg AdmitterConfig) (*Admitter, error) {
	if cfg.Plan != nil {
		if err := cfg.Plan.Validate(); err != nil {
			return nil, err
		}
	}
	if cfg.Timeout < 0 || cfg.Idle < 0 {
		return nil, errors.New("gateway: Timeout or Idle is negative")
	}
	if cfg.Charging != nil && m == nil {
		return nil, errors.New("gateway: Charging without a manager")
	}
	a := &Admitter{m: m, cfg: cfg}
	if cfg.Names != nil {
		// The oldest key that still opens: the name ought to outlive a rotation.
		keys := cfg.Names.Derive("chargeable user identity", sha256.Size)
		a.names = keys[len(keys)-1].Secret
	}
	return a, nil
}

// NonBlocking reports that there is nothing to wait for: no store, no check.
func (a *Admitter) NonBlocking() bool {
	return a.m == nil && len(a.cfg.Checks) == 0 && a.cfg.History == nil
}

// Authorize implements eapradius.Authorizer.
func (a *Admitter) Authorize(ctx context.Context, l eapradius.Login) eapradius.Grant {
	now := time.Now()
	s := a.session(&l)
	for _, check := range a.cfg.Checks {
		if refusal, err := check(ctx, l, &s); refusal != 0 {
			return eapradius.Grant{Refusal: refusal, Err: err}
		}
	}
	if a.cfg.Plan != nil {
		var h accounting.NASHistory
		if a.cfg.History != nil {
			h, _ = a.cfg.History(ctx, s.NAS) // not knowing is no reason to refuse
		}
		s.Interim = a.cfg.Plan.For(now, s.Service, h)
	}
	s, restrictions, refusal, err := a.record(ctx, s, mtuOf(l.Request), now)
	if refusal != 0 {
		return eapradius.Grant{Refusal: refusal, Err: err}
	}
	attributes, err := a.attributes(&l, &s, now)
	if err != nil {
		return eapradius.Grant{Refusal: eap.RefusalTemporary, Err: err}
	}
	return eapradius.Grant{Attributes: append(attributes, restrictions...)}
}

// mtuOf returns the Framed-MTU that the NAS tells, 0 for none (RFC 2865, section 5.12).
func mtuOf(p *layeh.Packet) uint32 {
	n := rfc2865.FramedMTU_Get(p)
	if n > 1<<16-1 {
		return 0
	}
	return uint32(n)
}

// record admits the session, if there is credit for it. The result may be an older
// session that goes on; with it is what credit lets it do.
func (a *Admitter) record(ctx context.Context, s session.Session, mtu uint32, now time.Time) (session.Session, layeh.Attributes, eap.Refusal, error) {
	if a.m == nil {
		return unrecorded(s, now), nil, 0, nil
	}
	credit := credit{c: a.cfg.Charging}
	admitted, err := a.m.AdmitWith(ctx, s, func(s *session.Session) error { return credit.begin(s, now) })
	switch {
	case err == nil:
	case errors.Is(err, session.ErrLimit), errors.Is(err, ErrNoCredit):
		return s, nil, eap.RefusalTemporary, err
	case a.cfg.AllowUnrecorded && a.cfg.Charging == nil:
		return unrecorded(s, now), nil, 0, nil
	default:
		return s, nil, eap.RefusalTemporary, errors.Join(ErrUnrecorded, err)
	}
	a.m.SeeAP(ctx, session.AP{NAS: s.NAS, Name: s.AP, SSID: s.SSID, PortType: s.PortType, MTU: mtu}, now)
	if a.cfg.Charging == nil {
		return admitted, nil, 0, nil
	}
	// Waiting for credit may have taken all the time there was; what follows is short.
	after := context.WithoutCancel(ctx)
	if credit.gs != nil {
		if refusal, err := a.cfg.Charging.authorize(ctx, admitted.ID, credit.gs, credit.out); refusal != 0 {
			a.forget(after, admitted.ID)
			return s, nil, refusal, err
		}
		// What the quota says of intervals and time-outs was stored with the OCS's answer.
		e, err := a.m.Get(after, admitted.ID)
		if err != nil {
			return s, nil, eap.RefusalTemporary, errors.Join(ErrUnrecorded, err)
		}
		admitted = e.Session
	}
	restrictions, err := a.cfg.Charging.restrictions(&admitted)
	if err != nil {
		a.forget(after, admitted.ID)
		return s, nil, eap.RefusalTemporary, err
	}
	return admitted, restrictions, 0, nil
}

// credit is the credit control that an admission begins.
type credit struct {
	c   *Charging
	gs  *gy.Session
	out gy.Output
}

func (k *credit) begin(s *session.Session, now time.Time) error {
	k.gs = nil
	if k.c == nil {
		return nil
	}
	r, err := readRecord(s)
	if err != nil {
		return err
	}
	if r.isCharged() {
		j := k.c.job(s.ID)
		defer j.free()
		if _, err := k.c.restore(j, s, &r); err != nil {
			return err
		}
		gs := j.gs
		if !gs.Serving() {
			return fmt.Errorf("%w: the station's session waits for it, or is being settled", ErrNoCredit)
		}
		r.timeout, r.interim = 0, 0 // they are this login's
		r.limit(s, gs, now)
		shorten(&s.Interim, &r.interim, gs.NextInterim(now), true)
		r.write(s, gs)
		return nil
	}
	var ok bool
	if k.gs, k.out, ok = k.c.begin(s, now); ok {
		if len(s.Charging) == 0 {
			r.charged = usageOf(s) // it was not to be
		}
		r.write(s, k.gs)
		s.Wake = k.out.Deadline
	}
	return nil
}

// forget ends a session that was admitted and then refused.
func (a *Admitter) forget(ctx context.Context, id session.ID) {
	e, err := a.m.Get(ctx, id)
	if err == nil && e.Session.State == session.Admitted {
		// If this fails, the session ends when it has not been used for a while.
		_ = a.m.End(ctx, e, session.ReasonCredit)
	}
}

func unrecorded(s session.Session, now time.Time) session.Session {
	s.ID, s.State, s.Admitted = session.NewID(), session.Admitted, now
	return s
}

// session is what a login says of its session.
func (a *Admitter) session(l *eapradius.Login) session.Session {
	p := l.Request
	s := session.Session{
		IMSI:    l.Result.IMSI.Digits(),
		Station: session.NormalStation(l.Peer.StationID),
		Method:  methodName(l.Result.Method),
		Timeout: a.cfg.Timeout,
		Idle:    a.cfg.Idle,
		NAS:     session.NAS{Source: sourceOf(l.Remote), Identifier: rfc2865.NASIdentifier_GetString(p)},
	}
	s.AP, s.SSID = session.SplitCalled(l.Peer.AccessPointID)
	if ip := rfc2865.NASIPAddress_Get(p); ip != nil {
		s.NAS.Addr = addrOf(ip)
	} else if ip := rfc3162.NASIPv6Address_Get(p); ip != nil {
		s.NAS.Addr = addrOf(ip)
	}
	if nai, err := eap.ParseNAI(l.Result.Identity); err == nil {
		s.Realm = nai.Realm
	}
	if l.Peer.VisitedPLMN.IsValid() {
		s.Visited = l.Peer.VisitedPLMN.String()
	}
	s.PortType = uint32(rfc2865.NASPortType_Get(p))
	if a.cfg.Service != nil {
		s.Service = a.cfg.Service(&s)
	} else {
		s.Service = s.SSID
	}
	return s
}

// methodName is what tickets call a method.
func methodName(t eap.Type) string {
	switch t {
	case eap.TypeSIM:
		return "SIM"
	case eap.TypeAKA:
		return "AKA"
	case eap.TypeAKAPrime:
		return "AKA'"
	default:
		return ""
	}
}

// attributes are what the Access-Accept says of the session (requirement of every
// carrier: accounting that can be led back to the login).
func (a *Admitter) attributes(l *eapradius.Login, s *session.Session, now time.Time) (layeh.Attributes, error) {
	var out layeh.Attributes
	if a.cfg.Class != nil {
		facts := class.Facts{
			Server: a.cfg.Server, Area: a.cfg.Area, Result: "OK", Service: s.Service, Package: a.cfg.Package,
			IMSI: s.IMSI, Method: s.Method, Realm: s.Realm, Visited: s.Visited, Group: s.Group,
			Session: s.ID, Timeout: s.Timeout, Idle: s.Idle, Interim: s.Interim,
		}
		v, err := a.cfg.Class.Append(nil, &facts, now)
		if err != nil {
			return nil, err
		}
		out.Add(rfc2865.Class_Type, v)
	}
	if a.names != nil && wantsCUI(l.Request) {
		out.Add(rfc4372.ChargeableUserIdentity_Type, a.cui(s.IMSI))
	}
	for _, t := range []struct {
		typ layeh.Type
		d   time.Duration
	}{
		{rfc2865.SessionTimeout_Type, s.Timeout},
		{rfc2865.IdleTimeout_Type, s.Idle},
		{rfc2869.AcctInterimInterval_Type, s.Interim},
	} {
		if seconds := t.d / time.Second; seconds > 0 {
			out.Add(t.typ, layeh.NewInteger(uint32(min(seconds, 1<<32-1))))
		}
	}
	return out, nil
}

// wantsCUI reports whether the NAS asks for a Chargeable-User-Identity: with one of
// a single NUL, or with the one that it has (RFC 4372, section 2.1).
func wantsCUI(p *layeh.Packet) bool {
	_, ok := p.Lookup(rfc4372.ChargeableUserIdentity_Type)
	return ok
}

// cui is a subscriber's name for those who must not know his IMSI.
func (a *Admitter) cui(imsi string) layeh.Attribute {
	mac := hmac.New(sha256.New, a.names)
	mac.Write([]byte(imsi))
	sum := mac.Sum(nil)[:18]
	return layeh.Attribute(base64.RawURLEncoding.AppendEncode(nil, sum))
}

func addrOf(ip net.IP) netip.Addr {
	addr, _ := netip.AddrFromSlice(ip)
	return addr.Unmap()
}

func sourceOf(a net.Addr) netip.Addr {
	udp, ok := a.(*net.UDPAddr)
	if !ok {
		return netip.Addr{}
	}
	return addrOf(udp.IP)
}
