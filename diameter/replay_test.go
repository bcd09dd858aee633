package diameter

import (
	"context"
	"encoding/binary"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fiorix/go-diameter/v4/diam"
	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/diameter/wire"
)

// counter answers each request with success and the number of calls so far.
type counter struct {
	calls atomic.Uint32
	gate  chan error // if not nil, each call waits for its outcome or the end of its context
}

func (c *counter) ServeDiameter(ctx context.Context, r *Request) (wire.Message, error) {
	n := c.calls.Add(1)
	if c.gate != nil {
		select {
		case err := <-c.gate:
			if err != nil {
				return nil, err
			}
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	w := r.Answer(ResultSuccess)
	w.Uint32(AVPEventTimestamp, 0, 0, n)
	return w.Message()
}

const avpProxyHost = 280

// copyOf is a request as the far ends send it, and copies of it.
type copyOf struct {
	hop, end uint32
	again    bool
	origin   string
	session  string
	proxy    string
}

func (f *far) sendCopy(c copyOf) {
	f.t.Helper()
	h := wire.Header{Flags: wire.FlagRequest | wire.FlagProxiable, Command: cmdMAR, Application: swxApplication, HopByHop: c.hop, EndToEnd: c.end}
	if c.again {
		h.Flags |= wire.FlagRetransmitted
	}
	if c.origin == "" {
		c.origin = "client.example"
	}
	f.write(f.build(h, func(w *wire.Builder) {
		w.String(AVPSessionID, 0, wire.FlagMandatory, "s"+c.session)
		if c.origin != "-" {
			w.String(AVPOriginHost, 0, wire.FlagMandatory, c.origin)
		}
		if c.proxy != "" {
			g := w.Begin(AVPProxyInfo, 0, wire.FlagMandatory)
			w.String(avpProxyHost, 0, wire.FlagMandatory, c.proxy)
			w.End(g)
		}
	}))
}

// wantCount wants the answer of counter's nth call.
func (f *far) wantCount(hop, n uint32) wire.Message {
	f.t.Helper()
	m := f.wantResult(cmdMAR, ResultSuccess)
	require.Equal(f.t, hop, m.Header().HopByHop)
	a, ok := m.Find(AVPEventTimestamp, 0)
	require.True(f.t, ok)
	require.Equal(f.t, n, binary.BigEndian.Uint32(a.Data))
	return m
}

// runServer runs f with two peers that are clients, and the handler's counter.
func runServer(t *testing.T, change func(*Config), f func(t *testing.T, s *script, a, b *far, h *counter)) {
	t.Helper()
	if change == nil {
		change = func(*Config) {}
	}
	runScript(t, withConfig(twoPeers, change), func(t *testing.T, s *script) {
		h := new(counter)
		s.node.Handle(swxApplication, cmdMAR, h)
		f(t, s, s.connectAs("a.example", testRealm, swxApplication), s.connectAs("b.example", testRealm, swxApplication), h)
	})
}

func TestDuplicateGetsTheSameAnswer(t *testing.T) {
	runServer(t, nil, func(t *testing.T, s *script, a, b *far, h *counter) {
		a.sendCopy(copyOf{hop: 1, end: 5})
		first := a.wantCount(1, 1)
		b.sendCopy(copyOf{hop: 77, end: 5, again: true})
		again := b.wantCount(77, 1)
		again.SetHopByHop(1)
		require.Equal(t, first, again, "octet by octet")
		a.sendCopy(copyOf{hop: 2, end: 5, again: true})
		a.wantCount(2, 1)
		require.EqualValues(t, 1, h.calls.Load())
		require.EqualValues(t, 1, s.status("b.example").Duplicates)

		for i, other := range []copyOf{
			{hop: 3, end: 6, again: true},
			{hop: 3, end: 5, again: true, origin: "other.example"},
			{hop: 3, end: 5, again: true, session: "2"},
			{hop: 3, end: 5, again: true, origin: "-"},
			{hop: 3, end: 5, again: true, origin: "-"},
		} {
			b.sendCopy(other)
			b.wantCount(3, uint32(i+2))
		}
	})
}

// Without a T flag anywhere it's a peer whose identifiers repeat.
func TestRepeatedIdentifierIsNoDuplicate(t *testing.T) {
	runServer(t, nil, func(t *testing.T, s *script, a, b *far, _ *counter) {
		a.sendCopy(copyOf{hop: 1, end: 0})
		a.wantCount(1, 1)
		a.sendCopy(copyOf{hop: 2, end: 0})
		a.wantCount(2, 2)
		b.sendCopy(copyOf{hop: 3, end: 0, again: true})
		b.wantCount(3, 2)
	})
}

func TestDuplicateThatOvertakesTheFirst(t *testing.T) {
	runServer(t, nil, func(t *testing.T, s *script, a, b *far, _ *counter) {
		b.sendCopy(copyOf{hop: 1, end: 5, again: true})
		b.wantCount(1, 1)
		a.sendCopy(copyOf{hop: 2, end: 5})
		a.wantCount(2, 1)
	})
}

func TestDuplicateOfARequestThatIsStillBeingHandled(t *testing.T) {
	runServer(t, nil, func(t *testing.T, s *script, a, b *far, h *counter) {
		h.gate = make(chan error)
		a.sendCopy(copyOf{hop: 1, end: 5, proxy: "a"})
		b.sendCopy(copyOf{hop: 2, end: 5, again: true, proxy: "b"})
		a.sendCopy(copyOf{hop: 3, end: 5, again: true})
		synctest.Wait()
		require.EqualValues(t, 1, h.calls.Load())
		h.gate <- nil
		for range 2 {
			m := a.next()
			require.NotNil(t, m)
			_, proxied := m.Find(AVPProxyInfo, 0)
			require.Equal(t, m.Header().HopByHop == 1, proxied)
		}
		p, _ := b.wantCount(2, 1).Find(AVPProxyInfo, 0)
		group := p.Group()
		host, _ := group.Find(avpProxyHost, 0)
		require.Equal(t, "b", string(host.Data), "that of its own way")
		synctest.Wait()
		require.Zero(t, s.node.inFlight.Load())
	})
}

// What the handler could not finish because the first way broke is done for
// the second.
func TestDuplicateAfterTheFirstConnectionWasLost(t *testing.T) {
	runServer(t, nil, func(t *testing.T, s *script, a, b *far, h *counter) {
		h.gate = make(chan error)
		a.sendCopy(copyOf{hop: 1, end: 5})
		synctest.Wait()
		b.sendCopy(copyOf{hop: 2, end: 5, again: true})
		synctest.Wait()
		a.close()
		synctest.Wait()
		require.EqualValues(t, 2, h.calls.Load())
		h.gate <- nil
		b.wantCount(2, 2)
		b.sendCopy(copyOf{hop: 3, end: 5, again: true})
		b.wantCount(3, 2)
	})
}

// A request that was handled though its connection had gone is not handled
// again.
func TestDuplicateOfARequestWhoseAnswerWasLost(t *testing.T) {
	runServer(t, nil, func(t *testing.T, s *script, a, b *far, _ *counter) {
		gate := make(chan struct{})
		calls := 0
		s.node.Handle(swxApplication, cmdMAR, HandlerFunc(func(_ context.Context, r *Request) (wire.Message, error) {
			calls++
			<-gate
			return r.Answer(ResultSuccess).Message()
		}))
		a.sendCopy(copyOf{hop: 1, end: 5})
		synctest.Wait()
		a.close()
		synctest.Wait()
		close(gate)
		synctest.Wait()
		b.sendCopy(copyOf{hop: 2, end: 5, again: true})
		b.wantResult(cmdMAR, ResultSuccess)
		require.Equal(t, 1, calls)
	})
}

func TestErrorsAreAnswersToDuplicates(t *testing.T) {
	for _, c := range []struct {
		err   error
		again bool
		code  uint32
	}{
		{&ResultError{Code: ResultAuthorizationRejected}, false, ResultAuthorizationRejected},
		{fmt.Errorf("bug"), false, ResultUnableToComply},
		{ErrNoAnswer, true, 0},
	} {
		runServer(t, nil, func(t *testing.T, s *script, a, b *far, h *counter) {
			h.gate = make(chan error, 1)
			h.gate <- c.err
			a.sendCopy(copyOf{hop: 1, end: 5})
			if c.code != 0 {
				a.wantResult(cmdMAR, c.code)
			}
			synctest.Wait()
			b.sendCopy(copyOf{hop: 2, end: 5, again: true})
			if c.again {
				h.gate <- nil
				b.wantCount(2, 2)
				return
			}
			b.wantResult(cmdMAR, c.code)
			require.EqualValues(t, 1, h.calls.Load())
		})
	}
}

func TestDuplicatesOfGoDiameterHandlers(t *testing.T) {
	runServer(t, nil, func(t *testing.T, s *script, a, b *far, _ *counter) {
		calls := 0
		s.node.HandleDiam(swxApplication, cmdMAR, diam.HandlerFunc(func(c diam.Conn, m *diam.Message) {
			calls++
			_, _ = s.node.Answer(m, ResultSuccess).WriteTo(c)
		}))
		a.sendCopy(copyOf{hop: 1, end: 5})
		first := a.wantResult(cmdMAR, ResultSuccess)
		b.sendCopy(copyOf{hop: 2, end: 5, again: true})
		again := b.wantResult(cmdMAR, ResultSuccess)
		again.SetHopByHop(1)
		require.Equal(t, first, again)
		require.Equal(t, 1, calls)
	})
}

func TestAnswersAreForgotten(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Config)
		do     func(s *script, a *far)
	}{
		{"in time", nil, func(*script, *far) { time.Sleep(4*time.Minute + time.Second) }},
		{"for others", func(c *Config) { c.MaxKeptAnswers = 10 }, func(_ *script, a *far) {
			for i := range uint32(10) {
				a.sendCopy(copyOf{hop: 9, end: 100 + i})
				a.wantCount(9, 2+i)
			}
		}},
		{"for their octets", func(c *Config) { c.MaxKeptOctets = 300 }, func(_ *script, a *far) {
			for i := range uint32(10) {
				a.sendCopy(copyOf{hop: 9, end: 100 + i})
				a.wantCount(9, 2+i)
			}
		}},
		{"if they are too long", func(c *Config) { c.MaxKeptOctets = 20 }, func(*script, *far) {}},
		{"at once", func(c *Config) { c.KeepAnswers = -1 }, func(*script, *far) {}},
	} {
		t.Run(c.name, func(t *testing.T) {
			// Nothing else is to happen while time passes.
			runServer(t, withConfig(func(cfg *Config) { cfg.Watchdog = time.Hour }, func(cfg *Config) {
				if c.change != nil {
					c.change(cfg)
				}
			}), func(t *testing.T, s *script, a, b *far, h *counter) {
				a.sendCopy(copyOf{hop: 1, end: 5})
				a.wantCount(1, 1)
				c.do(s, a)
				synctest.Wait() // a copy that comes before the answer is kept waits for it
				calls := h.calls.Load()
				b.sendCopy(copyOf{hop: 2, end: 5, again: true})
				b.wantCount(2, calls+1)
			})
		})
	}
}

