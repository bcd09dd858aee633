package swx

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/aka"
	"github.com/opentwag/twag/diameter/wire"
	"github.com/opentwag/twag/eap"
)

// fakeNode answers with a function in place of a network.
type fakeNode struct {
	answer   func(ctx context.Context, req wire.Message) (wire.Message, error)
	sessions atomic.Uint32
}

func (n *fakeNode) Exchange(ctx context.Context, req wire.Message) (wire.Message, error) {
	return n.answer(ctx, req)
}

func (n *fakeNode) Origin() (host, realm string) { return "aaa1.example", "example" }

func (n *fakeNode) NewSessionID() string {
	return fmt.Sprintf("aaa1.example;1;%d", n.sessions.Add(1))
}

// answering returns a node that answers with m.
func answering(t testing.TB, m MAA) *fakeNode {
	return &fakeNode{answer: func(_ context.Context, req wire.Message) (wire.Message, error) {
		return m.Encode(nil, req.Header())
	}}
}

const testIMSI = "001010000000001"

func testRequest(scheme aka.Scheme) aka.VectorRequest {
	req := aka.VectorRequest{IMSI: eap.MustParseIMSI(testIMSI), Scheme: scheme}
	if scheme == aka.SchemeAKAPrime {
		req.NetworkName = "WLAN"
	}
	return req
}

// goodMAA is a plain success with n vectors, that fits both schemes.
func goodMAA(n byte) MAA {
	m := MAA{ResultCode: ResultSuccess, OriginHost: []byte("hss1.example"), OriginRealm: []byte("example"), NumberAuthItems: uint32(n)}
	for i := range n {
		it := testItem(i + 1)
		it.Scheme = nil
		m.Items = append(m.Items, it)
	}
	return m
}

