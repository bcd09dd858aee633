package gy

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/diameter/wire"
)

// ledger is an OCS that remembers every request it has had, and what it has
// debited: the truth that the session's own account is compared with.
type ledger struct {
	t       *testing.T
	rng     *rand.Rand
	open    map[string]uint32 // Session-Id: the next number expected
	seen    map[string][]byte // Session-Id and number: contents
	answers map[string]CCA
	debited uint64
	credit  uint64
	lost    bool // it may forget sessions
	strict  bool // no credit: it refuses the command, and forgets the session
	drops   bool // and the usage in it
}

func key(c *CCR) string { return fmt.Sprintf("%s/%d", c.SessionID, c.Number) }

// handle debits and answers one request.
func (l *ledger) handle(msg wire.Message) CCA {
	var c CCR
	require.NoError(l.t, c.Decode(msg))
	plain := bytes.Clone(msg)
	wire.Message(plain).SetFlags(msg.Header().Flags &^ wire.FlagRetransmitted)
	id, k := string(c.SessionID), key(&c)
	if old, ok := l.seen[k]; ok {
		require.Equal(l.t, old, plain, "a number used twice with different contents")
		require.True(l.t, c.Retransmitted, "sent again without T")
		if a, ok := l.answers[k]; ok {
			return a
		}
	}
	l.seen[k] = plain
	next, known := l.open[id]
	var a CCA
	switch {
	case c.Type == RequestInitial && l.strict && l.debited >= l.credit:
		return CCA{ResultCode: ResultCreditLimitReached}
	case c.Type == RequestInitial:
		require.Zero(l.t, c.Number)
		require.False(l.t, known)
		l.open[id] = 1
		a = l.grants(&c)
	case !known:
		return CCA{ResultCode: ResultUnknownSessionID}
	default:
		require.Equal(l.t, next, c.Number, "numbers not in order")
		require.Less(l.t, c.Number, uint32(300), "a storm of requests")
		l.open[id] = next + 1
		if l.strict && l.drops && c.Type == RequestUpdate && l.debited+usedIn(&c) >= l.credit {
			delete(l.open, id)
			a = CCA{ResultCode: ResultCreditLimitReached}
			break
		}
		l.debited += usedIn(&c)
		if l.strict && !l.drops && c.Type == RequestUpdate && l.debited >= l.credit {
			delete(l.open, id)
			a = CCA{ResultCode: ResultCreditLimitReached}
			break
		}
		if c.Type == RequestUpdate && !l.drops && l.rng.IntN(40) == 0 {
			delete(l.open, id)
			a = CCA{ResultCode: []uint32{ResultCreditControlNotApplicable, ResultRatingFailed, ResultEndUserServiceDenied}[l.rng.IntN(3)]}
			break
		}
		if c.Type == RequestTermination {
			delete(l.open, id)
			a = CCA{ResultCode: ResultSuccess}
		} else {
			a = l.grants(&c)
		}
	}
	l.answers[k] = a
	return a
}

func usedIn(c *CCR) (n uint64) {
	for _, m := range c.Services {
		for _, u := range m.Used {
			n += u.Total
		}
	}
	return n
}