func TestParkedDuplicatesAreBounded(t *testing.T) {
	runServer(t, func(c *Config) { c.MaxQueuedRequests = 2 }, func(t *testing.T, s *script, a, b *far, h *counter) {
		h.gate = make(chan error)
		a.sendCopy(copyOf{hop: 1, end: 5})
		synctest.Wait()
		for hop := range uint32(3) {
			b.sendCopy(copyOf{hop: hop, end: 5, again: true})
			synctest.Wait()
		}
		require.EqualValues(t, 2, b.wantResult(cmdMAR, ResultTooBusy).Header().HopByHop)
		h.gate <- nil
		a.wantCount(1, 1)
		b.wantCount(0, 1)
		b.wantCount(1, 1)
	})
}

// The table against a simple model: of many requests, duplicates of the latest
// are known and the memory is bounded.
func TestReplaysAreBounded(t *testing.T) {
	const max, octets = 100, 300 << 10
	r := newReplays(time.Minute, max, octets, 10)
	request := func(end uint32, again bool) job {
		h := wire.Header{Flags: wire.FlagRequest, Command: cmdMAR, Application: swxApplication, EndToEnd: end}
		if again {
			h.Flags |= wire.FlagRetransmitted
		}
		m := (&far{t: t}).build(h, originOf("client.example"))
		b := []byte(m)
		return job{buf: &b}
	}
	size := func(i uint32) int { return 20 + int(i*i*7919%9000) }
	for i := range uint32(5000) {
		v, n, _ := r.begin(request(i, false), int64(i), nil)
		require.Equal(t, verdictHandle, v)
		answer := make([]byte, size(i))
		binary.BigEndian.PutUint32(answer, i)
		require.Empty(t, r.finish(n, answer))
		require.LessOrEqual(t, len(r.index), max)
		require.LessOrEqual(t, len(r.entries), 2*max)
		require.LessOrEqual(t, r.octets, octets)
		total := 0
		for _, s := range r.slabs {
			total += cap(s)
		}
		require.Equal(t, r.octets, total)
		for back := range min(i+1, 10) {
			v, _, got := r.begin(request(i-back, true), int64(i), nil)
			require.Equal(t, verdictReplay, v)
			require.Len(t, got, size(i-back))
			require.Equal(t, i-back, binary.BigEndian.Uint32(got))
		}
	}
}
