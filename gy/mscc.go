package gy

import (
	"github.com/opentwag/twag/diameter/wire"
)

// Bounds on what repeats inside a message: more is refused, since each costs
// memory.
const (
	maxMSCCs       = 64
	maxUsedUnits   = 16
	maxServiceIDs  = 64
	maxFilters     = 64
	maxProxyInfos  = 16
	maxSubscribers = 16
)

// MSCC is a Multiple-Services-Credit-Control (RFC 8506, section 8.16, with the
// additions of TS 32.299): what is wanted, used or granted of one rating
// group. In the request HasRequested and Used are of interest, in the answer
// the rest.
type MSCC struct {
	RatingGroup    uint32
	HasRatingGroup bool
	// ServiceIDs are the Service-Identifiers.
	ServiceIDs []uint32
	// Granted is Granted-Service-Unit; it may be there and empty.
	Granted    Units
	HasGranted bool
	// Requested is Requested-Service-Unit; it may be there and empty.
	Requested    Units
	HasRequested bool
	// Used are the Used-Service-Units: one, or one for each side of a tariff
	// change.
	Used []Units
	// Usage is Tariff-Change-Usage: which side of the change granted units
	// are for.
	Usage TariffUsage
	// ResultCode is Result-Code; 0 if absent.
	ResultCode uint32
	// ValidityTime is Validity-Time in seconds; 0 if absent.
	ValidityTime uint32
	// Final is Final-Unit-Indication.
	Final    FinalUnit
	HasFinal bool
	// TimeThreshold and VolumeThreshold are Time-Quota-Threshold in seconds
	// and Volume-Quota-Threshold in octets; 0 if absent. UnitThreshold is
	// Unit-Quota-Threshold.
	TimeThreshold   uint32
	VolumeThreshold uint32
	UnitThreshold   uint32
	// HoldingTime is Quota-Holding-Time in seconds. 0 means for ever, which is
	// not the same as its absence.
	HoldingTime    uint32
	HasHoldingTime bool
	// ConsumptionTime is Quota-Consumption-Time in seconds; 0 if absent.
	ConsumptionTime uint32
	// Reason is Reporting-Reason, of the whole rating group.
	Reason Reason
}

func (e *encoder) mscc(m *MSCC) {
	g := e.begin(avpMSCC)
	if m.HasGranted {
		e.units(avpGrantedUnits, &m.Granted)
	}
	if m.HasRequested {
		e.units(avpRequestedUnits, &m.Requested)
	}
	for i := range m.Used {
		e.units(avpUsedUnits, &m.Used[i])
	}
	if m.Usage != TariffNone {
		e.uint32(avpTariffChangeUsage, uint32(m.Usage)-1)
	}
	for _, id := range m.ServiceIDs {
		e.uint32(avpServiceIdentifier, id)
	}
	if m.HasRatingGroup {
		e.uint32(avpRatingGroup, m.RatingGroup)
	}
	e.nonzero(avpValidityTime, m.ValidityTime)
	e.nonzero(avpResultCode, m.ResultCode)
	if m.HasFinal {
		e.final(&m.Final)
	}
	e.nonzero(avpTimeThreshold, m.TimeThreshold)
	e.nonzero(avpVolumeThreshold, m.VolumeThreshold)
	e.nonzero(avpUnitThreshold, m.UnitThreshold)
	if m.HasHoldingTime {
		e.uint32(avpQuotaHoldingTime, m.HoldingTime)
	}
	e.nonzero(avpQuotaConsumptionTime, m.ConsumptionTime)
	if m.Reason != ReasonNone {
		e.uint32(avpReportingReason, uint32(m.Reason)-1)
	}
	e.End(g)
}

// nonzero appends the AVP unless v is 0.
func (e *encoder) nonzero(avp int, v uint32) {
	if v != 0 {
		e.uint32(avp, v)
	}
}

// nextMSCC returns one more MSCC at the end of *list, with the memory of one
// that was there before if there is any.
func nextMSCC(list *[]MSCC) *MSCC {
	n := len(*list)
	if n < cap(*list) {
		*list = (*list)[:n+1]
	} else {
		*list = append(*list, MSCC{})
	}
	return &(*list)[n]
}

// decode reads the group a. Fields alias it; the memory of m's lists is used
// again. AVPs that it does not know are passed over; of one that comes twice
// the last counts.
func (m *MSCC) decode(a wire.AVP) error {
	*m = MSCC{
		ServiceIDs: m.ServiceIDs[:0],
		Used:       m.Used[:0],
		Final:      FinalUnit{Filters: m.Final.Filters[:0], FilterIDs: m.Final.FilterIDs[:0]},
	}
	r := a.Group()
	var sub wire.AVP
	for r.Next(&sub) {
		var err error
		var n uint32
		switch uint64(sub.Vendor)<<32 | uint64(sub.Code) {
		case codeGrantedUnits:
			m.HasGranted = true
			err = m.Granted.decode(sub)
		case codeRequestedUnits:
			m.HasRequested = true
			err = m.Requested.decode(sub)
		case codeUsedUnits:
			if len(m.Used) == maxUsedUnits {
				return badAVP(sub, ResultAVPOccursTooManyTimes, errRepeated)
			}
			m.Used = append(m.Used, Units{})
			err = m.Used[len(m.Used)-1].decode(sub)
		case codeTariffChangeUsage:
			if n, err = sub.Uint32(); err == nil {
				m.Usage, err = tariffUsage(sub, n)
			}
		case codeServiceIdentifier:
			if len(m.ServiceIDs) == maxServiceIDs {
				return badAVP(sub, ResultAVPOccursTooManyTimes, errRepeated)
			}
			n, err = sub.Uint32()
			m.ServiceIDs = append(m.ServiceIDs, n)
		case codeRatingGroup:
			m.HasRatingGroup = true
			m.RatingGroup, err = sub.Uint32()
		case codeValidityTime:
			m.ValidityTime, err = sub.Uint32()
		case codeResultCode:
			m.ResultCode, err = sub.Uint32()
		case codeFinalUnitIndication:
			m.HasFinal = true
			err = m.Final.decode(sub)
		case codeQoSFinalUnitIndication:
			// Its filters are beyond us; its action is not. The plain
			// indication, which servers send beside it, is better.
			if !m.HasFinal {
				m.HasFinal = true
				err = m.Final.decode(sub)
			}
		case of3GPP | codeTimeThreshold:
			m.TimeThreshold, err = sub.Uint32()
		case of3GPP | codeVolumeThreshold:
			m.VolumeThreshold, err = sub.Uint32()
		case of3GPP | codeUnitThreshold:
			m.UnitThreshold, err = sub.Uint32()
		case of3GPP | codeQuotaHoldingTime:
			m.HasHoldingTime = true
			m.HoldingTime, err = sub.Uint32()
		case of3GPP | codeQuotaConsumptionTime:
			m.ConsumptionTime, err = sub.Uint32()
		case of3GPP | codeReportingReason:
			if n, err = sub.Uint32(); err == nil {
				m.Reason, err = reason(sub, n)
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

// For reports whether m is about the rating group, or, being about none, about
// any.
func (m *MSCC) For(ratingGroup uint32) bool {
	return !m.HasRatingGroup || m.RatingGroup == ratingGroup
}
