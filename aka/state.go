package aka

import (
	"crypto/sha256"
	"errors"
	"fmt"

	"golang.org/x/crypto/cryptobyte"

	"github.com/opentwag/twag/eap"
)

// ErrState is wrapped by the errors of Restore: the octets are no state of
// this method, or of another version of it.
var ErrState = errors.New("aka: not a state of this method")

// The encoded state begins with version, EAP type, state, flags, how the
// identity was asked for, resynchronisations so far, choice of KDF, kind of
// identity: an octet each. What follows depends on the state:
//
//	Identity                   running check code, if there is one
//	Start                      IMSI and identity as below
//	Challenge, NotifySuccess   IMSI in 8 octets of BCD, identity (as by
//	                           eap.AppendIdentity) unless it is the Peer's, in
//	                           EAP-AKA' 4 octets of the network name's hash;
//	                           MK, in EAP-AKA' CK' and IK'; RAND, AUTN, XRES with
//	                           a length octet, what forward secrecy needs if it
//	                           is in use, AT_CHECKCODE if not empty; in EAP-SIM
//	                           what simRun.append says instead of RAND and the
//	                           rest
//	Reauth, and NotifySuccess  IMSI to network as above, counter, end of the
//	after a re-authentication  context in seconds of Unix time (4), NONCE_S,
//	                           AT_MAC of the request, K_encr, K_aut, MK or K_re,
//	                           AT_CHECKCODE if not empty
//	NotifyFailure              reason, an octet
//
// After the subscriber's part comes the token of the re-authentication identity
// that the request gave out, if it did and there is no AT_CHECKCODE, which takes
// its room. Other derived keys and identities are not there: the state shall be
// short, and they are made in microseconds.
const stateVersion = 3

const (
	flagIdentity   = 1 << iota // the identity is not that of the Peer
	flagExtras                 // machine.extras
	flagResultInd              // machine.resultInd
	flagCheckcode              // there were AKA-Identity messages
	flagFS                     // forward secrecy is offered; later: is used, or was
	flagNextReauth             // machine.nextReauth
	flagReauth                 // the run is a fast re-authentication
	flagsEnd
)

// reasons are the errors that survive in the state, by their place; what is
// none of them is told as the first.
var reasons = [...]error{
	errors.New("aka: failed before the state was stored"),
	ErrMAC, ErrRES, ErrCheckcode, ErrKDF, ErrIdentity, ErrResyncs, ErrRefused,
	ErrUnknownSubscriber, ErrNoSubscription, ErrRoamingNotAllowed, ErrRATNotAllowed,
	ErrBarred, ErrSchemeNotSupported, ErrSyncFailure, ErrUnavailable,
	ErrTruncated, ErrLength, ErrUnknownAttr, ErrDuplicate, ErrNotAllowed, ErrMissing,
	ErrPadding, ErrSubtype, ErrCertificate, ErrPublicValue, ErrVersion,
	ErrCounter, ErrReauthUsed,
}

func reasonIndex(err error) byte {
	for i, r := range reasons {
		if errors.Is(err, r) {
			return byte(i)
		}
	}
	return 0
}

// AppendState implements eap.Machine.
func (m *machine) AppendState(b []byte) ([]byte, error) {
	var flags byte
	set := func(on bool, f byte) {
		if on {
			flags |= f
		}
	}
	known := m.state == stateStart || m.state == stateReauth || m.state == stateChallenge || m.state == stateNotifySuccess
	set(known && m.identity != m.peer.Identity, flagIdentity)
	set(m.extras, flagExtras)
	set(m.resultInd, flagResultInd)
	set(m.checkcode.some && m.state != stateNotifyFailure, flagCheckcode)
	set(m.keepsFS(), flagFS)
	set(m.nextReauth && (m.state == stateChallenge || m.state == stateReauth), flagNextReauth)
	set(m.reauth != nil && (m.state == stateReauth || m.state == stateNotifySuccess), flagReauth)
	b = append(b, stateVersion, byte(m.method.typ), byte(m.state), flags,
		byte(m.asked), m.resyncs, m.kdf.chosen, byte(m.kind))
	switch m.state {
	case stateIdentity:
		if m.checkcode.some {
			b = append(b, m.checkcode.state[:checkcodeEncodedLen(m.method.typ)]...)
		}
		return b, nil
	case stateNotifyFailure:
		return append(b, reasonIndex(m.reason)), nil
	case stateStart:
		return m.appendSubscriber(b, flags), nil
	case stateReauth, stateChallenge, stateNotifySuccess:
		b = m.appendSubscriber(b, flags)
		if keepsToken(flags) {
			b = append(b, m.nextToken()[:]...)
		}
		if flags&flagReauth != 0 {
			b = m.reauth.append(b)
			return append(b, m.sum.octets()...), nil
		}
		if m.method.typ != eap.TypeAKAPrime {
			b = append(b, m.mk[:]...)
		}
		if m.method.flow == &flowSIM {
			return m.sim.append(b), nil
		}
		return m.appendVector(b, flags), nil
	default:
		return b, fmt.Errorf("%w: no state to keep in %v", errNotNow, m.state)
	}
}

