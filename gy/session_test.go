package gy

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestWholeSession(t *testing.T) {
	x := begin(t, nil)
	x.start()
	x.wantState(PendingI)
	ccr := x.wantSend(RequestInitial, 0)
	require.Equal(t, "twag1.example.net;1;2", string(ccr.SessionID))
	require.Equal(t, "charging.example.net", string(ccr.DestinationRealm))
	require.Nil(t, ccr.DestinationHost)
	require.Equal(t, "32251@3gpp.org", string(ccr.ServiceContextID))
	require.True(t, ccr.MultipleServices)
	require.Equal(t, x.now.Unix(), ccr.EventTimestamp.Unix())
	require.Equal(t, []Subscription{{SubscriptionIMSI, []byte("001010000000001")}, {SubscriptionE164, []byte("15551234")}}, ccr.Subscriptions)
	require.Equal(t, "cafe", string(ccr.PS.SSID))
	require.Equal(t, "02-00-00-00-00-01", string(ccr.Equipment.Value))
	require.Len(t, ccr.Services, 1)
	require.True(t, ccr.Services[0].HasRequested)
	require.Zero(t, ccr.Services[0].Requested.Has)
	require.Empty(t, ccr.Services[0].Used)
	require.Equal(t, x.now.Add(10*time.Second).Unix(), x.out.Deadline.Unix())
	x.answer(grant(10 * mega))
	x.wantState(Open)
	x.wantService(ServiceGranted, EndNone)
	require.True(t, x.out.Deadline.IsZero())

	x.use(7*mega, 60)
	x.wantIdle()
	x.use(8*mega, 70) // 80 %
	ccr = x.wantSend(RequestUpdate, 1)
	require.Equal(t, "ocs1.charging.example.net", string(ccr.DestinationHost))
	x.wantUsed(8 * mega)
	require.Equal(t, ReasonThreshold, ccr.Services[0].Used[0].Reason)
	require.True(t, ccr.Services[0].HasRequested)
	x.use(9*mega, 80) // while pending: remembered
	x.wantIdle()
	x.answer(grant(10 * mega))
	x.wantIdle()
	x.use(18*mega, 90)
	x.wantSend(RequestUpdate, 2)
	x.wantUsed(10 * mega)
	x.answer(grant(10*mega, final(FinalTerminate)))
	x.use(27*mega, 100) // over 80 % of the final units: nothing is asked
	x.wantIdle()
	x.use(28*mega+5, 110)
	x.wantIdle()
	x.wantService(ServiceEnded, EndCredit)
	x.wantState(PendingT)
	require.Equal(t, []GroupChange{{RatingGroup: 100, Verdict: VerdictBlock}}, x.groups)
	x.stop(28*mega+9, 112)
	ccr = x.wantSend(RequestTermination, 3)
	x.wantUsed(10*mega + 9)
	require.EqualValues(t, 9, x.out.OvershootOctets)
	require.Equal(t, ReasonFinal, ccr.Services[0].Reason)
	require.Equal(t, CauseAdministrative, ccr.Cause)
	require.False(t, ccr.Services[0].HasRequested)
	x.result(ResultSuccess)
	require.True(t, x.out.Done)
	require.True(t, x.out.Deadline.IsZero())
	x.wantAccount(28*mega+9, 28*mega+9, 0, 0)
}

func TestLogout(t *testing.T) {
	x := opened(t, 10*mega, nil)
	x.stop(mega, 5)
	ccr := x.wantSend(RequestTermination, 1)
	require.Equal(t, CauseLogout, ccr.Cause)
	x.wantUsed(mega)
	x.result(ResultSuccess)
	require.True(t, x.out.Done)
	x.stop(2*mega, 6) // a second Stop with more: a session to report it
	ccr = x.wantSend(RequestInitial, 0)
	require.Equal(t, "twag1.example.net;1;2;r1", string(ccr.SessionID))
	x.answer(grant(mega))
	x.wantSend(RequestTermination, 1)
	x.wantUsed(mega)
	x.result(ResultSuccess)
	require.True(t, x.out.Done)
	x.wantAccount(2*mega, 2*mega, 0, 0)
}

