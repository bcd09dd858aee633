package main

import (
	"context"
	"errors"
	"log/slog"

	"github.com/opentwag/twag/aka"
	"github.com/opentwag/twag/eap"
	"github.com/opentwag/twag/eap/eapradius"
	"github.com/opentwag/twag/session"
	"github.com/opentwag/twag/session/gateway"
	"github.com/opentwag/twag/swx"
)

// registration returns a check that registers at the HSS who has authenticated
// (SAR), and lets in whom the profile in the answer lets in (TS 29.273, clause
// 8.1.2.2). Who re-authenticates is registered already.
//
// Its log line is the only one with the reason: the login ends a request later,
// perhaps in another server.
func registration(hss *swx.Client, log *slog.Logger) gateway.Check {
	return func(ctx context.Context, l eapradius.Login, s *session.Session) (eap.Refusal, error) {
		if l.Result.Reauthenticated {
			return eap.RefusalNone, nil
		}
		got, err := hss.Assign(ctx, swx.AssignmentRequest{IMSI: l.Result.IMSI, Type: swx.Registration})
		if err == nil && got.UserData != nil {
			err = got.UserData.Check(swx.RATWLAN)
			if t := got.UserData.SessionTimeout; t > 0 && (s.Timeout == 0 || t < s.Timeout) {
				s.Timeout = t
			}
		}
		if err == nil {
			return eap.RefusalNone, nil
		}
		log.Info("HSS does not let a subscriber in", "nas", s.NAS.Identifier, "station", l.Peer.StationID, "imsi", l.Result.IMSI, "error", err)
		if errors.Is(err, aka.ErrUnavailable) {
			return eap.RefusalTemporary, err
		}
		return eap.RefusalNotSubscribed, err
	}
}

// terminate ends what a subscriber has here, whom the HSS has deregistered (TS
// 29.273, clause 8.1.2.4). Which subscribers there are is not kept, so nobody is
// unknown.
func (s *server) terminate(ctx context.Context, t swx.Termination) error {
	s.log.Info("HSS deregistered a subscriber", "imsi", t.IMSI, "reason", t.Reason.String())
	return errors.Join(s.forget(ctx, t.IMSI), s.disconnect(ctx, t.IMSI))
}

// update makes the subscriber's next login a full one, by the new profile; and
// ends his sessions if that bars him (TS 29.273, clause 8.1.2.3).
func (s *server) update(ctx context.Context, u swx.ProfileUpdate) error {
	attrs := []slog.Attr{slog.Any("imsi", u.IMSI)}
	barred := false
	if u.UserData != nil {
		barred = u.UserData.Check(swx.RATWLAN) != nil
		attrs = append(attrs, slog.Bool("barred", barred))
	}
	if u.Flags != 0 {
		attrs = append(attrs, slog.String("flags", u.Flags.String()))
	}
	s.log.LogAttrs(ctx, slog.LevelInfo, "HSS changed a subscriber's profile", attrs...)
	if u.UserData == nil {
		return nil
	}
	err := s.forget(ctx, u.IMSI)
	if barred {
		err = errors.Join(err, s.disconnect(ctx, u.IMSI))
	}
	return err
}

// forget forgets what lets a subscriber in without asking the HSS.
func (s *server) forget(ctx context.Context, imsi eap.IMSI) error {
	if s.reauth == nil {
		return nil
	}
	err := s.reauth.Drop(ctx, imsi)
	if err != nil {
		s.log.Error("Store of re-authentications failed", "imsi", imsi, "error", err)
	}
	return err
}

// disconnect has the subscriber's sessions ended, as far as they are known
// here.
func (s *server) disconnect(ctx context.Context, imsi eap.IMSI) error {
	if s.books == nil {
		return nil
	}
	m := s.books.manager
	list, err := m.BySubscriber(ctx, imsi.Digits())
	for _, e := range list {
		if gone := m.Disconnect(ctx, e.Session.ID, session.ReasonNetwork); !errors.Is(gone, session.ErrNotFound) {
			err = errors.Join(err, gone)
		}
	}
	if err != nil {
		s.log.Error("Sessions of a subscriber could not be ended", "imsi", imsi, "error", err)
	}
	return err
}
