package eapradius_test

import (
	"bytes"
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	layeh "layeh.com/radius"
	"layeh.com/radius/rfc2865"
	"layeh.com/radius/rfc2869"
	"layeh.com/radius/rfc3576"
	"layeh.com/radius/rfc4072"
	"layeh.com/radius/vendors/microsoft"

	"github.com/opentwag/twag/aka"
	"github.com/opentwag/twag/aka/auc"
	"github.com/opentwag/twag/eap"
	"github.com/opentwag/twag/eap/eapradius"
	"github.com/opentwag/twag/eap/eaptest"
	"github.com/opentwag/twag/keyring"
	"github.com/opentwag/twag/milenage"
)

var labIMSI = eap.MustParseIMSI("001010000000001")

// lab is a server with an authentication centre, and the phone of its only
// subscriber.
type lab struct {
	centre  *auc.AuC
	handler *eapradius.Handler
	alg     milenage.Algorithm
	cause   error // of the last Access-Reject
}

func newLab(t testing.TB, cfg eapradius.Config, method aka.Config) *lab {
	t.Helper()
	c, err := milenage.New([16]byte{1, 2, 3}, [16]byte{4, 5, 6})
	require.NoError(t, err)
	l := &lab{centre: auc.New(auc.Config{}), alg: c.Algorithm()}
	require.NoError(t, l.centre.Put(auc.Subscriber{IMSI: labIMSI, Algorithm: l.alg, SQN: 64}))
	cfg.Hooks.Reject = func(_ eapradius.Info, err error) { l.cause = err }
	l.handler = eapradius.New(eap.NewAuthenticator(aka.NewPrime(l.centre, method), aka.New(l.centre, method)), cfg)
	return l
}

func (l *lab) phone(t testing.TB, cfg eaptest.PeerConfig, usim eaptest.USIMConfig) *eaptest.Peer {
	t.Helper()
	if usim.Algorithm == nil {
		usim.Algorithm = l.alg
	}
	u, err := eaptest.NewUSIM(usim)
	require.NoError(t, err)
	cfg.USIM = u
	if !cfg.IMSI.IsValid() {
		cfg.IMSI = labIMSI
	}
	p, err := eaptest.NewPeer(cfg)
	require.NoError(t, err)
	return p
}

type writer struct{ reply *layeh.Packet }

func (w *writer) Write(p *layeh.Packet) error {
	w.reply = p
	return nil
}

// nas is an access point's side of one login.
type nas struct {
	state    []byte
	requests int
	request  *layeh.Packet
	reply    *layeh.Packet
	took     time.Duration // in the server
}

// send carries an EAP packet to the server and returns the one that comes back.
func (n *nas) send(t testing.TB, l *lab, pkt []byte) []byte {
	t.Helper()
	n.requests++
	n.request = layeh.New(layeh.CodeAccessRequest, []byte("a secret of some length"))
	require.NoError(t, rfc2865.UserName_SetString(n.request, "user"))
	require.NoError(t, rfc2865.NASIdentifier_SetString(n.request, "ap-1"))
	require.NoError(t, rfc2865.CallingStationID_SetString(n.request, "02-00-00-00-00-01"))
	n.request.Add(rfc4072.EAPKeyName_Type, []byte{0})
	if n.state != nil {
		n.request.Add(rfc2865.State_Type, n.state)
	}
	if len(pkt) == 0 {
		n.request.Add(rfc2869.EAPMessage_Type, nil)
	} else {
		require.NoError(t, rfc2869.EAPMessage_Set(n.request, pkt))
	}
	w := &writer{}
	r := &layeh.Request{RemoteAddr: &net.UDPAddr{IP: net.IPv4(192, 0, 2, 1)}, Packet: n.request}
	begun := time.Now()
	l.handler.ServeRADIUS(w, r)
	n.took += time.Since(begun)
	n.reply = w.reply
	if w.reply == nil {
		return nil
	}
	n.state = rfc2865.State_Get(w.reply)
	b, err := rfc2869.EAPMessage_Lookup(w.reply)
	require.NoError(t, err)
	return b
}