func TestCountersNeverGoBack(t *testing.T) {
	x := opened(t, 10*mega, nil)
	x.use(4*mega, 50)
	x.use(mega, 20)
	x.stop(4*mega, 50)
	x.wantSend(RequestTermination, 1)
	x.wantUsed(4 * mega)
	x.step(x.s.Account(x.now, 7, Counters{1, 1, 1})) // no such group
	x.wantAccount(4*mega, 0, 0, 0)
}

// The first answer decides about the service.
func TestFirstAnswer(t *testing.T) {
	empty := MSCC{RatingGroup: 100, HasRatingGroup: true, ResultCode: ResultSuccess, HasGranted: true}
	one := func(m MSCC) CCA { return CCA{ResultCode: ResultSuccess, Services: []MSCC{m}} }
	for _, c := range []struct {
		name    string
		change  func(*Config)
		answer  CCA
		service Service
		reason  EndReason
		state   State // after it, and after the answer to a CCR-T if one is sent
		closes  bool  // CCR-T follows
	}{
		{"4010", nil, CCA{ResultCode: 4010}, ServiceRefused, EndDenied, Idle, false},
		{"4010 in CONTINUE", continuing, CCA{ResultCode: 4010}, ServiceRefused, EndDenied, Idle, false},
		{"4011", nil, CCA{ResultCode: 4011}, ServiceGranted, EndNone, Idle, false},
		{"4012", nil, CCA{ResultCode: 4012}, ServiceRefused, EndCredit, Idle, false},
		{"5003", nil, CCA{ResultCode: 5003}, ServiceRefused, EndDenied, Idle, false},
		{"5030", continuing, CCA{ResultCode: 5030}, ServiceRefused, EndDenied, Idle, false},
		{"5031", nil, CCA{ResultCode: 5031}, ServiceRefused, EndFailure, Idle, false},
		{"5031 in CONTINUE", continuing, CCA{ResultCode: 5031}, ServiceGranted, EndNone, Idle, false},
		{"5012 with CONTINUE in it", nil, CCA{ResultCode: 5012, FailureHandling: FailureContinue}, ServiceGranted, EndNone, Idle, false},
		{"5002", nil, CCA{ResultCode: 5002}, ServiceRefused, EndFailure, Idle, false},
		{"no result", nil, CCA{}, ServiceRefused, EndFailure, Idle, false},
		{"result at the service only", nil, CCA{Services: grant(1).Services}, ServiceGranted, EndNone, Open, false},
		{"2002", nil, CCA{ResultCode: 2002, Services: grant(1).Services}, ServiceGranted, EndNone, Open, false},
		{"units at the command's level", nil, CCA{ResultCode: 2001, HasGranted: true, Granted: Units{Has: UnitTotal, Total: 9}}, ServiceGranted, EndNone, Open, false},
		{"service 4010", nil, refusal(4010), ServiceRefused, EndDenied, Idle, true},
		{"service 4011", nil, refusal(4011), ServiceGranted, EndNone, Open, false},
		{"service 4012", nil, refusal(4012), ServiceRefused, EndCredit, Idle, true},
		{"service 5030", nil, refusal(5030), ServiceRefused, EndDenied, Idle, true},
		{"service 5031", nil, refusal(5031), ServiceRefused, EndDenied, Idle, true},
		{"silence about the service", nil, CCA{ResultCode: 2001}, ServiceRefused, EndCredit, Idle, true},
		{"empty grant", nil, one(empty), ServiceRefused, EndCredit, Idle, true},
		{"empty grant, unlimited", func(c *Config) { c.Profile.EmptyGrantUnlimited = true }, one(empty), ServiceGranted, EndNone, Open, false},
		{"zero grant, unlimited", func(c *Config) { c.Profile.EmptyGrantUnlimited = true }, grant(0), ServiceRefused, EndCredit, Idle, true},
		{"zero grant", nil, grant(0), ServiceRefused, EndCredit, Idle, true},
		{"grant with final units", nil, grant(mega, final(FinalTerminate)), ServiceGranted, EndNone, Open, false},
		{"final without units", nil, func() CCA { a := one(empty); final(FinalTerminate)(&a.Services[0]); return a }(), ServiceRefused, EndCredit, Idle, true},
		{"redirect without units", nil, func() CCA { a := one(empty); final(FinalRedirect)(&a.Services[0]); return a }(), ServiceGranted, EndNone, Open, false},
		{"4012 and redirect", nil, func() CCA { a := refusal(4012); final(FinalRedirect)(&a.Services[0]); return a }(), ServiceGranted, EndNone, Open, false},
		{"money", nil, one(MSCC{RatingGroup: 100, HasRatingGroup: true, HasGranted: true, Granted: Units{Has: UnitMoney}}), ServiceRefused, EndBadAnswer, Idle, true},
		{"another rating group", nil, func() CCA { a := grant(mega); a.Services[0].RatingGroup = 7; return a }(), ServiceRefused, EndCredit, Idle, true},
		{"no rating group", nil, func() CCA { a := grant(mega); a.Services[0].HasRatingGroup = false; return a }(), ServiceGranted, EndNone, Open, false},
		{"authorization only, no quota", authorizing, CCA{ResultCode: 2001}, ServiceGranted, EndNone, Open, false},
		{"authorization only, quota", authorizing, grant(mega), ServiceGranted, EndNone, Open, false},
		{"authorization only, 4012", authorizing, refusal(4012), ServiceRefused, EndCredit, Idle, true},
		{"authorization only, zero", authorizing, grant(0), ServiceRefused, EndCredit, Idle, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			x := begin(t, c.change)
			x.start()
			x.answer(c.answer)
			x.wantService(c.service, c.reason)
			if c.closes {
				ccr := x.wantSend(RequestTermination, 1)
				for _, m := range ccr.Services {
					require.EqualValues(t, 0, m.Used[0].Total)
				}
				x.wantState(PendingT)
				x.result(ResultSuccess)
			} else {
				x.wantIdle()
			}
			x.wantState(c.state)
			require.Equal(t, c.service == ServiceRefused, x.out.Done)
			if !x.out.Done {
				x.use(100*mega, 10)
				x.stop(100*mega, 10)
			}
		})
	}
}

