package aka

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/eap"
)

func TestVectorRequest(t *testing.T) {
	peer := eap.Peer{Identity: akaID, StationID: "02-00-00-00-00-01", NetworkName: "ETHERNET"}
	m := newTest(eap.TypeAKA, Config{}).New(peer)
	require.Equal(t, VectorRequest{
		IMSI: eap.MustParseIMSI("555444333222111"), Scheme: SchemeAKA, Count: 1, Peer: peer,
	}, m.Start(eap.Turn{}).Need.(*NeedVectors).Request)

	peer.Identity = primeID
	m = newTest(eap.TypeAKAPrime, Config{}).New(peer)
	require.Equal(t, VectorRequest{
		IMSI: eap.MustParseIMSI("555444333222111"), Scheme: SchemeAKAPrime, Count: 1, Peer: peer, NetworkName: "ETHERNET",
	}, m.Start(eap.Turn{}).Need.(*NeedVectors).Request)

	peer.NetworkName = ""
	m = newTest(eap.TypeAKAPrime, Config{}).New(peer)
	require.Equal(t, "WLAN", m.Start(eap.Turn{}).Need.(*NeedVectors).Request.NetworkName)
}

type sourceFunc func(context.Context, VectorRequest) ([]Vector, error)

func (f sourceFunc) Vectors(ctx context.Context, r VectorRequest) ([]Vector, error) { return f(ctx, r) }

func TestNeedVectorsResolves(t *testing.T) {
	type key struct{}
	v := []Vector{testVector()}
	m := New(sourceFunc(func(ctx context.Context, r VectorRequest) ([]Vector, error) {
		require.Equal(t, "x", ctx.Value(key{}))
		require.True(t, r.IMSI.IsValid())
		return v, ErrBarred
	}), Config{})
	var need eap.Resolver = m.New(eap.Peer{Identity: akaID}).Start(eap.Turn{}).Need.(*NeedVectors)
	require.Equal(t, VectorsAnswer{Vectors: v, Err: ErrBarred}, need.Resolve(context.WithValue(t.Context(), key{}, "x")))
}

// Whatever is wrong with the subscriber or the HSS, the peer sees the very
// same octets, and so nobody finds out who is a subscriber.
func TestVectorErrorsLookAlike(t *testing.T) {
	other := errors.New("the link is down")
	bothMethods(t, func(t *testing.T, typ eap.Type) {
		var first []byte
		for _, err := range []error{
			ErrUnknownSubscriber, ErrNoSubscription, ErrRoamingNotAllowed, ErrRATNotAllowed, ErrBarred,
			ErrSchemeNotSupported, ErrSyncFailure, ErrUnavailable, other, nil,
		} {
			for _, storing := range []bool{false, true} {
				c := newConv(t, newTest(typ, Config{}), idFor(typ))
				c.storing = storing
				require.Equal(t, "need vectors", c.start())
				// An error counts even if vectors come with it; none counts
				// as an error.
				a := VectorsAnswer{Err: err}
				if err != nil {
					a.Vectors = []Vector{testVector()}
				} else {
					err = ErrUnavailable
				}
				require.Equal(t, "notify 16384", c.resume(a))
				require.ErrorIs(t, c.step.Err, err)
				if first == nil {
					first = c.step.Packet
				}
				require.Equal(t, first, c.step.Packet)
				require.Equal(t, "failure", c.handle(c.response(SubtypeNotification, nil)))
				if err != other || !storing {
					require.ErrorIs(t, c.step.Err, err)
				}
			}
		}
	})
}

