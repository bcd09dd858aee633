package gytest

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/gy"
)

// TestGrants: what the plans make of a first request, and of a report.
func TestGrants(t *testing.T) {
	redirect := gy.FinalUnit{Action: gy.FinalRedirect, Redirect: gy.Redirect{Type: gy.RedirectURL, Address: []byte("http://topup.example")}}
	restrict := gy.FinalUnit{Action: gy.FinalRestrict, Filters: [][]byte{[]byte("permit in ip from any to 192.0.2.1")}, FilterIDs: [][]byte{[]byte("garden")}}
	change := time.Now().Add(time.Hour).Truncate(time.Second)
	octets := func(n uint64) gy.Units { return gy.Units{Has: gy.UnitTotal, Total: n} }
	for _, tt := range []struct {
		name      string
		balance   int64
		plan      Plan
		requested gy.Units
		want      gy.MSCC // but rating group, and result if it is 0
		used      gy.Units
		debited   int64
	}{
		{"total", 100, Plan{Chunk: 60}, gy.Units{}, gy.MSCC{Granted: octets(60)}, octets(10), 10},
		{"input", 100, Plan{Chunk: 60, Unit: gy.UnitInput}, gy.Units{}, gy.MSCC{Granted: gy.Units{Has: gy.UnitInput, Input: 60}},
			gy.Units{Has: gy.UnitTotal | gy.UnitInput | gy.UnitOutput, Total: 10, Input: 4, Output: 6}, 4},
		{"output", 100, Plan{Chunk: 60, Unit: gy.UnitOutput}, gy.Units{}, gy.MSCC{Granted: gy.Units{Has: gy.UnitOutput, Output: 60}},
			gy.Units{Has: gy.UnitTotal | gy.UnitInput | gy.UnitOutput, Total: 10, Input: 4, Output: 6}, 6},
		{"total of two", 100, Plan{Chunk: 60}, gy.Units{}, gy.MSCC{Granted: octets(60)}, gy.Units{Has: gy.UnitInput | gy.UnitOutput, Input: 4, Output: 6}, 10},
		{"time", 100_000, Plan{Unit: gy.UnitTime}, gy.Units{}, gy.MSCC{Granted: gy.Units{Has: gy.UnitTime, Time: 3600}}, gy.Units{Has: gy.UnitTime | gy.UnitTotal, Time: 7, Total: 9}, 7},
		{"much time", math.MaxInt64, Plan{Unit: gy.UnitTime, Chunk: 1 << 40}, gy.Units{}, gy.MSCC{Granted: gy.Units{Has: gy.UnitTime, Time: math.MaxUint32}}, gy.Units{}, 0},
		{"specific", 100, Plan{Chunk: 60, Unit: gy.UnitSpecific}, gy.Units{}, gy.MSCC{Granted: gy.Units{Has: gy.UnitSpecific, Specific: 60}}, gy.Units{Has: gy.UnitSpecific, Specific: 3}, 3},
		{"money", 100, Plan{Chunk: 60, Unit: gy.UnitMoney}, gy.Units{}, gy.MSCC{Granted: gy.Units{Has: gy.UnitMoney, Money: gy.Money{Digits: 60}}},
			gy.Units{Has: gy.UnitMoney, Money: gy.Money{Digits: 3}}, 3},
		{"volume and time", 100, Plan{Chunk: 60, TimeLimit: time.Minute, TimeThreshold: 10 * time.Second}, gy.Units{},
			gy.MSCC{Granted: gy.Units{Has: gy.UnitTotal | gy.UnitTime, Total: 60, Time: 60}, TimeThreshold: 10}, octets(60), 60},
		{"default chunk", 1 << 40, Plan{}, gy.Units{}, gy.MSCC{Granted: octets(10 << 20)}, octets(1), 1},
		{"less wanted", 100, Plan{Chunk: 60}, octets(20), gy.MSCC{Granted: octets(20)}, octets(1), 1},
		{"more wanted", 100, Plan{Chunk: 60}, octets(80), gy.MSCC{Granted: octets(60)}, octets(1), 1},
		{"another unit wanted", 100, Plan{Chunk: 60}, gy.Units{Has: gy.UnitTime, Time: 5}, gy.MSCC{Granted: octets(60)}, octets(1), 1},
		{"all of it", 60, Plan{Chunk: 60}, gy.Units{}, gy.MSCC{Granted: octets(60), HasFinal: true}, octets(60), 60},
		{"less left", 50, Plan{Chunk: 60, Final: redirect}, gy.Units{}, gy.MSCC{Granted: octets(50), HasFinal: true, Final: redirect}, octets(60), 60},
		{"restrict", 50, Plan{Chunk: 60, Final: restrict}, gy.Units{}, gy.MSCC{Granted: octets(50), HasFinal: true, Final: restrict}, octets(60), 60},
		{"no indication", 50, Plan{Chunk: 60, OmitFinal: true}, gy.Units{}, gy.MSCC{Granted: octets(50)}, octets(60), 60},
		{"nothing left", 0, Plan{}, gy.Units{}, gy.MSCC{ResultCode: 4012}, gy.Units{}, 0},
		{"nothing left, 5030", 0, Plan{Exhausted: 5030}, gy.Units{}, gy.MSCC{ResultCode: 5030}, gy.Units{}, 0},
		{"nothing left, empty grant", 0, Plan{Exhausted: 2001}, gy.Units{}, gy.MSCC{Granted: octets(0), HasGranted: true, HasFinal: true}, gy.Units{}, 0},
		{"nothing left, redirect", -5, Plan{Final: redirect, Validity: time.Minute}, gy.Units{}, gy.MSCC{ResultCode: 4012, HasFinal: true, Final: redirect, ValidityTime: 60}, gy.Units{}, 0},
		{"price", 30, Plan{Price: 3, Per: 1000, Chunk: 4000}, gy.Units{}, gy.MSCC{Granted: octets(4000)}, octets(1001), 4},
		{"price, all of it", 30, Plan{Price: 3, Per: 1000, Chunk: 1 << 20}, gy.Units{}, gy.MSCC{Granted: octets(10_000), HasFinal: true}, octets(10_000), 30},
		{"price of one", 30, Plan{Price: 7, Chunk: 1 << 20}, gy.Units{}, gy.MSCC{Granted: octets(4), HasFinal: true}, octets(4), 28},
		{"too dear", 30, Plan{Price: 31}, gy.Units{}, gy.MSCC{ResultCode: 4012}, gy.Units{}, 0},
		{"free", 0, Plan{ResultCode: 4011}, gy.Units{}, gy.MSCC{ResultCode: 4011}, octets(500), 0},
		{"denied", 500, Plan{ResultCode: 4010}, gy.Units{}, gy.MSCC{ResultCode: 4010}, octets(500), 500},
		{"no rating", 500, Plan{ResultCode: 5031}, gy.Units{}, gy.MSCC{ResultCode: 5031}, gy.Units{}, 0},
		{"everything", 1000, Plan{
			Chunk: 60, Validity: 90 * time.Second, VolumeThreshold: 12, TimeThreshold: time.Second, HoldingTime: 30 * time.Second,
			ConsumptionTime: 5 * time.Second, TariffChange: change, NextPrice: 2,
		}, gy.Units{}, gy.MSCC{
			Granted: gy.Units{Has: gy.UnitTotal, Total: 60, TariffChange: change}, ValidityTime: 90, VolumeThreshold: 12,
			HasHoldingTime: true, HoldingTime: 30, ConsumptionTime: 5,
		}, octets(10), 10},
		{"threshold of a small grant", 1000, Plan{Chunk: 60, VolumeThreshold: 60, HoldingTime: -1}, gy.Units{}, gy.MSCC{Granted: octets(60), HasHoldingTime: true}, octets(10), 10},
		{"after the change", 100, Plan{Chunk: 60, TariffChange: time.Now().Add(-time.Hour), NextPrice: 2}, gy.Units{}, gy.MSCC{Granted: octets(50), HasFinal: true}, octets(10), 20},
		{"dearer later", 100, Plan{Chunk: 60, TariffChange: change, NextPrice: 4}, gy.Units{}, gy.MSCC{
			Granted: gy.Units{Has: gy.UnitTotal, Total: 25, TariffChange: change}, HasFinal: true,
		}, gy.Units{Has: gy.UnitTotal, Total: 10, Usage: gy.TariffAfter}, 40},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o, addr := newOCS(t, Config{}, Account{Balance: tt.balance, Plans: map[uint32]Plan{7: tt.plan}})
			p := newPhone(t, newNode(t, addr), "s;1")
			m := wants(7)
			m.Requested = tt.requested
			a := p.ask(gy.RequestInitial, 0, 2001, m)
			require.Len(t, a.Services, 1)
			want, got := tt.want, a.Services[0]
			want.RatingGroup, want.HasRatingGroup = 7, true
			orDefault(&want.ResultCode, 2001)
			want.HasGranted = want.HasGranted || want.Granted.Has != 0
			for _, f := range []*gy.MSCC{&want, &got} {
				if !f.Granted.TariffChange.IsZero() {
					f.Granted.TariffChange = f.Granted.TariffChange.UTC()
				}
				if len(f.Final.Filters) == 0 {
					f.Final.Filters, f.Final.FilterIDs = nil, nil
				}
				f.ServiceIDs, f.Used = nil, nil
			}
			require.Equal(t, want, got)
			state, _ := o.Account(testIMSI)
			require.LessOrEqual(t, state.Reserved, max(0, state.Balance))

			m.Used = []gy.Units{tt.used}
			p.ask(gy.RequestUpdate, 1, 2001, m)
			p.ask(gy.RequestTermination, 2, 2001)
			wantAccount(t, o, tt.balance-tt.debited, 0, tt.debited)
		})
	}
}

