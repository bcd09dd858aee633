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

// laterSource answers from another goroutine, after a while, or blocks as long
// where async is false. The subscriber whose number is even is not delayed.
type laterSource struct {
	centre *auc.AuC
	async  bool
	delay  time.Duration
}

func (s laterSource) Vectors(ctx context.Context, req aka.VectorRequest) ([]aka.Vector, error) {
	s.wait(req)
	return s.centre.Vectors(ctx, req)
}

func (s laterSource) wait(req aka.VectorRequest) {
	if d := req.IMSI.Digits(); d[len(d)-1]%2 != 0 {
		time.Sleep(s.delay)
	}
}

func (s laterSource) VectorsAsync(ctx context.Context, req aka.VectorRequest, done func([]aka.Vector, error)) bool {
	if _, ok := ctx.Deadline(); !ok || !s.async {
		return false
	}
	go func() {
		s.wait(req)
		done(s.centre.Vectors(context.Background(), req))
	}()
	return true
}

// TestNobodyWaitsForTheSlow: the reader of the only socket goes on while a
// source or the Authorizer takes its time over another login.
func TestNobodyWaitsForTheSlow(t *testing.T) {
	const delay = 300 * time.Millisecond
	slow := eapradius.AuthorizerFunc(func(_ context.Context, l eapradius.Login) eapradius.Grant {
		if d := l.Result.IMSI.Digits(); d[len(d)-1]%2 != 0 {
			time.Sleep(delay)
		}
		return eapradius.Grant{}
	})
	for name, c := range map[string]struct {
		source     laterSource
		authorizer eapradius.Authorizer
	}{
		"source that answers later": {laterSource{async: true, delay: delay}, nil},
		"source that blocks":        {laterSource{delay: delay}, nil},
		"authorizer that blocks":    {laterSource{async: true}, slow},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLab(t, eapradius.Config{}, aka.Config{})
			c.source.centre = l.centre
			l.handler = eapradius.New(eap.NewAuthenticator(aka.New(c.source, aka.Config{})), eapradius.Config{Authorizer: c.authorizer})
			ap := l.serve(t, radiustest.Config{})
			login := func(n int) time.Duration {
				phone, station := l.station(t, n, eap.TypeAKA)
				begun := time.Now()
				r, err := ap.Login(t.Context(), phone, station)
				require.NoError(t, err)
				require.Equal(t, layeh.CodeAccessAccept, r.Code)
				return time.Since(begun)
			}
			done := make(chan time.Duration)
			go func() { done <- login(1) }()
			time.Sleep(delay / 6)
			require.Less(t, login(2), delay/2)
			require.GreaterOrEqual(t, <-done, delay)
		})
	}
}
