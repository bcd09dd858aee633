package gateway_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	layeh "layeh.com/radius"

	"github.com/opentwag/twag/accounting"
	"github.com/opentwag/twag/diameter"
	"github.com/opentwag/twag/eap"
	"github.com/opentwag/twag/gy"
	"github.com/opentwag/twag/gy/gytest"
	"github.com/opentwag/twag/internal/faulttest"
	"github.com/opentwag/twag/session"
	"github.com/opentwag/twag/session/gateway"
)

// withOCS is a rig that charges at an OCS of package gytest, in a bubble.
func withOCS(t *testing.T, cfg gytest.Config, balance int64, r *rig, f func(r *rig, o *gytest.OCS)) {
	synctest.Test(t, func(t *testing.T) { connected(t, cfg, balance, r, f) })
}

func connected(t *testing.T, cfg gytest.Config, balance int64, r *rig, f func(r *rig, o *gytest.OCS)) {
	if cfg.Plan.Chunk == 0 {
		cfg.Plan.Chunk = 10 * mega
	}
	o, err := gytest.New(cfg)
	require.NoError(t, err)
	defer o.Close()
	require.NoError(t, o.Add(gytest.Account{IMSI: imsi, Balance: balance}))
	line := faulttest.NewPipe()
	go func() { _ = o.Serve(line) }()
	node, err := diameter.NewNode(diameter.Config{
		OriginHost: "twag.example", OriginRealm: gytest.DefaultRealm, Applications: []diameter.Application{gy.Application},
		Peers: []diameter.PeerConfig{{Host: gytest.DefaultHost, Dial: line.Dial}}, Reconnect: 100 * time.Millisecond,
	})
	require.NoError(t, err)
	defer node.Close()
	node.Start()
	require.NoError(t, node.WaitOpen(t.Context(), gytest.DefaultHost))

	r.T, r.store, r.nas, r.patience = t, eager{session.NewMemoryStore(session.MemoryConfig{})}, new(nas), time.Second
	r.sweep = 10 * time.Millisecond
	change := r.gy
	r.gy = func(c *gy.Config) {
		c.OriginRealm, c.EndToEnd = gytest.DefaultRealm, node.NewEndToEndID
		c.Tx, c.RequestTimeout, c.Retry, c.RetryMax = 250*time.Millisecond, 600*time.Millisecond, 50*time.Millisecond, 200*time.Millisecond
		if change != nil {
			change(c)
		}
	}
	r.client = gy.NewClient(node, gy.ClientConfig{Timeout: 600 * time.Millisecond})
	r.start()
	defer func() { r.stop() }()
	gy.Handle(node, r.charging.Sessions())
	f(r, o)
}

// eager is a store that finds what is due to the millisecond and not to the second.
type eager struct{ session.Store }

func (e eager) Due(ctx context.Context, kind session.Kind, now time.Time, f func(session.Record) bool) error {
	if kind == session.KindSession {
		return e.Scan(ctx, kind, f) // the manager looks again
	}
	return e.Store.Due(ctx, kind, now, f)
}

// wantReported waits until the OCS has been told of every octet, and demands that it has of none
// twice, and that no session is left open there.
func (r *rig) wantReported(o *gytest.OCS, octets uint64) {
	r.Helper()
	var a gytest.Audit
	reported := func() (sum uint64, open bool) {
		a = o.Audit()
		for _, s := range a.Sessions {
			sum, open = sum+s.Used.Total, open || s.Open
		}
		return sum, open
	}
	require.Eventually(r, func() bool { sum, open := reported(); return sum >= octets && !open }, 5*time.Second, 5*time.Millisecond)
	time.Sleep(150 * time.Millisecond) // whatever comes again has come
	sum, _ := reported()
	require.Equal(r, octets, sum)
	require.EqualValues(r, octets, a.Accounts[imsi].Debited)
	// CCR-T after a refusal asks whether the session is still there (RFC 8506 does not say).
	require.Empty(r, slices.DeleteFunc(a.Violations, func(v gytest.Violation) bool { return v.Kind == gytest.UsageWithoutSession }))
}