// login lets the phone log in. The identity is asked for by the server if
// start is true, else by the NAS. What comes of a lie may make no sense to the
// phone.
func (l *lab) login(t testing.TB, p *eaptest.Peer, start bool) *nas {
	t.Helper()
	n := &nas{}
	pkt := []byte{1, 100, 0, 5, 1}
	if start {
		pkt = n.send(t, l, nil)
	}
	p.Reset()
	for range 20 {
		response, _ := p.Handle(pkt)
		if response == nil {
			break
		}
		pkt = n.send(t, l, bytes.Clone(response))
		if n.reply == nil || n.reply.Code == layeh.CodeAccessChallenge && rfc3576.ErrorCause_Get(n.reply) == 202 {
			break // the phone would say the same again
		}
	}
	return n
}

// admitted checks an Access-Accept against what the phone has.
func (n *nas) admitted(t testing.TB, p *eaptest.Peer) {
	t.Helper()
	require.Equal(t, layeh.CodeAccessAccept, n.reply.Code)
	require.Equal(t, eaptest.Succeeded, p.Status())
	want, ok := p.Result()
	require.True(t, ok)
	require.Equal(t, want.MSK[:32], microsoft.MSMPPERecvKey_Get(n.reply, n.request))
	require.Equal(t, want.MSK[32:], microsoft.MSMPPESendKey_Get(n.reply, n.request))
	require.Equal(t, want.SessionID, rfc4072.EAPKeyName_Get(n.reply))
	require.Equal(t, "user", rfc2865.UserName_GetString(n.reply))
}

// rooms are the ways in which a conversation may wait: in the process, or in
// its State.
func rooms() map[string]eapradius.Config {
	return map[string]eapradius.Config{"table": {}, "sealed": {StateKeys: keyring.NewRandom()}}
}

func TestRealLogin(t *testing.T) {
	aka2, prime := []eap.Type{eap.TypeAKA}, []eap.Type{eap.TypeAKAPrime}
	const realm = "@wlan.mnc001.mcc001.3gppnetwork.org"
	for name, c := range map[string]struct {
		peer     eaptest.PeerConfig
		usim     eaptest.USIMConfig
		method   aka.Config
		start    bool
		requests int
	}{
		"EAP-AKA":                {peer: eaptest.PeerConfig{Methods: aka2}, requests: 2},
		"EAP-AKA'":               {peer: eaptest.PeerConfig{Methods: prime}, requests: 2},
		"EAP-AKA, EAP-Start":     {peer: eaptest.PeerConfig{Methods: aka2}, start: true, requests: 3},
		"EAP-AKA', EAP-Start":    {peer: eaptest.PeerConfig{Methods: prime}, start: true, requests: 3},
		"EAP-AKA, resync":        {peer: eaptest.PeerConfig{Methods: aka2}, usim: eaptest.USIMConfig{SQN: 1 << 20}, requests: 3},
		"EAP-AKA', resync":       {peer: eaptest.PeerConfig{Methods: prime}, usim: eaptest.USIMConfig{SQN: 1 << 20}, requests: 3},
		"EAP-AKA, identity":      {peer: eaptest.PeerConfig{Methods: aka2}, method: aka.Config{AlwaysRequestIdentity: true}, requests: 3},
		"EAP-AKA', indications":  {peer: eaptest.PeerConfig{Methods: prime, ResultIndications: true}, method: aka.Config{ResultIndications: true}, requests: 3},
		"Nak to EAP-AKA":         {peer: eaptest.PeerConfig{Methods: aka2, Identity: "6001010000000001" + realm}, requests: 4},
		"Nak to EAP-AKA'":        {peer: eaptest.PeerConfig{Methods: prime, Identity: "0001010000000001" + realm}, requests: 4},
		"anonymous":              {peer: eaptest.PeerConfig{Methods: prime, Identity: "6anonymous" + realm}, requests: 3},
		"identity without sense": {peer: eaptest.PeerConfig{Methods: prime, Identity: "who?"}, requests: 3},
	} {
		for room, cfg := range rooms() {
			t.Run(name+"/"+room, func(t *testing.T) {
				l := newLab(t, cfg, c.method)
				p := l.phone(t, c.peer, c.usim)
				for range 2 {
					n := l.login(t, p, c.start)
					n.admitted(t, p)
					if c.usim.SQN == 0 {
						// The identity of the wrong digit costs a round more, which is
						// the method's business.
						require.LessOrEqual(t, n.requests, c.requests)
					}
				}
				require.Zero(t, l.handler.Conversations())
			})
		}
	}
}