func continuing(c *Config)  { c.FailureHandling = FailureContinue }
func retrying(c *Config)    { c.FailureHandling = FailureRetry }
func authorizing(c *Config) { c.Mode = ModeAuthorize }

func TestAuthorizationOnly(t *testing.T) {
	x := begin(t, authorizing)
	x.start()
	a := grant(mega)
	a.Services[0].ValidityTime = 60
	x.answer(a)
	x.wantService(ServiceGranted, EndNone)
	for i := range uint64(5) {
		x.advance(5 * time.Minute)
		x.use(i*mega, i*300)
		x.wantIdle()
	}
	code, out := x.s.Reauthorize(x.now, nil)
	x.step(out)
	require.EqualValues(t, ResultUnableToComply, code)
	x.wantIdle()
	x.stop(5*mega, 1500)
	x.wantSend(RequestTermination, 1)
	x.wantUsed(5 * mega)
	require.Zero(t, x.out.OvershootOctets)
	x.result(ResultSuccess)
	require.True(t, x.out.Done)
}

// TestGrantAfterTheEnd: what an answer grants to a service that has ended meanwhile covers what CCR-T
// reports, and no more than that.
func TestGrantAfterTheEnd(t *testing.T) {
	for granted, overshoot := range map[uint64]uint64{20 * mega: 0, 3 * mega: 2 * mega, 0: 5 * mega} {
		x := opened(t, 10*mega, nil)
		x.use(8*mega, 10)
		x.wantSend(RequestUpdate, 1)
		x.stop(13*mega, 20)
		x.wantIdle()
		a := grant(granted)
		if granted == 0 {
			a.Services[0] = MSCC{RatingGroup: 100, HasRatingGroup: true, ResultCode: ResultCreditLimitReached}
		}
		x.answer(a)
		x.wantSend(RequestTermination, 2)
		x.wantUsed(5 * mega)
		require.Equal(t, overshoot, x.out.OvershootOctets)
		x.result(ResultSuccess)
		require.True(t, x.out.Done)
	}
}