func (r *rig) wantDisconnect(within time.Duration) {
	r.Helper()
	var got []*layeh.Packet
	require.Eventually(r, func() bool { got = append(got, r.nas.take()...); return len(got) > 0 }, within, 5*time.Millisecond)
	require.Len(r, got, 1)
	require.Equal(r, layeh.CodeDisconnectRequest, got[0].Code)
}

// now is report that does not wait for what comes of it.
func (r *rig) now(status accounting.Status, seconds uint32, octets uint64) {
	r.Helper()
	require.NoError(r, r.tryReport(status, seconds, octets))
}

// What an OCS may do instead of its work. One that refuses debits what is reported to it
// (RFC 8506, section 9.1).
var wrongs = map[string]func(o *gytest.OCS){
	"silent": func(o *gytest.OCS) { o.Inject(gytest.Fault{Silent: true}) },
	"deaf":   func(o *gytest.OCS) { o.Inject(gytest.Fault{Unseen: true}) },
	"gone":   func(o *gytest.OCS) { o.Inject(gytest.Fault{Disconnect: true, Unseen: true}) },
	"busy":   func(o *gytest.OCS) { o.Inject(gytest.Fault{ResultCode: gy.ResultTooBusy}) },
	"broken": func(o *gytest.OCS) { refuse(o, gy.ResultUnableToComply) },
}

func refuse(o *gytest.OCS, code uint32) {
	_ = o.Edit(imsi, func(a *gytest.Account) { a.ResultCode = code })
}

// heal ends what is wrong.
func heal(o *gytest.OCS) {
	o.ClearFaults()
	refuse(o, 0)
}

// handlings are what may be configured.
var handlings = map[string]func(*gy.Config){
	"terminate": nil,
	"continue":  func(c *gy.Config) { c.FailureHandling = gy.FailureContinue },
	"retry":     func(c *gy.Config) { c.FailureHandling = gy.FailureRetry },
	"block":     func(c *gy.Config) { c.FailureHandling, c.Block = gy.FailureContinue, true },
}

// TestLoginWithoutOCS: who is let in, by what is configured; and that all is reported in the end.
func TestLoginWithoutOCS(t *testing.T) {
	for handling, configure := range handlings {
		for wrong, begin := range wrongs {
			t.Run(handling+"/"+wrong, func(t *testing.T) {
				t.Parallel()
				withOCS(t, gytest.Config{}, 300*mega, &rig{gy: configure}, func(r *rig, o *gytest.OCS) {
					begin(o)
					refusal, _ := r.login()
					// RETRY_AND_TERMINATE lets him in until it is sure that there is no answer
					// (RFC 8506, section 5.7).
					// One that is gone may be back by then.
					in := handling == "continue" || handling == "retry" && (wrong == "silent" || wrong == "deaf" || wrong == "gone" && refusal == 0)
					if !in {
						require.Equal(t, eap.RefusalTemporary, refusal)
						time.Sleep(100 * time.Millisecond)
						require.Equal(t, session.Counts{}, r.m.Counts())
						require.Empty(t, o.Audit().Violations)
						return
					}
					require.Zero(t, refusal)
					r.now(accounting.Start, 0, 0)
					r.now(accounting.Interim, 1, 5*mega)
					if handling == "retry" {
						r.wantDisconnect(time.Second)
					}
					heal(o)
					r.now(accounting.Stop, 2, 6*mega)
					r.wantReported(o, 6*mega)
				})
			})
		}
	}
}

// TestOCSFailsUnderway: a session goes on or is ended, by what is configured, and by what the OCS has
// said before; never for ever. What is used meanwhile is reported.
func TestOCSFailsUnderway(t *testing.T) {
	for handling, configure := range handlings {
		for wrong, begin := range wrongs {
			t.Run(handling+"/"+wrong, func(t *testing.T) {
				t.Parallel()
				withOCS(t, gytest.Config{}, 300*mega, &rig{gy: configure}, func(r *rig, o *gytest.OCS) {
					refusal, _ := r.login()
					require.Zero(t, refusal)
					r.now(accounting.Start, 0, 0)
					begin(o)
					r.now(accounting.Interim, 1, 9*mega)
					if handling != "continue" {
						r.wantDisconnect(time.Second)
						r.now(accounting.Stop, 2, 12*mega)
						heal(o)
						r.wantReported(o, 12*mega)
						return
					}
					for i := range uint32(5) {
						time.Sleep(50 * time.Millisecond)
						r.now(accounting.Interim, 2+i, uint64(10+i)*mega)
					}
					require.Empty(t, r.nas.take())
					heal(o)
					r.now(accounting.Stop, 9, 17*mega)
					r.wantReported(o, 17*mega)
				})
			})
		}
	}
}

