package swx

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/opentwag/twag/aka"
)

// UserData is Non-3GPP-User-Data (TS 29.273, clause 8.2.3.1): the profile that
// the HSS has of a subscriber. A field's zero value means that there is no such
// AVP. Strings and slices are the profile's own memory.
//
// What has no field here is in Other, and likewise in each group, so that
// DecodeUserData and Append lose nothing. Read it with
//
//	r := wire.NewReader(data.Other)
//
// It prints redacted. It is not safe for concurrent use while somebody changes
// it.
type UserData struct {
	// SubscriptionIDs are the subscriber's numbers.
	SubscriptionIDs []SubscriptionID
	// Access is Non-3GPP-IP-Access: may he in at all?
	Access IPAccess
	// APNAccess is Non-3GPP-IP-Access-APN: may he use APNs?
	APNAccess APNAccess
	// RATNotAllowed are the access types that he may not use.
	RATNotAllowed []RATType
	// AMBR is what all his APNs may use together (UE-AMBR).
	AMBR *AMBR
	// ChargingCharacteristics is four hexadecimal digits (TS 32.251, Annex A).
	ChargingCharacteristics string
	// DefaultContext is the Context-Identifier of the default APN.
	DefaultContext uint32
	// APNOIReplacement is the operator's part of APN names; an APN's own one
	// comes first.
	APNOIReplacement string
	// APNs are the APN-Configurations.
	APNs []APNConfiguration
	// SessionTimeout is how long a session may last, in seconds' steps.
	SessionTimeout time.Duration
	// MIP6Features is MIP6-Feature-Vector (TS 29.273, clause 9.2.3.2.2).
	MIP6Features uint64
	// Trace is Trace-Info.
	Trace *TraceInfo
	// TWANDefaultContext is the Context-Identifier of the APN that is the
	// default in a trusted WLAN, where that is another one.
	TWANDefaultContext uint32
	// TWANAccess says which WLANs he may use and what for.
	TWANAccess []TWANAccess
	// UEUsageType is the slice of the core that serves him (TS 29.272, clause
	// 7.3.202).
	UEUsageType uint32
	// Emergency is Emergency-Info.
	Emergency *EmergencyInfo
	// ERPAuthorization has bit 0 set if he may use ERP (RFC 6696).
	ERPAuthorization uint32
	// CoreNetworkRestrictions is a bit mask (TS 29.272, clause 7.3.230).
	CoreNetworkRestrictions uint32
	// Other is all other AVPs, encoded, in their order.
	Other []byte
}

// IPAccess is Non-3GPP-IP-Access (TS 29.273, clause 8.2.3.3).
type IPAccess uint32

const (
	// AccessAllowed: NON_3GPP_SUBSCRIPTION_ALLOWED.
	AccessAllowed IPAccess = 1 + iota
	// AccessBarred: NON_3GPP_SUBSCRIPTION_BARRED.
	AccessBarred
)

// String returns the value's name in short.
func (a IPAccess) String() string { return enumName(uint32(a), "allowed", "barred") }

// APNAccess is Non-3GPP-IP-Access-APN (TS 29.273, clause 8.2.3.4).
type APNAccess uint32

const (
	// APNsEnabled: Non_3GPP_APNS_ENABLE.
	APNsEnabled APNAccess = 1 + iota
	// APNsDisabled: Non_3GPP_APNS_DISABLE. No APN may be used; local breakout
	// is another matter.
	APNsDisabled
)

// String returns the value's name in short.
func (a APNAccess) String() string { return enumName(uint32(a), "enabled", "disabled") }

// enumName names the value v of an enumeration that begins with 1; 0 is
// "absent".
func enumName(v uint32, names ...string) string {
	switch {
	case v == 0:
		return "absent"
	case v <= uint32(len(names)):
		return names[v-1]
	default:
		return fmt.Sprintf("value %d", v-1)
	}
}

// Check says whether a subscriber with the profile may have access by rat. The
// error wraps aka.ErrBarred or aka.ErrRATNotAllowed.
//
// A profile that does not say has no objection: an HSS leaves Non-3GPP-IP-Access
// out where it sends only part of a profile (clause 8.2.3.1).
func (u *UserData) Check(rat RATType) error {
	if u.Access != 0 && u.Access != AccessAllowed {
		return fmt.Errorf("swx: profile: %w: Non-3GPP-IP-Access %v", aka.ErrBarred, u.Access)
	}
	for _, t := range u.RATNotAllowed {
		if t == rat {
			return fmt.Errorf("swx: profile: %w: %v", aka.ErrRATNotAllowed, rat)
		}
	}
	return nil
}

// APN returns the configuration of an APN by its name, without regard to case:
// the one that has it, else the wildcard, else nil.
func (u *UserData) APN(name string) *APNConfiguration {
	var wildcard *APNConfiguration
	for i := range u.APNs {
		switch c := &u.APNs[i]; {
		case strings.EqualFold(c.APN, name):
			return c
		case c.APN == WildcardAPN && wildcard == nil:
			wildcard = c
		}
	}
	return wildcard
}

