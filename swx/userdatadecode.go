package swx

import (
	"math"
	"time"

	"github.com/opentwag/twag/diameter/wire"
	"github.com/opentwag/twag/internal/dict"
)

// DecodeUserData reads the data of a Non-3GPP-User-Data AVP.
//
// It is strict about the lengths of AVPs and lenient about everything else: no
// AVP is demanded, order and M bits are free, of one that comes twice the first
// counts, and nothing is thrown away. The result does not alias data.
//
// The error is a [*DecodeError] with the Result-Code to answer: an AVP has an
// impossible length (5014), or there are too many of them (5009).
func DecodeUserData(data []byte) (*UserData, error) {
	u := new(UserData)
	a := wire.AVP{Code: codeUserData, Vendor: Vendor3GPP, Flags: dict.VM, Data: data}
	if err := eachAVP(a, &u.Other, u.take); err != nil {
		return nil, err
	}
	return u, nil
}

func (u *UserData) take(a wire.AVP) (bool, error) {
	switch uint64(a.Vendor)<<32 | uint64(a.Code) {
	case codeSubscriptionID:
		return u.takeSubscription(a)
	case of3GPP | codeIPAccess:
		return enumOf(&u.Access, a)
	case of3GPP | codeAPNAccess:
		return enumOf(&u.APNAccess, a)
	case of3GPP | codeRATType:
		list, err := grow(u.RATNotAllowed, a)
		if err != nil {
			return false, err
		}
		u.RATNotAllowed = list
		return true, number((*uint32)(&list[len(list)-1]), a)
	case of3GPP | codeAMBR:
		return takeAMBR(&u.AMBR, a)
	case of3GPP | codeChargingCharacteristics:
		return text(&u.ChargingCharacteristics, a), nil
	case of3GPP | codeContextIdentifier:
		return uint32Of(&u.DefaultContext, a)
	case of3GPP | codeAPNOIReplacement:
		return text(&u.APNOIReplacement, a), nil
	case of3GPP | codeAPNConfiguration:
		list, err := grow(u.APNs, a)
		if err != nil {
			return false, err
		}
		u.APNs = list
		c := &list[len(list)-1]
		return true, eachAVP(a, &c.Other, c.take)
	case codeSessionTimeout:
		var n uint32
		if u.SessionTimeout != 0 {
			n = 1 // there is one
		}
		taken, err := uint32Of(&n, a)
		if taken {
			u.SessionTimeout = time.Duration(n) * time.Second
		}
		return taken, err
	case codeMIP6FeatureVector:
		return uint64Of(&u.MIP6Features, a)
	case of3GPP | codeTraceInfo:
		if u.Trace != nil {
			return false, nil
		}
		u.Trace = new(TraceInfo)
		return true, eachAVP(a, &u.Trace.Other, u.Trace.take)
	case of3GPP | codeTWANDefaultContext:
		return uint32Of(&u.TWANDefaultContext, a)
	case of3GPP | codeTWANAccessInfo:
		list, err := grow(u.TWANAccess, a)
		if err != nil {
			return false, err
		}
		u.TWANAccess = list
		t := &list[len(list)-1]
		return true, eachAVP(a, &t.Other, t.take)
	case of3GPP | codeUEUsageType:
		return uint32Of(&u.UEUsageType, a)
	case of3GPP | codeEmergencyInfo:
		if u.Emergency != nil {
			return false, nil
		}
		info := new(EmergencyInfo)
		u.Emergency = info
		return true, eachAVP(a, &info.Other, func(sub wire.AVP) (bool, error) {
			if sub.Is(codeMIP6AgentInfo, 0) {
				return takeGateway(&info.Gateway, sub)
			}
			return false, nil
		})
	case of3GPP | codeERPAuthorization:
		return uint32Of(&u.ERPAuthorization, a)
	case of3GPP | codeCoreNetworkRestrictions:
		return uint32Of(&u.CoreNetworkRestrictions, a)
	}
	return false, nil
}

func (u *UserData) takeSubscription(a wire.AVP) (bool, error) {
	list, err := grow(u.SubscriptionIDs, a)
	if err != nil {
		return false, err
	}
	u.SubscriptionIDs = list
	s := &list[len(list)-1]
	return true, eachAVP(a, &s.Other, func(sub wire.AVP) (bool, error) {
		switch uint64(sub.Vendor)<<32 | uint64(sub.Code) {
		case codeSubscriptionIDType:
			return enumOf(&s.Type, sub)
		case codeSubscriptionIDData:
			return text(&s.Data, sub), nil
		}
		return false, nil
	})
}