func TestRealRefusals(t *testing.T) {
	other, err := milenage.New([16]byte{9}, [16]byte{9})
	require.NoError(t, err)
	refuse := func(r eap.Refusal) eapradius.Authorizer {
		return eapradius.AuthorizerFunc(func(context.Context, eapradius.Login) eapradius.Grant {
			return eapradius.Grant{Refusal: r, Attributes: layeh.Attributes{{Type: rfc2865.Class_Type, Attribute: []byte("class")}}}
		})
	}
	for name, c := range map[string]struct {
		peer eaptest.PeerConfig
		usim eaptest.USIMConfig
		cfg  eapradius.Config
		told aka.Notification
		err  error
	}{
		"wrong key":          {usim: eaptest.USIMConfig{Algorithm: other.Algorithm()}},
		"unknown subscriber": {peer: eaptest.PeerConfig{IMSI: eap.MustParseIMSI("001010000000002")}, told: 16384, err: aka.ErrUnknownSubscriber},
		"refused for now":    {cfg: eapradius.Config{Authorizer: refuse(eap.RefusalTemporary)}, told: 1026, err: aka.ErrRefused},
		"not subscribed":     {cfg: eapradius.Config{Authorizer: refuse(eap.RefusalNotSubscribed)}, told: 1031, err: aka.ErrRefused},
	} {
		for _, m := range []eap.Type{eap.TypeAKA, eap.TypeAKAPrime} {
			t.Run(name+", "+m.String(), func(t *testing.T) {
				l := newLab(t, c.cfg, aka.Config{})
				c.peer.Methods = []eap.Type{m}
				p := l.phone(t, c.peer, c.usim)
				n := l.login(t, p, false)
				require.Equal(t, layeh.CodeAccessReject, n.reply.Code)
				require.Equal(t, eaptest.Failed, p.Status())
				require.Len(t, n.reply.Attributes, 1)
				told, ok := p.Notification()
				require.Equal(t, c.told != 0, ok)
				require.Equal(t, c.told, told)
				require.Error(t, l.cause)
				if c.err != nil {
					require.ErrorIs(t, l.cause, c.err)
				}
				require.NotContains(t, l.cause.Error(), "000000000")
				require.Zero(t, l.handler.Conversations())
			})
		}
	}
}

// TestRealLies tells each lie over RADIUS.
func TestRealLies(t *testing.T) {
	for room, cfg := range rooms() {
		t.Run(room, func(t *testing.T) { realLies(t, cfg) })
	}
}

