package gy

import (
	"errors"
	"fmt"
)

// Profile is an OCS's dialect. The zero Profile is what RFC 8506 and TS 32.299
// say, with an empty Requested-Service-Unit: the server chooses the quota.
type Profile struct {
	// ServiceContextID is Service-Context-Id; default "32251@3gpp.org".
	ServiceContextID string
	// RatingGroups are those of a session that names none; default 1.
	RatingGroups []uint32
	// ServiceID is sent as Service-Identifier beside each rating group, unless
	// it is 0.
	ServiceID uint32
	// Requested is what Requested-Service-Unit asks for. The zero Units leaves
	// it empty, which some servers refuse; others refuse it with units.
	Requested Units
	// RequestOnce leaves Requested-Service-Unit out of CCR-U, for a server
	// that grants without being asked.
	RequestOnce bool
	// BareInitial leaves MSCC out of CCR-I. The service then begins after the
	// CCR-U that follows it.
	BareInitial bool
	// OmitIndicator leaves Multiple-Services-Indicator out of CCR-I.
	OmitIndicator bool
	// Subscriptions are the kinds of Subscription-Id to send, in this order,
	// as far as they are known; default IMSI and E164.
	Subscriptions []SubscriptionType
	// OmitServiceInformation leaves Service-Information out, OmitLocation
	// TWAN-User-Location-Info in it, and OmitEquipment User-Equipment-Info.
	OmitServiceInformation bool
	OmitLocation           bool
	OmitEquipment          bool
	// Report are the units that are always reported, beside those that were
	// granted. Default the octets: total, input and output.
	Report UnitSet
	// OmitReason leaves Reporting-Reason out, for a server that knows RFC 8506
	// only.
	OmitReason bool
	// ByRealm sends every request by its realm. Otherwise what follows CCR-I
	// has the Destination-Host of the server that answered, if it said its
	// name.
	ByRealm bool

	// IgnoresFinalUsage: the server does not look at usage in CCR-T. The last
	// usage goes into a CCR-U before it.
	IgnoresFinalUsage bool
	// DropsRefusedUsage: the server does not debit the usage in a request that
	// it refuses, against RFC 8506, sections 7 and 9.1. It is reported again.
	DropsRefusedUsage bool
	// EmptyGrantUnlimited: success without units, and without a
	// Final-Unit-Indication, means as much as wanted. Otherwise it means
	// nothing.
	EmptyGrantUnlimited bool
	// RoutineFinal: Final-Unit-Indication comes with every grant. More is
	// asked for nevertheless, and the indication counts when nothing comes.
	RoutineFinal bool
	// SplitTariff divides usage that was measured across a tariff change in
	// proportion to time, for a server that does not know UNIT_INDETERMINATE.
	SplitTariff bool
}

// supportedUnits are those that can be metered from accounting.
const supportedUnits = UnitTime | UnitTotal | UnitInput | UnitOutput

// maxGroups bounds the rating groups of a session.
const maxGroups = 16

func (p *Profile) validate() error {
	switch {
	case len(p.RatingGroups) > maxGroups:
		return fmt.Errorf("gy: config: Profile.RatingGroups: more than %d", maxGroups)
	case p.Report&^supportedUnits != 0:
		return errors.New("gy: config: Profile.Report: units that cannot be metered")
	case p.Requested.Has&^supportedUnits != 0:
		return errors.New("gy: config: Profile.Requested: units that cannot be metered")
	}
	return nil
}

func (p Profile) withDefaults() Profile {
	orDefault(&p.ServiceContextID, "32251@3gpp.org")
	orDefault(&p.Report, UnitTotal|UnitInput|UnitOutput)
	if len(p.RatingGroups) == 0 {
		p.RatingGroups = []uint32{1}
	}
	if len(p.Subscriptions) == 0 {
		p.Subscriptions = []SubscriptionType{SubscriptionIMSI, SubscriptionE164}
	}
	return p
}
