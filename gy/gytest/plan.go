package gytest

import (
	"errors"
	"math"
	"math/bits"
	"time"

	"github.com/opentwag/twag/gy"
)

// Plan is how a rating group is charged: what its units cost, and how they are
// granted. The zero Plan debits one from the balance for each octet in either
// direction, and grants 10 MiB at a time.
type Plan struct {
	// Unit is the one kind of unit that is granted and debited; default
	// gy.UnitTotal.
	Unit gy.UnitSet
	// Price is debited for every Per units; default 1 for 1. A session's part
	// of Per at the end is rounded up.
	Price, Per uint64
	// TariffChange is when NextPrice takes the place of Price; zero means
	// never. Grants before it have Tariff-Time-Change.
	TariffChange time.Time
	NextPrice    uint64

	// Chunk is how many units are granted at a time; default 10 MiB, or an
	// hour. Less is granted if less is asked for, or left.
	Chunk uint64
	// TimeLimit is granted as CC-Time beside units of another kind, and costs
	// nothing; 0 means none.
	TimeLimit time.Duration
	// Validity is Validity-Time; 0 means none.
	Validity time.Duration
	// VolumeThreshold, in octets, and TimeThreshold are sent with grants that
	// are larger; 0 means none.
	VolumeThreshold uint32
	TimeThreshold   time.Duration
	// HoldingTime is Quota-Holding-Time; 0 means none is sent, negative that 0
	// is sent: for ever.
	HoldingTime time.Duration
	// ConsumptionTime is Quota-Consumption-Time; 0 means none.
	ConsumptionTime time.Duration
	// Final comes with the grant after which nothing is left: what is to be
	// done when that is used. OmitFinal leaves it out.
	Final     gy.FinalUnit
	OmitFinal bool

	// ResultCode is the answer in place of a grant, at the level of the rating
	// group: 4011 for what is not charged, or a refusal. 0 means none.
	ResultCode uint32
	// Exhausted is the result when nothing is left; default 4012. 2001 is
	// success with a grant of nothing and a Final-Unit-Indication. Where Final
	// redirects or restricts, it comes in any case.
	Exhausted uint32
}

const (
	defaultChunk     = 10 << 20
	defaultTimeChunk = 3600
)

func (p Plan) withDefaults() Plan {
	orDefault(&p.Unit, gy.UnitTotal)
	orDefault(&p.Price, 1)
	orDefault(&p.Per, 1)
	orDefault(&p.NextPrice, p.Price)
	if p.Chunk == 0 {
		p.Chunk = defaultChunk
		if p.Unit == gy.UnitTime {
			p.Chunk = defaultTimeChunk
		}
	}
	orDefault(&p.Exhausted, gy.ResultCreditLimitReached)
	return p
}

func (p *Plan) validate() error {
	switch {
	case bits.OnesCount8(uint8(p.Unit)) != 1:
		return errors.New("gytest: plan: Unit: want one kind of unit")
	case p.Unit == gy.UnitTime && p.TimeLimit != 0:
		return errors.New("gytest: plan: TimeLimit: the unit is time itself")
	case p.TimeLimit < 0 || p.Validity < 0 || p.TimeThreshold < 0 || p.ConsumptionTime < 0:
		return errors.New("gytest: plan: negative time")
	}
	return nil
}

// cost returns what n units cost at price, rounded up.
func (p *Plan) cost(n, price uint64) int64 {
	hi, lo := bits.Mul64(n, price)
	lo, carry := bits.Add64(lo, p.Per-1, 0)
	hi += carry
	if hi >= p.Per {
		return math.MaxInt64
	}
	q, _ := bits.Div64(hi, lo, p.Per)
	return int64(min(q, math.MaxInt64))
}

// affords returns how many units can be had in all for credit at price.
func (p *Plan) affords(credit int64, price uint64) uint64 {
	if credit <= 0 {
		return 0
	}
	hi, lo := bits.Mul64(uint64(credit), p.Per)
	if hi >= price {
		return math.MaxUint64
	}
	q, _ := bits.Div64(hi, lo, price)
	return q
}

// changed reports whether the tariff has changed at t.
func (p *Plan) changed(t time.Time) bool {
	return !p.TariffChange.IsZero() && !t.Before(p.TariffChange)
}

// worst returns the price by which a grant made at t is reserved: it may be
// used on either side of the change.
func (p *Plan) worst(t time.Time) uint64 {
	switch {
	case p.TariffChange.IsZero():
		return p.Price
	case p.changed(t):
		return p.NextPrice
	default:
		return max(p.Price, p.NextPrice)
	}
}

// unitsOf returns how many units of the kind u has; the sum of both directions
// stands for a total that is not there.
func unitsOf(kind gy.UnitSet, u *gy.Units) uint64 {
	switch kind {
	case gy.UnitTime:
		return uint64(u.Time)
	case gy.UnitInput:
		return u.Input
	case gy.UnitOutput:
		return u.Output
	case gy.UnitSpecific:
		return u.Specific
	case gy.UnitMoney:
		return uint64(max(0, u.Money.Digits))
	default:
		if u.Has&gy.UnitTotal == 0 {
			return u.Input + u.Output
		}
		return u.Total
	}
}

// units returns n units of the kind.
func units(kind gy.UnitSet, n uint64) gy.Units {
	u := gy.Units{Has: kind}
	switch kind {
	case gy.UnitTime:
		u.Time = uint32(n)
	case gy.UnitInput:
		u.Input = n
	case gy.UnitOutput:
		u.Output = n
	case gy.UnitSpecific:
		u.Specific = n
	case gy.UnitMoney:
		u.Money.Digits = int64(n)
	default:
		u.Total = n
	}
	return u
}

// most is the greatest number of units of a kind in one grant.
func most(kind gy.UnitSet) uint64 {
	if kind == gy.UnitTime {
		return math.MaxUint32
	}
	return math.MaxInt64
}

func seconds(d time.Duration) uint32 {
	return uint32(min(max(0, (d+time.Second-1)/time.Second), math.MaxUint32))
}
