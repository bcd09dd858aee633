package aka

import (
	"github.com/opentwag/twag/eap"
)

// zeroMAC stands in for the MAC while it is computed.
var zeroMAC [macLen]byte

// computeMAC returns the MAC over the packet pkt, the octets at macAt taken as
// zero, and the message-specific data extra: HMAC-SHA1-128, for EAP-AKA'
// HMAC-SHA-256-128 (RFC 4187, section 10.15; RFC 9048, section 3.4.2).
func (k *Keys) computeMAC(pkt []byte, macAt int, extra []byte) (mac [macLen]byte) {
	// The octets in front of, in place of and behind the MAC; extra data is
	// NONCE_S or nothing, so that joining it seldom copies.
	tail := pkt[macAt+macLen:]
	if len(extra) > 0 {
		tail = append(append(make([]byte, 0, len(tail)+len(extra)), tail...), extra...)
	}
	if k.Method == eap.TypeAKAPrime {
		sum := hmacSHA256(k.KAut[:], pkt[:macAt], zeroMAC[:], tail)
		copy(mac[:], sum[:])
		return mac
	}
	sum := hmacSHA1(k.KAut[:macKeyLen], pkt[:macAt], zeroMAC[:], tail)
	copy(mac[:], sum[:])
	return mac
}

// VerifyMAC checks m's AT_MAC with k's K_aut in constant time. extra is the
// message-specific data: NONCE_S for a response to a re-authentication,
// NONCE_MT or the SRES for EAP-SIM, else nil.
//
// The error is an [*AttrError] wrapping [ErrMissing] or [ErrMAC].
//
// RFC 4187, section 10.15.
func (m *Message) VerifyMAC(k *Keys, extra []byte) error {
	if !m.Has(AttrMAC) {
		return &AttrError{Subtype: m.Subtype, Attr: AttrMAC, Err: ErrMissing}
	}
	want := k.computeMAC(m.raw, m.macAt, extra)
	if !equal(m.Attributes.MAC, want[:]) {
		return &AttrError{Subtype: m.Subtype, Attr: AttrMAC, Offset: m.macAt - attrUnit, Err: ErrMAC}
	}
	return nil
}

// MAC appends AT_MAC; Bytes fills it in over the whole message, wherever it
// stands. extra is as in [Message.VerifyMAC]; k and extra must not change
// before Bytes.
func (m *Builder) MAC(k *Keys, extra []byte) {
	m.Octets(AttrMAC, zeroMAC[:])
	m.macKeys, m.macExtra, m.macAt = k, extra, len(m.b)-macLen
}

// sign fills in AT_MAC if there is one.
func (m *Builder) sign() {
	if m.macKeys == nil {
		return
	}
	mac := m.macKeys.computeMAC(m.b[m.start:], m.macAt-m.start, m.macExtra)
	copy(m.b[m.macAt:], mac[:])
}
