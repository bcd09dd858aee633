package swx

import (
	"fmt"

	"github.com/opentwag/twag/diameter/wire"
)

// maxItems bounds the vectors of one MAA: an HSS gives five at most (TS
// 33.402, clause 6.2 asks for one), and each costs memory.
const maxItems = 32

// ExperimentalResult is an Experimental-Result (RFC 6733, section 7.6). Code 0
// means that there is none; Vendor is 0 where the group has no Vendor-Id.
type ExperimentalResult struct {
	Vendor uint32
	Code   uint32
}

// MAA is a Multimedia-Auth-Answer (TS 29.273, clause 8.2.2.1). A nil field is
// an absent AVP.
//
// It prints redacted.
type MAA struct {
	// Flags are those of the message's header.
	Flags     uint8
	SessionID []byte
	// Application and SessionState are the form of the answer; they are
	// encoded, and not decoded.
	Application  ApplicationForm
	SessionState SessionState
	// ResultCode is Result-Code; 0 where there is none. It stands for the base
	// protocol's results, Experimental for those of 3GPP.
	ResultCode   uint32
	Experimental ExperimentalResult
	OriginHost   []byte
	OriginRealm  []byte
	UserName     []byte
	// NumberAuthItems is SIP-Number-Auth-Items; absent if 0.
	NumberAuthItems uint32
	// Items are the vectors, in the order of the message.
	Items []AuthItem
	// AAAServerName is 3GPP-AAA-Server-Name: the AAA server that the HSS has
	// registered for this subscriber.
	AAAServerName []byte
	// FailedAVP is the AVP to blame, in Failed-AVP; none if its Code is 0. It
	// is encoded, and not decoded.
	FailedAVP wire.AVP
	// ProxyInfo is that of the request (RFC 6733, section 6.2); encoded only.
	ProxyInfo [][]byte
}

// Encode returns the message as the answer to the request with the header
// req, in buf's memory if that is large enough. Of m.Flags only E is sent.
func (m *MAA) Encode(buf []byte, req wire.Header) (wire.Message, error) {
	e := beginAnswer(buf, CommandMultimediaAuth, req, m.Flags)
	e.prologue(m.SessionID, m.Application, m.SessionState)
	e.number(avpResultCode, m.ResultCode)
	e.experimental(m.Experimental)
	e.optional(avpOriginHost, m.OriginHost)
	e.optional(avpOriginRealm, m.OriginRealm)
	e.optional(avpUserName, m.UserName)
	e.number(avpNumberAuthItems, m.NumberAuthItems)
	for i := range m.Items {
		e.item(&m.Items[i])
	}
	e.optional(avpAAAServerName, m.AAAServerName)
	e.blame(m.FailedAVP)
	e.proxyInfo(m.ProxyInfo)
	return e.message("MAA")
}

// Decode reads msg, a MAA, as the AAA server does. Fields alias msg; the
// memory of m.Items is used again.
//
// It is strict about lengths and lenient about everything else, since HSSes
// differ: no AVP is demanded, of one that comes twice the first counts, order
// and M bits are free, and what is not known is passed over. Whether the
// answer is of use is another question: see [MAA.Vectors].
//
// The error is a [*DecodeError].
func (m *MAA) Decode(msg wire.Message) error {
	*m = MAA{Flags: msg.Header().Flags, Items: m.Items[:0]}
	r := msg.AVPs()
	var a wire.AVP
	for r.Next(&a) {
		switch uint64(a.Vendor)<<32 | uint64(a.Code) {
		case codeSessionID:
			first(&m.SessionID, a.Data)
		case codeOriginHost:
			first(&m.OriginHost, a.Data)
		case codeOriginRealm:
			first(&m.OriginRealm, a.Data)
		case codeUserName:
			first(&m.UserName, a.Data)
		case codeResultCode:
			code, err := a.Uint32()
			if err != nil {
				return badAVP(a, ResultInvalidAVPLength, err)
			}
			if m.ResultCode == 0 {
				m.ResultCode = code
			}
		case codeExperimentalResult:
			if err := m.Experimental.decode(a); err != nil {
				return err
			}
		case of3GPP | codeNumberAuthItems:
			n, err := a.Uint32()
			if err != nil {
				return badAVP(a, ResultInvalidAVPLength, err)
			}
			if m.NumberAuthItems == 0 {
				m.NumberAuthItems = n
			}
		case of3GPP | codeAuthDataItem:
			if len(m.Items) == maxItems {
				return badAVP(a, ResultAVPOccursTooManyTimes, errRepeated)
			}
			m.Items = append(m.Items, AuthItem{})
			if err := m.Items[len(m.Items)-1].decode(a); err != nil {
				return err
			}
		case of3GPP | codeAAAServerName:
			first(&m.AAAServerName, a.Data)
		}
	}
	if err := r.Err(); err != nil {
		return &DecodeError{ResultCode: ResultInvalidAVPLength, Err: err}
	}
	return nil
}

// decode reads the group a, unless x has been read already.
func (x *ExperimentalResult) decode(a wire.AVP) error {
	var got ExperimentalResult
	r := a.Group()
	var sub wire.AVP
	for r.Next(&sub) {
		var err error
		switch {
		case sub.Is(codeVendorID, 0):
			got.Vendor, err = sub.Uint32()
		case sub.Is(codeExperimentalCode, 0):
			got.Code, err = sub.Uint32()
		}
		if err != nil {
			return badAVP(sub, ResultInvalidAVPLength, err)
		}
	}
	if err := r.Err(); err != nil {
		return badAVP(a, ResultInvalidAVPLength, err)
	}
	if x.Code == 0 && got.Code != 0 {
		*x = got
	}
	return nil
}

// Format implements fmt.Formatter, so that no verb prints keys or the IMSI.
func (MAA) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("swx.MAA[redacted]")) }

// MarshalText implements encoding.TextMarshaler, so that logs and JSON do not
// give the keys and the IMSI away.
func (m MAA) MarshalText() ([]byte, error) { return fmt.Append(nil, m), nil }
