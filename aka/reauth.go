package aka

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/opentwag/twag/eap"
)

// reauthRun is a fast re-authentication (RFC 4187, section 5). It is the same
// in all methods but for the keys, and EAP-SIM's lack of AT_CHECKCODE.
type reauthRun struct {
	context ReauthContext
	nonceS  [16]byte
	mac     [macLen]byte // AT_MAC of the request, which the Session-Id has

	keys    Keys // the context's, with MSK and EMSK of this run when derived
	derived bool
}

// begin takes the context.
func (r *reauthRun) begin(c ReauthContext) {
	r.context, r.keys, r.derived = c, c.keys(), false
}

// exported returns the keys with the MSK and EMSK of this run.
func (r *reauthRun) exported(identity string) *Keys {
	if !r.derived {
		r.keys, r.derived = r.keys.Reauth(identity, r.context.Counter, r.nonceS), true
	}
	return &r.keys
}

// enterLookup asks for the context of a re-authentication identity. What
// counts of it is the username: the peer may change the realm (section 5.3).
func (m *machine) enterLookup(username string) eap.Step {
	lookup := &struct {
		run  reauthRun
		need NeedReauth
	}{reauthRun{context: ReauthContext{Username: username}}, NeedReauth{Op: ReauthGet, Username: username}}
	m.reauth = &lookup.run
	m.setState(stateLookup)
	return m.needReauth(&lookup.need)
}

func (m *machine) needReauth(n *NeedReauth) eap.Step {
	n.store = m.method.cfg.Reauth
	return eap.Step{Kind: eap.StepNeed, Need: n}
}

// onLookup judges the context. With a store out of order the identity is lost,
// and the peer has a full authentication.
func (m *machine) onLookup(t eap.Turn, a ReauthAnswer) eap.Step {
	r, c := m.reauth, &a.Context
	m.reauth = nil
	switch {
	case a.Err != nil:
		if !errors.Is(a.Err, ErrNoReauth) {
			m.tell(m.method.cfg.Hooks.StoreFailed, a.Err)
		}
		return m.settle(t, answerLostReauth, eap.IMSI{})
	case c.Username != r.context.Username, c.Method != m.method.typ, !c.IMSI.IsValid(), c.Counter == 0:
		// A store that returns another's, say for want of regard to case.
		m.tell(m.method.cfg.Hooks.StoreFailed, errBadContext)
		return m.settle(t, answerLostReauth, eap.IMSI{})
	case !t.Now.Before(c.Expires), int(c.Counter) > m.method.cfg.ReauthLimits.Count,
		c.NetworkName != m.boundNetwork(), !m.fsAllows(c):
		return m.settle(t, answerSpentReauth, c.IMSI)
	}
	r.begin(*c)
	m.reauth = r
	return m.settle(t, answerReauth, c.IMSI)
}

// boundNetwork is the network name that the keys are bound to, if they are.
func (m *machine) boundNetwork() string {
	if m.method.typ == eap.TypeAKAPrime {
		return m.network
	}
	return ""
}

// enterReauth sends the request (section 9.7). While there may be another
// re-authentication, it has the identity for it.
func (m *machine) enterReauth(t eap.Turn) eap.Step {
	r := m.reauth
	m.nextReauth = int(r.context.Counter) < m.method.cfg.ReauthLimits.Count
	b := m.request(t, SubtypeReauthentication, reauthLen)
	var iv [16]byte
	m.random(&b, iv[:], r.nonceS[:], m.freshToken())
	at := b.beginEncr(&iv)
	b.Number(AttrCounter, r.context.Counter)
	b.Octets(AttrNonceS, r.nonceS[:])
	if m.nextReauth {
		m.nextReauthID(&b)
	}
	b.endEncr(&r.keys, &iv, at)
	if m.method.typ != eap.TypeSIM {
		b.Octets(AttrCheckcode, m.sum.octets())
	}
	if m.method.cfg.ResultIndications {
		b.Flag(AttrResultInd)
	}
	b.MAC(&r.keys, nil)
	step := m.send(&b, stateReauth)
	if step.Kind == eap.StepRequest {
		copy(r.mac[:], step.Packet[b.macAt:])
		m.tell(m.method.cfg.Hooks.Reauthentication, nil)
	}
	return step
}

// reauthLen is room for a request with an identity of usual length.
const reauthLen = 256

// onReauth judges the response (section 9.8). Its AT_MAC covers NONCE_S as
// well, which is the peer's proof that it is there.
func (m *machine) onReauth(t eap.Turn, msg *Message, err error) eap.Step {
	r := m.reauth
	if err == nil && msg.Subtype != SubtypeReauthentication {
		err = &AttrError{Subtype: msg.Subtype, Err: ErrSubtype}
	}
	if err == nil {
		err = msg.VerifyMAC(&r.keys, r.nonceS[:])
	}
	if err == nil {
		err = m.verifyCheckcode(msg)
	}
	if err == nil && msg.Has(AttrResultInd) && !m.method.cfg.ResultIndications {
		err = &AttrError{Subtype: msg.Subtype, Attr: AttrResultInd, Err: ErrNotAllowed}
	}
	var nested Attributes
	if err == nil {
		nested, err = m.decryptNested(msg, &r.keys)
	}
	if err == nil && nested.Counter != r.context.Counter {
		err = &AttrError{Subtype: msg.Subtype, Attr: AttrCounter, Err: ErrCounter}
	}
	if err != nil {
		return m.fail(t, err)
	}
	if nested.Has(AttrCounterTooSmall) {
		// Section 5.5: a full authentication without identity rounds, its keys
		// bound to the re-authentication identity. The context stays until it
		// expires; the peer forgets it.
		m.tell(m.method.cfg.Hooks.CounterTooSmall, nil)
		m.reauth, m.nextReauth = nil, false
		return m.method.flow.full(m, t)
	}
	m.resultInd = msg.Has(AttrResultInd)
	m.tell(m.method.cfg.Hooks.Verified, nil)
	return m.enterCommit()
}

