package eapradius_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	layeh "layeh.com/radius"

	"github.com/opentwag/twag/aka"
	"github.com/opentwag/twag/aka/auc"
	"github.com/opentwag/twag/eap"
	"github.com/opentwag/twag/eap/eapradius"
	"github.com/opentwag/twag/radius/radiustest"
)

// gate is where the subscriber waits whose number is odd; others pass.
type gate struct{ reached, opened chan struct{} }

func newGate() *gate { return &gate{make(chan struct{}, 1), make(chan struct{})} }

func (g *gate) pass(imsi eap.IMSI) {
	if d := imsi.Digits(); g != nil && d[len(d)-1]%2 != 0 {
		g.reached <- struct{}{}
		<-g.opened
	}
}

// laterSource answers from another goroutine, when the gate lets the subscriber
// through, or blocks until then where async is false.
type laterSource struct {
	centre *auc.AuC
	async  bool
	gate   *gate
}

func (s laterSource) Vectors(ctx context.Context, req aka.VectorRequest) ([]aka.Vector, error) {
	s.gate.pass(req.IMSI)
	return s.centre.Vectors(ctx, req)
}

func (s laterSource) VectorsAsync(ctx context.Context, req aka.VectorRequest, done func([]aka.Vector, error)) bool {
	if _, ok := ctx.Deadline(); !ok || !s.async {
		return false
	}
	go func() {
		s.gate.pass(req.IMSI)
		done(s.centre.Vectors(context.Background(), req))
	}()
	return true
}

// TestNobodyWaitsForTheSlow: the reader of the only socket goes on while a
// source or the Authorizer takes its time over another login.
func TestNobodyWaitsForTheSlow(t *testing.T) {
	for name, c := range map[string]struct{ source, async, authorizer bool }{
		"source that answers later": {source: true, async: true},
		"source that blocks":        {source: true},
		"authorizer that blocks":    {async: true, authorizer: true},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLab(t, eapradius.Config{}, aka.Config{})
			slow, cfg := newGate(), eapradius.Config{Deadline: time.Minute}
			source := laterSource{centre: l.centre, async: c.async}
			if c.source {
				source.gate = slow
			}
			if c.authorizer {
				cfg.Authorizer = eapradius.AuthorizerFunc(func(_ context.Context, l eapradius.Login) eapradius.Grant {
					slow.pass(l.Result.IMSI)
					return eapradius.Grant{}
				})
			}
			l.handler = eapradius.New(eap.NewAuthenticator(aka.New(source, aka.Config{})), cfg)
			ap := l.serve(t, radiustest.Config{})
			login := func(n int) {
				phone, station := l.station(t, n, eap.TypeAKA)
				r, err := ap.Login(t.Context(), phone, station)
				require.NoError(t, err)
				require.Equal(t, layeh.CodeAccessAccept, r.Code)
			}
			done := make(chan struct{})
			go func() { defer close(done); login(1) }()
			<-slow.reached
			login(2)
			select {
			case <-done:
				require.Fail(t, "nobody was slow")
			default:
			}
			close(slow.opened)
			<-done
		})
	}
}
