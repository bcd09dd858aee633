package eaptest

import (
	"fmt"

	"github.com/opentwag/twag/aka"
)

// onNotification answers EAP-Request/AKA-Notification.
//
// RFC 4187, sections 6.1, 6.2, 9.10 and 9.11.
func (p *Peer) onNotification(m *aka.Message) ([]byte, error) {
	n := m.Notification
	refuse := func(why string) ([]byte, error) {
		return p.clientError(fmt.Errorf("%w: %v: %s", ErrNotification, n, why))
	}
	if p.told {
		return refuse("the second one")
	}
	if n.BeforeAuth() {
		switch {
		case n.Success():
			return refuse("success before authentication")
		case m.Has(aka.AttrMAC):
			return refuse("AT_MAC before authentication")
		}
		p.told, p.notified, p.phase = true, n, phaseFailing
		b := p.message(aka.SubtypeNotification)
		return p.send(&b, false)
	}
	if p.phase != phaseAuthenticated {
		return refuse("authentication has not been")
	}
	if err := m.VerifyMAC(&p.keys, nil); err != nil {
		return p.clientError(err)
	}
	if err := p.verifyNotified(m); err != nil {
		return p.clientError(err)
	}
	switch {
	case !n.Success():
		p.phase = phaseFailing
	case !p.resultInd:
		return refuse("nobody wanted result indications")
	case n == aka.NotifySuccess:
		p.phase = phaseConfirmed
	}
	p.told, p.notified = true, n
	b := p.message(aka.SubtypeNotification)
	if p.reauthenticated {
		if err := p.encryptCounter(&b, false); err != nil {
			return nil, err
		}
	}
	return p.send(&b, true)
}

// verifyNotified checks the counter, which protects the notification of a fast
// re-authentication, and of that only, against replay (sections 9.10, 9.11).
func (p *Peer) verifyNotified(m *aka.Message) error {
	if !p.reauthenticated {
		if m.Has(aka.AttrEncrData) {
			return fmt.Errorf("%w: AT_COUNTER belongs to a re-authentication", ErrNotification)
		}
		return nil
	}
	nested, err := p.decrypt(m, &p.keys)
	switch {
	case err != nil:
		return err
	case !nested.Has(aka.AttrCounter):
		return &aka.AttrError{Subtype: m.Subtype, Attr: aka.AttrCounter, Err: aka.ErrMissing}
	case nested.Counter != p.counter:
		return fmt.Errorf("%w: AT_COUNTER %d in re-authentication %d", ErrNotification, nested.Counter, p.counter)
	}
	return nil
}
