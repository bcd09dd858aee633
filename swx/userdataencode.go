package swx

import (
	"fmt"
	"math"
	"time"

	"github.com/opentwag/twag/diameter/wire"
)

// Append appends the AVPs in Non-3GPP-User-Data to b: the form in which a
// profile can be stored too. What has fields comes in a fixed order, then
// Other.
//
// The error wraps wire.ErrLength: the profile fits in no message.
func (u *UserData) Append(b []byte) ([]byte, error) {
	e := encoder{b: make([]byte, 0, 512)}
	e.userData(u)
	if len(e.b) > maxMessage {
		return b, fmt.Errorf("swx: profile: %w: %d to send", wire.ErrLength, len(e.b))
	}
	return append(b, e.b...), nil
}

// userDataGroup appends Non-3GPP-User-Data unless u is nil.
func (e *encoder) userDataGroup(u *UserData) {
	if u == nil {
		return
	}
	g := e.begin(avpUserData)
	e.userData(u)
	e.end(g)
}

func (e *encoder) userData(u *UserData) {
	for i := range u.SubscriptionIDs {
		s := &u.SubscriptionIDs[i]
		g := e.begin(avpSubscriptionID)
		enum(e, avpSubscriptionIDType, s.Type)
		e.text(avpSubscriptionIDData, s.Data)
		e.raw(s.Other)
		e.end(g)
	}
	enum(e, avpIPAccess, u.Access)
	enum(e, avpAPNAccess, u.APNAccess)
	for _, t := range u.RATNotAllowed {
		e.uint32(avpRATType, uint32(t))
	}
	e.ambr(u.AMBR)
	e.text(avpChargingCharacteristics, u.ChargingCharacteristics)
	e.number(avpContextIdentifier, u.DefaultContext)
	e.text(avpAPNOIReplacement, u.APNOIReplacement)
	for i := range u.APNs {
		e.apn(&u.APNs[i])
	}
	e.number(avpSessionTimeout, seconds(u.SessionTimeout))
	if u.MIP6Features != 0 {
		e.uint64(avpMIP6FeatureVector, u.MIP6Features)
	}
	e.trace(u.Trace)
	e.number(avpTWANDefaultContext, u.TWANDefaultContext)
	for i := range u.TWANAccess {
		e.twanAccess(&u.TWANAccess[i])
	}
	e.number(avpUEUsageType, u.UEUsageType)
	if u.Emergency != nil {
		g := e.begin(avpEmergencyInfo)
		e.gateway(u.Emergency.Gateway)
		e.raw(u.Emergency.Other)
		e.end(g)
	}
	e.number(avpERPAuthorization, u.ERPAuthorization)
	e.number(avpCoreNetworkRestrictions, u.CoreNetworkRestrictions)
	e.raw(u.Other)
}

// seconds returns d in whole seconds, rounded up: a session of half a second is
// not one without end.
func seconds(d time.Duration) uint32 {
	if d <= 0 {
		return 0
	}
	return uint32(min((d+time.Second-1)/time.Second, math.MaxUint32))
}

func (e *encoder) apn(c *APNConfiguration) {
	g := e.begin(avpAPNConfiguration)
	e.number(avpContextIdentifier, c.ContextID)
	enum(e, avpPDNType, c.PDNType)
	e.text(avpServiceSelection, c.APN)
	for _, addr := range c.ServedAddresses {
		e.address(avpServedPartyAddress, addr)
	}
	if q := c.QoS; q != nil {
		g := e.begin(avpQoSProfile)
		e.number(avpQCI, q.QCI)
		if p := q.ARP; p != nil {
			g := e.begin(avpARP)
			e.number(avpPriorityLevel, p.PriorityLevel)
			enum(e, avpPreemptionCapability, p.Capability)
			enum(e, avpPreemptionVulnerability, p.Vulnerability)
			e.raw(p.Other)
			e.end(g)
		}
		e.raw(q.Other)
		e.end(g)
	}
	enum(e, avpVPLMNDynamicAddress, c.VPLMNAddress)
	enum(e, avpGatewayAllocation, c.Allocation)
	e.gateway(c.Gateway)
	e.text(avpVisitedNetwork, c.VisitedNetwork)
	e.text(avpChargingCharacteristics, c.ChargingCharacteristics)
	e.ambr(c.AMBR)
	for i := range c.SpecificAPNs {
		e.specificAPN(&c.SpecificAPNs[i])
	}
	e.text(avpAPNOIReplacement, c.APNOIReplacement)
	e.raw(c.Other)
	e.end(g)
}

func (e *encoder) specificAPN(s *SpecificAPN) {
	g := e.begin(avpSpecificAPNInfo)
	e.text(avpServiceSelection, s.APN)
	e.gateway(s.Gateway)
	e.text(avpVisitedNetwork, s.VisitedNetwork)
	e.raw(s.Other)
	e.end(g)
}

func (e *encoder) gateway(w *Gateway) {
	if w == nil {
		return
	}
	g := e.begin(avpMIP6AgentInfo)
	for _, addr := range w.Addresses {
		e.address(avpHomeAgentAddress, addr)
	}
	if w.Host != "" || w.Realm != "" {
		g := e.begin(avpHomeAgentHost)
		e.text(avpDestinationRealm, w.Realm)
		e.text(avpDestinationHost, w.Host)
		e.end(g)
	}
	e.raw(w.Other)
	e.end(g)
}

func (e *encoder) ambr(a *AMBR) {
	if a == nil {
		return
	}
	g := e.begin(avpAMBR)
	e.number(avpBandwidthUL, uint32(min(a.Uplink, math.MaxUint32)))
	e.number(avpBandwidthDL, uint32(min(a.Downlink, math.MaxUint32)))
	e.extended(avpExtendedUL, a.Uplink)
	e.extended(avpExtendedDL, a.Downlink)
	e.raw(a.Other)
	e.end(g)
}

// extended appends a rate in kbit/s, if 32 bits do not hold it in bit/s (TS
// 29.272, clause 7.3.41).
func (e *encoder) extended(avp int, rate uint64) {
	if rate > math.MaxUint32 {
		e.uint32(avp, uint32(min((rate-1)/1000+1, math.MaxUint32)))
	}
}

func (e *encoder) trace(t *TraceInfo) {
	if t == nil {
		return
	}
	g := e.begin(avpTraceInfo)
	if d := t.Data; d != nil {
		g := e.begin(avpTraceData)
		e.optional(avpTraceReference, d.Reference)
		enum(e, avpTraceDepth, d.Depth)
		e.optional(avpTraceNETypes, d.NETypes)
		e.optional(avpTraceInterfaces, d.Interfaces)
		e.optional(avpTraceEvents, d.Events)
		e.optional(avpTraceOMC, d.OMC)
		e.address(avpTraceCollectionEntity, d.Collector)
		e.raw(d.Other)
		e.end(g)
	}
	e.optional(avpTraceReference, t.Reference)
	e.raw(t.Other)
	e.end(g)
}

func (e *encoder) twanAccess(t *TWANAccess) {
	g := e.begin(avpTWANAccessInfo)
	if t.HasFlags {
		e.uint32(avpAuthorizationFlags, uint32(t.Flags))
	}
	if w := t.WLAN; w != nil {
		g := e.begin(avpWLANIdentifier)
		e.text(avpSSID, w.SSID)
		e.text(avpHESSID, w.HESSID)
		e.raw(w.Other)
		e.end(g)
	}
	e.raw(t.Other)
	e.end(g)
}
