package main

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/opentwag/twag/aka"
	"github.com/opentwag/twag/eap"
	"github.com/opentwag/twag/eap/eapradius"
	"github.com/opentwag/twag/session"
	"github.com/opentwag/twag/session/gateway"
	"github.com/opentwag/twag/swx"
)

// registrar tells the HSS who is here (SAR; TS 29.273, clause 8.1.2.2): it registers
// who logs in, and lets in whom the profile in the answer lets in. Where sessions are known it
// also deregisters who has none any more, some time after the last one.
//
// Who is registered says [session.Session.Home] of his sessions, and nothing else: there is no
// second record that could disagree. Logins of a subscriber, and what the HSS is told
// of him between them, take turns, so that no login is registered before and recorded
// after he is deregistered.
type registrar struct {
	s     *server
	hss   *swx.Client
	after time.Duration // 0: nobody is deregistered
	turns turns
}

// registrations is how many SARs there are at a time beside those of logins.
const registrations = 32

// newRegistrar returns what tells hss, or nil if it is not to be told.
func (s *server) newRegistrar(hss *swx.Client) *registrar {
	if !s.cfg.SWx.Register {
		return nil
	}
	r := &registrar{s: s, hss: hss}
	if s.cfg.deregisters() {
		r.after = s.cfg.SWx.DeregisterAfter
		s.books.manager.HandleTaskApart(taskRegistration, registrations, r.do)
	}
	return r
}

// deregisters reports whether the HSS is told of who has gone: who only authenticates does not
// know.
func (c *config) deregisters() bool {
	return c.SWx.Register && c.SWx.DeregisterAfter > 0 && c.has(roleAuth) && c.has(roleAcct)
}

// check is a [gateway.Check].
//
// Its log line is the only one with the reason: the login ends a request later,
// perhaps in another server.
func (r *registrar) check(ctx context.Context, l eapradius.Login, s *session.Session) (eap.Refusal, error) {
	again := l.Result.Reauthenticated
	asked := ctx
	if again {
		_, home, err := r.whereabouts(ctx, s.IMSI)
		if err != nil {
			home = homeUntold // if he can be admitted at all
		}
		if home != "" || r.after == 0 {
			s.Home = home
			return eap.RefusalNone, nil
		}
		// An HSS that is silent must leave the time to let him in without it.
		var cancel context.CancelFunc
		asked, cancel = half(ctx)
		defer cancel()
	}
	got, err := r.hss.Assign(asked, swx.AssignmentRequest{IMSI: l.Result.IMSI, Type: swx.Registration})
	if told, ok := ctx.Value(toldKey{}).(*bool); ok {
		*told = err == nil || !isFinal(err)
	}
	if r.after > 0 {
		s.Home = homeOf(got)
	}
	if again && err != nil && !isFinal(err) {
		// A phone may re-authenticate while the HSS is away. It is told later.
		s.Home = homeUntold
		return eap.RefusalNone, nil
	}
	if err == nil && got.UserData != nil {
		err = got.UserData.Check(swx.RATWLAN)
		if t := got.UserData.SessionTimeout; t > 0 && (s.Timeout == 0 || t < s.Timeout) {
			s.Timeout = t
		}
	}
	if err == nil {
		return eap.RefusalNone, nil
	}
	if again {
		// It is the full login that finds out whose he is now, or takes him over. If the store fails,
		// that has been told.
		_ = r.s.forget(ctx, l.Result.IMSI)
	}
	r.s.log.Info("HSS does not let a subscriber in", "nas", s.NAS.Identifier, "station", l.Peer.StationID, "imsi", l.Result.IMSI, "error", err)
	if errors.Is(err, aka.ErrUnavailable) {
		return eap.RefusalTemporary, err
	}
	return eap.RefusalNotSubscribed, err
}

// half is ctx with half of the time that it has left.
func half(ctx context.Context) (context.Context, context.CancelFunc) {
	end, ok := ctx.Deadline()
	if !ok {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, time.Until(end)/2)
}

// toldKey is the context's key to whether the HSS was told of a login.
type toldKey struct{}

// authorizer returns a, each subscriber's logins one after the other. Who is refused
// although the HSS has been told is deregistered.
func (r *registrar) authorizer(a *gateway.Admitter) eapradius.Authorizer {
	if r == nil || r.after == 0 {
		return a
	}
	return eapradius.AuthorizerFunc(func(ctx context.Context, l eapradius.Login) eapradius.Grant {
		done, err := r.turns.take(ctx, l.Result.IMSI.Digits())
		if err != nil {
			return eapradius.Grant{Refusal: eap.RefusalTemporary, Err: err}
		}
		defer done()
		told := false
		g := a.Authorize(context.WithValue(ctx, toldKey{}, &told), l)
		if told && g.Refusal != eap.RefusalNone {
			// If the store fails, that is why he is refused, and is told already.
			_ = r.leave(context.WithoutCancel(ctx), l.Result.IMSI)
		}
		return g
	})
}

