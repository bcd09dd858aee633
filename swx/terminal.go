package swx

import (
	"fmt"

	"github.com/opentwag/twag/diameter/wire"
)

// TerminalInformation is what the network knows of the phone itself (TS
// 29.272, clause 7.3.3). It prints redacted: an IMEI follows its owner.
type TerminalInformation struct {
	// IMEI is 14 or 15 digits.
	IMEI string
	// SoftwareVersion is the two digits of the IMEISV that follow those.
	SoftwareVersion string
	// Other is the AVPs in the group that have no field here, encoded, in
	// their order.
	Other []byte
}

// Format implements fmt.Formatter, so that no verb prints the IMEI.
func (TerminalInformation) Format(f fmt.State, _ rune) {
	_, _ = f.Write([]byte("swx.TerminalInformation[redacted]"))
}

func (e *encoder) terminal(t *TerminalInformation) {
	if t == nil {
		return
	}
	g := e.begin(avpTerminalInformation)
	e.text(avpIMEI, t.IMEI)
	e.text(avpSoftwareVersion, t.SoftwareVersion)
	e.raw(t.Other)
	e.end(g)
}

func decodeTerminal(t **TerminalInformation, a wire.AVP) error {
	if *t != nil {
		return nil
	}
	*t = new(TerminalInformation)
	return eachAVP(a, &(*t).Other, func(sub wire.AVP) (bool, error) {
		switch uint64(sub.Vendor)<<32 | uint64(sub.Code) {
		case of3GPP | codeIMEI:
			return text(&(*t).IMEI, sub), nil
		case of3GPP | codeSoftwareVersion:
			return text(&(*t).SoftwareVersion, sub), nil
		}
		return false, nil
	})
}
