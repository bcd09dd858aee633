package swx

import (
	"fmt"

	"github.com/opentwag/twag/diameter/wire"
)

// SAA is a Server-Assignment-Answer (TS 29.273, clause 8.2.2.3). A nil field is
// an absent AVP. The answers to RTR and PPR have nothing that it has not, so it
// reads and writes them as well.
//
// It prints redacted.
type SAA struct {
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
	// UserData is the profile; nil where there is none, zero where it is
	// empty.
	UserData *UserData
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
// req, whatever its command, in buf's memory if that is large enough. Of
// m.Flags only E is sent.
func (m *SAA) Encode(buf []byte, req wire.Header) (wire.Message, error) {
	e := beginAnswer(buf, req.Command, req, m.Flags)
	e.prologue(m.SessionID, m.Application, m.SessionState)
	e.number(avpResultCode, m.ResultCode)
	e.experimental(m.Experimental)
	e.optional(avpOriginHost, m.OriginHost)
	e.optional(avpOriginRealm, m.OriginRealm)
	e.optional(avpUserName, m.UserName)
	e.userDataGroup(m.UserData)
	e.optional(avpAAAServerName, m.AAAServerName)
	e.blame(m.FailedAVP)
	e.proxyInfo(m.ProxyInfo)
	return e.message("SAA")
}

// Decode reads msg, a SAA, as the AAA server does. Fields alias msg, except
// those of UserData.
//
// It is as strict and as lenient as [MAA.Decode] and [DecodeUserData]. The
// error is a [*DecodeError].
func (m *SAA) Decode(msg wire.Message) error {
	*m = SAA{Flags: msg.Header().Flags}
	r := msg.AVPs()
	var a wire.AVP
	for r.Next(&a) {
		var err error
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
			_, err = uint32Of(&m.ResultCode, a)
		case codeExperimentalResult:
			err = m.Experimental.decode(a)
		case of3GPP | codeUserData:
			if m.UserData == nil {
				m.UserData, err = DecodeUserData(a.Data)
			}
		case of3GPP | codeAAAServerName:
			first(&m.AAAServerName, a.Data)
		}
		if err != nil {
			return err
		}
	}
	return readError(&r)
}

// refusal returns why m is a refusal, or nil. A profile stands for success
// where no result says anything.
func (m *SAA) refusal() *ResultError {
	return refusal(m.ResultCode, m.Experimental, m.UserData != nil, m.OriginHost, m.AAAServerName)
}

// Format implements fmt.Formatter, so that no verb prints the IMSI.
func (SAA) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("swx.SAA[redacted]")) }

// MarshalText implements encoding.TextMarshaler, so that logs and JSON do not
// give the subscriber away.
func (m SAA) MarshalText() ([]byte, error) { return fmt.Append(nil, m), nil }