func realLies(t *testing.T, cfg eapradius.Config) {
	for _, lie := range eaptest.Lies() {
		for _, m := range []eap.Type{eap.TypeAKA, eap.TypeAKAPrime} {
			if !lie.For(m) {
				continue
			}
			t.Run(strings.Join([]string{m.String(), lie.At.String(), lie.Name}, "/"), func(t *testing.T) {
				l := newLab(t, cfg, aka.Config{
					AlwaysRequestIdentity: lie.IdentityRound, ResultIndications: lie.ResultIndications,
				})
				usim := eaptest.USIMConfig{}
				if lie.At == aka.SubtypeSyncFailure {
					usim.SQN = 1 << 20
				}
				p := l.phone(t, eaptest.PeerConfig{Methods: []eap.Type{m}, ResultIndications: lie.ResultIndications, Lie: &lie}, usim)
				n := l.login(t, p, true)
				switch lie.Want {
				case eaptest.WantSuccess:
					n.admitted(t, p)
				case eaptest.WantDiscard:
					if errors.Is(l.cause, eapradius.ErrRole) {
						break // in RADIUS it is told (RFC 3579, section 2.6.2)
					}
					if cfg.StateKeys != nil {
						require.Nil(t, n.reply, "the request is not known any more")
						return
					}
					require.Equal(t, layeh.CodeAccessChallenge, n.reply.Code)
					require.Equal(t, rfc3576.ErrorCause(202), rfc3576.ErrorCause_Get(n.reply))
				default:
					require.Equal(t, layeh.CodeAccessReject, n.reply.Code)
					_, told := p.Notification()
					require.Equal(t, lie.Want == eaptest.WantNotification, told)
				}
				if lie.Want != eaptest.WantSuccess {
					require.Empty(t, microsoft.MSMPPERecvKey_Get(n.reply, n.request))
				}
			})
		}
	}
}

// BenchmarkLogin is a whole login of two requests, with the phone, the making of
// its requests and the authentication centre.
// BenchmarkPrivacy tells what pseudonyms and a sealed State add to the server's part of a full
// login, and what a fast re-authentication takes of it: one of each after the other, so that
// whatever disturbs one disturbs all.
func BenchmarkPrivacy(b *testing.B) {
	plain := newLab(b, eapradius.Config{}, aka.Config{NoPseudonyms: true})
	private := newLab(b, eapradius.Config{StateKeys: keyring.NewRandom()}, aka.Config{})
	again := newLab(b, eapradius.Config{StateKeys: keyring.NewRandom()}, aka.Config{
		Reauth: aka.NewMemoryReauthStore(0), ReauthLimits: aka.ReauthLimits{Count: 60000, Age: time.Hour},
	})
	akaOnly := eaptest.PeerConfig{Methods: []eap.Type{eap.TypeAKA}}
	kinds := []struct {
		name  string
		lab   *lab
		phone *eaptest.Peer
		took  time.Duration
	}{
		{"plain", plain, plain.phone(b, akaOnly, eaptest.USIMConfig{}), 0},
		{"private", private, private.phone(b, akaOnly, eaptest.USIMConfig{}), 0},
		{"reauthentication", again, again.phone(b, akaOnly, eaptest.USIMConfig{}), 0},
	}
	n := 0
	for b.Loop() {
		n++
		for i := range kinds {
			k := &kinds[i]
			login := k.lab.login(b, k.phone, false)
			if login.reply.Code != layeh.CodeAccessAccept {
				b.Fatal(k.name, login.reply.Code, k.lab.cause)
			}
			k.took += login.took
		}
	}
	for _, k := range kinds {
		b.ReportMetric(float64(k.took.Nanoseconds())/1e3/float64(n), k.name+"-µs/login")
	}
	b.ReportMetric(float64((kinds[1].took-kinds[0].took).Nanoseconds())/1e3/float64(n), "privacy-adds-µs/login")
}

func BenchmarkLogin(b *testing.B) {
	for _, m := range []eap.Type{eap.TypeAKA, eap.TypeAKAPrime} {
		for room, cfg := range rooms() {
			b.Run(m.String()+"/"+room, func(b *testing.B) {
				l := newLab(b, cfg, aka.Config{})
				p := l.phone(b, eaptest.PeerConfig{Methods: []eap.Type{m}}, eaptest.USIMConfig{})
				b.ReportAllocs()
				for b.Loop() {
					if n := l.login(b, p, false); n.reply.Code != layeh.CodeAccessAccept {
						b.Fatal(n.reply.Code, l.cause)
					}
				}
			})
		}
	}
}
