package gy

import (
	"fmt"

	"github.com/opentwag/twag/diameter/wire"
)

// CCA is a Credit-Control-Answer (RFC 8506, section 3.2). A nil or zero field
// is an absent AVP.
type CCA struct {
	// Flags are those of the message's header.
	Flags     uint8
	SessionID []byte
	// ResultCode is Result-Code, or the code in Experimental-Result where
	// there is no Result-Code; 0 where there is neither.
	ResultCode  uint32
	OriginHost  []byte
	OriginRealm []byte
	// Type and Number are the request's; 0 where Type is absent.
	Type   RequestType
	Number uint32
	// Failover is CC-Session-Failover, FailureHandling
	// Credit-Control-Failure-Handling.
	Failover        Failover
	FailureHandling FailureHandling
	OriginStateID   uint32
	// Services are the Multiple-Services-Credit-Control AVPs, in the order of
	// the message.
	Services []MSCC
	// Granted, Final and ValidityTime (seconds) are those of the command's own
	// level, for servers that do not put them into Services.
	Granted      Units
	HasGranted   bool
	Final        FinalUnit
	HasFinal     bool
	ValidityTime uint32
	// FailedAVP is the AVP to blame, in Failed-AVP; none if its Code is 0. It
	// is encoded, and not decoded.
	FailedAVP wire.AVP
	// ProxyInfo is that of the request (RFC 6733, section 6.2); encoded only.
	ProxyInfo [][]byte
}

// Encode returns the message as the answer to the request with the header
// req, in buf's memory if that is large enough. Of m.Flags only E is sent.
func (m *CCA) Encode(buf []byte, req wire.Header) (wire.Message, error) {
	e := encoder{wire.MakeBuilder(buf[:0], wire.Header{
		Flags:       req.Flags&wire.FlagProxiable | m.Flags&wire.FlagError,
		Command:     CommandCreditControl,
		Application: ApplicationID,
		HopByHop:    req.HopByHop,
		EndToEnd:    req.EndToEnd,
	})}
	e.optional(avpSessionID, m.SessionID)
	e.nonzero(avpResultCode, m.ResultCode)
	e.optional(avpOriginHost, m.OriginHost)
	e.optional(avpOriginRealm, m.OriginRealm)
	e.uint32(avpAuthApplicationID, ApplicationID)
	if m.Type != 0 {
		e.uint32(avpRequestType, uint32(m.Type))
		e.uint32(avpRequestNumber, m.Number)
	}
	if m.Failover != FailoverDefault {
		e.uint32(avpSessionFailover, uint32(m.Failover)-1)
	}
	e.nonzero(avpOriginStateID, m.OriginStateID)
	if m.HasGranted {
		e.units(avpGrantedUnits, &m.Granted)
	}
	for i := range m.Services {
		e.mscc(&m.Services[i])
	}
	if m.HasFinal {
		e.final(&m.Final)
	}
	if m.FailureHandling != FailureDefault {
		e.uint32(avpFailureHandling, uint32(m.FailureHandling)-1)
	}
	e.nonzero(avpValidityTime, m.ValidityTime)
	for _, p := range m.ProxyInfo {
		e.octets(avpProxyInfo, p)
	}
	if m.FailedAVP.Code != 0 {
		g := e.begin(avpFailedAVP)
		e.AVP(m.FailedAVP)
		e.End(g)
	}
	msg, err := e.Message()
	if err != nil {
		return nil, fmt.Errorf("gy: CCA: %w", err)
	}
	return msg, nil
}

// Decode reads msg, a CCA, as the client does. Fields alias msg; the memory of
// m's lists is used again.
//
// It is strict about lengths and lenient about everything else, since OCSes
// differ: no AVP is demanded, order and M bits are free, and what is not known
// is passed over. Enumerations with a value that RFC 8506 has not are as if
// absent.
//
// The error is a [*DecodeError].
func (m *CCA) Decode(msg wire.Message) error {
	*m = CCA{
		Flags:    msg.Header().Flags,
		Services: m.Services[:0],
		Final:    FinalUnit{Filters: m.Final.Filters[:0], FilterIDs: m.Final.FilterIDs[:0]},
	}
	var experimental uint32
	r := msg.AVPs()
	var a wire.AVP
	for r.Next(&a) {
		var err error
		var n uint32
		if a.Vendor != 0 {
			continue
		}
		switch a.Code {
		case codeSessionID:
			first(&m.SessionID, a.Data)
		case codeResultCode:
			if n, err = a.Uint32(); m.ResultCode == 0 {
				m.ResultCode = n
			}
		case codeExperimentalResult:
			experimental, err = decodeExperimental(a)
		case codeOriginHost:
			first(&m.OriginHost, a.Data)
		case codeOriginRealm:
			first(&m.OriginRealm, a.Data)
		case codeRequestType:
			n, err = a.Uint32()
			m.Type = RequestType(n)
		case codeRequestNumber:
			m.Number, err = a.Uint32()
		case codeSessionFailover:
			if n, err = a.Uint32(); n <= uint32(FailoverSupported)-1 {
				m.Failover = Failover(n + 1)
			}
		case codeFailureHandling:
			if n, err = a.Uint32(); n <= uint32(FailureRetry)-1 {
				m.FailureHandling = FailureHandling(n + 1)
			}
		case codeOriginStateID:
			m.OriginStateID, err = a.Uint32()
		case codeGrantedUnits:
			m.HasGranted = true
			err = m.Granted.decode(a)
		case codeMSCC:
			if len(m.Services) == maxMSCCs {
				return badAVP(a, ResultAVPOccursTooManyTimes, errRepeated)
			}
			err = nextMSCC(&m.Services).decode(a)
		case codeFinalUnitIndication:
			m.HasFinal = true
			err = m.Final.decode(a)
		case codeQoSFinalUnitIndication:
			if !m.HasFinal {
				m.HasFinal = true
				err = m.Final.decode(a)
			}
		case codeValidityTime:
			m.ValidityTime, err = a.Uint32()
		}
		if err != nil {
			return asDecodeError(a, err)
		}
	}
	if err := r.Err(); err != nil {
		return &DecodeError{ResultCode: ResultInvalidAVPLength, Err: err}
	}
	if m.ResultCode == 0 {
		m.ResultCode = experimental
	}
	return nil
}

// decodeExperimental returns the code in an Experimental-Result, whose vendor
// does not matter: what servers put there are codes of the base protocol and
// of RFC 8506.
func decodeExperimental(a wire.AVP) (uint32, error) {
	r := a.Group()
	sub, ok := r.Find(codeExperimentalCode, 0)
	switch {
	case r.Err() != nil:
		return 0, badAVP(a, ResultInvalidAVPLength, r.Err())
	case !ok:
		return 0, nil
	}
	return sub.Uint32()
}