// DefaultAPN returns the configuration of the APN to use in a trusted WLAN
// where nobody asks for another; nil if the profile has none.
func (u *UserData) DefaultAPN() *APNConfiguration {
	id := u.DefaultContext
	if u.TWANDefaultContext != 0 {
		id = u.TWANDefaultContext
	}
	for i := range u.APNs {
		if u.APNs[i].ContextID == id {
			return &u.APNs[i]
		}
	}
	return nil
}

// MSISDN returns the subscriber's telephone number in international form
// without a plus; empty if the profile has none. Some HSSes give several.
func (u *UserData) MSISDN() string {
	for i := range u.SubscriptionIDs {
		if u.SubscriptionIDs[i].Type == SubscriptionE164 {
			return u.SubscriptionIDs[i].Data
		}
	}
	return ""
}

// isEmpty reports whether u has no AVP, or is nil.
func (u *UserData) isEmpty() bool {
	if u == nil {
		return true
	}
	b, err := u.Append(nil)
	return err == nil && len(b) == 0
}

// Format implements fmt.Formatter, so that no verb prints who the subscriber
// is and where he goes.
func (UserData) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("swx.UserData[redacted]")) }

// MarshalText implements encoding.TextMarshaler, so that logs and JSON do not
// give the subscriber away; to store a profile, Append it.
func (u UserData) MarshalText() ([]byte, error) { return fmt.Append(nil, u), nil }

// SubscriptionType is Subscription-Id-Type (RFC 8506, section 8.47).
type SubscriptionType uint32

// Subscription types. Their zero value is not the wire's: it is no type.
const (
	SubscriptionE164 SubscriptionType = 1 + iota
	SubscriptionIMSI
	SubscriptionSIPURI
	SubscriptionNAI
	SubscriptionPrivate
)

// String returns the type's name in short.
func (t SubscriptionType) String() string {
	return enumName(uint32(t), "E.164", "IMSI", "SIP URI", "NAI", "private")
}

// SubscriptionID is a Subscription-Id: one of the subscriber's numbers or
// names. It prints redacted.
type SubscriptionID struct {
	Type  SubscriptionType
	Data  string
	Other []byte
}

// Format implements fmt.Formatter, so that no verb prints the number.
func (SubscriptionID) Format(f fmt.State, _ rune) {
	_, _ = f.Write([]byte("swx.SubscriptionID[redacted]"))
}

// TWANAccess is a TWAN-Access-Info (TS 29.273, clause 8.2.3.19): what the
// subscriber may do in one WLAN, or in any where WLAN is nil.
type TWANAccess struct {
	// Flags count if HasFlags is set: they may all be clear.
	Flags    AuthorizationFlags
	HasFlags bool
	WLAN     *WLANIdentifier
	Other    []byte
}

// AuthorizationFlags is Access-Authorization-Flags (TS 29.273, clause
// 8.2.3.20).
type AuthorizationFlags uint32

const (
	// AuthorizedEPC: access to the core network is allowed.
	AuthorizedEPC AuthorizationFlags = 1 << iota
	// AuthorizedNSWO: local breakout in the WLAN is allowed.
	AuthorizedNSWO
)

// WLANIdentifier is a WLAN-Identifier (TS 29.273, clause 5.2.3.18).
type WLANIdentifier struct {
	SSID string
	// HESSID is a MAC address as Wi-Fi writes it (IEEE 802.11).
	HESSID string
	Other  []byte
}

// EmergencyInfo is Emergency-Info (TS 29.272, clause 7.3.210).
type EmergencyInfo struct {
	Gateway *Gateway
	Other   []byte
}

// TraceInfo is Trace-Info (TS 29.273, clause 8.2.3.13): Data begins a trace,
// Reference alone ends one.
type TraceInfo struct {
	Data      *TraceData
	Reference []byte
	Other     []byte
}

// TraceData is Trace-Data (TS 29.272, clause 7.3.63); its lists are bit masks
// of TS 32.422.
type TraceData struct {
	Reference []byte
	Depth     TraceDepth
	NETypes   []byte
	// Interfaces and OMC are optional.
	Interfaces []byte
	Events     []byte
	OMC        []byte
	// Collector is Trace-Collection-Entity.
	Collector netip.Addr
	Other     []byte
}

// TraceDepth is Trace-Depth (TS 32.422, clause 5.3).
type TraceDepth uint32

// Trace depths. Their zero value is not the wire's: it is none.
const (
	TraceMinimum TraceDepth = 1 + iota
	TraceMedium
	TraceMaximum
	TraceMinimumNoVendor
	TraceMediumNoVendor
	TraceMaximumNoVendor
)

// String returns the depth's name.
func (d TraceDepth) String() string {
	return enumName(uint32(d), "minimum", "medium", "maximum",
		"minimum without vendor extension", "medium without vendor extension", "maximum without vendor extension")
}
