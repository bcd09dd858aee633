package radiustest

import (
	"encoding/binary"

	"github.com/opentwag/twag/eap"
	"github.com/opentwag/twag/radius/internal/wire"
)

// Microsoft's attributes of RFC 2548, section 2.4.
const (
	vendorMicrosoft = 311
	msMPPESendKey   = 16
	msMPPERecvKey   = 17
	mppeKeyLen      = 32
)

// answer is what an AP reads in an authentic reply. The slices alias it.
type answer struct {
	code     byte
	state    []byte
	hasState bool
	eap      []byte // joined; aliases the caller's buffer
	hasEAP   bool
	// recv and send are the hidden keys, with their salts.
	recv, send []byte
}

// readAnswer reads a reply that Scan has accepted, and joins EAP-Message in b.
func readAnswer(pkt, b []byte) (answer, []byte, error) {
	a := answer{code: pkt[0]}
	b = b[:0]
	lastEAP := 0 // offset behind the last EAP-Message
	for i := wire.HeaderLen; ; {
		typ, v, next, ok := wire.Next(pkt, i)
		if !ok {
			break
		}
		switch typ {
		case attrState:
			if a.hasState {
				return a, b, protocolError("two State attributes")
			}
			a.state, a.hasState = v, true
		case wire.AttrEAPMessage:
			if a.hasEAP && lastEAP != i {
				return a, b, protocolError("EAP-Message attributes apart from each other")
			}
			b = append(b, v...)
			a.hasEAP, lastEAP = true, next
		case attrVendorSpecific:
			if err := a.vendor(v); err != nil {
				return a, b, err
			}
		}
		i = next
	}
	a.eap = b
	return a, b, a.check()
}

// vendor reads a Vendor-Specific attribute; those of others than Microsoft are
// not looked at.
func (a *answer) vendor(v []byte) error {
	if len(v) < 4 {
		return protocolError("Vendor-Specific of %d octets", len(v))
	}
	if binary.BigEndian.Uint32(v) != vendorMicrosoft {
		return nil
	}
	for v = v[4:]; len(v) > 0; {
		if len(v) < 2 || int(v[1]) < 2 || int(v[1]) > len(v) {
			return protocolError("malformed Microsoft attribute")
		}
		n := int(v[1])
		var key *[]byte
		switch v[0] {
		case msMPPESendKey:
			key = &a.send
		case msMPPERecvKey:
			key = &a.recv
		}
		if key != nil {
			if *key != nil {
				return protocolError("two MS-MPPE keys of one kind")
			}
			*key = v[2:n:n]
		}
		v = v[n:]
	}
	return nil
}

// check holds the code against the rest: each reply carries the EAP packet of
// its kind (RFC 3579, section 2.6.3), only a challenge has State, only an
// accept has keys.
func (a *answer) check() error {
	var want eap.Code
	switch a.code {
	case wire.AccessChallenge:
		want = eap.CodeRequest
	case wire.AccessAccept:
		want = eap.CodeSuccess
	case wire.AccessReject:
		want = eap.CodeFailure
	}
	if !a.hasEAP {
		return protocolError("code %d without EAP-Message", a.code)
	}
	p, err := eap.Decode(a.eap)
	switch {
	case err != nil:
		return protocolError("%v", err)
	case len(p.Raw) != len(a.eap):
		return protocolError("%d octets behind the EAP packet", len(a.eap)-len(p.Raw))
	case p.Code != want:
		return protocolError("code %d with EAP %v", a.code, p.Code)
	case a.hasState && a.code == wire.AccessReject:
		return protocolError("State in Access-Reject")
	case a.code != wire.AccessAccept && (a.recv != nil || a.send != nil):
		return protocolError("keys without Access-Accept")
	}
	return nil
}

// keys reveals the MSK of an accept: what the server calls the receive key is
// its first half (RFC 3748, section 7.10; RFC 2548, section 2.4).
func (a *answer) keys(key *wire.Key, auth *[wire.AuthenticatorLen]byte) (msk [64]byte, err error) {
	if a.recv == nil || a.send == nil {
		return msk, ErrKeys
	}
	if len(a.recv) < 2 || len(a.send) < 2 {
		return msk, protocolError("MS-MPPE key of no length")
	}
	if [2]byte(a.recv) == [2]byte(a.send) {
		return msk, protocolError("salts are the same")
	}
	for i, hidden := range [][]byte{a.recv, a.send} {
		if hidden[0]&0x80 == 0 {
			return msk, protocolError("salt without its high bit")
		}
		var buf [wire.MaxValueLen]byte
		clearText, ok := wire.Reveal(buf[:0], hidden, key.Secret(), auth)
		if !ok || len(clearText) != mppeKeyLen {
			return msk, protocolError("malformed MS-MPPE key")
		}
		copy(msk[i*mppeKeyLen:], clearText)
	}
	return msk, nil
}