func (c *APNConfiguration) take(a wire.AVP) (bool, error) {
	switch uint64(a.Vendor)<<32 | uint64(a.Code) {
	case of3GPP | codeContextIdentifier:
		return uint32Of(&c.ContextID, a)
	case of3GPP | codePDNType:
		return enumOf(&c.PDNType, a)
	case codeServiceSelection:
		return text(&c.APN, a), nil
	case of3GPP | codeServedPartyAddress:
		return addressesOf(&c.ServedAddresses, a)
	case of3GPP | codeQoSProfile:
		if c.QoS != nil {
			return false, nil
		}
		c.QoS = new(QoSProfile)
		return true, eachAVP(a, &c.QoS.Other, c.QoS.take)
	case of3GPP | codeVPLMNDynamicAddress:
		return enumOf(&c.VPLMNAddress, a)
	case of3GPP | codeGatewayAllocation:
		return enumOf(&c.Allocation, a)
	case codeMIP6AgentInfo:
		return takeGateway(&c.Gateway, a)
	case of3GPP | codeVisitedNetwork:
		return text(&c.VisitedNetwork, a), nil
	case of3GPP | codeChargingCharacteristics:
		return text(&c.ChargingCharacteristics, a), nil
	case of3GPP | codeAMBR:
		return takeAMBR(&c.AMBR, a)
	case of3GPP | codeSpecificAPNInfo:
		list, err := grow(c.SpecificAPNs, a)
		if err != nil {
			return false, err
		}
		c.SpecificAPNs = list
		s := &list[len(list)-1]
		return true, eachAVP(a, &s.Other, s.take)
	case of3GPP | codeAPNOIReplacement:
		return text(&c.APNOIReplacement, a), nil
	}
	return false, nil
}

func (s *SpecificAPN) take(a wire.AVP) (bool, error) {
	switch uint64(a.Vendor)<<32 | uint64(a.Code) {
	case codeServiceSelection:
		return text(&s.APN, a), nil
	case codeMIP6AgentInfo:
		return takeGateway(&s.Gateway, a)
	case of3GPP | codeVisitedNetwork:
		return text(&s.VisitedNetwork, a), nil
	}
	return false, nil
}

func (q *QoSProfile) take(a wire.AVP) (bool, error) {
	switch uint64(a.Vendor)<<32 | uint64(a.Code) {
	case of3GPP | codeQCI:
		return uint32Of(&q.QCI, a)
	case of3GPP | codeARP:
		if q.ARP != nil {
			return false, nil
		}
		q.ARP = new(ARP)
		return true, eachAVP(a, &q.ARP.Other, q.ARP.take)
	}
	return false, nil
}

func (p *ARP) take(a wire.AVP) (bool, error) {
	switch uint64(a.Vendor)<<32 | uint64(a.Code) {
	case of3GPP | codePriorityLevel:
		return uint32Of(&p.PriorityLevel, a)
	case of3GPP | codePreemptionCapability:
		return enumOf(&p.Capability, a)
	case of3GPP | codePreemptionVulnerability:
		return enumOf(&p.Vulnerability, a)
	}
	return false, nil
}

func takeGateway(f **Gateway, a wire.AVP) (bool, error) {
	if *f != nil {
		return false, nil
	}
	w := new(Gateway)
	*f = w
	return true, eachAVP(a, &w.Other, func(sub wire.AVP) (bool, error) {
		switch uint64(sub.Vendor)<<32 | uint64(sub.Code) {
		case codeHomeAgentAddress:
			return addressesOf(&w.Addresses, sub)
		case codeHomeAgentHost:
			return w.takeHost(sub)
		}
		return false, nil
	})
}

// takeHost reads a MIP-Home-Agent-Host that has the two names and nothing
// else; any other is kept as it is.
func (w *Gateway) takeHost(a wire.AVP) (bool, error) {
	if w.Host != "" || w.Realm != "" {
		return false, nil
	}
	var host, realm string
	var other []byte
	err := eachAVP(a, &other, func(sub wire.AVP) (bool, error) {
		switch uint64(sub.Vendor)<<32 | uint64(sub.Code) {
		case codeDestinationRealm:
			return text(&realm, sub), nil
		case codeDestinationHost:
			return text(&host, sub), nil
		}
		return false, nil
	})
	if err != nil || other != nil || host == "" && realm == "" {
		return false, err
	}
	w.Host, w.Realm = host, realm
	return true, nil
}

