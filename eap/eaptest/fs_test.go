package eaptest

import (
	"crypto/ecdh"
	"encoding/hex"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/aka"
	"github.com/opentwag/twag/aka/auc"
	"github.com/opentwag/twag/eap"
)

func groups(g ...aka.FSGroup) []aka.FSGroup { return g }

func TestForwardSecrecyLogin(t *testing.T) {
	const off, offered, required = aka.FSOff, aka.FSOffered, aka.FSRequired
	for _, c := range []struct {
		name       string
		server     aka.Config
		peer       PeerConfig
		sqn        uint64
		want       aka.FSGroup
		challenges int
		err        error // of the server, if the login fails
	}{
		{name: "default order", server: aka.Config{ForwardSecrecy: offered}, peer: PeerConfig{ForwardSecrecy: offered}, want: aka.FSP256},
		{name: "X25519", server: aka.Config{ForwardSecrecy: offered, FSGroups: groups(aka.FSX25519)}, peer: PeerConfig{ForwardSecrecy: offered}, want: aka.FSX25519},
		{name: "P-256", server: aka.Config{ForwardSecrecy: required, FSGroups: groups(aka.FSP256)}, peer: PeerConfig{ForwardSecrecy: required}, want: aka.FSP256},
		{name: "the peer wants the other, X25519", server: aka.Config{ForwardSecrecy: offered}, peer: PeerConfig{ForwardSecrecy: offered, FSGroups: groups(aka.FSX25519)}, want: aka.FSX25519, challenges: 2},
		{name: "the peer wants the other, P-256", server: aka.Config{ForwardSecrecy: required, FSGroups: groups(aka.FSX25519, aka.FSP256)}, peer: PeerConfig{ForwardSecrecy: required, FSGroups: groups(aka.FSP256)}, want: aka.FSP256, challenges: 2},
		{name: "nothing in common, both may do without", server: aka.Config{ForwardSecrecy: offered, FSGroups: groups(aka.FSP256)}, peer: PeerConfig{ForwardSecrecy: offered, FSGroups: groups(aka.FSX25519)}},
		{name: "nothing in common, the server must", server: aka.Config{ForwardSecrecy: required, FSGroups: groups(aka.FSP256)}, peer: PeerConfig{ForwardSecrecy: offered, FSGroups: groups(aka.FSX25519)}, err: aka.ErrMissing},
		{name: "nothing in common, the peer must", server: aka.Config{ForwardSecrecy: offered, FSGroups: groups(aka.FSP256)}, peer: PeerConfig{ForwardSecrecy: required, FSGroups: groups(aka.FSX25519)}, err: aka.ErrAuthReject},
		{name: "server off", peer: PeerConfig{ForwardSecrecy: offered}},
		{name: "server off, the peer must", peer: PeerConfig{ForwardSecrecy: required}, err: aka.ErrAuthReject},
		{name: "peer without", server: aka.Config{ForwardSecrecy: offered}, peer: PeerConfig{ForwardSecrecy: off}},
		{name: "peer without, the server must", server: aka.Config{ForwardSecrecy: required}, peer: PeerConfig{ForwardSecrecy: off}, err: aka.ErrMissing},
		{name: "resynchronisation", server: aka.Config{ForwardSecrecy: offered}, peer: PeerConfig{ForwardSecrecy: offered}, sqn: 5000, want: aka.FSP256, challenges: 2},
		{name: "another group, then resynchronisation", server: aka.Config{ForwardSecrecy: offered}, peer: PeerConfig{ForwardSecrecy: offered, FSGroups: groups(aka.FSX25519)}, sqn: 5000, want: aka.FSX25519, challenges: 3},
		{name: "result indications", server: aka.Config{ForwardSecrecy: offered, ResultIndications: true}, peer: PeerConfig{ForwardSecrecy: offered, ResultIndications: true}, want: aka.FSP256},
		{name: "identity round", server: aka.Config{ForwardSecrecy: offered, AlwaysRequestIdentity: true}, peer: PeerConfig{ForwardSecrecy: offered}, want: aka.FSP256},
	} {
		t.Run(c.name, func(t *testing.T) {
			var verified []aka.FSGroup
			c.server.Hooks.Verified = func(e aka.Event) { verified = append(verified, e.FSGroup) }
			s := newServer(t, c.server, auc.KeysPrimed, eap.TypeAKAPrime)
			c.peer.Methods = []eap.Type{eap.TypeAKAPrime}
			c.peer.USIM = newUSIM(t, USIMConfig{SQN: c.sqn})
			p := newPeer(t, c.peer)
			for range 2 { // the second as the first: nothing is left over
				verified = nil
				c.peer.USIM.SetSQN(max(c.sqn, c.peer.USIM.SQN()))
				o := s.login(t, p)
				if c.err != nil {
					require.Equal(t, eap.OutcomeFailure, o.Kind)
					require.ErrorIs(t, o.Err, c.err)
					require.Empty(t, verified)
					n, found := s.notification()
					require.Equal(t, c.err == aka.ErrMissing, found && n == aka.NotifyFailure)
					c.sqn = 0
					continue
				}
				require.Equal(t, eap.OutcomeSuccess, o.Kind, o.Err)
				want, ok := p.Result()
				require.True(t, ok)
				require.Equal(t, want, *o.Result)
				require.Equal(t, []aka.FSGroup{c.want}, verified)
				require.Equal(t, c.want, p.FSGroup())
				if c.sqn == 0 {
					require.Equal(t, max(c.challenges, 1), s.count(aka.SubtypeChallenge))
				}
			}
		})
	}
}

