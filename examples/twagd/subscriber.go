package main

import (
	"context"
	"errors"
	"log/slog"

	"github.com/opentwag/twag/eap"
	"github.com/opentwag/twag/session"
	"github.com/opentwag/twag/swx"
)

// terminate ends what a subscriber has here, whom the HSS has deregistered (TS
// 29.273, clause 8.1.2.4). Which subscribers there are is not kept, so nobody is
// unknown.
func (s *server) terminate(ctx context.Context, t swx.Termination) error {
	s.log.Info("HSS deregistered a subscriber", "imsi", t.IMSI, "reason", t.Reason.String())
	defer s.registrar.pause(ctx, t.IMSI)()
	return s.expel(ctx, t.IMSI)
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
	defer s.registrar.pause(ctx, u.IMSI)()
	err := s.forget(ctx, u.IMSI)
	if barred {
		err = errors.Join(err, s.disconnect(ctx, u.IMSI), s.registrar.leave(ctx, u.IMSI))
	}
	return err
}

// expel ends what a subscriber has here.
func (s *server) expel(ctx context.Context, imsi eap.IMSI) error {
	return errors.Join(s.forget(ctx, imsi), s.disconnect(ctx, imsi))
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
