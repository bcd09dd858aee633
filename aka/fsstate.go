package aka

import (
	"golang.org/x/crypto/cryptobyte"

	"github.com/opentwag/twag/eap"
)

// What forward secrecy adds to an encoded state is an octet, made of whether
// the run has restarted (1 bit), the choice among the groups (3) and the group
// (4), and the secret: the private key of a challenge that is out, later
// SHARED_SECRET.
const (
	fsRestartedBit = 0x80
	fsChosenShift  = 4
	fsChosenMask   = 0x7
	fsGroupMask    = 0xf
)

// keepsFS reports whether forward secrecy has something to say in the state.
func (m *machine) keepsFS() bool {
	switch {
	case m.reauth != nil:
		return m.reauth.context.ForwardSecrecy && m.state != stateNotifyFailure
	case m.state == stateChallenge:
		return m.fs.offered()
	default:
		return m.fs.agreed && m.state == stateNotifySuccess
	}
}

var _ eap.Confined = (*machine)(nil)

// Confined implements [eap.Confined]: the ephemeral private key, the secret
// made with it, and a re-authentication key that came of one are not to be had
// from a recording, whoever learns which key later (RFC 9678, section 7.2).
func (m *machine) Confined() bool { return m.keepsFS() }

// fsAllows reports whether a re-authentication may use the context: where
// forward secrecy is required, its keys must have had it.
func (m *machine) fsAllows(c *ReauthContext) bool {
	return c.ForwardSecrecy || m.method.typ != eap.TypeAKAPrime || m.method.cfg.ForwardSecrecy != FSRequired
}

func (f *fsRun) append(b []byte) []byte {
	x := f.offer.chosen<<fsChosenShift | byte(f.group())
	if f.restarted {
		x |= fsRestartedBit
	}
	return append(append(b, x), f.secret[:]...)
}

// restoreFS reads what append wrote, if there is some. It fails where a
// configuration other than this would have led elsewhere: no login shall come
// through on a group, or without one, that this server would not have taken.
func (m *machine) restoreFS(s *cryptobyte.String, there bool) bool {
	policy := m.method.cfg.ForwardSecrecy
	if !there {
		// A challenge makes the offer; a run may end without.
		return !m.fs.offered() || m.state == stateNotifySuccess && policy == FSOffered
	}
	var x uint8
	if !m.fs.offered() || !s.ReadUint8(&x) || !s.CopyBytes(m.fs.secret[:]) {
		return false
	}
	m.fs.restarted = x&fsRestartedBit != 0
	m.fs.agreed = m.state == stateNotifySuccess
	chosen := x >> fsChosenShift & fsChosenMask
	if chosen == 1 || int(chosen) > m.fs.offer.base.Len() {
		return false
	}
	m.fs.offer.chosen = chosen
	return byte(m.fs.group()) == x&fsGroupMask
}
