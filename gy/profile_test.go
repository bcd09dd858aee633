package gy

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func profiled(change func(*Profile)) func(*Config) {
	return func(c *Config) { change(&c.Profile) }
}

// The dialects of OCSes: what the requests look like.
func TestDialectOfRequests(t *testing.T) {
	for _, c := range []struct {
		name            string
		change          func(*Profile)
		initial, update func(*testing.T, *CCR)
	}{
		{"sized Requested-Service-Unit", func(p *Profile) { p.Requested = Units{Has: UnitTotal, Total: 50 * mega} },
			func(t *testing.T, c *CCR) {
				require.Equal(t, Units{Has: UnitTotal, Total: 50 * mega}, c.Services[0].Requested)
			},
			func(t *testing.T, c *CCR) {
				require.Equal(t, Units{Has: UnitTotal, Total: 50 * mega}, c.Services[0].Requested)
			}},
		{"Requested-Service-Unit once", func(p *Profile) { p.RequestOnce = true },
			func(t *testing.T, c *CCR) { require.True(t, c.Services[0].HasRequested) },
			func(t *testing.T, c *CCR) { require.False(t, c.Services[0].HasRequested) }},
		{"no Multiple-Services-Indicator", func(p *Profile) { p.OmitIndicator = true },
			func(t *testing.T, c *CCR) { require.False(t, c.MultipleServices) }, nil},
		{"Multiple-Services-Indicator in CCR-I only", func(*Profile) {},
			func(t *testing.T, c *CCR) { require.True(t, c.MultipleServices) },
			func(t *testing.T, c *CCR) { require.False(t, c.MultipleServices) }},
		{"Service-Context-Id", func(p *Profile) { p.ServiceContextID = "8.32251@3gpp.org" },
			func(t *testing.T, c *CCR) { require.Equal(t, "8.32251@3gpp.org", string(c.ServiceContextID)) }, nil},
		{"Service-Identifier", func(p *Profile) { p.ServiceID = 9 },
			func(t *testing.T, c *CCR) { require.Equal(t, []uint32{9}, c.Services[0].ServiceIDs) },
			func(t *testing.T, c *CCR) { require.Equal(t, []uint32{9}, c.Services[0].ServiceIDs) }},
		{"NAI first", func(p *Profile) {
			p.Subscriptions = []SubscriptionType{SubscriptionNAI, SubscriptionIMSI, SubscriptionSIPURI}
		},
			func(t *testing.T, c *CCR) {
				require.Equal(t, []Subscription{{SubscriptionNAI, []byte("u@example.net")}, {SubscriptionIMSI, []byte("001010000000001")}}, c.Subscriptions)
			},
			func(t *testing.T, c *CCR) { require.Len(t, c.Subscriptions, 2) }},
		{"no Service-Information", func(p *Profile) { p.OmitServiceInformation = true },
			func(t *testing.T, c *CCR) { require.Zero(t, c.PS) }, nil},
		{"no location", func(p *Profile) { p.OmitLocation = true },
			func(t *testing.T, c *CCR) {
				require.Nil(t, c.PS.SSID)
				require.Equal(t, "internet", string(c.PS.CalledStationID))
				require.Equal(t, []byte{3}, c.PS.RATType)
			}, nil},
		{"no equipment", func(p *Profile) { p.OmitEquipment = true },
			func(t *testing.T, c *CCR) { require.Nil(t, c.Equipment.Value) }, nil},
		{"no Reporting-Reason", func(p *Profile) { p.OmitReason = true }, nil,
			func(t *testing.T, c *CCR) {
				require.Zero(t, c.Services[0].Reason)
				require.Zero(t, c.Services[0].Used[0].Reason)
			}},
		{"total octets only", func(p *Profile) { p.Report = UnitTotal }, nil,
			func(t *testing.T, c *CCR) { require.Equal(t, UnitTotal, c.Services[0].Used[0].Has) }},
		{"time always", func(p *Profile) { p.Report = UnitTime }, nil,
			func(t *testing.T, c *CCR) { require.Equal(t, UnitTime|UnitTotal, c.Services[0].Used[0].Has) }},
		{"by realm", func(p *Profile) { p.ByRealm = true }, nil,
			func(t *testing.T, c *CCR) { require.Nil(t, c.DestinationHost) }},
		{"to the host", func(*Profile) {}, nil,
			func(t *testing.T, c *CCR) { require.Equal(t, "ocs1.charging.example.net", string(c.DestinationHost)) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			x := begin(t, profiled(c.change))
			x.start()
			ccr := x.wantSend(RequestInitial, 0)
			if c.initial != nil {
				c.initial(t, ccr)
			}
			x.answer(grant(mega))
			x.use(mega, 10)
			ccr = x.wantSend(RequestUpdate, 1)
			if c.update != nil {
				c.update(t, ccr)
			}
		})
	}
}

func TestNeverPinnedToNobody(t *testing.T) {
	x := begin(t, nil)
	x.start()
	for _, host := range [][]byte{nil, {}} {
		a := grant(mega)
		a.OriginHost = host
		x.step(x.s.Answer(x.now, x.s.request.seq, &a))
		_, out := x.s.Reauthorize(x.now, nil)
		x.step(out)
		require.Nil(t, x.wantSend(RequestUpdate, x.s.request.number).DestinationHost)
	}
}