// Free of charge at the command's level: no credit control any more.
func TestNotApplicable(t *testing.T) {
	x := opened(t, 10*mega, nil)
	x.use(8*mega, 10)
	x.wantSend(RequestUpdate, 1)
	x.result(ResultCreditControlNotApplicable)
	x.wantState(Idle)
	x.wantService(ServiceUnchanged, EndNone)
	x.use(500*mega, 100)
	x.wantIdle()
	code, out := x.s.Reauthorize(x.now, nil)
	x.step(out)
	require.EqualValues(t, ResultUnknownSessionID, code)
	x.stop(600*mega, 120)
	x.wantIdle()
	require.True(t, x.out.Done)
	x.wantAccount(600*mega, 8*mega, 592*mega, 0)
}

func TestServiceNotApplicable(t *testing.T) {
	x := begin(t, nil)
	x.start()
	x.answer(refusal(ResultCreditControlNotApplicable))
	x.use(50*mega, 10)
	x.wantIdle()
	x.stop(60*mega, 11)
	ccr := x.wantSend(RequestTermination, 1)
	require.Empty(t, ccr.Services)
	x.result(ResultSuccess)
	require.True(t, x.out.Done)
	x.wantAccount(60*mega, 0, 60*mega, 0)
}

func TestValidityTime(t *testing.T) {
	x := begin(t, nil)
	x.start()
	x.answer(grant(10*mega, func(m *MSCC) { m.ValidityTime = 600 }))
	require.Equal(t, x.now.Add(600*time.Second).Unix(), x.out.Deadline.Unix())
	x.use(mega, 10)
	x.advance(599 * time.Second)
	x.wantIdle()
	x.advance(time.Second)
	ccr := x.wantSend(RequestUpdate, 1)
	x.wantUsed(mega)
	require.Equal(t, ReasonValidityTime, ccr.Services[0].Reason)
	x.answer(grant(10*mega, func(m *MSCC) { m.ValidityTime = 1 })) // less than is believed
	require.Equal(t, x.now.Add(minValidity).Unix(), x.out.Deadline.Unix())
}

func TestThresholds(t *testing.T) {
	x := begin(t, nil)
	x.start()
	x.answer(grant(10*mega, func(m *MSCC) { m.VolumeThreshold = mega }))
	x.use(9*mega-2, 10)
	x.wantIdle()
	x.use(9*mega, 11)
	x.wantSend(RequestUpdate, 1)
	x.answer(grant(mega, func(m *MSCC) { m.VolumeThreshold = 2 * mega })) // over the quota
	x.wantIdle()                                                          // no storm
	x.use(9*mega+2, 11)
	x.wantSend(RequestUpdate, 2)

	x = begin(t, func(c *Config) { c.Share = 50 })
	x.start()
	a := grant(0)
	a.Services[0].Granted = Units{Has: UnitTime, Time: 100}
	x.answer(a)
	x.use(50*mega, 49)
	x.wantIdle()
	x.use(51*mega, 50)
	ccr := x.wantSend(RequestUpdate, 1)
	require.Equal(t, UnitTime|UnitTotal|UnitInput|UnitOutput, ccr.Services[0].Used[0].Has)
	require.EqualValues(t, 50, ccr.Services[0].Used[0].Time)
	a.Services[0].TimeThreshold = 20
	x.answer(a)
	x.use(51*mega, 129)
	x.wantIdle()
	x.use(51*mega, 130)
	x.wantSend(RequestUpdate, 2)
}

func TestKindsOfQuota(t *testing.T) {
	for _, c := range []struct {
		name    string
		granted Units
		use     Counters
		sends   bool
	}{
		{"input", Units{Has: UnitInput, Input: 100}, Counters{0, 79, 10000}, false},
		{"input used", Units{Has: UnitInput, Input: 100}, Counters{0, 80, 0}, true},
		{"output", Units{Has: UnitOutput, Output: 100}, Counters{0, 10000, 79}, false},
		{"output used", Units{Has: UnitOutput, Output: 100}, Counters{0, 0, 80}, true},
		{"total of both", Units{Has: UnitTotal, Total: 100}, Counters{0, 40, 40}, true},
		{"time or volume", Units{Has: UnitTime | UnitTotal, Time: 100, Total: 100}, Counters{80, 1, 1}, true},
		{"volume or time", Units{Has: UnitTime | UnitTotal, Time: 100, Total: 100}, Counters{1, 80, 0}, true},
		{"neither", Units{Has: UnitTime | UnitTotal, Time: 100, Total: 100}, Counters{79, 79, 0}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			x := begin(t, nil)
			x.start()
			a := grant(0)
			a.Services[0].Granted = c.granted
			x.answer(a)
			x.step(x.s.Account(x.now, 0, c.use))
			require.Equal(t, c.sends, x.out.Send)
		})
	}
}

