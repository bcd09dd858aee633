package aka

import (
	"errors"
	"fmt"

	"github.com/opentwag/twag/eap"
)

// asked is how the peer was asked for its identity. Within a run it only
// grows (RFC 4187, section 9.1).
type asked uint8

const (
	askedNone      asked = iota // not by us: EAP-Response/Identity
	askedAny                    // AT_ANY_ID_REQ
	askedFullauth               // AT_FULLAUTH_ID_REQ
	askedPermanent              // AT_PERMANENT_ID_REQ
)

// String returns the request's name.
func (a asked) String() string {
	switch a {
	case askedNone:
		return "EAP-Response/Identity"
	case askedAny, askedFullauth, askedPermanent:
		return a.attr().String()
	default:
		return fmt.Sprintf("asked(%d)", uint8(a))
	}
}

// attr returns the attribute that asks.
func (a asked) attr() AttrType {
	switch a {
	case askedAny:
		return AttrAnyIDReq
	case askedFullauth:
		return AttrFullauthIDReq
	default:
		return AttrPermanentIDReq
	}
}

// answer is what an identity is worth to the server.
type answer uint8

const (
	// answerUnrecognised: malformed, anonymous, of a realm not served, or
	// made for another method.
	answerUnrecognised answer = iota
	// answerPermanent: the IMSI is in it.
	answerPermanent
	// answerPseudonym: a pseudonym that leads to an IMSI.
	answerPseudonym
	// answerLostPseudonym: a pseudonym that leads nowhere.
	answerLostPseudonym
	// answerReauth: a re-authentication identity whose context will do.
	answerReauth
	// answerSpentReauth: a re-authentication identity that leads to an IMSI,
	// but the server wants a full authentication.
	answerSpentReauth
	// answerLostReauth: a re-authentication identity that leads nowhere.
	answerLostReauth
	answers
)

// String returns the answer's name.
func (a answer) String() string {
	switch a {
	case answerUnrecognised:
		return "unrecognised"
	case answerPermanent:
		return "permanent"
	case answerPseudonym:
		return "pseudonym"
	case answerLostPseudonym:
		return "lost pseudonym"
	case answerReauth:
		return "re-authentication identity"
	case answerSpentReauth:
		return "spent re-authentication identity"
	case answerLostReauth:
		return "lost re-authentication identity"
	default:
		return fmt.Sprintf("answer(%d)", uint8(a))
	}
}

// next is what follows an identity.
type next uint8

const (
	nextFail      next = iota // notification 16384
	nextChallenge             // full authentication
	nextReauth                // fast re-authentication
	nextAny                   // ask with AT_ANY_ID_REQ
	nextFullauth              // ask with AT_FULLAUTH_ID_REQ
	nextPermanent             // ask with AT_PERMANENT_ID_REQ
)

// decisions is RFC 4187, section 4.1.7, and, for what was not asked for,
// section 4.1.4. A re-authentication identity in answer to AT_FULLAUTH_ID_REQ
// was not asked for and counts as unrecognised.
var decisions = [...][answers]next{
	askedNone: {
		answerUnrecognised:  nextAny,
		answerPermanent:     nextChallenge,
		answerPseudonym:     nextChallenge,
		answerLostPseudonym: nextPermanent,
		answerReauth:        nextReauth,
		answerSpentReauth:   nextChallenge,
		answerLostReauth:    nextFullauth,
	},
	askedAny: {
		answerUnrecognised:  nextFullauth,
		answerPermanent:     nextChallenge,
		answerPseudonym:     nextChallenge,
		answerLostPseudonym: nextPermanent,
		answerReauth:        nextReauth,
		answerSpentReauth:   nextChallenge,
		answerLostReauth:    nextFullauth,
	},
	askedFullauth: {
		answerUnrecognised:  nextPermanent,
		answerPermanent:     nextChallenge,
		answerPseudonym:     nextChallenge,
		answerLostPseudonym: nextPermanent,
		answerReauth:        nextPermanent,
		answerSpentReauth:   nextPermanent,
		answerLostReauth:    nextPermanent,
	},
	askedPermanent: {
		answerUnrecognised:  nextFail,
		answerPermanent:     nextChallenge,
		answerPseudonym:     nextFail,
		answerLostPseudonym: nextFail,
		answerReauth:        nextFail,
		answerSpentReauth:   nextFail,
		answerLostReauth:    nextFail,
	},
}

// classify says what an identity is worth, and the IMSI that it leads to.
// Re-authentication identities are lost here: those with a context do not come
// this way.
func (m *machine) classify(t eap.Turn, id eap.Identity) (answer, eap.IMSI) {
	// When the peer has chosen an identity before it knew the method, one for
	// another method is no answer. Departure: when asked within the method,
	// an IMSI with the leading digit of another will do, though EAP-AKA' calls
	// for a "6" (RFC 9048, section 3): supplicants are set up like that, and
	// the keys are bound to the identity as it was sent.
	ours := id.Method == m.method.typ
	switch id.Kind {
	case eap.KindPermanent:
		if ours || m.asked != askedNone {
			return answerPermanent, id.IMSI
		}
	case eap.KindPseudonym:
		if !ours {
			break
		}
		if p := m.method.cfg.Pseudonyms; p != nil {
			if imsi, err := p.Open(m.method.typ, id.NAI.Username, t.Now); err == nil {
				return answerPseudonym, imsi
			}
		}
		return answerLostPseudonym, eap.IMSI{}
	case eap.KindReauth:
		if ours {
			return answerLostReauth, eap.IMSI{}
		}
	}
	return answerUnrecognised, eap.IMSI{}
}