// What is used on each side of a tariff change has its price.
func TestTariffChange(t *testing.T) {
	change := time.Now().Add(time.Hour)
	o, addr := newOCS(t, Config{Plan: Plan{TariffChange: change, NextPrice: 3}}, Account{Balance: 1000})
	p := newPhone(t, newNode(t, addr), "s;1")
	p.ask(gy.RequestInitial, 0, 2001, wants(1))
	m := wants(1)
	m.Used = []gy.Units{
		{Has: gy.UnitTotal, Total: 10, Usage: gy.TariffBefore},
		{Has: gy.UnitTotal, Total: 20, Usage: gy.TariffAfter},
		{Has: gy.UnitTotal, Total: 5, Usage: gy.TariffIndeterminate},
	}
	p.ask(gy.RequestUpdate, 1, 2001, m)
	s, _ := o.Session("s;1")
	require.EqualValues(t, 10+60+5, s.Debited)
	require.Equal(t, [2]uint64{15, 20}, o.Requests("s;1")[1].Groups[0].Charged)
}

// Parts of Per that several reports leave are rounded up once, not each time.
func TestRounding(t *testing.T) {
	o, addr := newOCS(t, Config{Plan: Plan{Price: 1, Per: 1000}}, Account{Balance: 3})
	p := newPhone(t, newNode(t, addr), "s;1")
	wantGrant(t, p.ask(gy.RequestInitial, 0, 2001, wants(1)), 3000, true)
	for n := range uint32(10) {
		wantGrant(t, p.ask(gy.RequestUpdate, n+1, 2001, uses(1, 250)), uint64(2750-250*n), true)
	}
	wantAccount(t, o, 0, 0, 3)
}

