package gateway_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	layeh "layeh.com/radius"
	"layeh.com/radius/rfc2865"
	"layeh.com/radius/rfc2866"
	"layeh.com/radius/rfc2869"
	"layeh.com/radius/rfc3576"

	"github.com/opentwag/twag/accounting"
	"github.com/opentwag/twag/diameter"
	"github.com/opentwag/twag/diameter/wire"
	"github.com/opentwag/twag/eap"
	"github.com/opentwag/twag/gy"
	"github.com/opentwag/twag/radius"
	"github.com/opentwag/twag/session"
	"github.com/opentwag/twag/session/gateway"
)

const mega = 1 << 20

// ocs is a charging server in a few lines: a balance, chunks, and a memory of what
// it was sent. (Package gytest has a whole one, on a network.)
type ocs struct {
	t testing.TB

	mu       sync.Mutex
	balance  int64
	chunk    int64
	reserved map[string]int64
	debited  map[string]uint64
	seen     map[string]string // Session-Id and number: contents
	answers  map[string]gy.CCA
	requests []string
	err      error         // in place of an answer
	delay    time.Duration // before it
	final    gy.FinalUnit
	refusal  uint32 // Result-Code of every answer, if it is not success
}

func newOCS(t testing.TB, balance, chunk int64) *ocs {
	return &ocs{t: t, balance: balance, chunk: chunk, reserved: map[string]int64{}, debited: map[string]uint64{}, seen: map[string]string{}, answers: map[string]gy.CCA{}}
}

func (o *ocs) SendFunc(ctx context.Context, req wire.Message, a *gy.CCA, done func(error)) error {
	go func() { done(o.send(ctx, req, a)) }()
	return nil
}

