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
	if m.Has(aka.AttrEncrData) {
		return refuse("AT_COUNTER belongs to a re-authentication")
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
	return p.send(&b, true)
}