// A public value is used once: not in another login, nor in another challenge.
func TestFreshPublicValues(t *testing.T) {
	s := newServer(t, aka.Config{ForwardSecrecy: aka.FSOffered}, auc.KeysPrimed, eap.TypeAKAPrime)
	p := newPeer(t, PeerConfig{
		ForwardSecrecy: aka.FSOffered, FSGroups: groups(aka.FSX25519),
		Methods: []eap.Type{eap.TypeAKAPrime}, USIM: newUSIM(t, USIMConfig{SQN: 5000}),
	})
	seen := map[string]bool{}
	n := 0
	for range 5 {
		s.login(t, p)
		for _, q := range s.seen {
			m, err := aka.Decode(q)
			if err != nil || !m.Has(aka.AttrPubECDHE) {
				continue
			}
			seen[string(m.PubECDHE)] = true
			n++
		}
	}
	require.Greater(t, n, 10)
	require.Len(t, seen, n)
}

// What whoever has recorded a login and gets hold of the long-term key
// afterwards can compute of its MSK: with forward secrecy everything but the
// MSK, in the very same way all of it without (RFC 9678, section 7).
func TestForwardSecrecyAgainstTheLongTermKey(t *testing.T) {
	for _, g := range []aka.FSGroup{0, aka.FSX25519, aka.FSP256} {
		t.Run(g.String(), func(t *testing.T) {
			cfg := aka.Config{ForwardSecrecy: aka.FSOff, ResultIndications: true}
			if g != 0 {
				cfg.ForwardSecrecy, cfg.FSGroups = aka.FSRequired, groups(g)
			}
			s := newServer(t, cfg, auc.KeysPrimed, eap.TypeAKAPrime)
			p := newPeer(t, PeerConfig{
				ForwardSecrecy: aka.FSOffered, Methods: []eap.Type{eap.TypeAKAPrime}, ResultIndications: true,
			})
			o := s.login(t, p)
			require.Equal(t, eap.OutcomeSuccess, o.Kind)

			// From here on: the recording s.seen and the long-term key.
			algorithm := set19(t)
			var identity string
			var ck, ik [16]byte
			var public [2][]byte // of server and peer
			var keys []aka.Keys
			macs := 0
			for _, q := range s.seen {
				if q.Type == eap.TypeIdentity && q.Code == eap.CodeResponse {
					identity = string(q.Data)
				}
				m, err := aka.Decode(q)
				if err != nil {
					continue
				}
				if m.Subtype == aka.SubtypeChallenge {
					if m.Code == eap.CodeRequest {
						out := algorithm.F2345([16]byte(m.RAND))
						ck, ik = aka.PrimeKeys(out.CK, out.IK, string(m.KDFInput), [16]byte(m.AUTN))
						public[0] = m.PubECDHE
					} else {
						public[1] = m.PubECDHE
					}
					keys = attack(identity, ck, ik, public[0], public[1])
				}
				if m.Has(aka.AttrMAC) {
					require.NoError(t, m.VerifyMAC(&keys[0], nil), "the derivation is the right one: K_aut is known")
					macs++
				}
			}
			require.Equal(t, 4, macs, "challenge and notification, and the answers")
			known := func(k aka.Keys) bool { return k.MSK == o.Result.MSK || k.EMSK == o.Result.EMSK }
			if g == 0 {
				require.True(t, slices.ContainsFunc(keys, known), "EAP-AKA' has no forward secrecy")
				return
			}
			require.NotNil(t, public[0])
			require.NotNil(t, public[1])
			require.Greater(t, len(keys), 10)
			require.False(t, slices.ContainsFunc(keys, known))
			for _, k := range keys {
				require.NotEqual(t, p.Keys().KRe, k.KRe)
			}
			// The only thing that it lacks is the shared secret.
			require.True(t, p.Keys().KAut == keys[0].KAut && p.Keys().KEncr == keys[0].KEncr)
		})
	}
}

