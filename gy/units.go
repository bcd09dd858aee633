package gy

import (
	"time"

	"github.com/opentwag/twag/diameter/wire"
)

// UnitSet says which kinds of unit a Units has.
type UnitSet uint8

// Kinds of service unit (RFC 8506, section 8.17).
const (
	UnitTime     UnitSet = 1 << iota // CC-Time, seconds
	UnitMoney                        // CC-Money
	UnitTotal                        // CC-Total-Octets, both directions
	UnitInput                        // CC-Input-Octets, from the user
	UnitOutput                       // CC-Output-Octets, to the user
	UnitSpecific                     // CC-Service-Specific-Units
)

// TariffUsage is Tariff-Change-Usage (RFC 8506, section 8.27), one more than
// on the wire: 0 is its absence.
type TariffUsage uint8

const (
	// TariffNone: no tariff change has occurred.
	TariffNone TariffUsage = iota
	// TariffBefore: used, or to be used, before the change.
	TariffBefore
	// TariffAfter: used, or to be used, after the change.
	TariffAfter
	// TariffIndeterminate: used across the change.
	TariffIndeterminate
)

// Reason is Reporting-Reason (TS 32.299, clause 7.2.175), one more than on the
// wire: 0 is its absence.
type Reason uint8

// Why usage is reported.
const (
	ReasonNone                Reason = iota
	ReasonThreshold                  // THRESHOLD
	ReasonQHT                        // QHT: the quota was held without use
	ReasonFinal                      // FINAL: the service ends, or the final units are used
	ReasonQuotaExhausted             // QUOTA_EXHAUSTED
	ReasonValidityTime               // VALIDITY_TIME
	ReasonOtherQuotaType             // OTHER_QUOTA_TYPE
	ReasonRatingChange               // RATING_CONDITION_CHANGE
	ReasonForcedReauth               // FORCED_REAUTHORISATION: a RAR came
	ReasonPoolExhausted              // POOL_EXHAUSTED
	ReasonUnusedQuotaTimerEnd        // UNUSED_QUOTA_TIMER
)

// Units is a Granted-, Requested- or Used-Service-Unit (RFC 8506, sections
// 8.17 to 8.19). Only the units in Has count; none at all is a legal group.
type Units struct {
	Has      UnitSet
	Time     uint32
	Total    uint64
	Input    uint64
	Output   uint64
	Specific uint64
	Money    Money
	// TariffChange is Tariff-Time-Change, of granted units; zero if absent.
	TariffChange time.Time
	// Usage is Tariff-Change-Usage, of used units.
	Usage TariffUsage
	// Reason is Reporting-Reason, of used units: of one kind of unit.
	Reason Reason
}

// Money is CC-Money (RFC 8506, section 8.22): Digits times ten to the power of
// Exponent, in the currency with the number Currency in ISO 4217 (0 if
// absent).
type Money struct {
	Digits   int64
	Exponent int32
	Currency uint32
}

// units appends u as the Grouped AVP avp.
func (e *encoder) units(avp int, u *Units) {
	g := e.begin(avp)
	if u.Reason != ReasonNone {
		e.uint32(avpReportingReason, uint32(u.Reason)-1)
	}
	if u.Usage != TariffNone {
		e.uint32(avpTariffChangeUsage, uint32(u.Usage)-1)
	}
	e.time(avpTariffTimeChange, u.TariffChange)
	if u.Has&UnitTime != 0 {
		e.uint32(avpTime, u.Time)
	}
	if u.Has&UnitMoney != 0 {
		e.money(&u.Money)
	}
	if u.Has&UnitTotal != 0 {
		e.uint64(avpTotalOctets, u.Total)
	}
	if u.Has&UnitInput != 0 {
		e.uint64(avpInputOctets, u.Input)
	}
	if u.Has&UnitOutput != 0 {
		e.uint64(avpOutputOctets, u.Output)
	}
	if u.Has&UnitSpecific != 0 {
		e.uint64(avpSpecificUnits, u.Specific)
	}
	e.End(g)
}

func (e *encoder) money(m *Money) {
	g := e.begin(avpMoney)
	v := e.begin(avpUnitValue)
	e.uint64(avpValueDigits, uint64(m.Digits))
	if m.Exponent != 0 {
		e.uint32(avpExponent, uint32(m.Exponent))
	}
	e.End(v)
	if m.Currency != 0 {
		e.uint32(avpCurrency, m.Currency)
	}
	e.End(g)
}

// decode reads the group a. AVPs that it does not know are passed over.
func (u *Units) decode(a wire.AVP) error {
	*u = Units{}
	r := a.Group()
	var sub wire.AVP
	for r.Next(&sub) {
		var err error
		var n uint32
		switch uint64(sub.Vendor)<<32 | uint64(sub.Code) {
		case codeTime:
			u.Has |= UnitTime
			u.Time, err = sub.Uint32()
		case codeMoney:
			u.Has |= UnitMoney
			err = u.Money.decode(sub)
		case codeTotalOctets:
			u.Has |= UnitTotal
			u.Total, err = sub.Uint64()
		case codeInputOctets:
			u.Has |= UnitInput
			u.Input, err = sub.Uint64()
		case codeOutputOctets:
			u.Has |= UnitOutput
			u.Output, err = sub.Uint64()
		case codeSpecificUnits:
			u.Has |= UnitSpecific
			u.Specific, err = sub.Uint64()
		case codeTariffTimeChange:
			u.TariffChange, err = decodeTime(sub)
		case codeTariffChangeUsage:
			if n, err = sub.Uint32(); err == nil {
				u.Usage, err = tariffUsage(sub, n)
			}
		case of3GPP | codeReportingReason:
			if n, err = sub.Uint32(); err == nil {
				u.Reason, err = reason(sub, n)
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

func tariffUsage(a wire.AVP, n uint32) (TariffUsage, error) {
	if n > uint32(TariffIndeterminate)-1 {
		return TariffNone, badAVP(a, ResultInvalidAVPValue, errValue)
	}
	return TariffUsage(n + 1), nil
}

func reason(a wire.AVP, n uint32) (Reason, error) {
	if n > uint32(ReasonUnusedQuotaTimerEnd)-1 {
		return ReasonNone, badAVP(a, ResultInvalidAVPValue, errValue)
	}
	return Reason(n + 1), nil
}

func (m *Money) decode(a wire.AVP) error {
	*m = Money{}
	r := a.Group()
	var sub wire.AVP
	for r.Next(&sub) {
		var err error
		switch {
		case sub.Is(codeUnitValue, 0):
			err = m.decodeValue(sub)
		case sub.Is(codeCurrency, 0):
			m.Currency, err = sub.Uint32()
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

func (m *Money) decodeValue(a wire.AVP) error {
	r := a.Group()
	var sub wire.AVP
	for r.Next(&sub) {
		switch {
		case sub.Is(codeValueDigits, 0):
			n, err := sub.Uint64()
			if err != nil {
				return err
			}
			m.Digits = int64(n)
		case sub.Is(codeExponent, 0):
			n, err := sub.Uint32()
			if err != nil {
				return err
			}
			m.Exponent = int32(n)
		}
	}
	return r.Err()
}