// pause waits for a login that is being decided: one that the HSS has let in must not be recorded after
// the HSS has thought better of it. It waits for no more than maxPause, since the login may wait for
// that HSS. done lets the next one be decided.
func (r *registrar) pause(ctx context.Context, imsi eap.IMSI) (done func()) {
	if r == nil || r.after == 0 {
		return func() {}
	}
	ctx, cancel := context.WithTimeout(ctx, maxPause)
	defer cancel()
	done, err := r.turns.take(ctx, imsi.Digits())
	if err != nil {
		return func() {}
	}
	return done
}

const maxPause = time.Second

// leave has the subscriber deregistered, unless he has a session by then.
func (r *registrar) leave(ctx context.Context, imsi eap.IMSI) error {
	if r == nil || r.after == 0 {
		return nil
	}
	var txn session.Txn
	txn.Task(leaving(imsi.Digits(), homeUnnamed, r.after))
	_, err := r.s.books.manager.Commit(ctx, &txn)
	return err
}

// whereabouts returns whether the subscriber has a session, and where he is registered by it; empty:
// nowhere, as far as is known.
func (r *registrar) whereabouts(ctx context.Context, imsi string) (here bool, home string, err error) {
	if r.after == 0 {
		return false, "", nil
	}
	list, err := r.s.books.manager.BySubscriber(ctx, imsi)
	if errors.Is(err, session.ErrDecode) {
		err = nil // that session is lost to everybody
	}
	for _, e := range list {
		if s := &e.Session; counts(s) {
			here = true
			home = cmp.Or(home, s.Home)
		}
	}
	return here, home, err
}

// do does a task. Logins don't wait for it: it is broken off, and done again.
func (r *registrar) do(ctx context.Context, t session.Task) error {
	what, imsi, home, ok := parseRegistration(t.Data)
	if !ok {
		return nil // it can't be done, now or later
	}
	ctx, done, err := r.turns.borrow(ctx, imsi.Digits())
	if err != nil {
		return err
	}
	defer done()
	here, at, err := r.whereabouts(ctx, imsi.Digits())
	// What was tried and got no answer may have reached the HSS after what it was told since: then
	// it is told once more how things are.
	tried := t.Attempts > 0
	switch {
	case err != nil:
		return err
	case at != "" && (what == toRegister || tried):
		return r.register(ctx, imsi)
	case !here && (what == toDeregister || tried):
		return r.deregister(ctx, imsi, home, t.Attempts >= hostAttempts)
	}
	return nil // he has gone, or come back
}

// hostAttempts is how often only the HSS that he is registered at is asked, by its name. Another one
// may have taken its place.
const hostAttempts = 3

// register registers a subscriber whose sessions began without the HSS; they end if it does not
// agree.
func (r *registrar) register(ctx context.Context, imsi eap.IMSI) error {
	got, err := r.hss.Assign(ctx, swx.AssignmentRequest{IMSI: imsi, Type: swx.Registration})
	ctx = context.WithoutCancel(ctx) // what is left to do is short
	switch {
	case err == nil && got.UserData != nil:
		if err = got.UserData.Check(swx.RATWLAN); err == nil {
			return nil
		}
		r.refused(imsi, err)
		return errors.Join(r.s.expel(ctx, imsi), r.leave(ctx, imsi))
	case err == nil || !isFinal(err):
		return err
	}
	r.refused(imsi, err)
	return r.s.expel(ctx, imsi)
}

func (r *registrar) refused(imsi eap.IMSI, err error) {
	r.s.log.Info("HSS does not want a subscriber who is here", "imsi", imsi, "error", err)
}

// deregister tells the HSS that the subscriber has gone: the one at home, and if that gives no answer
// and another will do, whichever serves the realm.
func (r *registrar) deregister(ctx context.Context, imsi eap.IMSI, home string, another bool) error {
	req := swx.AssignmentRequest{IMSI: imsi, Type: swx.UserDeregistration}
	if home != homeUnnamed && home != homeUntold {
		req.Host = home
	}
	_, err := r.hss.Assign(ctx, req)
	if another && req.Host != "" && err != nil && !isFinal(err) {
		req.Host = ""
		_, err = r.hss.Assign(ctx, req)
		if errors.Is(err, aka.ErrUnknownSubscriber) {
			return err // it has others; the one at home may come back
		}
	}
	if err == nil || !isFinal(err) {
		return err
	}
	// Not registered here, or elsewhere by now: that is what was wanted.
	r.s.log.LogAttrs(ctx, slog.LevelDebug, "HSS has no registration to end", slog.Any("imsi", imsi), slog.Any("error", err))
	return nil
}

// isFinal tells an answer that will be the same next time from trouble (RFC 6733, section 7.1).
func isFinal(err error) bool {
	if !errors.Is(err, aka.ErrUnavailable) || errors.Is(err, swx.ErrRegisteredElsewhere) {
		return true
	}
	var re *swx.ResultError
	return errors.As(err, &re) && (re.Code == resultCommandUnsupported || re.Code/1000 == 5 && re.Code != swx.ResultUnableToComply)
}

const resultCommandUnsupported = 3001