// CCR-I without services: the service begins when CCR-U has brought a quota.
func TestBareInitial(t *testing.T) {
	bare := profiled(func(p *Profile) { p.BareInitial = true })
	x := begin(t, bare)
	x.start()
	require.Empty(t, x.wantSend(RequestInitial, 0).Services)
	x.result(ResultSuccess)
	x.wantService(ServiceUnchanged, EndNone)
	ccr := x.wantSend(RequestUpdate, 1)
	require.True(t, ccr.Services[0].HasRequested)
	require.Empty(t, ccr.Services[0].Used)
	x.answer(grant(mega))
	x.wantService(ServiceGranted, EndNone)

	x = begin(t, bare)
	x.start()
	x.result(ResultSuccess)
	x.answer(refusal(ResultCreditLimitReached))
	x.wantService(ServiceRefused, EndCredit)
	x.wantSend(RequestTermination, 2)

	x = begin(t, func(c *Config) { bare(c); c.Mode = ModeAuthorize })
	x.start()
	x.result(ResultSuccess)
	x.wantService(ServiceGranted, EndNone)
	x.wantIdle()
}

// An OCS that does not look at usage in CCR-T.
func TestIgnoresFinalUsage(t *testing.T) {
	x := opened(t, 10*mega, profiled(func(p *Profile) { p.IgnoresFinalUsage = true }))
	x.stop(mega, 10)
	ccr := x.wantSend(RequestUpdate, 1)
	x.wantUsed(mega)
	require.Equal(t, ReasonFinal, ccr.Services[0].Reason)
	require.False(t, ccr.Services[0].HasRequested)
	x.result(ResultSuccess)
	x.wantSend(RequestTermination, 2)
	x.wantUsed(0)
	x.result(ResultSuccess)
	require.True(t, x.out.Done)

	x = opened(t, 10*mega, profiled(func(p *Profile) { p.IgnoresFinalUsage = true }))
	x.stop(0, 10)
	x.wantSend(RequestTermination, 1)
}

// An OCS that drops the usage of what it refuses.
func TestDropsRefusedUsage(t *testing.T) {
	x := opened(t, 10*mega, profiled(func(p *Profile) { p.DropsRefusedUsage = true }))
	x.use(8*mega, 10)
	x.wantSend(RequestUpdate, 1)
	x.wantUsed(8 * mega)
	x.result(ResultCreditLimitReached)
	x.wantService(ServiceEnded, EndCredit)
	x.stop(9*mega, 11)
	x.wantSend(RequestTermination, 2)
	x.wantUsed(9 * mega)
	x.result(ResultSuccess)
	x.wantAccount(9*mega, 9*mega, 0, 0)
}

// An OCS that sends Final-Unit-Indication with every grant.
func TestRoutineFinal(t *testing.T) {
	x := begin(t, profiled(func(p *Profile) { p.RoutineFinal = true }))
	x.start()
	x.answer(grant(10*mega, final(FinalTerminate)))
	for i := range uint64(3) {
		x.use(8*mega*(i+1), 10)
		x.wantSend(RequestUpdate, uint32(i)+1)
		x.wantService([]Service{ServiceGranted, 0, 0}[i], EndNone)
		x.answer(grant(10*mega, final(FinalTerminate)))
	}
	x.use(32*mega, 40)
	a := grant(0, final(FinalTerminate))
	a.Services[0].Granted = Units{}
	x.answer(a)
	x.wantService(ServiceEnded, EndCredit)
}

// Of two quotas for the sides of a tariff change the smaller one counts.
func TestTwoQuotas(t *testing.T) {
	x := begin(t, nil)
	x.start()
	a := grant(10 * mega)
	b := grant(5 * mega)
	a.Services[0].Usage, b.Services[0].Usage = TariffBefore, TariffAfter
	a.Services = append(a.Services, b.Services...)
	x.answer(a)
	x.use(4*mega, 10)
	x.wantSend(RequestUpdate, 1)
}

func TestConfigValidate(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"OriginHost":           func(c *Config) { c.OriginHost = "" },
		"OriginRealm":          func(c *Config) { c.OriginRealm = "" },
		"Mode":                 func(c *Config) { c.Mode = 2 },
		"FailureHandling":      func(c *Config) { c.FailureHandling = 4 },
		"Failover":             func(c *Config) { c.Failover = 3 },
		"Share":                func(c *Config) { c.Share = 101 },
		"Tx":                   func(c *Config) { c.Tx = -1 },
		"RequestTimeout":       func(c *Config) { c.RequestTimeout = 1 },
		"RetryMax":             func(c *Config) { c.RetryMax = 1 },
		"InterimMax":           func(c *Config) { c.InterimMax = 1 },
		"Profile.RatingGroups": func(c *Config) { c.Profile.RatingGroups = make([]uint32, 17) },
		"Profile.Report":       func(c *Config) { c.Profile.Report = UnitMoney },
		"Profile.Requested":    func(c *Config) { c.Profile.Requested.Has = UnitSpecific },
	} {
		c := config()
		require.NoError(t, c.Validate())
		change(&c)
		require.ErrorContains(t, c.Validate(), "gy: config: "+name+":")
		require.Panics(t, func() { NewMachine(c) })
	}
}