// attack returns all keys that can be derived from CK', IK' and the public
// values: with every derivation there is, and for a shared secret everything
// that was sent.
func attack(identity string, ck, ik [16]byte, public ...[]byte) []aka.Keys {
	keys := []aka.Keys{aka.AKAPrimeKeys(identity, ck, ik), aka.AKAKeys(identity, ck, ik)}
	secrets := [][32]byte{{}}
	for i, p := range public {
		if p == nil {
			continue
		}
		secrets = append(secrets, [32]byte(p[:32]), [32]byte(p[1:33]))
		// One's value with one's value, as keys of each other.
		for _, q := range public[i:] {
			if q == nil {
				continue
			}
			for _, scalar := range [][]byte{p[:32], p[1:33]} {
				for _, g := range []aka.FSGroup{aka.FSX25519, aka.FSP256} {
					curve := ecdh.X25519()
					if g == aka.FSP256 {
						curve = ecdh.P256()
					}
					k, err := curve.NewPrivateKey(scalar)
					if err != nil {
						continue
					}
					if remote, err := decodePublic(g, q); err == nil {
						if s, err := k.ECDH(remote); err == nil {
							secrets = append(secrets, [32]byte(s))
						}
					}
				}
			}
		}
	}
	for _, s := range secrets {
		keys = append(keys, aka.AKAPrimeFSKeys(identity, ck, ik, s))
	}
	return keys
}