func TestRequests(t *testing.T) {
	visited, err := eap.ParsePLMN("262", "01")
	require.NoError(t, err)
	scheme := func(s aka.Scheme) AuthItem { return AuthItem{Scheme: []byte(s.String())} }
	// standard is what every request has.
	standard := MAR{
		Head: Head{
			SessionID:        []byte("aaa1.example;1;1"),
			OriginHost:       []byte("aaa1.example"),
			OriginRealm:      []byte("example"),
			DestinationRealm: []byte("example"),
			UserName:         []byte(testIMSI),
		},
		NumberAuthItems: 1,
		Item:            scheme(aka.SchemeAKA),
	}
	prime := standard
	prime.ANID = []byte("WLAN")
	prime.Item = scheme(aka.SchemeAKAPrime)
	with := func(m MAR, edit func(*MAR)) MAR { edit(&m); return m }

	for _, tt := range []struct {
		name string
		cfg  Config
		req  func(*aka.VectorRequest)
		aka  aka.Scheme
		want MAR
	}{
		{name: "AKA", aka: aka.SchemeAKA, want: standard},
		{name: "AKA'", aka: aka.SchemeAKAPrime, want: prime},
		{
			name: "SIM, by quintets of AKA", aka: aka.SchemeSIM,
			req:  func(r *aka.VectorRequest) { r.Count = 3 },
			want: with(standard, func(m *MAR) { m.NumberAuthItems = 3 }),
		},
		{
			name: "AKA has no ANID", aka: aka.SchemeAKA,
			req:  func(r *aka.VectorRequest) { r.NetworkName = "WLAN" },
			want: standard,
		},
		{
			name: "ANID is the access's", aka: aka.SchemeAKAPrime,
			req:  func(r *aka.VectorRequest) { r.NetworkName = "HRPD" },
			want: with(prime, func(m *MAR) { m.ANID = []byte("HRPD") }),
		},
		{
			name: "realm and host", aka: aka.SchemeAKA,
			cfg: Config{Realm: "home.example", Host: "hss1.home.example"},
			want: with(standard, func(m *MAR) {
				m.DestinationRealm, m.DestinationHost = []byte("home.example"), []byte("hss1.home.example")
			}),
		},
		{
			name: "roaming", aka: aka.SchemeAKA,
			req:  func(r *aka.VectorRequest) { r.Peer.VisitedPLMN = visited },
			want: with(standard, func(m *MAR) { m.VisitedNetwork = []byte("mnc001.mcc262.3gppnetwork.org") }),
		},
		{
			name: "resync", aka: aka.SchemeAKA,
			req: func(r *aka.VectorRequest) {
				r.Resync = &aka.Resync{RAND: [16]byte{1, 2}, AUTS: [14]byte{3, 4}}
			},
			want: with(standard, func(m *MAR) {
				m.Item.Authorization = append([]byte{1, 2, 15: 0}, []byte{3, 4, 13: 0}...)
			}),
		},
		{
			name: "count", aka: aka.SchemeAKA,
			req:  func(r *aka.VectorRequest) { r.Count = 3 },
			want: with(standard, func(m *MAR) { m.NumberAuthItems = 3 }),
		},
		{
			name: "count is bounded", aka: aka.SchemeAKA,
			req:  func(r *aka.VectorRequest) { r.Count = 1 << 20 },
			want: with(standard, func(m *MAR) { m.NumberAuthItems = 5 }),
		},
		{
			name: "count is never negative", aka: aka.SchemeAKA,
			req:  func(r *aka.VectorRequest) { r.Count = -4 },
			want: standard,
		},
		{
			name: "vectors per request", aka: aka.SchemeAKA,
			cfg:  Config{VectorsPerRequest: 4},
			want: with(standard, func(m *MAR) { m.NumberAuthItems = 4 }),
		},
		{
			name: "realm of the home network", aka: aka.SchemeAKA,
			cfg:  Config{HomeRealms: true, Realm: "other.example", Host: "hss.other.example"},
			want: with(standard, func(m *MAR) { m.DestinationRealm = []byte("epc.mnc001.mcc001.3gppnetwork.org") }),
		},
		{
			name: "realm of the home network, MNC of three digits", aka: aka.SchemeAKA,
			cfg:  Config{HomeRealms: true, Identities: &eap.IdentityRules{MNCDigits: map[string]int{"001": 3}, Realms: []string{"x.example"}}},
			want: with(standard, func(m *MAR) { m.DestinationRealm = []byte("epc.mnc010.mcc001.3gppnetwork.org") }),
		},
		{
			name: "the longest route", aka: aka.SchemeAKA,
			cfg: Config{HomeRealms: true, Host: "hss.example", Routes: []Route{
				{Prefix: "001", Realm: "short.example"},
				{Prefix: "00101000", Realm: "long.example", Host: "hss2.long.example"},
				{Prefix: "00102", Realm: "other.example"},
			}},
			want: with(standard, func(m *MAR) {
				m.DestinationRealm, m.DestinationHost = []byte("long.example"), []byte("hss2.long.example")
			}),
		},
		{
			name: "a route without a host", aka: aka.SchemeAKA,
			cfg:  Config{Host: "hss.example", Routes: []Route{{Prefix: "001", Realm: "short.example"}}},
			want: with(standard, func(m *MAR) { m.DestinationRealm = []byte("short.example") }),
		},
		{
			name: "no route", aka: aka.SchemeAKA,
			cfg:  Config{Realm: "home.example", Routes: []Route{{Prefix: "00102", Realm: "other.example"}}},
			want: with(standard, func(m *MAR) { m.DestinationRealm = []byte("home.example") }),
		},
		{
			name: "profile: NAI in the realm of the home network", aka: aka.SchemeAKA,
			cfg: Config{Profile: Profile{UserName: UserNameNAI}},
			want: with(standard, func(m *MAR) {
				m.UserName = []byte("0" + testIMSI + "@nai.epc.mnc001.mcc001.3gppnetwork.org")
			}),
		},
		{
			name: "profile: Auth-Application-Id first", aka: aka.SchemeAKA,
			cfg:  Config{Profile: Profile{Application: ApplicationAuthFirst}},
			want: with(standard, func(m *MAR) { m.Application = ApplicationAuthFirst }),
		},
		{
			name: "profile: Auth-Application-Id only, state", aka: aka.SchemeAKA,
			cfg:  Config{Profile: Profile{Application: ApplicationAuth, SessionState: StateMaintained}},
			want: with(standard, func(m *MAR) { m.Application, m.SessionState = ApplicationAuth, StateMaintained }),
		},
		{
			name: "profile: both, no Auth-Session-State", aka: aka.SchemeAKA,
			cfg:  Config{Profile: Profile{Application: ApplicationBoth, SessionState: StateAbsent}},
			want: with(standard, func(m *MAR) { m.Application, m.SessionState = ApplicationBoth, StateAbsent }),
		},
		{
			name: "profile: no ANID", aka: aka.SchemeAKAPrime,
			cfg:  Config{Profile: Profile{OmitANID: true}},
			want: with(prime, func(m *MAR) { m.ANID = nil }),
		},
		{
			name: "profile: NAI for AKA'", aka: aka.SchemeAKAPrime,
			cfg:  Config{Profile: Profile{UserName: UserNameNAI, NAIRealm: "nai.example"}},
			want: with(prime, func(m *MAR) { m.UserName = []byte("6" + testIMSI + "@nai.example") }),
		},
		{
			name: "profile: NAI for AKA", aka: aka.SchemeAKA,
			cfg: Config{Profile: Profile{UserName: UserNameNAI, NAIRealm: strings.Repeat("long.", 40) + "example"}},
			want: with(standard, func(m *MAR) {
				m.UserName = []byte("0" + testIMSI + "@" + strings.Repeat("long.", 40) + "example")
			}),
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var sent wire.Message
			node := &fakeNode{answer: func(_ context.Context, req wire.Message) (wire.Message, error) {
				sent = bytes.Clone(req)
				m := goodMAA(1)
				return m.Encode(nil, req.Header())
			}}
			req := testRequest(tt.aka)
			if tt.req != nil {
				tt.req(&req)
			}
			_, err := NewClient(node, tt.cfg).Vectors(t.Context(), req)
			require.NoError(t, err)
			var got MAR
			require.NoError(t, got.Decode(sent), "an HSS takes it")
			require.Equal(t, tt.want, got)
		})
	}
}

