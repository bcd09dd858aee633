package gateway_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	layeh "layeh.com/radius"
	"layeh.com/radius/rfc2865"
	"layeh.com/radius/rfc2869"
	"layeh.com/radius/rfc4372"

	"github.com/opentwag/twag/accounting"
	"github.com/opentwag/twag/eap"
	"github.com/opentwag/twag/eap/eapradius"
	"github.com/opentwag/twag/keyring"
	"github.com/opentwag/twag/session"
	"github.com/opentwag/twag/session/class"
	"github.com/opentwag/twag/session/gateway"
)

const imsi = "001010000000001"

func manager(t testing.TB, cfg session.Config) *session.Manager {
	m, err := session.NewManager(session.NewMemoryStore(session.MemoryConfig{}), cfg)
	require.NoError(t, err)
	return m
}

func login(t testing.TB) eapradius.Login {
	p := layeh.New(layeh.CodeAccessRequest, []byte("secret"))
	require.NoError(t, rfc2865.NASIdentifier_SetString(p, "ap1"))
	require.NoError(t, rfc2865.NASIPAddress_Set(p, net.IPv4(192, 0, 2, 9)))
	require.NoError(t, rfc2865.NASPortType_Set(p, 19))
	require.NoError(t, rfc2865.FramedMTU_Set(p, 1400))
	return eapradius.Login{
		Result:  &eap.Result{Method: eap.TypeAKAPrime, IMSI: eap.MustParseIMSI(imsi), Identity: "7pseudonym@wlan.example"},
		Peer:    eap.Peer{StationID: "02:00:00:00:00:01", AccessPointID: "00-10-A4-23-19-C0:carrier", NASID: "ap1"},
		Request: p,
		Remote:  &net.UDPAddr{IP: net.IPv4(10, 0, 0, 1), Port: 5},
	}
}

func TestLoginBecomesASession(t *testing.T) {
	m := manager(t, session.Config{})
	ring := keyring.NewRandom()
	codec, err := class.New(ring, class.Config{})
	require.NoError(t, err)
	a, err := gateway.NewAdmitter(m, gateway.AdmitterConfig{
		Server: "twag1", Area: "SC", Package: "CLF", Class: codec, Names: ring,
		Plan: &accounting.InterimPlan{Interval: 5 * time.Minute}, Timeout: time.Hour, Idle: 20 * time.Minute,
		Service: func(s *session.Session) string { return s.SSID + "-gold" },
	})
	require.NoError(t, err)
	l := login(t)
	g := a.Authorize(t.Context(), l)
	require.NoError(t, g.Err)
	require.Zero(t, g.Refusal)

	_, asked := g.Attributes.Lookup(rfc4372.ChargeableUserIdentity_Type)
	require.False(t, asked, "nobody asked for a CUI")
	number := func(typ layeh.Type) uint32 {
		v, err := layeh.Integer(g.Attributes.Get(typ))
		require.NoError(t, err)
		return v
	}
	require.EqualValues(t, 3600, number(rfc2865.SessionTimeout_Type))
	require.EqualValues(t, 1200, number(rfc2865.IdleTimeout_Type))
	require.EqualValues(t, 300, number(rfc2869.AcctInterimInterval_Type))

	facts, err := codec.Open(g.Attributes.Get(rfc2865.Class_Type), time.Now())
	require.NoError(t, err)
	e, err := m.Get(t.Context(), facts.Session)
	require.NoError(t, err)
	s := e.Session
	require.Equal(t, session.Admitted, s.State)
	require.WithinDuration(t, time.Now(), s.Admitted, time.Minute)
	s.Admitted = time.Time{}
	require.Equal(t, session.Session{
		ID: facts.Session, State: session.Admitted, IMSI: imsi, Station: "02-00-00-00-00-01",
		NAS: session.NAS{Source: netip.MustParseAddr("10.0.0.1"), Identifier: "ap1", Addr: netip.MustParseAddr("192.0.2.9")},
		AP:  "00-10-A4-23-19-C0", SSID: "carrier", PortType: 19, Method: "AKA'", Realm: "wlan.example", Service: "carrier-gold",
		Timeout: time.Hour, Idle: 20 * time.Minute, Interim: 5 * time.Minute,
	}, s)
	facts.Issued = time.Time{}
	require.Equal(t, class.Facts{
		Server: "twag1", Area: "SC", Result: "OK", Service: "carrier-gold", Package: "CLF", IMSI: imsi, Method: "AKA'", Realm: "wlan.example",
		Session: s.ID, Timeout: time.Hour, Idle: 20 * time.Minute, Interim: 5 * time.Minute,
	}, facts)
	require.Len(t, m.APs(), 1)
	require.EqualValues(t, 1400, m.APs()[0].MTU)
	require.Equal(t, session.Counts{Admitted: 1}, m.Counts())

	// The same station again: the same session.
	g = a.Authorize(t.Context(), l)
	again, err := codec.Open(g.Attributes.Get(rfc2865.Class_Type), time.Now())
	require.NoError(t, err)
	require.Equal(t, s.ID, again.Session)
	require.Equal(t, session.Counts{Admitted: 1}, m.Counts())
}