// takeAMBR reads an AMBR. Extended rates count only beside one that says that
// 32 bits do not hold it.
func takeAMBR(f **AMBR, a wire.AVP) (bool, error) {
	if *f != nil {
		return false, nil
	}
	var up, down, longUp, longDown uint32
	m := new(AMBR)
	*f = m
	err := eachAVP(a, &m.Other, func(sub wire.AVP) (bool, error) {
		switch uint64(sub.Vendor)<<32 | uint64(sub.Code) {
		case of3GPP | codeBandwidthUL:
			return uint32Of(&up, sub)
		case of3GPP | codeBandwidthDL:
			return uint32Of(&down, sub)
		case of3GPP | codeExtendedUL:
			return uint32Of(&longUp, sub)
		case of3GPP | codeExtendedDL:
			return uint32Of(&longDown, sub)
		}
		return false, nil
	})
	if err != nil {
		return false, err
	}
	m.Uplink = m.rate(up, longUp, avpExtendedUL)
	m.Downlink = m.rate(down, longDown, avpExtendedDL)
	return true, nil
}

// rate returns the rate that the two AVPs say; an extended one that says
// nothing more is kept as it is.
func (m *AMBR) rate(plain, extended uint32, avp int) uint64 {
	long := uint64(extended) * 1000
	switch {
	case extended == 0:
	case plain == math.MaxUint32 && long > math.MaxUint32:
		return long
	default:
		// In front, so that of two the first is again the first.
		var e encoder
		e.uint32(avp, extended)
		e.raw(m.Other)
		m.Other = e.b
	}
	return uint64(plain)
}

func (t *TraceInfo) take(a wire.AVP) (bool, error) {
	switch uint64(a.Vendor)<<32 | uint64(a.Code) {
	case of3GPP | codeTraceData:
		if t.Data != nil {
			return false, nil
		}
		t.Data = new(TraceData)
		return true, eachAVP(a, &t.Data.Other, t.Data.take)
	case of3GPP | codeTraceReference:
		return octetsOf(&t.Reference, a), nil
	}
	return false, nil
}

func (d *TraceData) take(a wire.AVP) (bool, error) {
	switch uint64(a.Vendor)<<32 | uint64(a.Code) {
	case of3GPP | codeTraceReference:
		return octetsOf(&d.Reference, a), nil
	case of3GPP | codeTraceDepth:
		return enumOf(&d.Depth, a)
	case of3GPP | codeTraceNETypes:
		return octetsOf(&d.NETypes, a), nil
	case of3GPP | codeTraceInterfaces:
		return octetsOf(&d.Interfaces, a), nil
	case of3GPP | codeTraceEvents:
		return octetsOf(&d.Events, a), nil
	case of3GPP | codeTraceOMC:
		return octetsOf(&d.OMC, a), nil
	case of3GPP | codeTraceCollectionEntity:
		if d.Collector.IsValid() {
			return false, nil
		}
		addr, ok, err := addressOf(a)
		d.Collector = addr
		return ok, err
	}
	return false, nil
}

func (t *TWANAccess) take(a wire.AVP) (bool, error) {
	switch uint64(a.Vendor)<<32 | uint64(a.Code) {
	case of3GPP | codeAuthorizationFlags:
		if t.HasFlags {
			return false, nil
		}
		t.HasFlags = true
		return true, number((*uint32)(&t.Flags), a)
	case of3GPP | codeWLANIdentifier:
		if t.WLAN != nil {
			return false, nil
		}
		w := new(WLANIdentifier)
		t.WLAN = w
		return true, eachAVP(a, &w.Other, func(sub wire.AVP) (bool, error) {
			switch uint64(sub.Vendor)<<32 | uint64(sub.Code) {
			case of3GPP | codeSSID:
				return text(&w.SSID, sub), nil
			case of3GPP | codeHESSID:
				return text(&w.HESSID, sub), nil
			}
			return false, nil
		})
	}
	return false, nil
}
