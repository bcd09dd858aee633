package swx

import (
	"fmt"

	"github.com/opentwag/twag/diameter/wire"
)

// Head is what MAR, SAR and PPR have in common. A nil field is an absent AVP.
//
// It prints redacted.
type Head struct {
	SessionID []byte
	// Application and SessionState are the form of what says that this is SWx
	// and stateless; their zero values are the standard's.
	Application      ApplicationForm
	SessionState     SessionState
	OriginHost       []byte
	OriginRealm      []byte
	DestinationRealm []byte
	DestinationHost  []byte
	// UserName is the IMSI's digits, nothing else (TS 29.273, clause 8.2.2.1);
	// some HSSes send a whole NAI.
	UserName []byte
	// ProxyInfo is the Proxy-Info AVPs' data, that the answer must bring back.
	// They are the last of a request.
	ProxyInfo [][]byte
}

// Format implements fmt.Formatter, so that no verb prints the IMSI.
func (Head) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("swx.Head[redacted]")) }

// MarshalText implements encoding.TextMarshaler, so that logs and JSON do not
// give the IMSI away.
func (h Head) MarshalText() ([]byte, error) { return fmt.Append(nil, h), nil }

// head appends all of h but Proxy-Info.
func (e *encoder) head(h *Head) {
	e.prologue(h.SessionID, h.Application, h.SessionState)
	e.optional(avpOriginHost, h.OriginHost)
	e.optional(avpOriginRealm, h.OriginRealm)
	e.optional(avpDestinationRealm, h.DestinationRealm)
	e.optional(avpDestinationHost, h.DestinationHost)
	e.optional(avpUserName, h.UserName)
}

// headReader reads a Head as its AVPs come.
type headReader struct {
	*Head
	form formReader
}

// reader returns a reader into h.
func (h *Head) reader() headReader { return headReader{Head: h, form: formReader{state: StateAbsent}} }

// take reads a, which is of the head or of nobody. An AVP that nobody knows is
// an error if it is mandatory (RFC 6733, section 4.1).
func (h *headReader) take(a wire.AVP) error {
	switch uint64(a.Vendor)<<32 | uint64(a.Code) {
	case codeSessionID:
		first(&h.SessionID, a.Data)
	case codeVendorSpecificAppID:
		return h.form.application(a)
	case codeAuthApplicationID:
		return h.form.authApplication(a)
	case codeAuthSessionState:
		return h.form.sessionState(a)
	case codeOriginHost:
		first(&h.OriginHost, a.Data)
	case codeOriginRealm:
		first(&h.OriginRealm, a.Data)
	case codeDestinationRealm:
		first(&h.DestinationRealm, a.Data)
	case codeDestinationHost:
		first(&h.DestinationHost, a.Data)
	case codeUserName:
		first(&h.UserName, a.Data)
	case codeProxyInfo:
		h.ProxyInfo = append(h.ProxyInfo, a.Data)
	default:
		return checkUnknown(a)
	}
	return nil
}

// takeLeniently is take for a request of an HSS: how it says that it is one of
// SWx, and whether state is kept, may be wrong.
func (h *headReader) takeLeniently(a wire.AVP) error {
	err := h.take(a)
	if a.Vendor == 0 && (a.Code == codeVendorSpecificAppID || a.Code == codeAuthApplicationID || a.Code == codeAuthSessionState) {
		return nil
	}
	return err
}

// end notes the form when r has come to an end, if err is not why, and returns
// the first error.
func (h *headReader) end(r *wire.Reader, err error) error {
	h.Application, _ = h.form.form()
	h.SessionState = h.form.state
	if err != nil {
		return err
	}
	return readError(r)
}

// complete checks, as an HSS does, that what every request must have is there;
// Auth-Session-State is left to the HSS's taste.
func (h *headReader) complete() error {
	switch _, ok := h.form.form(); {
	case h.SessionID == nil:
		return missingAVP(avpSessionID)
	case !ok:
		return missingAVP(avpVendorSpecificAppID)
	case h.OriginHost == nil:
		return missingAVP(avpOriginHost)
	case h.OriginRealm == nil:
		return missingAVP(avpOriginRealm)
	case h.DestinationRealm == nil:
		return missingAVP(avpDestinationRealm)
	case h.UserName == nil:
		return missingAVP(avpUserName)
	}
	return nil
}

// number reads an Unsigned32 or Enumerated AVP.
func number(f *uint32, a wire.AVP) error {
	n, err := a.Uint32()
	if err != nil {
		return badAVP(a, ResultInvalidAVPLength, err)
	}
	*f = n
	return nil
}

// readError returns why a reader stopped before the message's end.
func readError(r *wire.Reader) error {
	if err := r.Err(); err != nil {
		return &DecodeError{ResultCode: ResultInvalidAVPLength, Err: err}
	}
	return nil
}
