package aka

import (
	"github.com/opentwag/twag/eap"
)

// challengeLen is room for a challenge with all its attributes and a network
// name of usual length.
const challengeLen = 272

// enterChallenge sends the challenge of the vector at hand (RFC 4187, section
// 9.3; RFC 9048, section 3).
func (m *machine) enterChallenge(t eap.Turn) eap.Step {
	b := m.request(t, SubtypeChallenge, challengeLen+fsAttrsLen)
	b.Octets(AttrRAND, m.vector.RAND[:])
	b.Octets(AttrAUTN, m.vector.AUTN[:])
	if m.method.typ == eap.TypeAKAPrime {
		b.KDFs(m.kdf.list())
		b.String(AttrKDFInput, m.network)
		m.offerFS(&b)
	}
	m.giveIdentities(t, &b)
	b.Octets(AttrCheckcode, m.sum.octets())
	if m.method.cfg.ResultIndications {
		b.Flag(AttrResultInd)
	}
	if m.method.typ == eap.TypeAKA {
		// RFC 9048, section 4.1: in every challenge of EAP-AKA.
		b.Bidding(m.method.cfg.Bidding)
	}
	b.MAC(m.sessionKeys(), nil)
	step := m.send(&b, stateChallenge)
	if step.Kind == eap.StepRequest {
		m.tell(m.method.cfg.Hooks.Challenge, nil)
	}
	return step
}

// onChallenge handles the response to a challenge.
func (m *machine) onChallenge(t eap.Turn, msg *Message, err error) eap.Step {
	if msg.Subtype == SubtypeAuthReject && msg.Code == eap.CodeResponse {
		// Future versions may add attributes (RFC 4187, section 9.5); the
		// peer has left, whatever they are.
		return m.fail(t, ErrAuthReject)
	}
	if err != nil {
		return m.fail(t, err)
	}
	switch msg.Subtype {
	case SubtypeChallenge:
		switch {
		case msg.Has(AttrRES):
			return m.onRES(t, msg)
		case msg.Has(AttrKDFFS):
			return m.onFSKDF(t, msg)
		default:
			return m.onKDF(t, msg)
		}
	case SubtypeSyncFailure:
		return m.onSyncFailure(t, msg)
	default:
		return m.fail(t, &AttrError{Subtype: msg.Subtype, Err: ErrSubtype})
	}
}

// onRES judges the peer's proof. AT_MAC comes first: nothing else in the
// message means anything without it (RFC 4187, section 10.15). Only with
// forward secrecy AT_RES comes before that (RFC 9678, section 6.5.4); the peer
// sees no difference.
func (m *machine) onRES(t eap.Turn, msg *Message) eap.Step {
	if m.fs.offered() {
		if err := m.verifyRES(msg); err != nil {
			return m.fail(t, err)
		}
	}
	if err := msg.VerifyMAC(m.sessionKeys(), nil); err != nil {
		return m.fail(t, err)
	}
	if err := m.verifyCheckcode(msg); err != nil {
		return m.fail(t, err)
	}
	if msg.Has(AttrResultInd) && !m.method.cfg.ResultIndications {
		// Section 6.2: the peer must not, unless we did.
		return m.fail(t, &AttrError{Subtype: msg.Subtype, Attr: AttrResultInd, Err: ErrNotAllowed})
	}
	if err := m.verifyRES(msg); err != nil {
		return m.fail(t, err)
	}
	if err := m.agreeFS(msg); err != nil {
		return m.onBadPublic(t, err)
	}
	m.resultInd = msg.Has(AttrResultInd)
	m.tell(m.method.cfg.Hooks.Verified, nil)
	return m.enterAuthorization()
}

// verifyRES compares AT_RES.
func (m *machine) verifyRES(msg *Message) error {
	if !equal(msg.RES, m.vector.XRES[:m.vector.XRESLen]) {
		return &AttrError{Subtype: msg.Subtype, Attr: AttrRES, Err: ErrRES}
	}
	return nil
}

// verifyCheckcode compares AT_CHECKCODE. A peer need not send it, unless its
// identity messages had something more to protect (RFC 4187, section 10.13).
func (m *machine) verifyCheckcode(msg *Message) error {
	if !msg.Has(AttrCheckcode) {
		if m.extras {
			return &AttrError{Subtype: msg.Subtype, Attr: AttrCheckcode, Err: ErrMissing}
		}
		return nil
	}
	if !equal(msg.Checkcode, m.sum.octets()) {
		return &AttrError{Subtype: msg.Subtype, Attr: AttrCheckcode, Err: ErrCheckcode}
	}
	return nil
}

// onKDF handles a peer's wish for another key derivation function: the same
// vector once more, with its choice in front. No key has been used for it yet
// by the peer (RFC 9048, section 3.2).
func (m *machine) onKDF(t eap.Turn, msg *Message) eap.Step {
	if !m.kdf.change(msg.KDFs.At(0)) {
		return m.fail(t, &AttrError{Subtype: msg.Subtype, Attr: AttrKDF, Err: ErrKDF})
	}
	return m.enterChallenge(t)
}

// onSyncFailure asks for a vector with a sequence number that the USIM will
// take. AUTS belongs to the RAND of the outstanding challenge and to no other
// (TS 33.102, clause 6.3.5; RFC 4187, section 9.6).
func (m *machine) onSyncFailure(t eap.Turn, msg *Message) eap.Step {
	if m.method.typ == eap.TypeAKAPrime && msg.KDFs != m.kdf.list() {
		// RFC 9048, section 3.2: a copy of ours, or it is an attack.
		return m.fail(t, &AttrError{Subtype: msg.Subtype, Attr: AttrKDF, Err: ErrKDF})
	}
	m.tell(m.method.cfg.Hooks.SyncFailure, nil)
	if int(m.resyncs) >= m.method.cfg.MaxResyncs {
		return m.fail(t, ErrResyncs)
	}
	m.resyncs++
	m.fs.forget()
	return m.enterVectors(&Resync{RAND: m.vector.RAND, AUTS: [14]byte(msg.AUTS)})
}