// What follows in a fast re-authentication is as safe as the login was (RFC
// 9678, section 7.2): K_encr, and so NONCE_S, falls to whoever has the
// long-term key, K_re does not.
func TestForwardSecrecyThenReauthentication(t *testing.T) {
	for _, g := range []aka.FSGroup{0, aka.FSX25519, aka.FSP256} {
		t.Run(g.String(), func(t *testing.T) {
			cfg := aka.Config{Reauth: aka.NewMemoryReauthStore(10)}
			if g != 0 {
				cfg.ForwardSecrecy, cfg.FSGroups = aka.FSRequired, groups(g)
			}
			s := newServer(t, cfg, auc.KeysPrimed, eap.TypeAKAPrime)
			p := newPeer(t, PeerConfig{ForwardSecrecy: aka.FSOffered, Methods: []eap.Type{eap.TypeAKAPrime}})
			o := s.login(t, p)
			require.Equal(t, eap.OutcomeSuccess, o.Kind, o.Err)
			out := set19(t).F2345(p.rand)
			ck, ik := aka.PrimeKeys(out.CK, out.IK, "WLAN", p.autn)
			known := aka.AKAPrimeKeys(o.Result.Identity, ck, ik)
			for n := uint16(1); n <= 3; n++ {
				o = s.login(t, p)
				require.Equal(t, eap.OutcomeSuccess, o.Kind, o.Err)
				require.True(t, o.Result.Reauthenticated)
				want, ok := p.Result()
				require.True(t, ok)
				require.Equal(t, want, *o.Result)

				var attacked aka.Keys
				for _, q := range s.seen {
					m, err := aka.Decode(q)
					if err != nil || m.Subtype != aka.SubtypeReauthentication || m.Code != eap.CodeRequest {
						continue
					}
					plain, err := m.Decrypt(nil, &known)
					require.NoError(t, err)
					a, err := m.DecodeNested(plain)
					require.NoError(t, err)
					require.Equal(t, n, a.Counter)
					attacked = known.Reauth(o.Result.Identity, a.Counter, [16]byte(a.NonceS))
				}
				require.Equal(t, g == 0, attacked.MSK == o.Result.MSK)
				require.Equal(t, g == 0, attacked.EMSK == o.Result.EMSK)
			}
		})
	}
}

func TestForwardSecrecyLies(t *testing.T) {
	lies := FSLies()
	require.Len(t, lies, 22)
	for _, g := range lowOrder {
		value, err := hex.DecodeString(g)
		require.NoError(t, err)
		lies = append(lies, Lie{
			Name: "X25519 point of small order " + g[:8], At: aka.SubtypeChallenge, Want: WantNotification,
			Edit: func(_ *Peer, d *Draft) {
				d.Remove(aka.AttrPubECDHE)
				d.Add(aka.AttrPubECDHE, append(slices.Clone(value), 0, 0)...)
			},
		})
	}
	for _, lie := range lies {
		t.Run(lie.Name, func(t *testing.T) {
			cfg := aka.Config{
				ForwardSecrecy: aka.FSOffered, ResultIndications: lie.ResultIndications,
				AlwaysRequestIdentity: lie.IdentityRound,
			}
			if lie.Source == "" {
				cfg.FSGroups = groups(aka.FSX25519)
			}
			s := newServer(t, cfg, auc.KeysPrimed, eap.TypeAKAPrime)
			p := newPeer(t, PeerConfig{
				ForwardSecrecy: aka.FSOffered, Methods: []eap.Type{eap.TypeAKAPrime},
				ResultIndications: lie.ResultIndications, Lie: &lie,
			})
			o := s.tell(t, p)
			n, told := s.notification()
			switch lie.Want {
			case WantSuccess:
				require.Equal(t, eap.OutcomeSuccess, o.Kind, o.Err)
				if lie.At == aka.SubtypeChallenge {
					require.Equal(t, p.Keys().MSK, o.Result.MSK)
					require.NotZero(t, p.FSGroup())
				}
			default:
				require.Equal(t, eap.OutcomeFailure, o.Kind)
				require.True(t, told)
				require.Equal(t, aka.NotifyFailure, n)
			}
		})
	}
}

// lowOrder are the points of small order, and those that are the same once
// reduced, of X25519 (RFC 7748, section 6.1: all give zero).
var lowOrder = []string{
	"0000000000000000000000000000000000000000000000000000000000000000",
	"0100000000000000000000000000000000000000000000000000000000000000",
	"e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
	"5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
}