func keepsToken(flags byte) bool { return flags&(flagNextReauth|flagCheckcode) == flagNextReauth }

func (m *machine) appendVector(b []byte, flags byte) []byte {
	v := &m.vector
	if m.method.typ == eap.TypeAKAPrime {
		b = append(append(b, v.CK[:]...), v.IK[:]...)
	}
	b = append(append(b, v.RAND[:]...), v.AUTN[:]...)
	b = append(append(b, v.XRESLen), v.XRES[:v.XRESLen]...)
	if flags&flagFS != 0 {
		b = m.fs.append(b)
	}
	return append(b, m.sum.octets()...)
}

func (m *machine) appendSubscriber(b []byte, flags byte) []byte {
	b = appendBCD(b, m.imsi.Digits())
	if flags&flagIdentity != 0 {
		b = eap.AppendIdentity(b, m.identity)
	}
	if m.method.typ == eap.TypeAKAPrime {
		sum := networkSum(m.network)
		b = append(b, sum[:]...)
	}
	return b
}

// networkSum tells network names apart. Whoever goes on with a run must know it
// under the name that the peer was told, and that its keys are bound to.
func networkSum(name string) [4]byte {
	var scratch [maxNetworkNameLen]byte
	sum := sha256.Sum256(append(scratch[:0], name...))
	return [4]byte(sum[:])
}

// Restore implements eap.Method. The error wraps [ErrState].
func (m *Method) Restore(p eap.Peer, encoded []byte) (eap.Machine, error) {
	r := m.machine(p)
	if what := r.restore(encoded); what != "" {
		return nil, fmt.Errorf("%w: %s", ErrState, what)
	}
	return r, nil
}

// restore reads what AppendState wrote. It returns what is wrong, or nothing.
func (m *machine) restore(encoded []byte) string {
	s := cryptobyte.String(encoded)
	var version, typ, st, flags, how, kind uint8
	if !s.ReadUint8(&version) || !s.ReadUint8(&typ) || !s.ReadUint8(&st) || !s.ReadUint8(&flags) ||
		!s.ReadUint8(&how) || !s.ReadUint8(&m.resyncs) || !s.ReadUint8(&m.kdf.chosen) || !s.ReadUint8(&kind) {
		return "too short"
	}
	m.state, m.asked, m.kind = state(st), asked(how), eap.IdentityKind(kind)
	m.kdf.base = m.method.kdfs
	m.extras, m.resultInd = flags&flagExtras != 0, flags&flagResultInd != 0
	// A server without a store does not keep what one with a store gave out.
	m.nextReauth = flags&flagNextReauth != 0 && m.method.cfg.Reauth != nil
	switch {
	case version != stateVersion:
		return "version"
	case eap.Type(typ) != m.method.typ:
		return "method"
	case flags >= flagsEnd:
		return "flags"
	case m.asked > askedPermanent:
		return "identity request"
	case m.state == stateReauth != (flags&flagReauth != 0) && m.state != stateNotifySuccess,
		flags&flagNextReauth != 0 && m.state != stateReauth && m.state != stateChallenge:
		return "re-authentication"
	case m.kdf.chosen == 1 || int(m.kdf.chosen) > m.kdf.base.Len():
		return "key derivation function"
	}
	ok := false
	switch m.state {
	case stateIdentity:
		ok = m.asked != askedNone && m.restoreIdentity(&s, flags)
	case stateStart:
		ok = m.method.flow == &flowSIM && m.restoreSubscriber(&s, flags)
	case stateReauth, stateChallenge, stateNotifySuccess:
		ok = m.restoreSubscriber(&s, flags) && m.restoreChallenge(&s, flags)
	case stateNotifyFailure:
		var i uint8
		if ok = s.ReadUint8(&i) && int(i) < len(reasons); ok {
			m.reason = reasons[i]
		}
	default:
		return "state"
	}
	if !ok || !s.Empty() {
		return m.state.String()
	}
	return ""
}