// The samples' requests come out of a client octet for octet.
func TestRequestsAreTheSamples(t *testing.T) {
	const realm = "epc.mnc044.mcc555.3gppnetwork.org"
	var resync aka.Resync
	_, err := hex.Decode(resync.RAND[:], []byte("81e92b6c0ee0e12ebceba8d92a99dfa5"))
	require.NoError(t, err)
	_, err = hex.Decode(resync.AUTS[:], []byte("c2920fe2573f19f091a1114221b1"))
	require.NoError(t, err)
	imsi := eap.MustParseIMSI("555444333222111")
	for _, tt := range []struct {
		name string
		cfg  Config
		req  aka.VectorRequest
	}{
		{"MAR EAP-AKA'", Config{}, aka.VectorRequest{IMSI: imsi, Scheme: aka.SchemeAKAPrime, NetworkName: "WLAN"}},
		{"MAR resynchronisation (EAP-AKA)", Config{Host: "hss1." + realm}, aka.VectorRequest{IMSI: imsi, Scheme: aka.SchemeAKA, Resync: &resync}},
	} {
		want := sample(t, tt.name)
		sid, ok := want.Find(codeSessionID, 0)
		require.True(t, ok)
		node := sampleNode{sid: string(sid.Data), realm: realm}
		tt.cfg.Realm = realm
		msg, err := NewClient(node, tt.cfg).request(nil, &tt.req, false)
		require.NoError(t, err)
		msg.SetHopByHop(want.Header().HopByHop)
		msg.SetEndToEnd(want.Header().EndToEnd)
		require.Equal(t, hex.EncodeToString(want), hex.EncodeToString(msg), tt.name)
	}
}

// sampleNode is the node of the samples.
type sampleNode struct{ sid, realm string }