func TestQuotaHoldingTime(t *testing.T) {
	x := begin(t, nil)
	x.start()
	x.answer(grant(10*mega, func(m *MSCC) { m.HasHoldingTime, m.HoldingTime = true, 300 }))
	x.now = x.now.Add(100 * time.Second)
	x.use(mega, 100)
	x.now = x.now.Add(299 * time.Second)
	x.use(mega, 399)
	x.wantIdle()
	x.now = x.now.Add(time.Second)
	x.use(mega, 400)
	ccr := x.wantSend(RequestUpdate, 1)
	require.Equal(t, ReasonQHT, ccr.Services[0].Reason)
	require.False(t, ccr.Services[0].HasRequested)
	x.wantUsed(mega)
	x.answer(CCA{ResultCode: ResultSuccess})
	x.wantState(Open)
	x.advance(time.Hour)
	x.use(mega, 4000)
	require.True(t, x.out.Send, "time was used") // seconds move, and count
	x.answer(grant(10 * mega))
	x.wantState(Open)
}

func TestLocalHoldingTime(t *testing.T) {
	x := opened(t, 10*mega, func(c *Config) { c.HoldingTime = time.Minute })
	x.use(mega, 1)
	x.now = x.now.Add(time.Minute)
	x.use(mega, 61)
	x.wantSend(RequestUpdate, 1)

	x = begin(t, func(c *Config) { c.HoldingTime = time.Minute })
	x.start()
	x.answer(grant(10*mega, func(m *MSCC) { m.HasHoldingTime = true })) // 0: for ever
	x.use(mega, 1)
	x.now = x.now.Add(time.Hour)
	x.use(mega, 3601)
	x.wantIdle()
}

func TestQuotaConsumptionTime(t *testing.T) {
	x := begin(t, nil)
	x.start()
	a := grant(0)
	a.Services[0].Granted = Units{Has: UnitTime, Time: 1000}
	a.Services[0].ConsumptionTime = 30
	x.answer(a)
	x.use(mega, 100)
	x.use(mega, 120) // 20 s without traffic: counted
	x.use(mega, 220) // 10 more of these count
	x.use(2*mega, 250)
	x.stop(2*mega, 250)
	ccr := x.wantSend(RequestTermination, 1)
	require.EqualValues(t, 100+20+10+30, ccr.Services[0].Used[0].Time)
}

func TestTariffChange(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Config)
		last   bool // a report just before the change
		want   []Units
	}{
		{"across", nil, false, []Units{{Usage: TariffBefore, Total: 1 * mega}, {Usage: TariffIndeterminate, Total: 4 * mega}, {Usage: TariffAfter, Total: 4 * mega}}},
		{"in proportion", func(c *Config) { c.Profile.SplitTariff = true }, false, []Units{{Usage: TariffBefore, Total: 4 * mega}, {Usage: TariffAfter, Total: 5 * mega}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			x := begin(t, c.change)
			x.start()
			change := x.now.Add(400 * time.Second)
			x.answer(grant(10*mega, func(m *MSCC) { m.Granted.TariffChange = change }))
			require.LessOrEqual(t, x.s.NextInterim(x.now), 400*time.Second)
			x.now = x.now.Add(100 * time.Second)
			x.use(mega, 100)
			x.now = x.now.Add(400 * time.Second)
			x.use(5*mega, 500)
			x.wantIdle() // no report is needed for the change itself
			x.now = x.now.Add(100 * time.Second)
			x.use(9*mega, 600)
			ccr := x.wantSend(RequestUpdate, 1)
			used := ccr.Services[0].Used
			require.Len(t, used, len(c.want))
			for i, w := range c.want {
				require.Equal(t, w.Usage, used[i].Usage)
				require.Equal(t, w.Total, used[i].Total, "%d", i)
			}
			x.answer(grant(10 * mega))
			x.use(18*mega, 700)
			x.wantSend(RequestUpdate, 2)
			x.wantUsed(9 * mega)
			require.Equal(t, TariffNone, x.ccr.Services[0].Used[0].Usage)
		})
	}
	t.Run("reported after it without counters", func(t *testing.T) {
		x := begin(t, nil)
		x.start()
		x.answer(grant(10*mega, func(m *MSCC) {
			m.Granted.TariffChange, m.ValidityTime = x.now.Add(100*time.Second), 200
		}))
		x.use(mega, 10)
		x.advance(200 * time.Second)
		ccr := x.wantSend(RequestUpdate, 1)
		require.Equal(t, TariffBefore, ccr.Services[0].Used[0].Usage)
	})
	t.Run("gone by", func(t *testing.T) {
		x := begin(t, nil)
		x.start()
		x.answer(grant(10*mega, func(m *MSCC) { m.Granted.TariffChange = x.now.Add(-time.Hour) }))
		x.use(9*mega, 10)
		ccr := x.wantSend(RequestUpdate, 1)
		require.Equal(t, TariffNone, ccr.Services[0].Used[0].Usage)
	})
}