func TestUnusableVectors(t *testing.T) {
	prime := func(v *Vector, name string) {
		v.CK, v.IK = PrimeKeys(v.CK, v.IK, name, v.AUTN)
		v.Primed, v.NetworkName = true, name
	}
	for name, c := range map[string]struct {
		typ    eap.Type
		change func(v *Vector)
		ok     bool
	}{
		"plain in EAP-AKA":            {eap.TypeAKA, func(v *Vector) {}, true},
		"primed in EAP-AKA":           {eap.TypeAKA, func(v *Vector) { prime(v, "WLAN") }, false},
		"AMF bit unset in EAP-AKA":    {eap.TypeAKA, func(v *Vector) { v.AUTN[6] &^= 0x80 }, true},
		"plain in EAP-AKA'":           {eap.TypeAKAPrime, func(v *Vector) {}, true},
		"primed in EAP-AKA'":          {eap.TypeAKAPrime, func(v *Vector) { prime(v, "WLAN") }, true},
		"primed for another network":  {eap.TypeAKAPrime, func(v *Vector) { prime(v, "HRPD") }, false},
		"primed without a network":    {eap.TypeAKAPrime, func(v *Vector) { prime(v, "") }, false},
		"AMF bit unset, plain":        {eap.TypeAKAPrime, func(v *Vector) { v.AUTN[6] &^= 0x80 }, false},
		"AMF bit unset, primed":       {eap.TypeAKAPrime, func(v *Vector) { v.AUTN[6] &^= 0x80; prime(v, "WLAN") }, false},
		"XRES of 3 octets":            {eap.TypeAKA, func(v *Vector) { v.XRESLen = 3 }, false},
		"XRES of 17 octets":           {eap.TypeAKA, func(v *Vector) { v.XRESLen = 17 }, false},
		"XRES of 4 octets":            {eap.TypeAKA, func(v *Vector) { v.XRESLen = 4 }, true},
		"XRES of 16 octets":           {eap.TypeAKAPrime, func(v *Vector) { v.XRESLen = 16 }, true},
		"no XRES, the zero vector":    {eap.TypeAKA, func(v *Vector) { *v = Vector{} }, false},
		"no XRES in EAP-AKA', zeroes": {eap.TypeAKAPrime, func(v *Vector) { *v = Vector{} }, false},
	} {
		t.Run(name, func(t *testing.T) {
			conv := newConv(t, newTest(c.typ, Config{}), idFor(c.typ))
			conv.start()
			v := testVector()
			c.change(&v)
			if !c.ok {
				require.Equal(t, "notify 16384", conv.give(v))
				require.ErrorIs(t, conv.step.Err, ErrUnavailable)
				require.ErrorIs(t, conv.step.Err, errBadVector)
				return
			}
			require.Equal(t, "challenge", conv.give(v))
			require.NoError(t, conv.last.VerifyMAC(conv.keys(), nil))
			require.Equal(t, "need authorization", conv.handle(conv.goodAnswer()))
		})
	}
}

func TestResync(t *testing.T) {
	bothMethods(t, func(t *testing.T, typ eap.Type) {
		for max, allowed := range map[int]int{-1: 0, 0: 2, 1: 1, 5: 5} {
			for _, storing := range []bool{false, true} {
				t.Run(fmt.Sprint(max, storing), func(t *testing.T) {
					m := newTest(typ, Config{MaxResyncs: max})
					c := newConv(t, m, idFor(typ))
					c.storing = storing
					c.toChallenge()
					for i := range allowed {
						require.Equal(t, "need vectors", c.handle(c.syncFailure(m.kdfs)))
						req := c.step.Need.(*NeedVectors).Request
						require.Equal(t, &Resync{RAND: c.vector.RAND, AUTS: [14]byte([]byte("auts-14-octets"))}, req.Resync)
						v := testVector()
						v.RAND[0] = byte(i)
						require.Equal(t, "challenge", c.give(v))
						require.Equal(t, v.RAND[:], c.last.RAND)
						require.NoError(t, c.last.VerifyMAC(c.keys(), nil))
					}
					require.Equal(t, "notify 16384", c.handle(c.syncFailure(m.kdfs)))
					require.ErrorIs(t, c.step.Err, ErrResyncs)
					require.Equal(t, "failure", c.handle(c.response(SubtypeNotification, nil)))
				})
			}
		}
	})
}

// After a resynchronisation the keys are those of the new vector.
func TestResyncThenSuccess(t *testing.T) {
	bothMethods(t, func(t *testing.T, typ eap.Type) {
		m := newTest(typ, Config{})
		c := newConv(t, m, idFor(typ)).toChallenge()
		old := *c.keys()
		require.Equal(t, "need vectors", c.handle(c.syncFailure(m.kdfs)))
		v := testVector()
		v.RAND[3] ^= 1
		v.CK[0] ^= 1
		require.Equal(t, "challenge", c.give(v))
		require.Equal(t, "need authorization", c.handle(c.goodAnswer()))
		require.Equal(t, "success", c.resume(eap.Authorization{}))
		require.NotEqual(t, old.MSK, c.step.Result.MSK)
		require.Equal(t, c.keys().MSK, c.step.Result.MSK)
	})
}

// A source that gives the refused vector again is not believed.
func TestResyncNeedsNewRAND(t *testing.T) {
	c := newConv(t, newTest(eap.TypeAKA, Config{}), akaID).toChallenge()
	require.Equal(t, "need vectors", c.handle(c.syncFailure(KDFList{})))
	require.Equal(t, "notify 16384", c.give(testVector()))
	require.ErrorIs(t, c.step.Err, errBadVector)
}