func (sampleNode) Exchange(context.Context, wire.Message) (wire.Message, error) {
	return nil, errors.ErrUnsupported
}
func (n sampleNode) Origin() (host, realm string) { return "aaa1." + n.realm, n.realm }
func (n sampleNode) NewSessionID() string         { return n.sid }

func TestRequestsThatAreNotSent(t *testing.T) {
	node := &fakeNode{answer: func(context.Context, wire.Message) (wire.Message, error) {
		t.Error("sent")
		return nil, errors.ErrUnsupported
	}}
	c := NewClient(node, Config{})
	for _, tt := range []struct {
		name string
		req  aka.VectorRequest
		want error
	}{
		{"no IMSI", aka.VectorRequest{Scheme: aka.SchemeAKA}, aka.ErrUnknownSubscriber},
		{"no scheme", aka.VectorRequest{IMSI: eap.MustParseIMSI(testIMSI)}, aka.ErrSchemeNotSupported},
		{"AKA' without a name", aka.VectorRequest{IMSI: eap.MustParseIMSI(testIMSI), Scheme: aka.SchemeAKAPrime}, aka.ErrUnavailable},
	} {
		_, err := c.Vectors(t.Context(), tt.req)
		requireOnly(t, err, tt.want)
	}
}

// Quintets of EAP-AKA serve EAP-SIM, also when they say what they are; others
// do not.
func TestVectorsForSIM(t *testing.T) {
	m := goodMAA(3)
	for name, ok := range map[string]bool{"EAP-AKA": true, "EAP-SIM": false, "EAP-AKA'": false} {
		for i := range m.Items {
			m.Items[i].Scheme = []byte(name)
		}
		vectors, err := NewClient(answering(t, m), Config{}).Vectors(t.Context(), testRequest(aka.SchemeSIM))
		if !ok {
			require.ErrorIs(t, err, aka.ErrSchemeNotSupported, name)
			continue
		}
		require.NoError(t, err, name)
		require.Len(t, vectors, 3)
	}
}

func TestVectorsByProfile(t *testing.T) {
	for _, tt := range []struct {
		name    string
		profile Profile
		scheme  aka.Scheme
		primed  bool
	}{
		{"AKA", Profile{}, aka.SchemeAKA, false},
		{"AKA'", Profile{}, aka.SchemeAKAPrime, true},
		{"SIM", Profile{}, aka.SchemeSIM, false},
		{"AKA, plain keys", Profile{PlainKeys: true}, aka.SchemeAKA, false},
		{"AKA', plain keys", Profile{PlainKeys: true}, aka.SchemeAKAPrime, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := NewClient(answering(t, goodMAA(2)), Config{Profile: tt.profile})
			req := testRequest(tt.scheme)
			vectors, err := c.Vectors(t.Context(), req)
			require.NoError(t, err)
			require.Len(t, vectors, 2)
			for _, v := range vectors {
				require.Equal(t, tt.primed, v.Primed)
				if tt.primed {
					require.Equal(t, "WLAN", v.NetworkName)
				} else {
					require.Empty(t, v.NetworkName)
				}
			}
		})
	}
}