// decide takes an identity and goes on as the table says.
//
// Every identity that leads nowhere is told by what follows in the same way as
// one of its kind that does: an unknown IMSI, a forged pseudonym once the peer
// has been asked for its permanent identity, and an HSS out of order all end in
// notification 16384.
func (m *machine) decide(t eap.Turn, identity string) eap.Step {
	if m.asked != askedNone && isEncrypted(identity) {
		var err error
		if identity, err = m.method.reveal(identity); err != nil {
			return m.failEncrypted(t, err)
		}
	}
	id := m.method.cfg.Rules.Parse(identity)
	m.kind, m.identity = id.Kind, identity
	if id.Kind == eap.KindReauth && id.Method == m.method.typ && m.method.cfg.Reauth != nil && m.asked <= askedAny {
		return m.enterLookup(id.NAI.Username)
	}
	a, imsi := m.classify(t, id)
	return m.settle(t, a, imsi)
}

// failEncrypted ends the run for an encrypted identity that is of no use.
func (m *machine) failEncrypted(t eap.Turn, err error) eap.Step {
	m.kind, m.imsi = eap.KindUnknown, eap.IMSI{}
	m.tell(m.method.cfg.Hooks.Identity, nil)
	if errors.Is(err, ErrCertificate) {
		return m.enterNotifyFailure(t, NotifyCertificate, err)
	}
	return m.fail(t, err)
}

// settle goes on with an identity whose worth is known.
func (m *machine) settle(t eap.Turn, a answer, imsi eap.IMSI) eap.Step {
	m.imsi = imsi
	m.tell(m.method.cfg.Hooks.Identity, nil)
	follows := decisions[m.asked][a]
	if follows == nextChallenge || follows == nextReauth {
		// No identity round comes any more; EAP-SIM has no check code.
		m.sum.set(&m.checkcode, m.method.typ)
	}
	switch follows {
	case nextChallenge:
		return m.method.flow.full(m, t)
	case nextReauth:
		if m.sim.haveNonce {
			// RFC 4186, section 9.2: it would be for a full authentication.
			return m.fail(t, &AttrError{Subtype: SubtypeSIMStart, Attr: AttrNonceMT, Err: ErrNotAllowed})
		}
		return m.enterReauth(t)
	case nextAny:
		return m.enterIdentity(t, askedAny)
	case nextFullauth:
		return m.enterIdentity(t, askedFullauth)
	case nextPermanent:
		if m.method.cfg.RefusePermanentIdentity {
			return m.fail(t, fmt.Errorf("%w: %v, and the permanent one is not asked for", ErrIdentity, a))
		}
		return m.enterIdentity(t, askedPermanent)
	default:
		return m.fail(t, fmt.Errorf("%w: %v in answer to %v", ErrIdentity, a, m.asked))
	}
}

// fullAKA begins the full authentication of the subscriber, now known.
func (m *machine) fullAKA(eap.Turn) eap.Step {
	return m.enterVectors(nil)
}

// enterIdentity asks the peer for an identity (RFC 4187, section 9.1).
func (m *machine) enterIdentity(t eap.Turn, how asked) eap.Step {
	m.asked = how
	b := m.method.flow.askIdentity(m, t.Identifier)
	return m.send(&b, stateIdentity)
}

func (m *machine) identityRequest(id uint8) Builder {
	b := m.request(eap.Turn{Identifier: id}, SubtypeIdentity, identityRequestLen)
	b.Flag(m.asked.attr())
	return b
}

const identityRequestLen = messageHeaderLen + attrUnit

// onIdentity handles the response to an identity request (RFC 4187, sections
// 4.1.7 and 9.2).
func (m *machine) onIdentity(t eap.Turn, msg *Message, err error) eap.Step {
	if err == nil && msg.Subtype != SubtypeIdentity {
		err = &AttrError{Subtype: msg.Subtype, Err: ErrSubtype}
	}
	if err != nil {
		return m.fail(t, err)
	}
	// The request was a function of its Identifier, so that it need not be
	// kept.
	b := m.identityRequest(msg.Identifier)
	req, _ := b.Bytes() // one flag, which fits
	m.checkcode.Add(m.method.typ, req, msg.raw)
	for attr := range msg.All() {
		if attr != AttrIdentity {
			// Section 10.13: AT_CHECKCODE must then protect it.
			m.extras = true
		}
	}
	return m.decide(t, string(msg.Identity))
}
