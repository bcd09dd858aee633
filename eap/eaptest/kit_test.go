package eaptest

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/aka"
	"github.com/opentwag/twag/aka/auc"
	"github.com/opentwag/twag/eap"
	"github.com/opentwag/twag/milenage"
)

type hexBytes []byte

func (h *hexBytes) UnmarshalText(b []byte) (err error) {
	*h, err = hex.DecodeString(string(b))
	return err
}

func load(t testing.TB, name string, into any) {
	t.Helper()
	b, err := os.ReadFile("../../testdata/" + name)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(b, into))
}

var testIMSI = eap.MustParseIMSI("001010000000001")

// set19 is the key of TS 35.208, set 19, which the recordings were made with.
func set19(t testing.TB) milenage.Algorithm {
	t.Helper()
	k, err := hex.DecodeString("5122250214c33e723a5dd523fc145fc0")
	require.NoError(t, err)
	opc, err := hex.DecodeString("981d464c7c52eb6e5036234984ad0bcf")
	require.NoError(t, err)
	c, err := milenage.New([16]byte(k), [16]byte(opc))
	require.NoError(t, err)
	return c.Algorithm()
}

func newUSIM(t testing.TB, cfg USIMConfig) *USIM {
	t.Helper()
	if cfg.Algorithm == nil {
		cfg.Algorithm = set19(t)
	}
	u, err := NewUSIM(cfg)
	require.NoError(t, err)
	return u
}

func newPeer(t testing.TB, cfg PeerConfig) *Peer {
	t.Helper()
	if cfg.USIM == nil {
		cfg.USIM = newUSIM(t, USIMConfig{})
	}
	if !cfg.IMSI.IsValid() {
		cfg.IMSI = testIMSI
	}
	p, err := NewPeer(cfg)
	require.NoError(t, err)
	return p
}

// server is a real authenticator with a real centre behind it.
type server struct {
	auth   *eap.Authenticator
	centre *auc.AuC
	// authorize answers NeedAuthorization.
	authorize eap.Authorization
	now       time.Time
	// storing puts the conversation through its encoded state after each
	// request.
	storing bool
	// seen are the packets of the last login, in both directions.
	seen []eap.Packet
}

func newServer(t testing.TB, cfg aka.Config, keys auc.Keys, methods ...eap.Type) *server {
	t.Helper()
	s := &server{centre: auc.New(auc.Config{Keys: keys}), now: time.Now()}
	require.NoError(t, s.centre.Put(auc.Subscriber{IMSI: testIMSI, Algorithm: set19(t), SQN: 32}))
	s.serve(cfg, methods...)
	return s
}

// serve makes a server with another configuration of the one there is.
func (s *server) serve(cfg aka.Config, methods ...eap.Type) {
	var list []eap.Method
	for _, m := range methods {
		switch m {
		case eap.TypeAKAPrime:
			list = append(list, aka.NewPrime(s.centre, cfg))
		case eap.TypeSIM:
			list = append(list, aka.NewSIM(s.centre, cfg))
		default:
			list = append(list, aka.New(s.centre, cfg))
		}
	}
	s.auth = eap.NewAuthenticator(list...)
}

// login holds a conversation with p until it ends, or the server discards a
// packet. It returns the server's last outcome.
func (s *server) login(t testing.TB, p *Peer) eap.Outcome {
	t.Helper()
	o := s.tell(t, p)
	require.NotEqual(t, Running, p.Status(), "the peer must not be surprised by the end")
	return o
}

// tell is login with a peer that need not understand the server's answers.
func (s *server) tell(t testing.TB, p *Peer) eap.Outcome {
	t.Helper()
	s.seen = s.seen[:0]
	c := s.auth.New(eap.Peer{})
	now := s.now
	o := c.Start(now)
	for range 100 {
		switch o.Kind {
		case eap.OutcomeNeed:
			if r, ok := o.Need.(eap.Resolver); ok {
				o = c.Resume(now, r.Resolve(context.Background()))
			} else {
				o = c.Resume(now, s.authorize)
			}
		case eap.OutcomeSend:
			s.note(t, o.Packet)
			if s.storing {
				state, err := c.AppendState(nil)
				require.NoError(t, err)
				c, err = s.auth.Restore(eap.Peer{}, state)
				require.NoError(t, err)
			}
			resp, err := p.Handle(o.Packet)
			if resp == nil {
				require.NoError(t, err)
				require.Fail(t, "the peer says nothing")
			}
			s.note(t, resp)
			o = c.Handle(now, resp)
		case eap.OutcomeSuccess, eap.OutcomeFailure:
			s.note(t, o.Packet)
			resp, _ := p.Handle(o.Packet)
			require.Nil(t, resp)
			return o
		default:
			return o
		}
	}
	require.Fail(t, "endless conversation")
	return o
}

func (s *server) note(t testing.TB, pkt []byte) {
	if q, err := eap.Decode(append([]byte(nil), pkt...)); err == nil {
		s.seen = append(s.seen, q)
	}
}

// notification returns the AT_NOTIFICATION that the server sent, if any.
func (s *server) notification() (n aka.Notification, found bool) {
	for _, q := range s.seen {
		if q.Code == eap.CodeRequest {
			if m, err := aka.Decode(q); err == nil && m.Subtype == aka.SubtypeNotification {
				n, found = m.Notification, true
			}
		}
	}
	return n, found
}

// count returns how many requests of a subtype the server sent.
func (s *server) count(sub aka.Subtype) (n int) {
	for _, q := range s.seen {
		if q.Code == eap.CodeRequest && q.Type >= eap.TypeSIM && aka.Subtype(q.Data[0]) == sub {
			n++
		}
	}
	return n
}

var (
	bothMethods = []eap.Type{eap.TypeAKA, eap.TypeAKAPrime}
	allMethods  = []eap.Type{eap.TypeAKA, eap.TypeAKAPrime, eap.TypeSIM}
)