// TestCUI: the same on every server with the ring, another for each
// subscriber, and not the IMSI.
func TestCUI(t *testing.T) {
	ring := keyring.NewRandom()
	cui := func(digits string) string {
		a, err := gateway.NewAdmitter(nil, gateway.AdmitterConfig{Names: ring})
		require.NoError(t, err)
		l := login(t)
		l.Result.IMSI = eap.MustParseIMSI(digits)
		require.NoError(t, rfc4372.ChargeableUserIdentity_Set(l.Request, []byte{0}))
		g := a.Authorize(t.Context(), l)
		return string(g.Attributes.Get(rfc4372.ChargeableUserIdentity_Type))
	}
	require.Equal(t, cui(imsi), cui(imsi))
	require.NotEqual(t, cui(imsi), cui("001010000000002"))
	require.Len(t, cui(imsi), 24)
	require.NotContains(t, cui(imsi), "0000000001")
}

func TestRefusals(t *testing.T) {
	cause := errors.New("no credit")
	for name, c := range map[string]struct {
		cfg     gateway.AdmitterConfig
		prepare func(*testing.T, *session.Manager, session.Store)
		limit   int
		want    eap.Refusal
		err     error
	}{
		"a check": {cfg: gateway.AdmitterConfig{Checks: []gateway.Check{
			func(context.Context, eapradius.Login, *session.Session) (eap.Refusal, error) { return 0, nil },
			func(context.Context, eapradius.Login, *session.Session) (eap.Refusal, error) {
				return eap.RefusalNotSubscribed, cause
			},
		}}, want: eap.RefusalNotSubscribed, err: cause},
		"too many sessions": {limit: 1, prepare: func(t *testing.T, m *session.Manager, _ session.Store) {
			_, err := m.Admit(t.Context(), session.Session{IMSI: imsi, Station: "another"})
			require.NoError(t, err)
		}, want: eap.RefusalTemporary, err: session.ErrLimit},
		"store that fails": {prepare: func(t *testing.T, _ *session.Manager, s session.Store) { require.NoError(t, s.Close()) },
			want: eap.RefusalTemporary, err: gateway.ErrUnrecorded},
		"store that fails, allowed": {cfg: gateway.AdmitterConfig{AllowUnrecorded: true},
			prepare: func(t *testing.T, _ *session.Manager, s session.Store) { require.NoError(t, s.Close()) }},
	} {
		t.Run(name, func(t *testing.T) {
			store := session.NewMemoryStore(session.MemoryConfig{})
			m, err := session.NewManager(store, session.Config{PerSubscriber: c.limit})
			require.NoError(t, err)
			if c.prepare != nil {
				c.prepare(t, m, store)
			}
			a, err := gateway.NewAdmitter(m, c.cfg)
			require.NoError(t, err)
			g := a.Authorize(t.Context(), login(t))
			require.Equal(t, c.want, g.Refusal)
			require.ErrorIs(t, g.Err, c.err)
		})
	}
}

func TestAdmitterConfig(t *testing.T) {
	_, err := gateway.NewAdmitter(nil, gateway.AdmitterConfig{Timeout: -1})
	require.Error(t, err)
	_, err = gateway.NewAdmitter(nil, gateway.AdmitterConfig{Plan: &accounting.InterimPlan{Interval: -1}})
	require.Error(t, err)
}