// Redirect and restrict: final report, the action, Validity-Time, new quota.
func TestGracefulTermination(t *testing.T) {
	for action, verdict := range map[FinalAction]Verdict{FinalRedirect: VerdictRedirect, FinalRestrict: VerdictRestrict} {
		t.Run(action.String(), func(t *testing.T) {
			x := opened(t, 10*mega, nil)
			x.use(9*mega, 10)
			x.wantSend(RequestUpdate, 1)
			x.answer(grant(mega, final(action)))
			require.Empty(t, x.groups)
			x.use(10*mega+3, 20)
			require.Len(t, x.groups, 1)
			require.Equal(t, verdict, x.groups[0].Verdict)
			if action == FinalRedirect {
				require.Equal(t, "http://topup.example.net/", string(x.groups[0].Final.Redirect.Address))
			} else {
				require.Len(t, x.groups[0].Final.Filters, 1)
				require.Len(t, x.groups[0].Final.FilterIDs, 1)
			}
			x.wantService(ServiceUnchanged, EndNone)
			ccr := x.wantSend(RequestUpdate, 2)
			x.wantUsed(mega + 3)
			require.EqualValues(t, 3, x.out.OvershootOctets)
			require.Equal(t, ReasonFinal, ccr.Services[0].Reason)
			require.False(t, ccr.Services[0].HasRequested)
			x.answer(CCA{ResultCode: ResultSuccess, ValidityTime: 300, Services: []MSCC{{RatingGroup: 100, HasRatingGroup: true, ResultCode: 2001}}})
			x.wantState(Open)
			x.use(12*mega, 100) // the portal's traffic: not charged
			x.wantIdle()
			x.advance(300 * time.Second)
			ccr = x.wantSend(RequestUpdate, 3)
			require.True(t, ccr.Services[0].HasRequested)
			require.Empty(t, ccr.Services[0].Used)
			x.groups = nil
			x.answer(grant(10 * mega))
			require.Equal(t, []GroupChange{{RatingGroup: 100, Verdict: VerdictPass}}, x.groups)
			x.use(21*mega, 200)
			x.wantSend(RequestUpdate, 4)
			x.wantUsed(9 * mega)
			x.answer(grant(10 * mega))
			x.stop(21*mega, 200)
			x.wantSend(RequestTermination, 5)
			x.result(ResultSuccess)
			require.True(t, x.out.Done)
			x.wantAccount(21*mega, 10*mega+3+9*mega, 2*mega-3, 0)
		})
	}
}

// The top-up: a RAR while the user is at the portal.
func TestTopUp(t *testing.T) {
	x := opened(t, mega, nil)
	x.use(mega, 10)
	a := refusal(ResultCreditLimitReached)
	final(FinalRedirect)(&a.Services[0])
	x.answer(a)
	require.Equal(t, VerdictRedirect, x.groups[0].Verdict)
	x.wantIdle() // nothing was used meanwhile
	rg := uint32(100)
	code, out := x.s.Reauthorize(x.now, &rg)
	x.step(out)
	require.EqualValues(t, ResultLimitedSuccess, code)
	ccr := x.wantSend(RequestUpdate, 2)
	require.True(t, ccr.Services[0].HasRequested)
	require.Empty(t, ccr.Services[0].Used)
	x.groups = nil
	x.answer(grant(mega))
	require.Equal(t, []GroupChange{{RatingGroup: 100, Verdict: VerdictPass}}, x.groups)
}