// decryptNested returns the attributes in msg's AT_ENCR_DATA, once its AT_MAC
// has been verified.
func (m *machine) decryptNested(msg *Message, k *Keys) (Attributes, error) {
	plain, err := msg.Decrypt(m.octets[:0], k)
	if err != nil {
		return Attributes{}, err
	}
	return msg.DecodeNested(plain)
}

// enterCommit uses up the context, before anybody is asked for leave: a run
// that another one has overtaken must have no effects.
func (m *machine) enterCommit() eap.Step {
	m.setState(stateCommit)
	c := &m.reauth.context
	if !m.nextReauth {
		return m.needReauth(&NeedReauth{Op: ReauthSwap, Username: c.Username, Counter: c.Counter})
	}
	swap := &struct {
		need NeedReauth
		next ReauthContext
	}{NeedReauth{Op: ReauthSwap, Username: c.Username, Counter: c.Counter}, *c}
	swap.next.Username = m.reauthName()
	swap.next.Counter++
	swap.need.Context = &swap.next
	return m.needReauth(&swap.need)
}

// onCommit goes on if it was us who used the context. Else the identity has
// served twice, or nobody knows: the peer, having authenticated, is told of a
// general failure.
func (m *machine) onCommit(t eap.Turn, a ReauthAnswer) eap.Step {
	if a.Err == nil {
		return m.enterAuthorization()
	}
	if !errors.Is(a.Err, ErrReauthUsed) {
		m.tell(m.method.cfg.Hooks.StoreFailed, a.Err)
		a.Err = fmt.Errorf("%w: %w", ErrUnavailable, a.Err)
	}
	return m.enterNotifyFailure(t, NotifyFailureAfterAuth, a.Err)
}

// enterKeep stores the context of a full authentication that gave out an
// identity for it.
func (m *machine) enterKeep(t eap.Turn) eap.Step {
	m.setState(stateKeep)
	keep := &struct {
		need NeedReauth
		next ReauthContext
	}{NeedReauth{Op: ReauthPut}, ReauthContext{
		Username:    m.reauthName(),
		Method:      m.method.typ,
		IMSI:        m.imsi,
		NetworkName: m.boundNetwork(),
		Keys:        m.exportedKeys().reauthKeys(),
		Counter:     1,
		Expires:     t.Now.Add(m.method.cfg.ReauthLimits.Age),

		ForwardSecrecy: m.fs.agreed,
	}}
	keep.need.Context = &keep.next
	return m.needReauth(&keep.need)
}

// onKeep ends the run. A context that could not be stored costs a full
// authentication next time, and nothing now.
func (m *machine) onKeep(t eap.Turn, a ReauthAnswer) eap.Step {
	if a.Err != nil {
		m.tell(m.method.cfg.Hooks.StoreFailed, a.Err)
	}
	return m.finish(t)
}

// The username of a re-authentication identity is a leading digit and 12
// octets in base64url, which nobody else foresees (RFC 9048, section 5.2): random
// ones, which wait for the response with the rest of the run. Where AT_CHECKCODE
// takes their room in an encoded state, they are a pseudo-random function, under
// K_aut, of what is new in the run, and need not be kept. The label keeps them
// apart from MACs, whose messages begin with a Code.
const (
	reauthTokenLen = 12
	reauthNameLen  = 1 + reauthTokenLen*4/3
	reauthLabel    = "re-authentication identity"
)

type reauthToken [reauthTokenLen]byte

// freshToken returns the room for the random octets of the identity that the
// request is about to give out, none if it is to be derived, or gives out none.
func (m *machine) freshToken() []byte {
	if m.haveToken = m.nextReauth && !m.checkcode.some; !m.haveToken {
		return nil
	}
	return m.token[:]
}

// nextToken returns the token of the identity that the request gives out.
func (m *machine) nextToken() *reauthToken {
	if m.haveToken {
		return &m.token
	}
	k := m.messageKeys()
	var fresh [2 + 16]byte
	if m.reauth != nil {
		binary.BigEndian.PutUint16(fresh[:], m.reauth.context.Counter)
		copy(fresh[2:], m.reauth.nonceS[:])
	}
	sum := hmacSHA256(k.KAut[:], []byte(reauthLabel), fresh[:], nil)
	m.token, m.haveToken = reauthToken(sum[:reauthTokenLen]), true
	return &m.token
}

// reauthName returns the username that the request gives out.
func (m *machine) reauthName() string {
	var scratch [reauthNameLen]byte
	return string(m.appendReauthName(scratch[:0]))
}

func (m *machine) appendReauthName(b []byte) []byte {
	b = append(b, temporaryMethods[temporaryOf(m.method.typ)].reauth)
	return base64url.AppendEncode(b, m.nextToken()[:])
}

// nextReauthID appends AT_NEXT_REAUTH_ID: the username and the peer's own home
// realm (section 10.11).
func (m *machine) nextReauthID(b *Builder) {
	var scratch [reauthNameLen + 1 + eap.MaxNAILen]byte
	id := m.appendReauthName(scratch[:0])
	if nai, err := eap.ParseNAI(m.identity); err == nil && nai.HomeRealm() != "" {
		id = append(append(id, '@'), nai.HomeRealm()...)
	}
	b.Octets(AttrNextReauthID, id)
}