func TestUnusableAnswers(t *testing.T) {
	prime := goodMAA(1)
	prime.Items[0].Scheme = []byte("EAP-AKA'")
	short := goodMAA(1)
	short.Items[0].CK = short.Items[0].CK[:8]
	other := goodMAA(1)
	other.UserName = []byte("001010000000002")
	for _, tt := range []struct {
		name   string
		answer func(req wire.Message) (wire.Message, error)
		want   error
		text   string
	}{
		{"no vector", func(req wire.Message) (wire.Message, error) { m := base(2001); return m.Encode(nil, req.Header()) }, aka.ErrUnavailable, "success without a vector"},
		{"half a key", func(req wire.Message) (wire.Message, error) { return short.Encode(nil, req.Header()) }, aka.ErrUnavailable, "Confidentiality-Key: wrong length: 8"},
		{"another scheme", func(req wire.Message) (wire.Message, error) { return prime.Encode(nil, req.Header()) }, aka.ErrSchemeNotSupported, "another scheme"},
		{"another subscriber", func(req wire.Message) (wire.Message, error) { return other.Encode(nil, req.Header()) }, aka.ErrUnavailable, "another subscriber"},
		{"a request", func(req wire.Message) (wire.Message, error) { return req, nil }, aka.ErrUnavailable, "another command"},
		{"another command", func(req wire.Message) (wire.Message, error) {
			return wire.NewBuilder(nil, wire.Header{Command: 301, Application: ApplicationID}).Message()
		}, aka.ErrUnavailable, "another command"},
		{"nothing in it", func(req wire.Message) (wire.Message, error) {
			return wire.NewBuilder(nil, wire.Header{Command: 303, Application: ApplicationID}).Message()
		}, aka.ErrUnavailable, "neither result nor vectors"},
		{"torn", func(req wire.Message) (wire.Message, error) {
			m := goodMAA(1)
			msg, err := m.Encode(nil, req.Header())
			return msg[:len(msg)-2], err
		}, aka.ErrUnavailable, "decode"},
		{"no peer", func(wire.Message) (wire.Message, error) { return nil, errors.New("no peer") }, aka.ErrUnavailable, "no peer"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			node := &fakeNode{answer: func(_ context.Context, req wire.Message) (wire.Message, error) { return tt.answer(req) }}
			vectors, err := NewClient(node, Config{}).Vectors(t.Context(), testRequest(aka.SchemeAKA))
			require.Nil(t, vectors)
			requireOnly(t, err, tt.want)
			require.ErrorContains(t, err, tt.text)
			require.NotContains(t, err.Error(), testIMSI)
		})
	}
}

func TestTimeouts(t *testing.T) {
	silent := &fakeNode{answer: func(ctx context.Context, _ wire.Message) (wire.Message, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}}
	for _, tt := range []struct {
		name     string
		cfg      time.Duration
		deadline time.Duration // of the caller; 0: none
		want     time.Duration
	}{
		{"default", 0, 0, DefaultTimeout},
		{"configured", time.Second, 0, time.Second},
		{"the caller's is sooner", time.Minute, time.Second, time.Second},
		{"the caller's is later", time.Second, time.Minute, time.Second},
		{"only the caller's", -1, time.Hour, time.Hour},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx := t.Context()
				if tt.deadline > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, tt.deadline)
					defer cancel()
				}
				start := time.Now()
				_, err := NewClient(silent, Config{Timeout: tt.cfg}).Vectors(ctx, testRequest(aka.SchemeAKA))
				require.Equal(t, tt.want, time.Since(start))
				requireOnly(t, err, aka.ErrUnavailable)
				require.ErrorIs(t, err, context.DeadlineExceeded)
			})
		})
	}
	t.Run("the caller gives up", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := NewClient(silent, Config{}).Vectors(ctx, testRequest(aka.SchemeAKA))
		requireOnly(t, err, aka.ErrUnavailable)
		require.ErrorIs(t, err, context.Canceled)
	})
}

func TestHooksAndLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := &fakeNode{answer: func(_ context.Context, req wire.Message) (wire.Message, error) {
			time.Sleep(3 * time.Millisecond)
			m := goodMAA(2)
			return m.Encode(nil, req.Header())
		}}
		var out bytes.Buffer
		var infos []MARInfo
		cfg := Config{
			Logger: slog.New(slog.NewJSONHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug})),
			Hooks:  Hooks{MAR: func(_ context.Context, info MARInfo) { infos = append(infos, info) }},
		}
		req := testRequest(aka.SchemeAKAPrime)
		_, err := NewClient(node, cfg).Vectors(t.Context(), req)
		require.NoError(t, err)
		require.Equal(t, []MARInfo{{IMSI: req.IMSI, Scheme: req.Scheme, Vectors: 2, Elapsed: 3 * time.Millisecond}}, infos)
		var record map[string]any
		require.NoError(t, json.Unmarshal(out.Bytes(), &record))
		delete(record, "time")
		require.Equal(t, map[string]any{
			"level": "DEBUG", "msg": "SWx MAR", "imsi": "00101**********", "scheme": "EAP-AKA'",
			"resync": false, "takeover": false, "vectors": 2.0, "cached": 0.0, "elapsed": 3e6, "error": nil,
		}, record)

		refused := answering(t, exp(Vendor3GPP, 5001))
		req.Resync = &aka.Resync{}
		_, err = NewClient(refused, cfg).Vectors(t.Context(), req)
		require.ErrorIs(t, err, aka.ErrUnknownSubscriber)
		require.Len(t, infos, 2)
		require.True(t, infos[1].Resync)
		require.Equal(t, err, infos[1].Err)

		cfg.Logger = nil
		_, err = NewClient(node, cfg).Vectors(t.Context(), req)
		require.NoError(t, err)
		require.Len(t, infos, 3)
	})
}