// Without the server graceful termination ends (RFC 8506, section 5.7).
func TestGracefulTerminationFails(t *testing.T) {
	x := opened(t, mega, continuing)
	x.use(mega/10*9, 10)
	x.answer(grant(mega/10, final(FinalRestrict)))
	x.use(mega*2, 20)
	x.wantSend(RequestUpdate, 2)
	x.advance(10 * time.Second)
	x.wantService(ServiceEnded, EndFailure)
}

func TestRAR(t *testing.T) {
	x := opened(t, 10*mega, nil)
	x.use(mega, 10)
	for _, rg := range []*uint32{nil, new(uint32)} { // all; one that we have not
		code, out := x.s.Reauthorize(x.now, rg)
		x.step(out)
		require.EqualValues(t, ResultLimitedSuccess, code)
		x.wantState(PendingU)
		require.True(t, x.out.Send)
		code, out = x.s.Reauthorize(x.now, rg) // a collision
		x.step(out)
		require.EqualValues(t, ResultSuccess, code)
		x.wantIdle()
		x.answer(grant(10 * mega))
		x.wantIdle()
	}
	x.stop(mega, 10)
	code, out := x.s.Reauthorize(x.now, nil)
	x.step(out)
	require.EqualValues(t, ResultUnknownSessionID, code)
}

func TestRARBeforeTheFirstAnswer(t *testing.T) {
	x := begin(t, nil)
	x.start()
	code, out := x.s.Reauthorize(x.now, nil)
	x.step(out)
	require.EqualValues(t, ResultLimitedSuccess, code)
	x.wantIdle()
	x.answer(grant(mega))
	ccr := x.wantSend(RequestUpdate, 1)
	require.Equal(t, ReasonForcedReauth, ccr.Services[0].Reason)
}

func TestASR(t *testing.T) {
	for _, when := range []State{Open, PendingU} {
		t.Run(when.String(), func(t *testing.T) {
			x := opened(t, 10*mega, nil)
			if when == PendingU {
				x.use(8*mega, 10)
				x.wantSend(RequestUpdate, 1)
			}
			code, out := x.s.Abort(x.now)
			x.step(out)
			require.EqualValues(t, ResultSuccess, code)
			x.wantService(ServiceEnded, EndAborted)
			x.wantIdle()
			if when == PendingU {
				x.answer(grant(10 * mega))
				x.wantIdle()
			}
			x.wantState(PendingT)
			code, out = x.s.Abort(x.now)
			x.step(out)
			require.EqualValues(t, ResultUnknownSessionID, code)
			x.now = x.now.Add(time.Second)
			x.stop(9*mega, 11)
			require.True(t, x.out.Send)
			x.wantSend(RequestTermination, x.s.request.number)
			require.Equal(t, CauseAdministrative, x.ccr.Cause)
			x.result(ResultSuccess)
			require.True(t, x.out.Done)
			x.wantAccount(9*mega, 9*mega, 0, 0)
		})
	}
}

// The final counters do not come: the session is closed without them, and
// what they would have said is reported when they come after all.
func TestStopNeverComes(t *testing.T) {
	x := opened(t, mega, nil)
	x.use(mega, 10)
	x.answer(refusal(ResultCreditLimitReached))
	x.wantService(ServiceEnded, EndCredit)
	require.EqualValues(t, ResultCreditLimitReached, x.out.ResultCode)
	require.Equal(t, x.now.Add(time.Minute).Unix(), x.out.Deadline.Unix())
	x.advance(time.Minute)
	x.wantSend(RequestTermination, 2)
	x.result(ResultSuccess)
	require.False(t, x.out.Done)
	require.True(t, x.out.Deadline.IsZero())
	x.now = x.now.Add(time.Hour)
	x.stop(3*mega, 20)
	x.wantSend(RequestInitial, 0)
	x.answer(refusal(ResultCreditLimitReached))
	x.wantSend(RequestTermination, 1)
	x.wantUsed(2 * mega)
	x.result(ResultSuccess)
	require.True(t, x.out.Done)
}

