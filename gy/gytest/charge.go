package gytest

import (
	"time"

	"github.com/opentwag/twag/gy"
)

// charge works out what a request does to the rating groups that it names:
// debits, and grants. It changes nothing.
type charge struct {
	*request
	account *account
	session *session // nil: it opens one
	refused bool     // the command is refused: there are no grants

	available int64 // as far as it is worked out
	groups    []GroupEntry
	services  []gy.MSCC
	validity  time.Duration // the longest granted
}

// run debits everything first: what one rating group has used beyond its grant
// is not there for another's.
func (c *charge) run() {
	c.available = c.account.available()
	c.groups = make([]GroupEntry, 0, len(c.ccr.Services))
	for i := range c.ccr.Services {
		m := &c.ccr.Services[i]
		ge := c.entry(m)
		if ge == nil {
			continue
		}
		c.report(c.plan(m), ge, m)
	}
	for i := range c.ccr.Services {
		if m := &c.ccr.Services[i]; c.wants(m) {
			c.answer(m)
		}
	}
}

func (c *charge) plan(m *gy.MSCC) *Plan { return c.account.plan(m.RatingGroup, &c.o.cfg.Plan) }

// keyOf returns what tells a rating group of the session from others: its
// number, and the first Service-Identifier.
func keyOf(m *gy.MSCC) (ratingGroup, serviceID uint32) {
	if len(m.ServiceIDs) > 0 {
		serviceID = m.ServiceIDs[0]
	}
	return m.RatingGroup, serviceID
}

// find returns the entry of the service's rating group, or nil.
func (c *charge) find(m *gy.MSCC) *GroupEntry {
	ratingGroup, serviceID := keyOf(m)
	for i := range c.groups {
		if ge := &c.groups[i]; ge.RatingGroup == ratingGroup && ge.ServiceID == serviceID {
			return ge
		}
	}
	return nil
}

// entry returns the entry of the service's rating group, a new one that gives
// back what was reserved if there is none yet, or nil if the session would
// have more rating groups than it may.
func (c *charge) entry(m *gy.MSCC) *GroupEntry {
	if ge := c.find(m); ge != nil {
		return ge
	}
	ge := GroupEntry{}
	ge.RatingGroup, ge.ServiceID = keyOf(m)
	g := c.group(&ge)
	if g == nil && c.session != nil && len(c.session.groups)+len(c.groups) >= maxGroups {
		return nil
	}
	if g != nil {
		c.available += g.reserved
		ge.Returned = g.left
	}
	c.groups = append(c.groups, ge)
	return &c.groups[len(c.groups)-1]
}

// group returns the rating group as it was before the request, or nil.
func (c *charge) group(ge *GroupEntry) *group {
	if c.session != nil {
		if at := c.session.group(ge.RatingGroup, ge.ServiceID); at >= 0 {
			return &c.session.groups[at]
		}
	}
	return nil
}

// charged returns what the rating group has been charged on a side of the
// tariff change, this request included.
func (c *charge) charged(ge *GroupEntry, side int) uint64 {
	if g := c.group(ge); g != nil {
		return g.charged[side] + ge.Charged[side]
	}
	return ge.Charged[side]
}

// answer answers a service that wants units.
func (c *charge) answer(m *gy.MSCC) {
	answer := gy.MSCC{RatingGroup: m.RatingGroup, HasRatingGroup: m.HasRatingGroup, ServiceIDs: m.ServiceIDs}
	switch ge := c.find(m); {
	case ge == nil:
		answer.ResultCode = gy.ResultRatingFailed
	case ge.ResultCode != 0:
		return // it has been answered
	default:
		c.grant(c.plan(m), ge, m, &answer)
		ge.ResultCode = answer.ResultCode
		if c.o.cfg.Dialect.OmitServiceResult && answer.ResultCode == gy.ResultSuccess {
			answer.ResultCode = 0
		}
	}
	c.services = append(c.services, answer)
}

// wants reports whether units are to be granted.
func (c *charge) wants(m *gy.MSCC) bool {
	switch {
	case c.refused || c.ccr.Type == gy.RequestTermination || finished(m):
		return false
	default:
		return m.HasRequested || c.ccr.Type == gy.RequestUpdate && c.o.cfg.Dialect.GrantsUnasked
	}
}