func TestConfigValidate(t *testing.T) {
	for _, tt := range []struct {
		field string
		cfg   Config
	}{
		{"VectorsPerRequest", Config{VectorsPerRequest: 6}},
		{"VectorsPerRequest", Config{VectorsPerRequest: -1}},
		{"Profile.UserName", Config{Profile: Profile{UserName: 9}}},
		{"Profile.NAIRealm", Config{Profile: Profile{UserName: UserNameNAI, NAIRealm: "a realm"}}},
		{"Profile.Application", Config{Profile: Profile{Application: 4}}},
		{"Profile.SessionState", Config{Profile: Profile{SessionState: 3}}},
		{"Realm", Config{Realm: "home..example"}},
		{"Realm", Config{Realm: "-home.example"}},
		{"Realm", Config{Realm: strings.Repeat("a", 64) + ".example"}},
		{"Realm", Config{Realm: strings.Repeat("long.", 60) + "example"}},
		{"Realm", Config{Realm: "home.example\r\n"}},
		{"Host", Config{Host: "aaa://hss.example"}},
		{"Host", Config{Host: "."}},
		{"VectorAge", Config{VectorAge: -time.Second}},
		{"VectorAge", Config{VectorAge: 2 * time.Hour}},
		{"MaxCached", Config{MaxCached: -1}},
		{"Routes[1].Prefix", Config{Routes: []Route{{Prefix: "001", Realm: "a.example"}, {Prefix: "00", Realm: "b.example"}}}},
		{"Routes[0].Prefix", Config{Routes: []Route{{Prefix: "0010x", Realm: "a.example"}}}},
		{"Routes[0].Realm", Config{Routes: []Route{{Prefix: "001"}}}},
		{"Routes[0].Host", Config{Routes: []Route{{Prefix: "001", Realm: "a.example", Host: "a b"}}}},
		{"Identities", Config{Identities: &eap.IdentityRules{MNCDigits: map[string]int{"001": 4}}}},
	} {
		require.ErrorContains(t, tt.cfg.Validate(), tt.field)
		require.Panics(t, func() { NewClient(&fakeNode{}, tt.cfg) })
	}
	require.NoError(t, (&Config{}).Validate())
	require.NoError(t, (&Config{Realm: "EPC.mnc001.mcc001.3gppnetwork.org", Host: "hss_1"}).Validate())
	require.Equal(t, "IMSI NAI UserNameForm(9)", fmt.Sprint(UserNameIMSI, UserNameNAI, UserNameForm(9)))
}

func BenchmarkClient(b *testing.B) {
	ans := sample(b, "MAA EAP-AKA'")
	node := &fakeNode{answer: func(context.Context, wire.Message) (wire.Message, error) { return ans, nil }}
	ctx, cancel := context.WithTimeout(b.Context(), DefaultTimeout*100)
	defer cancel()
	c := NewClient(node, Config{Timeout: -1})
	req := aka.VectorRequest{IMSI: eap.MustParseIMSI("555444333222111"), Scheme: aka.SchemeAKAPrime, NetworkName: "WLAN"}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Vectors(ctx, req); err != nil {
			b.Fatal(err)
		}
	}
}