// TestGraceEnds: CONTINUE does not mean for ever, even if the OCS has asked for it.
func TestGraceEnds(t *testing.T) {
	for name, configure := range map[string]func(*gy.Config){
		"octets": func(c *gy.Config) { c.GraceOctets = 4 * mega },
		"time":   func(c *gy.Config) { c.GraceTime = 500 * time.Millisecond },
		"block":  func(c *gy.Config) { c.Block = true },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			withOCS(t, gytest.Config{FailureHandling: gy.FailureContinue}, 300*mega, &rig{gy: configure}, func(r *rig, o *gytest.OCS) {
				refusal, _ := r.login()
				require.Zero(t, refusal)
				r.now(accounting.Start, 0, 0)
				o.Inject(gytest.Fault{Unseen: true})
				r.now(accounting.Interim, 1, 9*mega)
				time.Sleep(350 * time.Millisecond)
				if name != "block" {
					r.now(accounting.Interim, 2, 12*mega)
					require.Empty(t, r.nas.take())
				}
				if name == "octets" {
					r.now(accounting.Interim, 3, 13*mega)
				}
				r.wantDisconnect(time.Second)
				r.now(accounting.Stop, 4, 14*mega)
				heal(o)
				r.wantReported(o, 14*mega)
			})
		})
	}
}

// TestModes: authorization only asks before and tells after; a session without charging says
// nothing.
func TestModes(t *testing.T) {
	for name, want := range map[string][]gy.RequestType{
		"full":      {gy.RequestInitial, gy.RequestUpdate, gy.RequestUpdate, gy.RequestTermination},
		"authorize": {gy.RequestInitial, gy.RequestTermination},
		"disabled":  nil,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := &rig{}
			r.change = func(c *gateway.ChargingConfig) {
				if name == "disabled" {
					c.Choose = func(*session.Session) *gy.Machine { return nil }
				}
			}
			r.gy = func(c *gy.Config) {
				if name == "authorize" {
					c.Mode = gy.ModeAuthorize
				}
			}
			withOCS(t, gytest.Config{}, 300*mega, r, func(r *rig, o *gytest.OCS) {
				refusal, _ := r.login()
				require.Zero(t, refusal)
				r.now(accounting.Start, 0, 0)
				for i := range uint64(2) {
					r.now(accounting.Interim, uint32(1+i), (1+i)*15*mega)
					time.Sleep(50 * time.Millisecond)
				}
				r.now(accounting.Stop, 3, 31*mega)
				if want == nil {
					time.Sleep(100 * time.Millisecond)
					require.Empty(t, o.Audit().Sessions)
					return
				}
				r.wantReported(o, 31*mega)
				var got []gy.RequestType
				for id := range o.Audit().Sessions {
					for _, e := range o.Requests(id) {
						got = append(got, e.Type)
					}
				}
				require.Equal(t, want, got)
				require.Empty(t, r.nas.take())
			})
		})
	}
}

// TestProcessDiesUnanswered: whatever the OCS did with the request, the next process goes on.
func TestProcessDiesUnanswered(t *testing.T) {
	for wrong, begin := range wrongs {
		t.Run(wrong, func(t *testing.T) {
			t.Parallel()
			withOCS(t, gytest.Config{}, 300*mega, &rig{gy: handlings["continue"]}, func(r *rig, o *gytest.OCS) {
				refusal, _ := r.login()
				require.Zero(t, refusal)
				r.now(accounting.Start, 0, 0)
				for i := range uint32(4) {
					begin(o)
					r.now(accounting.Interim, 1+i, uint64(1+i)*9*mega)
					time.Sleep(20 * time.Millisecond)
					r.restart()
					heal(o)
					time.Sleep(300 * time.Millisecond)
				}
				r.now(accounting.Stop, 9, 40*mega)
				r.restart()
				r.wantReported(o, 40*mega)
			})
		})
	}
}
