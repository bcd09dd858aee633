package aka

import "github.com/opentwag/twag/eap"

// simStartLen is the length of a SIM-Start with an identity request.
const simStartLen = messageHeaderLen + 2*attrUnit + attrUnit

// startRequest makes a SIM-Start. It asks for an identity in stateIdentity
// (RFC 4186, section 9.1).
func (m *machine) startRequest(t eap.Turn, asking bool) Builder {
	b := m.request(t, SubtypeSIMStart, simStartLen)
	b.Octets(AttrVersionList, simVersions[:])
	if asking {
		b.Flag(m.asked.attr())
	}
	return b
}

// enterStart asks for NONCE_MT alone, the subscriber being known. No other
// SIM-Start may follow (RFC 4186, section 9.1).
func (m *machine) enterStart(t eap.Turn) eap.Step {
	b := m.startRequest(t, false)
	return m.send(&b, stateStart)
}

// fullSIM goes on to a full authentication of the subscriber, now known, if
// there is a NONCE_MT for it. A peer that has not sent one believes
// in fast re-authentication, or was not asked yet; others break the rules (RFC
// 4186, section 9.2).
func (m *machine) fullSIM(t eap.Turn) eap.Step {
	switch {
	case m.sim.haveNonce:
		return m.enterVectors(nil)
	case m.state == stateIdentity:
		return m.fail(t, &AttrError{Subtype: SubtypeSIMStart, Attr: AttrNonceMT, Err: ErrMissing})
	default:
		return m.enterStart(t)
	}
}

// onStart handles the response to a SIM-Start (RFC 4186, sections 4.2.7 and
// 9.2).
func (m *machine) onStart(t eap.Turn, msg *Message, err error) eap.Step {
	if err == nil && msg.Subtype != SubtypeSIMStart {
		err = &AttrError{Subtype: msg.Subtype, Err: ErrSubtype}
	}
	if err == nil {
		err = m.checkStart(msg)
	}
	if err != nil {
		return m.fail(t, err)
	}
	// Of several rounds the last one counts (section 7).
	m.sim.nonceMT, m.sim.haveNonce = [16]byte{}, msg.Has(AttrNonceMT)
	copy(m.sim.nonceMT[:], msg.NonceMT)
	if m.state == stateStart {
		return m.enterVectors(nil)
	}
	return m.decide(t, string(msg.Identity))
}

// checkStart checks what the request decides: AT_IDENTITY if and only if it was
// asked for, AT_NONCE_MT if nothing else was, a version that was offered.
func (m *machine) checkStart(msg *Message) error {
	fault := func(t AttrType, err error) error {
		return &AttrError{Subtype: msg.Subtype, Attr: t, Err: err}
	}
	asked := m.state == stateIdentity
	switch {
	case asked && !msg.Has(AttrIdentity):
		return fault(AttrIdentity, ErrMissing)
	case !asked && msg.Has(AttrIdentity):
		return fault(AttrIdentity, ErrNotAllowed)
	case !asked && !msg.Has(AttrNonceMT):
		return fault(AttrNonceMT, ErrMissing)
	case msg.Has(AttrSelectedVersion) && msg.SelectedVersion != SIMVersion:
		return fault(AttrSelectedVersion, ErrVersion)
	}
	return nil
}

// startAnswer checks a response to SIM-Start: AT_NONCE_MT and
// AT_SELECTED_VERSION come together, and they may be absent only where
// AT_IDENTITY is for fast re-authentication (RFC 4186, section 9.2).
func (d *decoder) startAnswer(a *Attributes) error {
	switch nonce, version := a.Has(AttrNonceMT), a.Has(AttrSelectedVersion); {
	case nonce && !version:
		return d.err(AttrSelectedVersion, 0, ErrMissing)
	case !nonce && (version || !a.Has(AttrIdentity)):
		return d.err(AttrNonceMT, 0, ErrMissing)
	}
	return nil
}