// A peer that sends a bad public value once gets another challenge, and may do
// better.
func TestStartsAgain(t *testing.T) {
	for _, once := range []bool{true, false} {
		told := 0
		lie := Lie{At: aka.SubtypeChallenge, Edit: func(_ *Peer, d *Draft) {
			told++
			if told == 1 || !once {
				d.Value(aka.AttrPubECDHE)[0] = 9
			}
		}}
		s := newServer(t, aka.Config{ForwardSecrecy: aka.FSRequired}, auc.KeysPrimed, eap.TypeAKAPrime)
		p := newPeer(t, PeerConfig{ForwardSecrecy: aka.FSRequired, Methods: []eap.Type{eap.TypeAKAPrime}, Lie: &lie})
		o := s.tell(t, p)
		if once {
			require.Equal(t, eap.OutcomeSuccess, o.Kind, o.Err)
			want, ok := p.Result()
			require.True(t, ok)
			require.Equal(t, want, *o.Result)
			require.Equal(t, 2, s.count(aka.SubtypeChallenge))
			continue
		}
		require.Equal(t, eap.OutcomeFailure, o.Kind)
		require.ErrorIs(t, o.Err, aka.ErrPublicValue)
		require.Equal(t, 1, s.count(aka.SubtypeNotification))
	}
}

func TestForwardSecrecyConfig(t *testing.T) {
	u := newUSIM(t, USIMConfig{})
	for _, cfg := range []PeerConfig{
		{ForwardSecrecy: 3}, {FSGroups: groups(0)}, {FSGroups: groups(aka.FSP256, 3)},
	} {
		cfg.USIM, cfg.IMSI = u, testIMSI
		_, err := NewPeer(cfg)
		require.ErrorIs(t, err, ErrPeer)
	}
}

