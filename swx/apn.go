package swx

import "net/netip"

// WildcardAPN is the name in an APN-Configuration for every APN that has none
// of its own (TS 23.003, clause 9.2).
const WildcardAPN = "*"

// APNConfiguration is an APN-Configuration (TS 29.273, clause 8.2.3.7): how the
// subscriber may use one APN. A field's zero value means that there is no such
// AVP.
type APNConfiguration struct {
	ContextID uint32
	PDNType   PDNType
	// APN is Service-Selection: the network part of the name, or WildcardAPN.
	APN string
	// ServedAddresses are the subscriber's fixed addresses: at most one of
	// each IP version. That of IPv6 is a prefix of 64 bits.
	ServedAddresses []netip.Addr
	// QoS is EPS-Subscribed-QoS-Profile: the default bearer's.
	QoS *QoSProfile
	// VPLMNAddress says whether the gateway may be one of the visited network.
	VPLMNAddress VPLMNAddress
	// Allocation says how Gateway was chosen.
	Allocation GatewayAllocation
	// Gateway is MIP6-Agent-Info: the PDN gateway in use, or the fixed one.
	Gateway *Gateway
	// VisitedNetwork is Visited-Network-Identifier: the network of Gateway.
	VisitedNetwork string
	// ChargingCharacteristics is four hexadecimal digits, and comes before
	// those of the subscriber.
	ChargingCharacteristics string
	// AMBR is what the APN's traffic may use (APN-AMBR).
	AMBR *AMBR
	// SpecificAPNs are the gateways in use of a wildcard's APNs.
	SpecificAPNs []SpecificAPN
	// APNOIReplacement is the operator's part of the name.
	APNOIReplacement string
	// Other is all other AVPs, encoded, in their order.
	Other []byte
}

// PDNType is PDN-Type (TS 29.272, clause 7.3.62).
type PDNType uint32

// PDN types. Their zero value is not the wire's: it is none.
const (
	PDNIPv4 PDNType = 1 + iota
	PDNIPv6
	PDNIPv4v6
	// PDNIPv4OrIPv6: one of the two, as the phone asks.
	PDNIPv4OrIPv6
	PDNNonIP
)

// String returns the type's name.
func (t PDNType) String() string {
	return enumName(uint32(t), "IPv4", "IPv6", "IPv4v6", "IPv4_OR_IPv6", "Non-IP")
}

// VPLMNAddress is VPLMN-Dynamic-Address-Allowed (TS 29.272, clause 7.3.38).
type VPLMNAddress uint32

// Values of VPLMN-Dynamic-Address-Allowed. Their zero value is not the wire's:
// it is none, which means not allowed.
const (
	VPLMNAddressNotAllowed VPLMNAddress = 1 + iota
	VPLMNAddressAllowed
)

// String returns the value's name.
func (v VPLMNAddress) String() string { return enumName(uint32(v), "not allowed", "allowed") }

// GatewayAllocation is PDN-GW-Allocation-Type (TS 29.272, clause 7.3.44).
type GatewayAllocation uint32

// Allocation types. Their zero value is not the wire's: it is none.
const (
	AllocationStatic GatewayAllocation = 1 + iota
	AllocationDynamic
)

// String returns the type's name.
func (a GatewayAllocation) String() string { return enumName(uint32(a), "static", "dynamic") }

// Gateway is MIP6-Agent-Info: a PDN gateway by address, name or both (TS
// 29.273, clause 9.2.3.2.3).
type Gateway struct {
	// Addresses are at most one of each IP version.
	Addresses []netip.Addr
	// Host and Realm are the gateway's Diameter names, or what DNS knows it by.
	Host, Realm string
	Other       []byte
}

// QoSProfile is EPS-Subscribed-QoS-Profile (TS 29.272, clause 7.3.37).
type QoSProfile struct {
	// QCI is 1 to 254 (TS 23.203, table 6.1.7); 5 to 9 in a subscription.
	QCI   uint32
	ARP   *ARP
	Other []byte
}

// ARP is Allocation-Retention-Priority (TS 29.212, clause 5.3.32).
type ARP struct {
	// PriorityLevel is 1, the highest, to 15.
	PriorityLevel uint32
	// Capability: may it take the resources of others?
	Capability Preemption
	// Vulnerability: may others take its resources?
	Vulnerability Preemption
	Other         []byte
}

// Preemption is Pre-emption-Capability or -Vulnerability (TS 29.212, clauses
// 5.3.46 and 5.3.47).
type Preemption uint32

// Values of both AVPs. Their zero value is not the wire's: it is none, which
// means no capability, but vulnerability.
const (
	PreemptionEnabled Preemption = 1 + iota
	PreemptionDisabled
)

// String returns the value's name.
func (p Preemption) String() string { return enumName(uint32(p), "enabled", "disabled") }

// AMBR is a maximum bit rate in each direction, in bit/s.
//
// On the wire a rate above 2^32-1 is that number and, beside it, an extended
// AVP in kbit/s; it is rounded up to whole kbit.
type AMBR struct {
	Uplink, Downlink uint64
	Other            []byte
}

// SpecificAPN is Specific-APN-Info (TS 29.272, clause 7.3.82): which gateway an
// APN under a wildcard uses.
type SpecificAPN struct {
	APN            string
	Gateway        *Gateway
	VisitedNetwork string
	Other          []byte
}