func (m *machine) restoreIdentity(s *cryptobyte.String, flags byte) bool {
	if flags&flagCheckcode == 0 {
		return true
	}
	encoded := m.checkcode.state[:checkcodeEncodedLen(m.method.typ)]
	if !s.CopyBytes(encoded) || checkcodeHash(m.method.typ).UnmarshalBinary(encoded) != nil {
		return false
	}
	m.checkcode.some = true
	return true
}

func (m *machine) restoreSubscriber(s *cryptobyte.String, flags byte) bool {
	var bcd [8]byte
	if !s.CopyBytes(bcd[:]) {
		return false
	}
	var err error
	if m.imsi, err = eap.ParseIMSI(parseBCD(bcd)); err != nil {
		return false
	}
	m.identity = m.peer.Identity
	if flags&flagIdentity != 0 {
		identity, rest, ok := eap.CutIdentity(*s)
		if !ok {
			return false
		}
		m.identity, *s = identity, rest
	}
	if m.method.typ == eap.TypeAKAPrime {
		var sum [4]byte
		return s.CopyBytes(sum[:]) && sum == networkSum(m.network)
	}
	return true
}

func (m *machine) restoreChallenge(s *cryptobyte.String, flags byte) bool {
	if keepsToken(flags) {
		if m.haveToken = true; !s.CopyBytes(m.token[:]) {
			return false
		}
	}
	if flags&flagReauth != 0 {
		return m.restoreReauth(s, flags) && m.restoreSum(s, flags)
	}
	if m.method.typ != eap.TypeAKAPrime && !s.CopyBytes(m.mk[:]) {
		return false
	}
	if m.method.flow == &flowSIM {
		return m.sim.restore(s, m.method.cfg.Triplets)
	}
	return m.restoreVector(s, flags)
}

func (m *machine) restoreVector(s *cryptobyte.String, flags byte) bool {
	v := &m.vector
	if m.method.typ == eap.TypeAKAPrime {
		if !s.CopyBytes(v.CK[:]) || !s.CopyBytes(v.IK[:]) {
			return false
		}
		v.Primed, v.NetworkName = true, m.network
	}
	if !s.CopyBytes(v.RAND[:]) || !s.CopyBytes(v.AUTN[:]) ||
		!s.ReadUint8(&v.XRESLen) || v.XRESLen < 4 || v.XRESLen > 16 || !s.CopyBytes(v.XRES[:v.XRESLen]) {
		return false
	}
	if !m.restoreFS(s, flags&flagFS != 0) {
		return false
	}
	return m.restoreSum(s, flags)
}

// restoreSum reads AT_CHECKCODE.
func (m *machine) restoreSum(s *cryptobyte.String, flags byte) bool {
	if flags&flagCheckcode != 0 {
		m.checkcode.some = true
		m.sum.n = uint8(checkcodeLen(m.method.typ))
		return s.CopyBytes(m.sum.b[:m.sum.n])
	}
	return true
}

// appendBCD appends up to 16 digits, two in an octet, filled up with F.
func appendBCD(b []byte, digits string) []byte {
	nibble := func(i int) byte {
		if i < len(digits) {
			return digits[i] - '0'
		}
		return 0xf
	}
	for i := 0; i < 16; i += 2 {
		b = append(b, nibble(i)<<4|nibble(i+1))
	}
	return b
}

// parseBCD returns the digits before the filler; what else is there makes them
// no IMSI.
func parseBCD(b [8]byte) string {
	digits := make([]byte, 0, 16)
	end := false
	for i := range 16 {
		d := b[i/2] >> 4
		if i%2 == 1 {
			d = b[i/2] & 0xf
		}
		switch {
		case d == 0xf:
			end = true
		case end:
			return ""
		default:
			digits = append(digits, '0'+d)
		}
	}
	return string(digits)
}
