package swx

import "github.com/opentwag/twag/diameter/wire"

// requestHead is what all requests of SWx have, as they are decoded.
type requestHead struct {
	sessionID                    []byte
	originHost, originRealm      []byte
	destinationHost, destination []byte
	userName                     []byte
	proxyInfo                    [][]byte
	formReader
}

// take reads a, if it is of the head, and reports whether it was. An AVP that
// nobody knows is an error if it is mandatory (RFC 6733, section 4.1).
func (h *requestHead) take(a wire.AVP) error {
	switch uint64(a.Vendor)<<32 | uint64(a.Code) {
	case codeSessionID:
		first(&h.sessionID, a.Data)
	case codeVendorSpecificAppID:
		return h.application(a)
	case codeAuthApplicationID:
		return h.authApplication(a)
	case codeAuthSessionState:
		return h.sessionState(a)
	case codeOriginHost:
		first(&h.originHost, a.Data)
	case codeOriginRealm:
		first(&h.originRealm, a.Data)
	case codeDestinationRealm:
		first(&h.destination, a.Data)
	case codeDestinationHost:
		first(&h.destinationHost, a.Data)
	case codeUserName:
		first(&h.userName, a.Data)
	case codeProxyInfo:
		h.proxyInfo = append(h.proxyInfo, a.Data)
	default:
		if a.Flags&wire.FlagMandatory != 0 && lookup(a.Code, a.Vendor) == nil {
			return badAVP(a, ResultAVPUnsupported, errUnknownAVP)
		}
	}
	return nil
}

// takeLeniently is take for a request of an HSS: how it says that it is one of
// SWx, and whether state is kept, may be wrong.
func (h *requestHead) takeLeniently(a wire.AVP) error {
	err := h.take(a)
	if a.Vendor == 0 && (a.Code == codeVendorSpecificAppID || a.Code == codeAuthApplicationID || a.Code == codeAuthSessionState) {
		return nil
	}
	return err
}

// complete checks, as an HSS does, that what every request must have is there;
// Auth-Session-State is left to the HSS's taste.
func (h *requestHead) complete() error {
	switch _, ok := h.form(); {
	case h.sessionID == nil:
		return missingAVP(avpSessionID)
	case !ok:
		return missingAVP(avpVendorSpecificAppID)
	case h.originHost == nil:
		return missingAVP(avpOriginHost)
	case h.originRealm == nil:
		return missingAVP(avpOriginRealm)
	case h.destination == nil:
		return missingAVP(avpDestinationRealm)
	case h.userName == nil:
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
