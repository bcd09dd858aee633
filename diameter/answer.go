package diameter

import (
	"encoding/binary"
	"errors"
	"net"

	"github.com/opentwag/twag/diameter/wire"
)

// answerHeader returns the header of the answer to a request with the header
// h: the same command, application and identifiers as they are, zero included,
// and the P bit alone of the flags (RFC 6733, sections 3 and 6.2).
func answerHeader(h wire.Header) wire.Header {
	h.Flags &= wire.FlagProxiable
	return h
}

// beginAnswer appends the start of the answer to req: Session-Id first, then
// Result-Code unless code is 0, Origin-Host, Origin-Realm, and the request's
// Proxy-Info AVPs in their order (section 6.2).
func (n *Node) beginAnswer(b []byte, req wire.Message, code uint32, errorBit bool) wire.Builder {
	h := answerHeader(req.Header())
	if errorBit {
		h.Flags |= wire.FlagError
	}
	w := wire.MakeBuilder(b, h)
	if a, ok := req.Find(AVPSessionID, 0); ok {
		w.Octets(AVPSessionID, 0, wire.FlagMandatory, a.Data)
	}
	if code != 0 {
		w.Uint32(AVPResultCode, 0, wire.FlagMandatory, code)
	}
	n.appendOrigin(&w)
	var a wire.AVP
	for r := req.AVPs(); r.Next(&a); {
		if a.Is(AVPProxyInfo, 0) {
			w.AVP(a)
		}
	}
	return w
}

// appendErrorAnswer appends the answer to the request req that says err: the
// code of a [*ResultError], or DIAMETER_UNABLE_TO_COMPLY without the error's
// text, which may not be the peer's business.
func (n *Node) appendErrorAnswer(b []byte, req wire.Message, err error) (wire.Message, error) {
	re := &ResultError{Code: ResultUnableToComply}
	errors.As(err, &re)
	w := n.beginAnswer(b, req, re.Code, re.errorBit || re.Code/1000 == 3)
	if re.Message != "" {
		w.String(AVPErrorMessage, 0, 0, re.Message)
	}
	if len(re.Failed) > 0 {
		w.Octets(AVPFailedAVP, 0, wire.FlagMandatory, re.Failed)
	}
	return w.Message()
}

// cer appends a Capabilities-Exchange-Request.
func (n *Node) cer(b []byte, local net.Addr) (wire.Message, error) {
	w := wire.MakeBuilder(b, wire.Header{Flags: wire.FlagRequest, Command: CmdCapabilitiesExchange})
	n.appendCapabilities(&w, local)
	return w.Message()
}

// cea appends the answer to a CER: success, or what err says.
func (n *Node) cea(b []byte, req wire.Header, local net.Addr, err error) (wire.Message, error) {
	h := answerHeader(req)
	h.Command, h.Application = CmdCapabilitiesExchange, applicationBase
	re := &ResultError{Code: ResultSuccess}
	if err != nil && !errors.As(err, &re) {
		re = &ResultError{Code: ResultUnableToComply}
	}
	if re.Code/1000 == 3 {
		h.Flags |= wire.FlagError
	}
	w := wire.MakeBuilder(b, h)
	w.Uint32(AVPResultCode, 0, wire.FlagMandatory, re.Code)
	n.appendCapabilities(&w, local)
	if re.Message != "" {
		w.String(AVPErrorMessage, 0, 0, re.Message)
	}
	if len(re.Failed) > 0 {
		w.Octets(AVPFailedAVP, 0, wire.FlagMandatory, re.Failed)
	}
	return w.Message()
}

// dwr appends a Device-Watchdog-Request.
func (n *Node) dwr(b []byte) (wire.Message, error) {
	w := wire.MakeBuilder(b, wire.Header{Flags: wire.FlagRequest, Command: CmdDeviceWatchdog})
	n.appendOrigin(&w)
	w.Uint32(AVPOriginStateID, 0, wire.FlagMandatory, n.cfg.OriginStateID)
	return w.Message()
}

// dwa appends the answer to a DWR.
func (n *Node) dwa(b []byte, req wire.Message) (wire.Message, error) {
	w := n.beginAnswer(b, req, ResultSuccess, false)
	w.Uint32(AVPOriginStateID, 0, wire.FlagMandatory, n.cfg.OriginStateID)
	return w.Message()
}

// dpr appends a Disconnect-Peer-Request.
func (n *Node) dpr(b []byte, cause uint32) (wire.Message, error) {
	w := wire.MakeBuilder(b, wire.Header{Flags: wire.FlagRequest, Command: CmdDisconnectPeer})
	n.appendOrigin(&w)
	w.Uint32(AVPDisconnectCause, 0, wire.FlagMandatory, cause)
	return w.Message()
}

// failedAVP returns the octets of the AVP a with the given data, for a
// Failed-AVP.
func failedAVP(a wire.AVP, data []byte) []byte {
	n := 8
	flags := a.Flags &^ wire.FlagVendor
	if a.Vendor != 0 {
		n, flags = 12, flags|wire.FlagVendor
	}
	// Failed-AVP is for people who debug: no need to return 64 KiB.
	data = data[:min(len(data), 512)]
	b := make([]byte, 0, n+len(data)+3)
	b = binary.BigEndian.AppendUint32(b, a.Code)
	b = binary.BigEndian.AppendUint32(b, uint32(flags)<<24|uint32(n+len(data)))
	if a.Vendor != 0 {
		b = binary.BigEndian.AppendUint32(b, a.Vendor)
	}
	b = append(b, data...)
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return b
}

// avpResult turns an error about an AVP into the answer: 5014 with the AVP's
// header and zeros of the least length that its type has (RFC 6733, section
// 7.1.5), 5012 if there are too many, else 5004.
func avpResult(err error) *ResultError {
	var ae *wire.AVPError
	switch {
	case !errors.As(err, &ae):
		return &ResultError{Code: ResultUnableToComply}
	case errors.Is(ae, wire.ErrTooMany):
		return &ResultError{Code: ResultUnableToComply, Message: ae.Error()}
	default:
		return invalidAVP(ae.AVP, ae)
	}
}

// invalidAVP turns an error about a's data into the answer.
func invalidAVP(a wire.AVP, err error) *ResultError {
	if errors.Is(err, wire.ErrAVPLength) {
		return &ResultError{
			Code:    ResultInvalidAVPLength,
			Message: err.Error(),
			Failed:  failedAVP(a, make([]byte, minimumLen(a.Code, a.Vendor))),
		}
	}
	return &ResultError{Code: ResultInvalidAVPValue, Message: err.Error(), Failed: failedAVP(a, a.Data)}
}
