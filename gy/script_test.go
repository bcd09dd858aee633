package gy

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/diameter/wire"
)

const mega = 1 << 20

// script drives one session, and looks at each output.
type script struct {
	t   *testing.T
	m   *Machine
	s   *Session
	now time.Time
	out Output // of the last step
	ccr CCR    // of the last request
	// got is what the outputs since the last look asked for.
	service Service
	reason  EndReason
	groups  []GroupChange
}

func config() Config {
	return Config{
		OriginHost:  "twag1.example.net",
		OriginRealm: "example.net",
		Realm:       "charging.example.net",
		Profile:     Profile{RatingGroups: []uint32{100}},
	}
}

func begin(t *testing.T, change func(*Config)) *script {
	t.Helper()
	cfg := config()
	if change != nil {
		change(&cfg)
	}
	x := &script{t: t, m: NewMachine(cfg), now: time.Unix(1700000000, 0)}
	x.s = x.m.NewSession("twag1.example.net;1;2", &Info{
		Subscriptions: []Subscription{{SubscriptionNAI, []byte("u@example.net")}, {SubscriptionE164, []byte("15551234")}, {SubscriptionIMSI, []byte("001010000000001")}},
		Equipment:     Equipment{EquipmentMAC, []byte("02-00-00-00-00-01")},
		PS:            PSInformation{CalledStationID: []byte("internet"), RATType: []byte{3}, SSID: []byte("cafe"), BSSID: []byte("02-00-00-00-00-02")},
	})
	return x
}

// step looks at an output: the state must survive being stored at any time.
func (x *script) step(out Output) {
	x.t.Helper()
	x.out = out
	if out.Service != ServiceUnchanged {
		require.Equal(x.t, ServiceUnchanged, x.service, "two changes of the service")
		x.service, x.reason = out.Service, out.Reason
	}
	x.groups = append(x.groups, out.Groups...)
	state := x.s.AppendState(nil)
	require.Less(x.t, len(state), 1024)
	back, err := x.m.Restore(state)
	require.NoError(x.t, err)
	if x.s.request.kind != 0 {
		require.True(x.t, back.request.unsure)
		back.request.unsure = x.s.request.unsure
	}
	require.Equal(x.t, state, back.AppendState(nil))
	if out.Send {
		require.Equal(x.t, x.s.request.seq, out.Seq)
	}
}

func (x *script) start() { x.t.Helper(); x.step(x.s.Start(x.now)) }

func (x *script) advance(d time.Duration) {
	x.t.Helper()
	x.now = x.now.Add(d)
	x.step(x.s.Timer(x.now))
}

// use accounts cumulative octets, half of them each way, and seconds.
func (x *script) use(octets uint64, seconds uint64) {
	x.t.Helper()
	x.step(x.s.Account(x.now, 0, Counters{seconds, octets / 2, octets - octets/2}))
}

func (x *script) stop(octets uint64, seconds uint64) {
	x.t.Helper()
	x.step(x.s.Stop(x.now, 0, Counters{seconds, octets / 2, octets - octets/2}, CauseLogout))
}

// request is the octets of the request to send.
func (x *script) request() wire.Message {
	x.t.Helper()
	msg, err := x.s.AppendRequest(nil)
	require.NoError(x.t, err)
	return msg
}

// wantSend demands that the last step sent a request, and reads it.
func (x *script) wantSend(kind RequestType, number uint32) *CCR {
	x.t.Helper()
	require.True(x.t, x.out.Send, "no request sent")
	x.ccr = CCR{}
	require.NoError(x.t, x.ccr.Decode(x.request()))
	require.Equal(x.t, kind, x.ccr.Type)
	require.Equal(x.t, number, x.ccr.Number)
	return &x.ccr
}

func (x *script) wantIdle() { x.t.Helper(); require.False(x.t, x.out.Send, "a request sent") }

func (x *script) wantState(s State) { x.t.Helper(); require.Equal(x.t, s, x.s.State()) }

func (x *script) wantService(s Service, r EndReason) {
	x.t.Helper()
	require.Equal(x.t, s, x.service)
	require.Equal(x.t, r, x.reason)
	x.service, x.reason = 0, 0
}

// wantUsed demands what the last request reports of its only service.
func (x *script) wantUsed(octets uint64) {
	x.t.Helper()
	require.Len(x.t, x.ccr.Services, 1)
	var sum uint64
	for _, u := range x.ccr.Services[0].Used {
		sum += u.Total
		require.Equal(x.t, u.Total, u.Input+u.Output)
	}
	require.Equal(x.t, octets, sum)
}

func (x *script) answer(a CCA) {
	x.t.Helper()
	a.OriginHost = []byte("ocs1.charging.example.net")
	x.step(x.s.Answer(x.now, x.s.request.seq, &a))
}

func (x *script) result(code uint32) { x.t.Helper(); x.answer(CCA{ResultCode: code}) }

func (x *script) fail(f Failure) { x.t.Helper(); x.step(x.s.Fail(x.now, x.s.request.seq, f)) }

// grant is success with a volume quota.
func grant(octets uint64, more ...func(*MSCC)) CCA {
	m := MSCC{
		RatingGroup: 100, HasRatingGroup: true, ResultCode: ResultSuccess,
		Granted: Units{Has: UnitTotal, Total: octets}, HasGranted: true,
	}
	for _, f := range more {
		f(&m)
	}
	return CCA{ResultCode: ResultSuccess, Services: []MSCC{m}}
}

func refusal(code uint32) CCA {
	return CCA{ResultCode: ResultSuccess, Services: []MSCC{{RatingGroup: 100, HasRatingGroup: true, ResultCode: code}}}
}

func final(a FinalAction) func(*MSCC) {
	return func(m *MSCC) {
		m.HasFinal, m.Final.Action = true, a
		if a == FinalRedirect {
			m.Final.Redirect = Redirect{RedirectURL, []byte("http://topup.example.net/")}
		}
		if a == FinalRestrict {
			m.Final.FilterIDs = [][]byte{[]byte("garden")}
			m.Final.Filters = [][]byte{[]byte("permit in ip from any to 192.0.2.1")}
		}
	}
}

// opened is a session with a quota.
func opened(t *testing.T, octets uint64, change func(*Config)) *script {
	t.Helper()
	x := begin(t, change)
	x.start()
	x.wantSend(RequestInitial, 0)
	x.answer(grant(octets))
	x.wantService(ServiceGranted, EndNone)
	x.wantState(Open)
	return x
}

// wantAccount demands where the octets went.
func (x *script) wantAccount(total, reported, free, writtenOff uint64) {
	x.t.Helper()
	u := x.s.Usage()
	require.Equal(x.t, [4]uint64{total, reported, free, writtenOff},
		[4]uint64{u.Total.Octets(), u.Reported.Octets(), u.Free.Octets(), u.WrittenOff.Octets()}, "total, reported, free, written off")
}

func (x *script) String() string { return fmt.Sprint(x.s.State()) }
