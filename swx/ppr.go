package swx

import (
	"fmt"
	"strings"

	"github.com/opentwag/twag/diameter/wire"
)

// PPRFlags is PPR-Flags (TS 29.273, clause 8.2.3.17).
type PPRFlags uint32

const (
	// PPRReset: the HSS has lost its memory of the subscriber; it is to be told
	// again (SAR of type Restoration).
	PPRReset PPRFlags = 1 << iota
	// PPRAccessNetworkInfo: the HSS asks where the subscriber is.
	PPRAccessNetworkInfo
	// PPRLocalTime: the HSS asks for the time zone there.
	PPRLocalTime
	// PPRPCSCFRestoration: the IMS server that serves the subscriber has
	// failed.
	PPRPCSCFRestoration
)

// String returns the names of the flags that are set.
func (f PPRFlags) String() string {
	var names []string
	for i, name := range [...]string{"reset", "access network info", "local time", "P-CSCF restoration"} {
		if f&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	if rest := f &^ (1<<4 - 1); rest != 0 || f == 0 {
		names = append(names, fmt.Sprintf("%#x", uint32(rest)))
	}
	return strings.Join(names, ", ")
}

// PPR is a Push-Profile-Request (TS 29.273, clause 8.2.2.5): the HSS sends a
// new profile, or wants something that PPR-Flags say. A nil field is an absent
// AVP.
//
// It prints redacted.
type PPR struct {
	Head
	// UserData is the profile that takes the old one's place. Where only the
	// flags matter it is empty.
	UserData *UserData
	// Flags count if HasFlags is set.
	Flags    PPRFlags
	HasFlags bool
}

// Encode returns the message, in buf's memory if that is large enough. The
// identifiers of the header are zero; the node sets them.
func (m *PPR) Encode(buf []byte) (wire.Message, error) {
	e := beginRequest(buf, CommandPushProfile)
	e.head(&m.Head)
	e.userDataGroup(m.UserData)
	if m.HasFlags {
		e.uint32(avpPPRFlags, uint32(m.Flags))
	}
	e.proxyInfo(m.ProxyInfo)
	return e.message("PPR")
}

// Decode reads msg, a PPR, as the AAA server does. Fields alias msg, except
// those of UserData.
//
// HSSes make Session-Ids of their own, or none, so only what the request is
// about is demanded: User-Name, and Non-3GPP-User-Data or PPR-Flags. The error
// is a [*DecodeError] with the Result-Code to answer: one of those is missing
// (5005), a length is impossible (5014), an unknown AVP of the message has the
// M bit (5001). In the profile an unknown AVP is kept whatever its M bit.
func (m *PPR) Decode(msg wire.Message) error {
	*m = PPR{}
	h := m.Head.reader()
	r := msg.AVPs()
	var a wire.AVP
	var err error
	for err == nil && r.Next(&a) {
		switch uint64(a.Vendor)<<32 | uint64(a.Code) {
		case of3GPP | codeUserData:
			if m.UserData == nil {
				m.UserData, err = DecodeUserData(a.Data)
			}
		case of3GPP | codePPRFlags:
			m.HasFlags = true
			err = number((*uint32)(&m.Flags), a)
		default:
			err = h.takeLeniently(a)
		}
	}
	err = h.end(&r, err)
	switch {
	case err != nil:
		return err
	case m.UserName == nil:
		return missingAVP(avpUserName)
	case m.UserData == nil && !m.HasFlags:
		return missingAVP(avpUserData)
	}
	return nil
}

// Format implements fmt.Formatter, so that no verb prints the IMSI.
func (PPR) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("swx.PPR[redacted]")) }

// MarshalText implements encoding.TextMarshaler, so that logs and JSON do not
// give the subscriber away.
func (m PPR) MarshalText() ([]byte, error) { return fmt.Append(nil, m), nil }