func (o *ocs) send(ctx context.Context, req wire.Message, a *gy.CCA) error {
	o.mu.Lock()
	delay, err := o.delay, o.err
	o.mu.Unlock()
	if delay > 0 {
		select {
		case <-time.After(delay):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if err != nil {
		return err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	var r gy.CCR
	if err := r.Decode(req); err != nil {
		o.t.Error(err)
		return err
	}
	id := string(r.SessionID)
	key := fmt.Sprint(id, " ", r.Number)
	body := string(req[wire.HeaderLen:])
	if was, ok := o.seen[key]; ok {
		if was != body {
			o.t.Errorf("%v: number %d with other contents", r.Type, r.Number)
		}
		*a = o.answers[key]
		a.Services = slices.Clone(a.Services)
		return nil
	}
	o.seen[key] = body
	o.requests = append(o.requests, fmt.Sprint(r.Type, " ", r.Number))
	used := uint64(0)
	for _, s := range r.Services {
		for _, u := range s.Used {
			used += u.Total
		}
	}
	o.balance += o.reserved[id] - int64(used)
	o.debited[id] += used
	o.reserved[id] = 0
	*a = gy.CCA{ResultCode: gy.ResultSuccess, SessionID: r.SessionID, Type: r.Type, Number: r.Number, OriginHost: []byte("ocs.example")}
	if r.Type != gy.RequestTermination {
		m := gy.MSCC{RatingGroup: 1, HasRatingGroup: true, ResultCode: gy.ResultSuccess}
		switch grant := min(o.chunk, o.balance); {
		case grant <= 0 && o.final.Action == gy.FinalRedirect:
			// It is so from the beginning; or this is the last report of what was redirected, and
			// it stays so.
			m.Final, m.HasFinal = o.final, r.Type == gy.RequestInitial
		case grant <= 0 && r.Type == gy.RequestInitial:
			a.ResultCode = gy.ResultCreditLimitReached
		case grant <= 0:
			m.ResultCode = gy.ResultCreditLimitReached
		default:
			m.Granted, m.HasGranted = gy.Units{Has: gy.UnitTotal, Total: uint64(grant)}, true
			o.reserved[id] = grant
			if o.balance -= grant; o.balance == 0 {
				m.Final, m.HasFinal = o.final, true
			}
		}
		if o.refusal != 0 {
			a.ResultCode = o.refusal
		}
		if a.ResultCode == gy.ResultSuccess {
			a.Services = []gy.MSCC{m}
		}
	}
	answer := *a
	answer.Services = slices.Clone(a.Services)
	o.answers[key] = answer
	return nil
}

// rig is a gateway over a store that outlives it.
type rig struct {
	*testing.T
	ocs    *ocs
	store  session.Store
	nas    *nas
	client gateway.CCRSender // default: ocs
	// sweep is the manager's; patience how long a login waits, default 5 s.
	sweep, patience time.Duration
	change          func(*gateway.ChargingConfig)
	gy              func(*gy.Config)

	m        *session.Manager
	recorder *accounting.Recorder
	charging *gateway.Charging
	admitter *gateway.Admitter
	stop     func()
}

// nas is what dynamic authorization requests go to.
type nas struct {
	mu   sync.Mutex
	got  []*layeh.Packet
	errs []error
}

func (n *nas) Exchange(_ context.Context, _ netip.Addr, p *layeh.Packet) (*layeh.Packet, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.got = append(n.got, p)
	if len(n.errs) > 0 {
		err := n.errs[0]
		n.errs = n.errs[1:]
		return nil, err
	}
	return &layeh.Packet{Code: p.Code + 1}, nil
}

func (n *nas) take() []*layeh.Packet {
	n.mu.Lock()
	defer n.mu.Unlock()
	got := n.got
	n.got = nil
	return got
}

func (r *rig) start() {
	var err error
	r.m, err = session.NewManager(r.store, session.Config{Sweep: r.sweep})
	require.NoError(r, err)
	cfg := gy.Config{OriginHost: "twag.example", OriginRealm: "example", StopWait: 3 * time.Minute}
	if r.gy != nil {
		r.gy(&cfg)
	}
	client := r.client
	if client == nil {
		client = r.ocs
	}
	var n atomic.Int64
	charging := gateway.ChargingConfig{Client: client, Machine: gy.NewMachine(cfg), NewSessionID: func() string { return fmt.Sprintf("twag.example;%d;%d", time.Now().UnixNano(), n.Add(1)) }}
	if r.change != nil {
		r.change(&charging)
	}
	r.charging, err = gateway.NewCharging(r.m, charging)
	require.NoError(r, err)
	r.recorder = accounting.NewRecorder(r.m, accounting.RecorderConfig{Server: "t", Charge: r.charging.Charge})
	gateway.NewEnforcer(r.m, r.nas, gateway.EnforcerConfig{})
	r.admitter, err = gateway.NewAdmitter(r.m, gateway.AdmitterConfig{Charging: r.charging, Plan: &accounting.InterimPlan{Interval: 10 * time.Minute}})
	require.NoError(r, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.m.Run(ctx) }()
	r.stop = func() {
		cancel()
		require.NoError(r, <-done)
		r.charging.Close()
	}
}

// restart is another process over the same store.
func (r *rig) restart() { r.stop(); r.start() }

func runCharging(t *testing.T, r *rig, f func(r *rig)) {
	synctest.Test(t, func(t *testing.T) {
		r.T, r.store, r.nas, r.ocs.t = t, session.NewMemoryStore(session.MemoryConfig{}), new(nas), t
		r.start()
		defer func() { r.stop() }()
		f(r)
	})
}

func (r *rig) login() (eap.Refusal, layeh.Attributes) {
	ctx, cancel := context.WithTimeout(r.Context(), cmp.Or(r.patience, 5*time.Second))
	defer cancel()
	l := login(r)
	l.Peer.StationID = "02-00-00-00-00-01"
	g := r.admitter.Authorize(ctx, l)
	return g.Refusal, g.Attributes
}

// report is an Accounting-Request of the login's session.
func (r *rig) report(status accounting.Status, seconds uint32, octets uint64) {
	r.Helper()
	require.NoError(r, r.tryReport(status, seconds, octets))
	synctest.Wait()
}

func (r *rig) tryReport(status accounting.Status, seconds uint32, octets uint64) error {
	p := layeh.New(layeh.CodeAccountingRequest, []byte("secret"))
	require.NoError(r, rfc2866.AcctStatusType_Set(p, rfc2866.AcctStatusType(status)))
	require.NoError(r, rfc2866.AcctSessionID_SetString(p, "A1"))
	require.NoError(r, rfc2865.NASIdentifier_SetString(p, "ap1"))
	require.NoError(r, rfc2865.CallingStationID_SetString(p, "02-00-00-00-00-01"))
	require.NoError(r, rfc2865.CalledStationID_SetString(p, "00-10-A4-23-19-C0:carrier"))
	require.NoError(r, rfc2866.AcctSessionTime_Set(p, rfc2866.AcctSessionTime(seconds)))
	require.NoError(r, rfc2866.AcctInputOctets_Set(p, rfc2866.AcctInputOctets(octets)))
	require.NoError(r, rfc2869.AcctInputGigawords_Set(p, rfc2869.AcctInputGigawords(octets>>32)))
	e, err := accounting.ParseEvent(p, netip.MustParseAddr("10.0.0.1"), time.Now())
	require.NoError(r, err)
	_, err = r.recorder.Record(r.Context(), &e)
	return err
}

// usage is what the OCS has debited for all sessions, and the ticket's truth.
func (r *rig) wantDebited(octets uint64) {
	r.Helper()
	synctest.Wait()
	r.ocs.mu.Lock()
	defer r.ocs.mu.Unlock()
	var sum uint64
	for _, n := range r.ocs.debited {
		sum += n
	}
	require.Equal(r, octets, sum)
}

func (r *rig) wantRequests(want ...string) {
	r.Helper()
	synctest.Wait()
	r.ocs.mu.Lock()
	defer r.ocs.mu.Unlock()
	require.Equal(r, want, r.ocs.requests)
}

// TestThirtyMegaoctetsInChunksOfTen: three grants cover the balance, the last with
// Final-Unit-Indication; then the NAS is asked to disconnect, and the overshoot is debited.
func TestThirtyMegaoctetsInChunksOfTen(t *testing.T) {
	runCharging(t, &rig{ocs: newOCS(nil, 30*mega, 10*mega)}, func(r *rig) {
		refusal, _ := r.login()
		require.Zero(r, refusal)
		r.report(accounting.Start, 0, 0)
		r.wantRequests("INITIAL_REQUEST 0")
		for i := range uint32(7) {
			time.Sleep(time.Minute)
			r.report(accounting.Interim, 60*(i+1), uint64(i+1)*4*mega)
		}
		require.Empty(r, r.nas.take())
		time.Sleep(time.Minute)
		r.report(accounting.Interim, 480, 32*mega)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		got := r.nas.take()
		require.Len(r, got, 1)
		require.Equal(r, layeh.CodeDisconnectRequest, got[0].Code)
		require.Equal(r, "A1", rfc2866.AcctSessionID_GetString(got[0]))
		require.Equal(r, "ap1", rfc2865.NASIdentifier_GetString(got[0]))
		r.report(accounting.Stop, 485, 33*mega)
		r.wantDebited(33 * mega)
		r.ocs.mu.Lock()
		defer r.ocs.mu.Unlock()
		require.Equal(r, int64(-3*mega), r.ocs.balance)
	})
}

// TestLoginAgain: the station authenticates again in the middle of its session, and is told
// the interval that the quota wants, not that of a new session.
func TestLoginAgain(t *testing.T) {
	runCharging(t, &rig{ocs: newOCS(nil, 30*mega, 10*mega), gy: func(c *gy.Config) { c.InterimMin, c.InterimMax = time.Minute, 2*time.Minute }}, func(r *rig) {
		interval := func() time.Duration {
			refusal, attributes := r.login()
			require.Zero(r, refusal)
			v, err := layeh.Integer(attributes.Get(rfc2869.AcctInterimInterval_Type))
			require.NoError(r, err)
			return time.Duration(v) * time.Second
		}
		require.Equal(r, 2*time.Minute, interval())
		r.report(accounting.Start, 0, 0)
		time.Sleep(time.Minute)
		r.report(accounting.Interim, 60, 8*mega)
		require.LessOrEqual(r, interval(), 2*time.Minute)
		r.wantRequests("INITIAL_REQUEST 0", "UPDATE_REQUEST 1")
		require.Equal(r, 1, r.m.Counts().Open)
	})
}

// TestNoCredit: the login is refused with what the phone ought to be told, and
// nothing is left of it.
func TestNoCredit(t *testing.T) {
	runCharging(t, &rig{ocs: newOCS(nil, 0, mega)}, func(r *rig) {
		refusal, _ := r.login()
		require.Equal(r, eap.RefusalTemporary, refusal)
		synctest.Wait()
		require.Equal(r, session.Counts{}, r.m.Counts())
		r.wantDebited(0)
	})
}

// TestOCSDoesNotAnswer: a login does not wait for ever; by CONTINUE it goes on
// without, and what was used is charged later.
func TestOCSDoesNotAnswer(t *testing.T) {
	down := diameter.ErrNoPeer
	t.Run("terminate", func(t *testing.T) {
		runCharging(t, &rig{ocs: newOCS(nil, 30*mega, 10*mega)}, func(r *rig) {
			r.ocs.err = down
			refusal, _ := r.login()
			require.Equal(r, eap.RefusalTemporary, refusal)
		})
	})
	t.Run("silent", func(t *testing.T) {
		runCharging(t, &rig{ocs: newOCS(nil, 30*mega, 10*mega)}, func(r *rig) {
			r.ocs.delay = time.Hour
			begun := time.Now()
			refusal, _ := r.login()
			require.Equal(r, eap.RefusalTemporary, refusal)
			require.Equal(r, 5*time.Second, time.Since(begun))
		})
	})
	t.Run("continue", func(t *testing.T) {
		runCharging(t, &rig{ocs: newOCS(nil, 300*mega, 10*mega), gy: func(c *gy.Config) { c.FailureHandling = gy.FailureContinue }}, func(r *rig) {
			r.ocs.err = down
			refusal, _ := r.login()
			require.Zero(r, refusal)
			r.report(accounting.Start, 0, 0)
			time.Sleep(time.Minute)
			r.report(accounting.Interim, 60, 20*mega)
			r.ocs.mu.Lock()
			r.ocs.err = nil
			r.ocs.mu.Unlock()
			time.Sleep(5 * time.Minute)
			r.report(accounting.Interim, 360, 25*mega)
			r.report(accounting.Stop, 400, 26*mega)
			time.Sleep(2 * time.Hour)
			r.wantDebited(26 * mega)
		})
	})
}

// TestProcessesDie: at every point between a request and its answer; the OCS sees each
// octet once, and no number with other contents.
func TestProcessesDie(t *testing.T) {
	runCharging(t, &rig{ocs: newOCS(nil, 300*mega, 10*mega)}, func(r *rig) {
		refusal, _ := r.login()
		require.Zero(r, refusal)
		r.report(accounting.Start, 0, 0)
		r.restart()
		octets := uint64(0)
		for i := range uint32(12) {
			octets += 3 * mega
			switch i % 3 {
			case 0: // dies before the request is sent
				r.ocs.mu.Lock()
				r.ocs.delay = time.Hour
				r.ocs.mu.Unlock()
				r.report(accounting.Interim, 60*(i+1), octets)
			case 1: // dies with the answer on its way
				r.ocs.mu.Lock()
				r.ocs.err = diameter.ErrDisconnected
				r.ocs.mu.Unlock()
				r.report(accounting.Interim, 60*(i+1), octets)
			default:
				r.report(accounting.Interim, 60*(i+1), octets)
			}
			r.restart()
			r.ocs.mu.Lock()
			r.ocs.delay, r.ocs.err = 0, nil
			r.ocs.mu.Unlock()
			time.Sleep(time.Minute)
		}
		r.report(accounting.Stop, 1000, octets+5)
		r.restart()
		time.Sleep(time.Hour)
		r.wantDebited(octets + 5)
	})
}

// TestResume: a process dies while a request waits for a late answer. The next one sends it
// again when it is told to, once, and leaves its own alone.
func TestResume(t *testing.T) {
	for _, resume := range []bool{true, false} {
		runCharging(t, &rig{ocs: newOCS(nil, 300*mega, 10*mega), gy: func(c *gy.Config) { c.FailureHandling = gy.FailureContinue }}, func(r *rig) {
			slow := func(d time.Duration) {
				r.ocs.mu.Lock()
				r.ocs.delay = d
				r.ocs.mu.Unlock()
			}
			refusal, _ := r.login()
			require.Zero(r, refusal)
			r.report(accounting.Start, 0, 0)
			slow(time.Hour)
			r.report(accounting.Interim, 60, 9*mega)
			time.Sleep(15 * time.Second) // Tx is over
			r.restart()
			slow(5 * time.Second)
			time.Sleep(2 * time.Second)
			r.wantRequests("INITIAL_REQUEST 0")
			if !resume {
				time.Sleep(90 * time.Second)
				r.wantRequests("INITIAL_REQUEST 0") // it is given up first
				return
			}
			for range 2 {
				require.NoError(r, r.charging.Resume(r.Context()))
			}
			time.Sleep(6 * time.Second)
			r.wantRequests("INITIAL_REQUEST 0", "UPDATE_REQUEST 1")
			require.NoError(r, r.charging.Resume(r.Context()))
			r.report(accounting.Stop, 100, 10*mega)
			time.Sleep(time.Minute)
			r.wantRequests("INITIAL_REQUEST 0", "UPDATE_REQUEST 1", "TERMINATION_REQUEST 2")
			r.wantDebited(10 * mega)
		})
	}
}

// TestTopUp: a RAR has the session ask again at once; an ASR ends it.
func TestTopUp(t *testing.T) {
	runCharging(t, &rig{ocs: newOCS(nil, 300*mega, 10*mega)}, func(r *rig) {
		refusal, _ := r.login()
		require.Zero(r, refusal)
		r.report(accounting.Start, 0, 0)
		r.report(accounting.Interim, 1, mega)
		r.wantRequests("INITIAL_REQUEST 0")
		var id string
		for k := range r.ocs.debited {
			id = k
		}
		require.EqualValues(r, gy.ResultLimitedSuccess, r.charging.Sessions().Reauthorize(r.Context(), id, nil))
		r.wantRequests("INITIAL_REQUEST 0", "UPDATE_REQUEST 1")
		require.EqualValues(r, gy.ResultSuccess, r.charging.Sessions().Abort(r.Context(), id))
		time.Sleep(2 * time.Second)
		synctest.Wait()
		require.Len(r, r.nas.take(), 1)
		require.EqualValues(r, gy.ResultUnknownSessionID, r.charging.Sessions().Abort(r.Context(), "x;y"))
		require.EqualValues(r, gy.ResultUnknownSessionID, r.charging.Sessions().Abort(r.Context(), "x;"+session.NewID().String()))
		r.report(accounting.Stop, 10, 2*mega)
		r.wantDebited(2 * mega)
	})
}

// TestRedirect: the NAS is told by CoA; without a template for it, the session ends.
func TestRedirect(t *testing.T) {
	for _, template := range []bool{true, false} {
		o := newOCS(nil, 10*mega, 10*mega)
		o.final = gy.FinalUnit{Action: gy.FinalRedirect, Redirect: gy.Redirect{Type: gy.RedirectURL, Address: []byte("http://topup.example")}}
		runCharging(t, &rig{ocs: o, change: func(c *gateway.ChargingConfig) {
			if template {
				redirecting(c)
			}
		}}, func(r *rig) {
			refusal, _ := r.login()
			require.Zero(r, refusal)
			r.report(accounting.Start, 0, 0)
			r.nas.take()
			r.report(accounting.Interim, 60, 11*mega)
			time.Sleep(2 * time.Second)
			synctest.Wait()
			got := r.nas.take()
			require.Len(r, got, 1)
			if !template {
				require.Equal(r, layeh.CodeDisconnectRequest, got[0].Code)
				return
			}
			require.Equal(r, layeh.CodeCoARequest, got[0].Code)
			require.Equal(r, "http://topup.example", rfc2865.FilterID_GetString(got[0]))
		})
	}
}

// redirecting has a NAS send people elsewhere.
func redirecting(c *gateway.ChargingConfig) {
	c.Attributes = func(_ *session.Session, g gy.GroupChange) []byte {
		v := g.Verdict.String()
		if g.Verdict == gy.VerdictRedirect {
			v = string(g.Final.Redirect.Address)
		}
		return append([]byte{11, byte(2 + len(v))}, v...) // Filter-Id
	}
}

// TestRedirectedFromTheBeginning: the Access-Accept says so, of the first login and of others of
// that session; a NAS that can't be told does not let the subscriber in.
func TestRedirectedFromTheBeginning(t *testing.T) {
	for _, template := range []bool{true, false} {
		o := newOCS(nil, 0, 10*mega)
		o.final = gy.FinalUnit{Action: gy.FinalRedirect, Redirect: gy.Redirect{Type: gy.RedirectURL, Address: []byte("http://topup.example")}}
		r := &rig{ocs: o}
		if template {
			r.change = redirecting
		}
		runCharging(t, r, func(r *rig) {
			for range 2 {
				refusal, attributes := r.login()
				if !template {
					require.Equal(r, eap.RefusalTemporary, refusal)
					synctest.Wait()
					require.Zero(r, r.m.Counts())
					continue
				}
				require.Zero(r, refusal)
				require.Equal(r, "http://topup.example", string(attributes.Get(rfc2865.FilterID_Type)))
				r.report(accounting.Start, 0, 0)
			}
		})
	}
}

// TestRefusedIsNotAdmitted: a session whose login was refused, and that could not be
// ended, lets nobody in.
func TestRefusedIsNotAdmitted(t *testing.T) {
	runCharging(t, &rig{ocs: newOCS(nil, 300*mega, 10*mega)}, func(r *rig) {
		r.ocs.delay = time.Hour
		go r.login()
		time.Sleep(time.Second)
		r.restart() // nobody waits for the answer, nor ends the session
		synctest.Wait()
		r.ocs.mu.Lock()
		r.ocs.delay, r.ocs.refusal = 0, gy.ResultCreditLimitReached
		r.ocs.mu.Unlock()
		refusal, _ := r.login()
		require.Equal(r, eap.RefusalTemporary, refusal)
	})
}

// TestLimitsAreGivenBack: what the last quota made shorter is as it was when there is more, and the
// NAS is told.
func TestLimitsAreGivenBack(t *testing.T) {
	runCharging(t, &rig{
		ocs: newOCS(nil, 20*mega, 10*mega),
		gy:  func(c *gy.Config) { c.PeakRate = mega / 10 }, change: func(c *gateway.ChargingConfig) { c.AdaptInterim = true },
	}, func(r *rig) {
		get := func() session.Session {
			synctest.Wait()
			e, err := r.m.BySubscriber(r.Context(), imsi)
			require.NoError(r, err)
			require.Len(r, e, 1)
			return e[0].Session
		}
		_, attributes := r.login()
		require.Equal(r, []byte{0, 0, 600 >> 8, 600 & 255}, []byte(attributes.Get(rfc2869.AcctInterimInterval_Type)))
		r.report(accounting.Start, 0, 0)
		require.Zero(r, get().Timeout)
		time.Sleep(100 * time.Second)
		r.report(accounting.Interim, 100, 10*mega)
		r.wantRequests("INITIAL_REQUEST 0", "UPDATE_REQUEST 1")
		require.Equal(r, 200*time.Second, get().Timeout)
		time.Sleep(time.Second)
		r.report(accounting.Interim, 101, 10*mega+mega/10)
		require.Less(r, get().Interim, 2*time.Minute)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		require.NotEmpty(r, r.nas.take())

		r.ocs.mu.Lock()
		r.ocs.balance += 10000 * mega
		r.ocs.chunk = 1000 * mega
		r.ocs.mu.Unlock()
		var id string
		for id = range r.ocs.debited {
		}
		require.EqualValues(r, gy.ResultLimitedSuccess, r.charging.Sessions().Reauthorize(r.Context(), id, nil))
		require.Zero(r, get().Timeout)
		require.Equal(r, 10*time.Minute, get().Interim)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		got := r.nas.take()
		require.Len(r, got, 1)
		require.EqualValues(r, 600, rfc2869.AcctInterimInterval_Get(got[0]))
	})
}

// TestChargingThatCantBeRead is not charged from the beginning once more.
func TestChargingThatCantBeRead(t *testing.T) {
	runCharging(t, &rig{ocs: newOCS(nil, 300*mega, 10*mega)}, func(r *rig) {
		_, _ = r.login()
		r.report(accounting.Start, 0, 0)
		r.report(accounting.Interim, 1, 9*mega)
		r.wantDebited(9 * mega)
		for _, broken := range [][]byte{{99}, {1, 0x80}, {1, 0, 0, 0, 0, 0, 99}} {
			e, err := r.m.BySubscriber(r.Context(), imsi)
			require.NoError(r, err)
			require.NoError(r, r.m.Update(r.Context(), e[0].Session.ID, func(_ *session.Txn, s *session.Session) (bool, error) {
				s.Charging, s.Wake = broken, time.Now()
				return true, nil
			}))
			r.report(accounting.Interim, 2, 10*mega+uint64(len(broken)))
			refusal, _ := r.login()
			require.NotZero(r, refusal)
			r.wantDebited(9 * mega)
		}
	})
}

// TestSubscriberOfASession: an IMSI, else what name there is.
func TestSubscriberOfASession(t *testing.T) {
	for _, c := range []struct {
		imsi, user string
		want       []gy.Subscription
	}{
		{imsi, "2pseudonym@wlan.example", []gy.Subscription{{Type: gy.SubscriptionIMSI, Data: []byte(imsi)}}},
		{"", "somebody@isp.example", []gy.Subscription{{Type: gy.SubscriptionNAI, Data: []byte("somebody@isp.example")}}},
		{"", "somebody", []gy.Subscription{{Type: gy.SubscriptionPrivate, Data: []byte("somebody")}}},
		{"", "", nil},
	} {
		info := gateway.SessionInfo(&session.Session{IMSI: c.imsi, User: c.user, Station: "02-00-00-00-00-01"})
		require.Equal(t, c.want, info.Subscriptions)
		require.Equal(t, gy.Equipment{Type: gy.EquipmentMAC, Value: []byte{2, 0, 0, 0, 0, 1}}, info.Equipment)
	}
}

// TestGoesOnAfterAll: a session that was ended from its last interim, and charged, goes
// on; what was charged is not charged again.
func TestGoesOnAfterAll(t *testing.T) {
	runCharging(t, &rig{ocs: newOCS(nil, 300*mega, 10*mega)}, func(r *rig) {
		refusal, _ := r.login()
		require.Zero(r, refusal)
		r.report(accounting.Start, 0, 0)
		r.report(accounting.Interim, 60, 5*mega)
		e, err := r.m.BySubscriber(r.Context(), imsi)
		require.NoError(r, err)
		require.Len(r, e, 1)
		require.NoError(r, r.m.End(r.Context(), e[0], session.ReasonSilent))
		time.Sleep(time.Minute)
		r.wantDebited(5 * mega)
		r.report(accounting.Interim, 120, 7*mega)
		r.report(accounting.Stop, 180, 8*mega)
		r.wantDebited(8 * mega)
	})
}

func TestNAKsAndSilence(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		sent int
		open bool
	}{
		"unknown there":   {&radius.NAKError{Code: layeh.CodeDisconnectNAK, Cause: rfc3576.ErrorCause_Value_SessionContextNotFound}, 1, false},
		"refused":         {&radius.NAKError{Code: layeh.CodeDisconnectNAK, Cause: rfc3576.ErrorCause_Value_AdministrativelyProhibited}, 1, true},
		"short of memory": {&radius.NAKError{Code: layeh.CodeDisconnectNAK, Cause: rfc3576.ErrorCause_Value_ResourcesUnavailable}, 2, true},
		"silent":          {radius.ErrNoAnswer, 2, true},
	} {
		t.Run(name, func(t *testing.T) {
			runCharging(t, &rig{ocs: newOCS(nil, 300*mega, 10*mega)}, func(r *rig) {
				_, _ = r.login()
				r.report(accounting.Start, 0, 0)
				r.nas.errs = []error{c.err}
				e, err := r.m.BySubscriber(r.Context(), imsi)
				require.NoError(r, err)
				require.NoError(r, r.m.Disconnect(r.Context(), e[0].Session.ID, session.ReasonNetwork))
				time.Sleep(20 * time.Second)
				synctest.Wait()
				require.Len(r, r.nas.take(), c.sent)
				require.Equal(r, c.open, r.m.Counts().Open == 1)
			})
		})
	}
}

func TestChargingConfig(t *testing.T) {
	_, err := gateway.NewCharging(manager(t, session.Config{}), gateway.ChargingConfig{})
	require.Error(t, err)
	_, err = gateway.NewAdmitter(nil, gateway.AdmitterConfig{Charging: new(gateway.Charging)})
	require.Error(t, err)
	require.False(t, errors.Is(err, gateway.ErrNoCredit))
}
