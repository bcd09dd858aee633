package aka

import "github.com/opentwag/twag/eap"

// simChallengeLen is room for a challenge of three RANDs with identities of
// usual length.
const simChallengeLen = messageHeaderLen + attrUnit + maxTriplets*16 + identitiesLen + attrUnit + attrUnit + macLen

// enterSIMChallenge sends the challenge of the triplets at hand. Its MAC covers
// NONCE_MT (RFC 4186, section 9.3).
func (m *machine) enterSIMChallenge(t eap.Turn) eap.Step {
	b := m.request(t, SubtypeSIMChallenge, simChallengeLen)
	b.Octets(AttrRAND, m.sim.allRAND())
	m.giveIdentities(t, &b)
	if m.method.cfg.ResultIndications {
		b.Flag(AttrResultInd)
	}
	b.MAC(m.sessionKeys(), m.sim.nonceMT[:])
	step := m.send(&b, stateChallenge)
	if step.Kind == eap.StepRequest {
		m.tell(m.method.cfg.Hooks.Challenge, nil)
	}
	return step
}

// onSIMChallenge handles the response to a challenge. Its MAC covers the SRES,
// which are not sent, and so is the whole proof (RFC 4186, section 9.4).
func (m *machine) onSIMChallenge(t eap.Turn, msg *Message, err error) eap.Step {
	if err == nil && msg.Subtype != SubtypeSIMChallenge {
		err = &AttrError{Subtype: msg.Subtype, Err: ErrSubtype}
	}
	if err != nil {
		return m.fail(t, err)
	}
	if err := msg.VerifyMAC(m.sessionKeys(), m.sim.allSRES()); err != nil {
		return m.fail(t, err)
	}
	if msg.Has(AttrResultInd) && !m.method.cfg.ResultIndications {
		// Section 6.2: the peer must not, unless we did.
		return m.fail(t, &AttrError{Subtype: msg.Subtype, Attr: AttrResultInd, Err: ErrNotAllowed})
	}
	m.resultInd = msg.Has(AttrResultInd)
	m.tell(m.method.cfg.Hooks.Verified, nil)
	return m.enterAuthorization()
}