func TestChange(t *testing.T) {
	x := opened(t, 10*mega, nil)
	info := &Info{PS: PSInformation{SSID: []byte("hotel")}}
	x.step(x.s.Change(x.now, info, false))
	x.wantIdle()
	x.use(8*mega, 10)
	require.Equal(t, "hotel", string(x.wantSend(RequestUpdate, 1).PS.SSID))
	before := x.request()
	x.step(x.s.Change(x.now, &Info{PS: PSInformation{SSID: []byte("airport")}}, true))
	x.wantIdle()
	require.Equal(t, before, x.request(), "what is pending stays as it was")
	x.answer(grant(10 * mega))
	ccr := x.wantSend(RequestUpdate, 2)
	require.Equal(t, "airport", string(ccr.PS.SSID))
	require.Equal(t, ReasonRatingChange, ccr.Services[0].Reason)
	x.answer(grant(10 * mega))
	x.step(x.s.Change(x.now, &Info{}, true))
	require.Nil(t, x.wantSend(RequestUpdate, 3).PS.SSID)
}

func TestStartTwice(t *testing.T) {
	x := opened(t, mega, nil)
	x.start()
	require.True(t, x.out.Unexpected)
	x.wantIdle()
}

func TestStopBeforeStart(t *testing.T) {
	x := begin(t, nil)
	x.stop(0, 0)
	x.wantIdle()
	require.True(t, x.out.Done)
}

func TestTwoRatingGroups(t *testing.T) {
	x := begin(t, func(c *Config) { c.Profile.RatingGroups = []uint32{1, 2} })
	x.start()
	require.Len(t, x.wantSend(RequestInitial, 0).Services, 2)
	a := CCA{ResultCode: ResultSuccess, Services: []MSCC{grant(mega, final(FinalTerminate)).Services[0], grant(mega).Services[0]}}
	a.Services[0].RatingGroup, a.Services[1].RatingGroup = 1, 2
	x.answer(a)
	x.wantService(ServiceGranted, EndNone)
	x.step(x.s.Account(x.now, 1, Counters{1, mega, 0}))
	ccr := x.wantSend(RequestUpdate, 1)
	require.Len(t, ccr.Services, 1)
	require.EqualValues(t, 2, ccr.Services[0].RatingGroup)
	x.step(x.s.Account(x.now, 0, Counters{1, mega, 0})) // the other's final units: it waits
	x.wantIdle()
	a.Services = a.Services[1:]
	x.answer(a)
	ccr = x.wantSend(RequestUpdate, 2)
	require.EqualValues(t, 1, ccr.Services[0].RatingGroup)
	require.Equal(t, ReasonFinal, ccr.Services[0].Reason)
	require.False(t, ccr.Services[0].HasRequested)
	require.Equal(t, []GroupChange{{RatingGroup: 1, Verdict: VerdictBlock}}, x.groups)
	x.wantService(ServiceUnchanged, EndNone)
	x.answer(CCA{ResultCode: ResultSuccess})
	x.step(x.s.Account(x.now, 1, Counters{1, 2 * mega, 0}))
	x.wantSend(RequestUpdate, 3)
	a = refusal(ResultCreditLimitReached)
	a.Services[0].RatingGroup = 2
	x.answer(a)
	x.wantService(ServiceEnded, EndCredit) // the last one
	x.stop(mega, 2)
	require.Len(t, x.wantSend(RequestTermination, 4).Services, 2)
}

func TestSessionPrintsNothing(t *testing.T) {
	x := begin(t, nil)
	require.Equal(t, "gy.Session[redacted]", fmt.Sprintf("%+v", x.s))
}

func TestBaseSessionID(t *testing.T) {
	for id, want := range map[string]string{
		"h;1;2":       "h;1;2",
		"h;1;2;r1":    "h;1;2",
		"h;1;2;r12":   "h;1;2",
		"h;1;2;rx":    "h;1;2;rx",
		"h;1;2;radio": "h;1;2;radio",
	} {
		require.Equal(t, want, string(BaseSessionID([]byte(id))))
	}
}