func (l *ledger) grants(c *CCR) CCA {
	a := CCA{ResultCode: ResultSuccess}
	for _, m := range c.Services {
		if !m.HasRequested {
			continue
		}
		g := MSCC{RatingGroup: m.RatingGroup, HasRatingGroup: true, ResultCode: ResultSuccess}
		switch {
		case l.debited >= l.credit:
			g.ResultCode = ResultCreditLimitReached
		case l.credit-l.debited <= mega:
			g.HasGranted, g.Granted = true, Units{Has: UnitTotal, Total: l.credit - l.debited}
			g.HasFinal = true
			g.Final.Action = FinalAction(l.rng.IntN(2)) // TERMINATE or REDIRECT
		case l.rng.IntN(30) == 0:
			g.ResultCode = ResultCreditControlNotApplicable
		case l.rng.IntN(5) == 0:
			g.HasGranted, g.Granted = true, Units{Has: UnitTime | UnitInput, Time: 600, Input: mega}
			g.HasHoldingTime, g.HoldingTime, g.ConsumptionTime = true, 30, 10
		default:
			g.HasGranted, g.Granted = true, Units{Has: UnitTotal, Total: mega}
		}
		if l.rng.IntN(3) == 0 {
			g.ValidityTime = uint32(20 + l.rng.IntN(600))
		}
		if l.rng.IntN(3) == 0 && g.HasGranted {
			g.Granted.TariffChange = time.Unix(1700000000+l.rng.Int64N(20000), 0)
		}
		a.Services = append(a.Services, g)
	}
	a.FailureHandling = FailureHandling(l.rng.IntN(4))
	a.Failover = Failover(l.rng.IntN(3))
	return a
}