// How the peer judges a server's list, by scripted challenges.
func TestPeerJudgesFSLists(t *testing.T) {
	key, err := ecdh.P256().NewPrivateKey(append(make([]byte, 31), 9))
	require.NoError(t, err)
	good := encodePublic(aka.FSP256, key.PublicKey())
	type offer struct {
		list   []uint16
		public []byte
	}
	p256 := offer{[]uint16{2}, good[:]}
	for _, c := range []struct {
		name   string
		peer   PeerConfig
		offers []offer
		sqn    uint64
		want   aka.Subtype // of the last response
		group  aka.FSGroup
		err    error
	}{
		{name: "taken", offers: []offer{p256}, want: aka.SubtypeChallenge, group: 2},
		{name: "no AT_PUB_ECDHE", offers: []offer{{[]uint16{2}, nil}}, want: aka.SubtypeChallenge},
		{name: "no AT_KDF_FS", offers: []offer{{nil, good[:]}}, want: aka.SubtypeChallenge},
		{name: "no AT_KDF_FS, required", peer: PeerConfig{ForwardSecrecy: aka.FSRequired}, offers: []offer{{nil, good[:]}}, want: aka.SubtypeAuthReject, err: ErrForwardSecrecy},
		{name: "duplicate", offers: []offer{{[]uint16{2, 1, 2}, good[:]}}, want: aka.SubtypeAuthReject, err: aka.ErrKDF},
		{name: "unknown ones only", offers: []offer{{[]uint16{7, 8}, make([]byte, 98)}}, want: aka.SubtypeChallenge},
		{name: "an unknown one, longer, in front", offers: []offer{{[]uint16{7, 2}, make([]byte, 98)}, {[]uint16{2, 7, 2}, good[:]}}, want: aka.SubtypeChallenge, group: 2},
		{name: "no change though asked for", offers: []offer{{[]uint16{7, 2}, good[:]}, {[]uint16{7, 2}, good[:]}}, want: aka.SubtypeClientError, err: aka.ErrKDF},
		{name: "another change than asked for", offers: []offer{{[]uint16{7, 2, 1}, good[:]}, {[]uint16{1, 7, 2, 1}, good[:]}}, want: aka.SubtypeClientError, err: aka.ErrKDF},
		{name: "more than the change asked for", offers: []offer{{[]uint16{7, 2}, good[:]}, {[]uint16{2, 7, 2, 1}, good[:]}}, want: aka.SubtypeClientError, err: aka.ErrKDF},
		{name: "nothing after a change", offers: []offer{{[]uint16{7, 2}, good[:]}, {}}, want: aka.SubtypeClientError, err: aka.ErrKDF},
		{name: "another list after resynchronisation", sqn: 1 << 40, offers: []offer{p256, {[]uint16{2, 1}, good[:]}}, want: aka.SubtypeClientError, err: aka.ErrKDF},
		{name: "no list after resynchronisation", sqn: 1 << 40, offers: []offer{p256, {}}, want: aka.SubtypeClientError, err: aka.ErrKDF},
		{name: "a list after none", sqn: 1 << 40, offers: []offer{{}, p256}, want: aka.SubtypeClientError, err: aka.ErrKDF},
		{name: "off the curve", offers: []offer{{[]uint16{2}, append([]byte{2}, append(make([]byte, 31), 7, 0)...)}}, want: aka.SubtypeClientError, err: ErrForwardSecrecy},
		{name: "too short", offers: []offer{{[]uint16{2}, good[:30]}}, want: aka.SubtypeClientError, err: ErrForwardSecrecy},
		{name: "uncompressed", offers: []offer{{[]uint16{2}, append([]byte{4}, good[1:]...)}}, want: aka.SubtypeClientError, err: ErrForwardSecrecy},
		{name: "x not below the prime", offers: []offer{{[]uint16{2}, append([]byte{2}, append(p256P.Bytes(), 0)...)}}, want: aka.SubtypeClientError, err: ErrForwardSecrecy},
		{name: "X25519 of zeros", offers: []offer{{[]uint16{1}, make([]byte, 34)}}, want: aka.SubtypeClientError, err: ErrForwardSecrecy},
	} {
		t.Run(c.name, func(t *testing.T) {
			centre := auc.New(auc.Config{Keys: auc.KeysPrimed})
			require.NoError(t, centre.Put(auc.Subscriber{IMSI: testIMSI, Algorithm: set19(t), SQN: 32}))
			c.peer.Methods = []eap.Type{eap.TypeAKAPrime}
			c.peer.USIM = newUSIM(t, USIMConfig{SQN: c.sqn})
			if c.peer.ForwardSecrecy == aka.FSOff {
				c.peer.ForwardSecrecy = aka.FSOffered
			}
			p := newPeer(t, c.peer)
			for i, o := range c.offers {
				v, err := centre.Vectors(t.Context(), aka.VectorRequest{IMSI: testIMSI, Scheme: aka.SchemeAKAPrime, NetworkName: "WLAN", Count: 1})
				require.NoError(t, err)
				if i > 0 && c.sqn != 0 {
					p.USIM().SetSQN(0)
				}
				keys := aka.AKAPrimeKeys(p.Identity(), v[0].CK, v[0].IK)
				b := aka.NewMessage(nil, eap.CodeRequest, uint8(i), eap.TypeAKAPrime, aka.SubtypeChallenge)
				b.Octets(aka.AttrRAND, v[0].RAND[:])
				b.Octets(aka.AttrAUTN, v[0].AUTN[:])
				b.KDFs(aka.NewKDFList(aka.KDFDefault))
				b.FSKDFs(aka.NewKDFList(o.list...))
				b.String(aka.AttrKDFInput, "WLAN")
				if o.public != nil {
					b.Octets(aka.AttrPubECDHE, o.public)
				}
				b.MAC(&keys, nil)
				pkt, err := b.Bytes()
				require.NoError(t, err)
				resp, err := p.Handle(pkt)
				require.NotNil(t, resp, err)
				if i < len(c.offers)-1 {
					require.NoError(t, err)
					continue
				}
				if c.err != nil {
					require.ErrorIs(t, err, c.err)
				} else {
					require.NoError(t, err)
				}
				q, err := eap.Decode(resp)
				require.NoError(t, err)
				m, err := aka.Decode(q)
				require.NoError(t, err)
				require.Equal(t, c.want, m.Subtype)
				if c.err == nil {
					require.Equal(t, c.group != 0, m.Has(aka.AttrPubECDHE))
					require.Equal(t, c.group, p.FSGroup(), fmt.Sprint(m))
				}
			}
		})
	}
}
