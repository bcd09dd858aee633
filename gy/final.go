package gy

import (
	"fmt"

	"github.com/opentwag/twag/diameter/wire"
)

// FinalAction is Final-Unit-Action (RFC 8506, section 8.35).
type FinalAction uint32

// What is to happen when the final units are used.
const (
	FinalTerminate FinalAction = 0
	FinalRedirect  FinalAction = 1
	FinalRestrict  FinalAction = 2
)

// String returns the action's name.
func (a FinalAction) String() string {
	switch a {
	case FinalTerminate:
		return "TERMINATE"
	case FinalRedirect:
		return "REDIRECT"
	case FinalRestrict:
		return "RESTRICT_ACCESS"
	default:
		return fmt.Sprintf("FinalAction(%d)", uint32(a))
	}
}

// RedirectType is Redirect-Address-Type (RFC 8506, section 8.38).
type RedirectType uint32

// Kinds of address that a user may be sent to.
const (
	RedirectIPv4   RedirectType = 0
	RedirectIPv6   RedirectType = 1
	RedirectURL    RedirectType = 2
	RedirectSIPURI RedirectType = 3
)

// Redirect is Redirect-Server (RFC 8506, section 8.37). A nil Address is its
// absence.
type Redirect struct {
	Type    RedirectType
	Address []byte
}

// FinalUnit is Final-Unit-Indication (RFC 8506, section 8.34): the units that
// come with it are the last.
type FinalUnit struct {
	Action FinalAction
	// Filters are the Restriction-Filter-Rules (IPFilterRule): what stays
	// allowed.
	Filters [][]byte
	// FilterIDs are the Filter-Ids: names of filters that the access has.
	FilterIDs [][]byte
	Redirect  Redirect
}

func (e *encoder) final(f *FinalUnit) {
	g := e.begin(avpFinalUnitIndication)
	e.uint32(avpFinalUnitAction, uint32(f.Action))
	for _, rule := range f.Filters {
		e.octets(avpRestrictionFilterRule, rule)
	}
	for _, id := range f.FilterIDs {
		e.octets(avpFilterID, id)
	}
	if f.Redirect.Address != nil {
		r := e.begin(avpRedirectServer)
		e.uint32(avpRedirectAddressType, uint32(f.Redirect.Type))
		e.octets(avpRedirectServerAddress, f.Redirect.Address)
		e.End(r)
	}
	e.End(g)
}

// decode reads the group a, a Final-Unit-Indication or what it has in common
// with QoS-Final-Unit-Indication. Fields alias a. An action that is missing
// or unknown is TERMINATE (RFC 8506, section 8.35).
func (f *FinalUnit) decode(a wire.AVP) error {
	*f = FinalUnit{Filters: f.Filters[:0], FilterIDs: f.FilterIDs[:0]}
	r := a.Group()
	var sub wire.AVP
	for r.Next(&sub) {
		if sub.Vendor != 0 {
			continue
		}
		var err error
		switch sub.Code {
		case codeFinalUnitAction:
			var n uint32
			n, err = sub.Uint32()
			if f.Action = FinalAction(n); f.Action > FinalRestrict {
				f.Action = FinalTerminate
			}
		case codeRestrictionFilterRule:
			if len(f.Filters) == maxFilters {
				return badAVP(sub, ResultAVPOccursTooManyTimes, errRepeated)
			}
			f.Filters = append(f.Filters, sub.Data)
		case codeFilterID:
			if len(f.FilterIDs) == maxFilters {
				return badAVP(sub, ResultAVPOccursTooManyTimes, errRepeated)
			}
			f.FilterIDs = append(f.FilterIDs, sub.Data)
		case codeRedirectServer:
			err = f.Redirect.decode(sub)
		case codeRedirectServerExtension:
			if f.Redirect.Address == nil {
				err = f.Redirect.decodeExtension(sub)
			}
		}
		if err != nil {
			return asDecodeError(sub, err)
		}
	}
	if err := r.Err(); err != nil {
		return badAVP(a, ResultInvalidAVPLength, err)
	}
	return nil
}

func (d *Redirect) decode(a wire.AVP) error {
	r := a.Group()
	var sub wire.AVP
	for r.Next(&sub) {
		switch {
		case sub.Is(codeRedirectAddressType, 0):
			n, err := sub.Uint32()
			if err != nil {
				return err
			}
			d.Type = RedirectType(n)
		case sub.Is(codeRedirectServerAddress, 0):
			d.Address = sub.Data
		}
	}
	return r.Err()
}

// decodeExtension reads what of a Redirect-Server-Extension fits into a
// Redirect (RFC 8506, section 8.64).
func (d *Redirect) decodeExtension(a wire.AVP) error {
	r := a.Group()
	var sub wire.AVP
	for r.Next(&sub) {
		switch {
		case sub.Is(codeRedirectURL, 0):
			*d = Redirect{RedirectURL, sub.Data}
		case sub.Is(codeRedirectSIPURI, 0):
			*d = Redirect{RedirectSIPURI, sub.Data}
		}
	}
	return r.Err()
}

// maxFinal bounds what is kept of a Final-Unit-Indication, in octets: it is
// part of the stored state.
const maxFinal = 2048

// keep returns a copy with memory of its own. Filters beyond maxFinal are left
// out: since they say what stays allowed, less is allowed then.
func (f *FinalUnit) keep() *FinalUnit {
	left := maxFinal
	keep := func(v []byte) []byte {
		if v == nil || len(v) > left {
			return nil
		}
		left -= len(v)
		return append([]byte{}, v...)
	}
	list := func(all [][]byte) (kept [][]byte) {
		for _, v := range all {
			if v = keep(v); v != nil {
				kept = append(kept, v)
			}
		}
		return kept
	}
	k := &FinalUnit{Action: f.Action, Redirect: Redirect{f.Redirect.Type, keep(f.Redirect.Address)}}
	k.Filters, k.FilterIDs = list(f.Filters), list(f.FilterIDs)
	return k
}
