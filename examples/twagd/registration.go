package main

import (
	"cmp"
	"strings"
	"time"

	"github.com/opentwag/twag/eap"
	"github.com/opentwag/twag/session"
	"github.com/opentwag/twag/swx"
)

// taskRegistration is the task to tell the HSS of a subscriber. Its data are what to tell it, the
// IMSI, and after a space where he is registered.
const taskRegistration session.TaskKind = 128

// What to tell the HSS.
const (
	toRegister   = 'R' // unless he has gone
	toDeregister = 'D' // unless he has come back
)

// Homes that are no name of an HSS.
const (
	homeUnnamed = "?" // one that has not said its name
	homeUntold  = "-" // it is still to be told
)

// homeOf is the Home of who was registered with that answer.
func homeOf(a swx.Assignment) string {
	if a.Host == "" {
		return homeUnnamed
	}
	return a.Host
}

// counts reports whether a session keeps its subscriber registered as long as it lasts. One that the
// HSS, or a new profile, has ended does not, although its access point may not have heard of it yet.
func counts(s *session.Session) bool { return s.IMSI != "" && s.Closing != session.ReasonNetwork }

// followRegistration has the HSS told of sessions that end, some time later, and of those
// that begin without it.
func followRegistration(after time.Duration) func(before, is *session.Session) (session.Task, bool) {
	return func(before, is *session.Session) (session.Task, bool) {
		switch was := before.State; {
		case is.State == session.Ended:
			if was != session.Ended && counts(is) {
				// One without a home was not recorded when he logged in, or is of before there were any.
				return leaving(is.IMSI, cmp.Or(is.Home, homeUnnamed), after), true
			}
		case is.Home == homeUntold && before.Home != homeUntold,
			was == session.Ended && is.Home != "" && counts(before): // its access point was only away
			return registration(toRegister, is.IMSI, is.Home), true
		}
		return session.Task{}, false
	}
}

func registration(what byte, imsi, home string) session.Task {
	data := make([]byte, 0, 2+len(imsi)+len(home))
	data = append(append(data, what), imsi...)
	return session.Task{Kind: taskRegistration, Data: append(append(data, ' '), home...)}
}

// leaving is the task of deregistering who has not come back.
func leaving(imsi, home string, after time.Duration) session.Task {
	t := registration(toDeregister, imsi, home)
	t.NotBefore = time.Now().Add(after)
	return t
}

func parseRegistration(data []byte) (what byte, imsi eap.IMSI, home string, ok bool) {
	if len(data) == 0 {
		return 0, imsi, "", false
	}
	digits, home, ok := strings.Cut(string(data[1:]), " ")
	imsi, err := eap.ParseIMSI(digits)
	return data[0], imsi, home, ok && err == nil
}