// Rating groups of one request, each with its plan and its result; two services
// of one rating group are told apart.
func TestRatingGroups(t *testing.T) {
	o, addr := newOCS(t, Config{Plan: Plan{Chunk: 100}}, Account{Balance: 250, Plans: map[uint32]Plan{
		2: {Chunk: 10, Price: 5}, 3: {ResultCode: 5031}, 4: {ResultCode: 4011},
	}})
	p := newPhone(t, newNode(t, addr), "s;1")
	one, other := wants(1), wants(1)
	one.ServiceIDs, other.ServiceIDs = []uint32{8}, []uint32{9}
	whole := gy.MSCC{HasRequested: true}
	a := p.ask(gy.RequestInitial, 0, 2001, one, other, wants(2), wants(3), wants(4), whole)
	require.Len(t, a.Services, 6)
	for i, want := range []struct {
		code    uint32
		granted uint64
		final   bool
	}{{2001, 100, false}, {2001, 100, false}, {2001, 10, true}, {5031, 0, false}, {4011, 0, false}, {4012, 0, false}} {
		m := a.Services[i]
		require.Equal(t, want.code, m.ResultCode, i)
		require.Equal(t, want.granted, m.Granted.Total, i)
		require.Equal(t, want.final, m.HasFinal, i)
	}
	require.Equal(t, []uint32{9}, a.Services[1].ServiceIDs)
	require.False(t, a.Services[5].HasRatingGroup)

	// The same group twice: all of it is debited, and there is one grant.
	one.Used = []gy.Units{{Has: gy.UnitTotal, Total: 30}}
	a = p.ask(gy.RequestUpdate, 1, 2001, one, one, last(2, 4))
	require.Len(t, a.Services, 1)
	s, ok := o.Session("s;1")
	require.True(t, ok)
	require.EqualValues(t, 60+20, s.Debited)
	p.ask(gy.RequestTermination, 2, 2001)
	wantAccount(t, o, 170, 0, 80)
	s, _ = o.Session("s;1")
	for _, g := range s.Groups {
		require.Equal(t, g.Charged, g.Granted-g.Returned+g.Overshoot, g.RatingGroup)
	}
}