// TestExactlyOnce has sessions live through lost requests and answers,
// restarts of our process at any point, servers that are away, busy, or have
// forgotten the session. Whatever happens, at the end each octet was debited
// once, or is accounted for as free or written off.
func TestExactlyOnce(t *testing.T) {
	kinds := make(map[string]int)
	for seed := range uint64(1500) {
		rng := rand.New(rand.NewPCG(seed, 1))
		l := &ledger{
			t: t, rng: rng, open: make(map[string]uint32), seen: make(map[string][]byte), answers: make(map[string]CCA),
			credit: uint64(1+rng.IntN(8)) * mega, lost: seed%3 == 0,
		}
		l.strict = seed%4 == 1
		l.drops = seed%8 == 1
		if seed%5 == 0 {
			l.credit = 1 << 40
		}
		cfg := config()
		cfg.FailureHandling = FailureHandling(rng.IntN(4))
		cfg.GraceOctets = int64(rng.IntN(3)-1) * 2 * mega
		cfg.Profile.IgnoresFinalUsage = rng.IntN(4) == 0 && !l.drops
		cfg.Profile.BareInitial = rng.IntN(4) == 0
		cfg.Profile.SplitTariff = rng.IntN(2) == 0
		cfg.Profile.DropsRefusedUsage = l.drops
		cfg.Profile.ByRealm = true // Destination-Host may change between attempts
		if rng.IntN(6) == 0 {
			cfg.Mode = ModeAuthorize
		}
		m := NewMachine(cfg)
		x := &script{t: t, m: m, s: m.NewSession("twag1.example.net;1;2", &Info{}), now: time.Unix(1700000000, 0)}
		var total Counters
		trouble := 0.0
		stopped, refused := false, false
		var deadline time.Time
		take := func(out Output) {
			// What is asked for is done; then the exchange ends in some way.
			for {
				x.service = 0
				x.step(out)
				deadline = out.Deadline
				require.False(t, out.Unexpected)
				refused = refused || out.Service == ServiceRefused
				if !out.Send {
					return
				}
				seq := out.Seq
				msg := x.request()
				if rng.Float64() < trouble {
					switch rng.IntN(6) {
					case 0: // nobody there
						kinds["not sent"]++
						out = x.s.Fail(x.now, seq, FailureNotSent)
						continue
					case 1: // the request is lost
						kinds["lost"]++
						out = x.s.Fail(x.now, seq, FailureLost)
						continue
					case 2: // the answer is lost
						kinds["answer lost"]++
						l.handle(msg)
						out = x.s.Fail(x.now, seq, FailureLost)
						continue
					case 3: // busy
						kinds["busy"]++
						out = x.s.Answer(x.now, seq, &CCA{ResultCode: ResultTooBusy})
						continue
					case 4: // handled, and then our process restarts
						kinds["restart"]++
						if rng.IntN(2) == 0 {
							l.handle(msg)
						}
						back, err := m.Restore(x.s.AppendState(nil))
						require.NoError(t, err)
						x.s = back
						out = x.s.Resume(x.now)
						continue
					case 5: // no answer for a while: Tx, perhaps the end
						kinds["slow"]++
						x.now = x.now.Add(time.Duration(rng.IntN(140)) * time.Second)
						out = x.s.Timer(x.now)
						if out.Send {
							continue
						}
						x.service = 0
						x.step(out)
						if rng.IntN(2) == 0 {
							a := l.handle(msg)
							out = x.s.Answer(x.now, seq, &a)
						} else {
							out = x.s.Fail(x.now, seq, FailureTimeout)
						}
						continue
					}
				}
				if l.lost && rng.Float64() < trouble/2 && l.open[x.s.SessionID()] > 0 && !x.s.request.unsure {
					kinds["session lost"]++
					delete(l.open, x.s.SessionID())
				}
				a := l.handle(msg)
				out = x.s.Answer(x.now, seq, &a)
			}
		}
		take(x.s.Start(x.now))
		for range 30 {
			trouble = [...]float64{0, 0.2, 0.6}[rng.IntN(3)]
			if refused {
				break
			}
			x.now = x.now.Add(time.Duration(1+rng.IntN(300)) * time.Second)
			switch rng.IntN(9) {
			case 8:
				if rng.IntN(10) == 0 {
					_, out := x.s.Abort(x.now)
					take(out)
				}
			case 0:
				take(x.s.Timer(x.now))
			case 1:
				_, out := x.s.Reauthorize(x.now, nil)
				take(out)
			case 2:
				take(x.s.Change(x.now, &Info{PS: PSInformation{SSID: []byte{byte(rng.IntN(256))}}}, rng.IntN(2) == 0))
			default:
				total.Seconds += uint64(rng.IntN(300))
				if rng.IntN(6) == 0 {
					take(x.s.Account(x.now, 0, total)) // an idle interim
					break
				}
				total.Input += rng.Uint64N(mega / 2)
				total.Output += rng.Uint64N(mega / 2)
				take(x.s.Account(x.now, 0, total))
			}
			for i := 0; !deadline.IsZero() && !deadline.After(x.now); i++ {
				require.Less(t, i, 100, "seed %d: always due in %v, %+v", seed, x.s.State(), x.s.groups)
				take(x.s.Timer(x.now))
			}
		}
		if !refused {
			stopped = true
			total.Input += rng.Uint64N(mega)
			take(x.s.Stop(x.now, 0, total, CauseLogout))
		}
		trouble = 0.3
		for i := 0; !x.out.Done; i++ {
			require.Less(t, i, 1000, "seed %d does not end: %v, %+v", seed, x.s.State(), x.s.request.kind)
			require.False(t, x.out.Deadline.IsZero(), "seed %d: nothing is due in %v, request %v in hand %v", seed, x.s.State(), x.s.request.kind, x.s.request.inHand)
			x.now = deadline
			take(x.s.Timer(x.now))
			if i > 20 {
				trouble = 0
			}
		}
		u := x.s.Usage()
		require.True(t, stopped || refused)
		require.LessOrEqual(t, u.Total.Seconds, total.Seconds, "seed %d", seed) // Quota-Consumption-Time
		u.Total.Seconds = total.Seconds
		require.Equal(t, total, u.Total, "seed %d", seed)
		require.Equal(t, u.Total.Octets(), u.Reported.Octets()+u.Free.Octets()+u.WrittenOff.Octets(), "seed %d", seed)
		require.Equal(t, l.debited, u.Reported.Octets(), "seed %d", seed)
		if u.WrittenOff.Octets() > 0 {
			kinds["written off"]++
			require.True(t, l.debited >= l.credit || l.lost, "seed %d: written off with credit left", seed)
		}
		if u.Free.Octets() > 0 {
			kinds["free"]++
		}
	}
	for _, k := range []string{"not sent", "lost", "answer lost", "busy", "restart", "slow", "session lost", "free", "written off"} {
		require.NotZero(t, kinds[k], k)
	}
	t.Log(kinds)
}