// debits reports whether what a rating group reports is debited.
func (c *charge) debits(p *Plan) bool {
	d := &c.o.cfg.Dialect
	switch {
	case p.ResultCode == gy.ResultCreditControlNotApplicable, c.account.settings.ResultCode == gy.ResultCreditControlNotApplicable:
		return false
	case c.refused && d.DropsRefusedUsage:
		return false
	default:
		return c.ccr.Type != gy.RequestTermination || !d.IgnoresFinalUsage
	}
}

// report debits what was used.
func (c *charge) report(p *Plan, ge *GroupEntry, m *gy.MSCC) {
	for i := range m.Used {
		u := &m.Used[i]
		ge.Used.count(u)
		n := unitsOf(p.Unit, u)
		within := min(ge.Returned, n)
		ge.Returned -= within
		if !c.debits(p) {
			continue
		}
		// Usage that does not say when it was is of now.
		side, price := 0, p.Price
		if u.Usage == gy.TariffAfter || u.Usage == gy.TariffNone && p.changed(c.now) {
			side, price = 1, p.NextPrice
		}
		before := c.charged(ge, side)
		cost := p.cost(before+n, price) - p.cost(before, price)
		ge.Overshoot += n - within
		ge.Charged[side] += n
		ge.Debited += cost
		c.available -= cost
	}
}

// grant grants what there is.
func (c *charge) grant(p *Plan, ge *GroupEntry, m, a *gy.MSCC) {
	a.ResultCode = gy.ResultSuccess
	if p.ResultCode != 0 {
		a.ResultCode = p.ResultCode
		return
	}
	side := 0
	if p.changed(c.now) {
		side = 1
	}
	price := p.worst(c.now)
	base := c.charged(ge, side)
	cost := p.cost(base, price)
	left := func() uint64 {
		all := p.affords(c.available+cost, price)
		return all - min(base, all)
	}

	n := min(p.Chunk, left(), most(p.Unit))
	if wanted := unitsOf(p.Unit, &m.Requested); m.HasRequested && m.Requested.Has&p.Unit != 0 && wanted != 0 {
		n = min(n, wanted)
	}
	if p.Validity > 0 {
		a.ValidityTime = seconds(p.Validity)
	}
	if n == 0 {
		c.exhausted(p, a)
		return
	}
	ge.Granted = n
	ge.Reserved = p.cost(base+n, price) - cost
	c.available -= ge.Reserved
	base, cost = base+n, p.cost(base+n, price)
	if last := left() == 0; (last || c.o.cfg.Dialect.RoutineFinal) && !p.OmitFinal {
		ge.Final = true
		a.HasFinal, a.Final = true, p.Final
	}
	c.validity = max(c.validity, p.Validity)

	a.HasGranted, a.Granted = true, units(p.Unit, n)
	if p.TimeLimit > 0 {
		a.Granted.Has |= gy.UnitTime
		a.Granted.Time = seconds(p.TimeLimit)
	}
	if !p.TariffChange.IsZero() && side == 0 {
		a.Granted.TariffChange = p.TariffChange
	}
	if p.Unit&(gy.UnitTotal|gy.UnitInput|gy.UnitOutput) != 0 && uint64(p.VolumeThreshold) < n {
		a.VolumeThreshold = p.VolumeThreshold
	}
	if t := seconds(p.TimeThreshold); a.Granted.Has&gy.UnitTime != 0 && t < a.Granted.Time {
		a.TimeThreshold = t
	}
	if p.HoldingTime != 0 {
		a.HasHoldingTime, a.HoldingTime = true, seconds(p.HoldingTime)
	}
	a.ConsumptionTime = seconds(p.ConsumptionTime)
}

// exhausted answers that nothing is left.
func (c *charge) exhausted(p *Plan, a *gy.MSCC) {
	a.ResultCode = p.Exhausted
	switch {
	case p.Exhausted/1000 == 2:
		// A grant of nothing (RFC 8506, section 5.6).
		a.HasGranted, a.Granted = true, units(p.Unit, 0)
		fallthrough
	case p.Final.Action != gy.FinalTerminate:
		a.HasFinal, a.Final = true, p.Final
	}
	if !a.HasFinal {
		a.ValidityTime = 0
	}
}

// common returns the code by which all rating groups that wanted units were
// refused, or 0.
func (c *charge) common() uint32 {
	var code uint32
	for i := range c.groups {
		switch ge := &c.groups[i]; {
		case ge.ResultCode == 0:
		case ge.ResultCode/1000 == 2, code != 0 && code != ge.ResultCode:
			return 0
		default:
			code = ge.ResultCode
		}
	}
	return code
}