func TestMoreGroupsThanThereMayBe(t *testing.T) {
	_, addr := newOCS(t, Config{Plan: Plan{Chunk: 1}}, Account{Balance: 1000})
	p := newPhone(t, newNode(t, addr), "s;1")
	p.ask(gy.RequestInitial, 0, 2001)
	for n := range uint32(maxGroups / 32) {
		var list []gy.MSCC
		for i := range uint32(32) {
			list = append(list, wants(32*n+i))
		}
		p.ask(gy.RequestUpdate, n+1, 2001, list...)
	}
	a := p.ask(gy.RequestUpdate, maxGroups/32+1, 2001, wants(5), wants(500))
	require.EqualValues(t, 2001, a.Services[0].ResultCode)
	require.EqualValues(t, 5031, a.Services[1].ResultCode)
}

func TestPrices(t *testing.T) {
	for _, tt := range []struct {
		n, price, per uint64
		cost          int64
	}{
		{0, 1, 1, 0}, {1, 1, 1, 1}, {1, 1, 1000, 1}, {1000, 1, 1000, 1}, {1001, 1, 1000, 2}, {10, 7, 1, 70},
		{math.MaxUint64, 1, 1, math.MaxInt64}, {math.MaxUint64, math.MaxUint64, 1, math.MaxInt64},
		{math.MaxUint64, math.MaxUint64, math.MaxUint64, math.MaxInt64}, {math.MaxInt64, 1, 1, math.MaxInt64},
	} {
		p := Plan{Per: tt.per}
		require.Equal(t, tt.cost, p.cost(tt.n, tt.price), tt)
	}
	// Whatever is afforded is paid for, and one more is not.
	for _, price := range []uint64{1, 3, 7, 1000, 1 << 40} {
		for _, per := range []uint64{1, 2, 1000, 1 << 20} {
			p := Plan{Per: per}
			for _, credit := range []int64{0, 1, 2, 10, 999, 1000, 1 << 30, 1 << 50} {
				n := p.affords(credit, price)
				require.LessOrEqual(t, p.cost(n, price), credit)
				if n < math.MaxUint64 {
					require.Greater(t, p.cost(n+1, price), credit)
				}
			}
		}
	}
	require.Zero(t, (&Plan{Per: 1}).affords(-1, 1))
	require.EqualValues(t, uint64(math.MaxUint64), (&Plan{Per: math.MaxUint64}).affords(math.MaxInt64, 1))
}
