package accounting

import (
	"context"
	"encoding/binary"
	"net/netip"
	"time"

	"github.com/opentwag/twag/session"
)

// End ends a session from its latest interim, for the reason given: its ticket is an archival
// Stop. One that never began ends without a ticket. It is what [session.Manager.OnEnd] wants.
//
// The error is that of the store, such as [session.ErrConflict] if the session has
// changed.
func (r *Recorder) End(ctx context.Context, en *session.Entry, why session.Reason) error {
	if en.Session.State == session.Ended {
		return nil
	}
	now := time.Now()
	var txn session.Txn
	var then afterwards
	open := en.Session.State == session.Open
	if open {
		if err := r.archive(ctx, &txn, &then, en, why, now); err != nil {
			return err
		}
	} else {
		en.Session.Finish(why, now)
		r.charge(&txn, &en.Session, now, &then)
		txn.Put(en)
	}
	if _, err := r.m.Commit(ctx, &txn); err != nil {
		return err
	}
	then.do()
	if !open {
		return nil
	}
	if why == session.ReasonSilent {
		r.noteLost(ctx, en.Session.NAS, now)
	}
	if h := r.cfg.Hooks.Recorded; h != nil {
		h(RecordInfo{Status: Stop, Verdict: New, Archival: true, Reason: why, Session: en.Session.ID, NAS: en.Session.NAS})
	}
	return nil
}

// archive adds to txn the end of an open session as of its latest event.
func (r *Recorder) archive(ctx context.Context, txn *session.Txn, then *afterwards, en *session.Entry, why session.Reason, now time.Time) error {
	s := &en.Session
	var m Memory
	r.remember(ctx, &m, s)
	m.Archive()
	s.Accounting = m.Append(nil)
	s.Cause = causeOf(why)
	s.Finish(why, now)
	r.charge(txn, s, now, then)
	txn.Put(en)

	last := Event{Arrived: now}
	if s.Class != "" {
		last.classes[0] = []byte(s.Class)
	}
	c := r.open(&last)
	t := Ticket{
		Server: r.cfg.Server, Status: Stop, Verdict: New, Archival: true, Reason: why, Session: s.ID, Source: s.NAS.Source,
		Arrived: now, EventTime: s.Updated, Attributes: archivalAttributes(s), Class: c.appendFacts(nil),
		Started: s.Started, Stopped: s.Stopped, Usage: s.Usage,
	}
	entry, err := t.Append(nil)
	if err != nil {
		return err
	}
	txn.Journal(entry)
	return nil
}

// causeOf returns the Acct-Terminate-Cause that says why a session ended (RFC 2866,
// section 5.10).
func causeOf(why session.Reason) uint32 {
	switch why {
	case session.ReasonIdle:
		return 4 // Idle Timeout
	case session.ReasonTimeout:
		return 5 // Session Timeout
	case session.ReasonRestart:
		return 11 // NAS Reboot
	case session.ReasonReplaced:
		return 13 // Port Preempted
	case session.ReasonLimit, session.ReasonNetwork, session.ReasonCredit:
		return 6 // Admin Reset
	default:
		return 2 // Lost Carrier
	}
}

// archivalAttributes are those that the session's Stop would have had.
func archivalAttributes(s *session.Session) []byte {
	a := attributeWriter(make([]byte, 0, 512))
	a.number(typeStatus, uint32(Stop))
	a.text(typeAccountID, s.AccountID)
	a.text(typeMultiID, s.MultiID)
	a.text(typeUserName, s.User)
	a.text(typeNASIdentifier, s.NAS.Identifier)
	a.addr(typeNASIP, typeNASIPv6, s.NAS.Addr)
	called := s.AP
	if s.SSID != "" {
		called += ":" + s.SSID
	}
	a.text(typeCalled, called)
	a.text(typeCalling, s.Station)
	a.text(typePortID, s.Port)
	if s.PortType != 0 {
		a.number(typePortType, s.PortType)
	}
	a.addr(typeFramedIP, typeFramedIPv6, s.Address)
	a.text(typeClass, s.Class)
	u := &s.Usage
	a.number(typeSessionTime, uint32(min(u.Time/time.Second, 1<<32-1)))
	a.number(typeInputOctets, uint32(u.InputOctets))
	a.number(typeOutputOctets, uint32(u.OutputOctets))
	a.number(typeInputGigawords, uint32(u.InputOctets>>32))
	a.number(typeOutputGigawords, uint32(u.OutputOctets>>32))
	a.number(typeInputPackets, uint32(min(u.InputPackets, 1<<32-1)))
	a.number(typeOutputPackets, uint32(min(u.OutputPackets, 1<<32-1)))
	a.number(typeCause, s.Cause)
	if at := s.Stopped.Unix(); 0 < at && at < 1<<32 {
		a.number(typeTimestamp, uint32(at))
	}
	return a
}

// attributeWriter appends attributes. What doesn't fit in one is cut.
type attributeWriter []byte

func (w *attributeWriter) text(typ byte, s string) {
	if s == "" {
		return
	}
	s = s[:min(len(s), 253)]
	*w = append(append(*w, typ, byte(2+len(s))), s...)
}

func (w *attributeWriter) number(typ byte, v uint32) {
	*w = binary.BigEndian.AppendUint32(append(*w, typ, 6), v)
}

func (w *attributeWriter) addr(type4, type6 byte, a netip.Addr) {
	switch {
	case a.Is4():
		w.text(type4, string(a.AsSlice()))
	case a.IsValid():
		w.text(type6, string(a.AsSlice()))
	}
}
