package accounting

import (
	"time"

	"github.com/opentwag/twag/session"
)

// apply makes of a session what the event says. memory is m, encoded; the session keeps it.
func apply(s *session.Session, e *Event, c *opened, login *session.Session, m *Memory, memory []byte) {
	if login != nil && s.State == session.Admitted {
		s.IMSI, s.Method, s.Realm, s.Visited, s.Service, s.Group = login.IMSI, login.Method, login.Realm, login.Visited, login.Service, login.Group
		s.Timeout, s.Idle, s.Interim, s.Admitted = login.Timeout, login.Idle, login.Interim, login.Admitted
	}
	if s.Admitted.IsZero() {
		c.fill(s)
	}
	fill(&s.IMSI, e.IMSI)
	if len(c.raw) > 0 && s.Class != string(c.raw) {
		s.Class = string(c.raw)
	}

	old := s.Updated
	if s.AccountID = e.AccountID; !sameNAS(s.NAS, e.NAS) {
		s.NAS = e.NAS
	} else if e.NAS.Addr.IsValid() {
		s.NAS.Addr = e.NAS.Addr
	}
	fill(&s.Station, e.Station)
	if when := e.When(); !when.Before(old) {
		// The latest event knows best.
		replace(&s.MultiID, e.MultiID)
		replace(&s.User, e.User)
		replace(&s.Port, e.Port)
		if e.AP != "" {
			s.AP, s.SSID = e.AP, e.SSID
		}
		if e.PortType != 0 {
			s.PortType = e.PortType
		}
		if e.Address.IsValid() {
			s.Address = e.Address
		}
		s.Updated = when
	}
	if e.Arrived.After(s.Seen) {
		s.Seen = e.Arrived
	}
	applyTimes(s, e, m)
	s.Accounting = memory
}

// applyTimes sets the session's state, times and usage.
func applyTimes(s *session.Session, e *Event, m *Memory) {
	if s.Started.IsZero() || e.Status == Start {
		if s.Started = m.Started(); s.State == session.Admitted && s.Started.Before(s.Admitted.Add(-adoptSlack)) {
			// Nobody begins before the login: the clock of the NAS is wrong.
			s.Started = e.sent().Add(-e.Counters.SessionTime)
		}
	}
	if usage := m.Usage(); usage != s.Usage || s.Active.IsZero() {
		if usage.InputOctets != s.Usage.InputOctets || usage.OutputOctets != s.Usage.OutputOctets || s.Active.IsZero() {
			if when := e.When(); when.After(s.Active) {
				s.Active = when
			}
		}
		s.Usage = usage
	}
	switch {
	case m.Stopped():
		s.State = session.Ended
		if e.Status == Stop {
			s.Stopped, s.Cause = e.When(), e.Cause
		}
	case m.flags&memArchived != 0:
		s.State = session.Ended
	default:
		if s.State == session.Ended { // it goes on
			s.Stopped, s.Cause, s.Closing, s.ClosingAt = time.Time{}, 0, 0, time.Time{}
		}
		s.State = session.Open
		if (s.Closing == session.ReasonReplaced || s.Closing == session.ReasonRestart) && e.Status == Interim && e.sent().After(s.ClosingAt) {
			s.Closing, s.ClosingAt = 0, time.Time{} // we were wrong
		}
	}
}

// fill gives a session what its login decided, if another process admitted it.
func (c *opened) fill(s *session.Session) {
	if !c.ok {
		return
	}
	f := &c.facts
	fill(&s.Service, f.Service)
	if f.Plain {
		return
	}
	fill(&s.IMSI, f.IMSI)
	fill(&s.Method, f.Method)
	fill(&s.Realm, f.Realm)
	fill(&s.Visited, f.Visited)
	fill(&s.Group, f.Group)
	s.Timeout, s.Idle, s.Interim, s.Admitted = f.Timeout, f.Idle, f.Interim, f.Issued
}

func fill(to *string, v string) {
	if *to == "" {
		*to = v
	}
}

func replace(to *string, v string) {
	if v != "" {
		*to = v
	}
}
