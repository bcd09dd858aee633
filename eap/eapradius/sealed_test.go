package eapradius

import (
	"bytes"
	"context"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	layeh "layeh.com/radius"
	"layeh.com/radius/rfc2865"

	"github.com/opentwag/twag/eap"
	"github.com/opentwag/twag/keyring"
)

// cluster returns two servers with the same keys, and what they tell.
func cluster(t *testing.T, m fakeMethod, cfg Config) (a, b *Handler, ea, eb *events) {
	t.Helper()
	ring, err := keyring.New(keyring.Key{ID: 1, Secret: [32]byte{1}})
	require.NoError(t, err)
	cfg.StateKeys = ring
	m.typ = eap.TypeAKA
	ea, eb = &events{}, &events{}
	cfg.Hooks = ea.hooks()
	a = New(eap.NewAuthenticator(m), cfg)
	cfg.Hooks = eb.hooks()
	b = New(eap.NewAuthenticator(m), cfg)
	return a, b, ea, eb
}

func TestAnyServerAnswersAnyRound(t *testing.T) {
	a, b, _, eb := cluster(t, fakeMethod{}, Config{})
	phone := newAP(t, a)
	phone.extra = layeh.Attributes{{Type: rfc2865.FramedMTU_Type, Attribute: layeh.NewInteger(1400)}}
	req := phone.login()
	for round := range 6 {
		phone.h = []layeh.Handler{b, a}[round%2]
		phone.extra = nil
		req = phone.sendFor(layeh.CodeAccessChallenge, order(req, orderRequest))
	}
	phone.h = b
	phone.sendFor(layeh.CodeAccessAccept, order(req, orderSucceed))
	require.Equal(t, 8, eb.last().info.Requests, "counted across servers")
	require.Zero(t, a.Conversations()+b.Conversations(), "nothing waits in a process")
}

// What the Authorizer said on one server holds on another.
func TestGrantTravels(t *testing.T) {
	asked := 0
	grant := Grant{Attributes: layeh.Attributes{
		{Type: rfc2865.Class_Type, Attribute: []byte("class")},
		{Type: rfc2865.SessionTimeout_Type, Attribute: layeh.NewInteger(60)},
	}}
	cfg := Config{Authorizer: AuthorizerFunc(func(_ context.Context, _ Login) Grant {
		asked++
		return grant
	})}
	a, b, _, eb := cluster(t, fakeMethod{}, cfg)
	phone := newAP(t, a)
	req := phone.sendFor(layeh.CodeAccessChallenge, order(phone.login(), orderAuthorize))
	phone.h = b
	_, reply := phone.send(order(req, orderSucceed))
	require.Equal(t, layeh.CodeAccessAccept, reply.Code)
	require.Equal(t, "class", rfc2865.Class_GetString(reply))
	require.EqualValues(t, 60, rfc2865.SessionTimeout_Get(reply))
	require.Equal(t, 1, asked, "once per login")

	// A refusal that waits for the peer's word cannot be got around elsewhere.
	grant = Grant{Refusal: eap.RefusalTemporary}
	phone = newAP(t, a)
	phone.sendFor(layeh.CodeAccessReject, order(phone.login(), orderDefy))
	grant = Grant{}
	require.Zero(t, b.Conversations())
	require.Equal(t, "accept", eb.last().name)
}

// TestTooLongForState: what does not fit waits in the process, to the end.
func TestTooLongForState(t *testing.T) {
	for _, fat := range []int{0, 100, 127, 128, 400, 5000} {
		a, b, ea, _ := cluster(t, fakeMethod{fat: fat}, Config{})
		phone := newAP(t, a)
		req := phone.login()
		fits := fat <= 100
		switch {
		case fat == 127 || fat == 128:
			// The border itself: both kinds must work, whichever it is.
			fits = a.Conversations() == 0
		case fits:
			require.Zero(t, a.Conversations(), fat)
		default:
			require.Equal(t, 1, a.Conversations(), fat)
			require.Len(t, phone.state, stateLen)
		}
		require.LessOrEqual(t, len(phone.state), maxAttributeLen)
		elsewhere := *phone
		elsewhere.h = b
		if fits {
			elsewhere.sendFor(layeh.CodeAccessAccept, order(req, orderSucceed))
			continue
		}
		elsewhere.sendFor(layeh.CodeAccessReject, order(req, orderSucceed))
		req = phone.sendFor(layeh.CodeAccessChallenge, order(req, orderRequest))
		phone.sendFor(layeh.CodeAccessAccept, order(req, orderSucceed))
		require.Equal(t, "accept", ea.last().name)
		require.Zero(t, a.Conversations())
	}
}

// TestConfined: what must not leave the process waits in it.
func TestConfined(t *testing.T) {
	a, b, _, _ := cluster(t, fakeMethod{stays: true}, Config{})
	phone := newAP(t, a)
	req := phone.login()
	require.Len(t, phone.state, stateLen)
	require.Equal(t, 1, a.Conversations())
	elsewhere := *phone
	elsewhere.h = b
	elsewhere.sendFor(layeh.CodeAccessReject, order(req, orderSucceed))
	phone.sendFor(layeh.CodeAccessAccept, order(req, orderSucceed))
}

func TestStateIsBoundToItsOrigin(t *testing.T) {
	for name, change := range map[string]func(*ap){
		"another station":     func(p *ap) { p.station = "02-00-00-00-00-99" },
		"another NAS":         func(p *ap) { p.nasID = "ap-2" },
		"another client":      func(p *ap) { p.addr = &net.UDPAddr{IP: net.IPv4(192, 0, 2, 9)} },
		"changed":             func(p *ap) { p.state[20] ^= 1 },
		"cut":                 func(p *ap) { p.state = p.state[:len(p.state)-1] },
		"twice":               func(p *ap) { p.extra = layeh.Attributes{{Type: rfc2865.State_Type, Attribute: p.state}} },
		"of the table's kind": func(p *ap) { p.state = p.state[:stateLen] },
	} {
		t.Run(name, func(t *testing.T) {
			a, _, ea, _ := cluster(t, fakeMethod{}, Config{})
			phone := newAP(t, a)
			req := phone.login()
			other := *phone
			other.state = bytes.Clone(phone.state)
			change(&other)
			other.sendFor(layeh.CodeAccessReject, order(req, orderSucceed))
			require.ErrorIs(t, ea.last().err, ErrUnknownState)
			phone.sendFor(layeh.CodeAccessAccept, order(req, orderSucceed))
		})
	}
}

func TestStateRunsOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b, _, eb := cluster(t, fakeMethod{}, Config{})
		phone := newAP(t, a)
		req := phone.login()
		phone.h = b
		time.Sleep(DefaultConversationTimeout)
		req = phone.sendFor(layeh.CodeAccessChallenge, order(req, orderRequest))
		time.Sleep(DefaultConversationTimeout + time.Millisecond)
		phone.sendFor(layeh.CodeAccessReject, order(req, orderSucceed))
		require.ErrorIs(t, eb.last().err, ErrUnknownState)
	})
}

// TestReplayedState: a State neither resumes a login that is over nor goes
// back behind what came after it.
func TestReplayedState(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b, ea, _ := cluster(t, fakeMethod{}, Config{})
		phone := newAP(t, a)
		req := phone.login()
		first := *phone
		req2 := phone.sendFor(layeh.CodeAccessChallenge, order(req, orderRequest))

		// While it goes on: no answer, and no harm.
		_, reply := first.send(order(req, orderRequest))
		require.Nil(t, reply)
		require.ErrorIs(t, ea.last().err, ErrStaleState)

		second := *phone
		phone.sendFor(layeh.CodeAccessAccept, order(req2, orderSucceed))

		// When it is over: a rejection, as long as the State is good and after.
		for range 3 {
			for _, old := range []ap{first, second} {
				old.sendFor(layeh.CodeAccessReject, order(req, orderSucceed))
				require.ErrorIs(t, ea.last().err, ErrUnknownState)
			}
			time.Sleep(DefaultConversationTimeout / 2)
		}

		// Another process knows only of time.
		second.h = b
		second.sendFor(layeh.CodeAccessReject, order(req2, orderSucceed))
	})
}

// TestDiscardGivesTheStateBack: a packet that is not the one we wait for does
// not use up the State; too many of them do.
func TestDiscardGivesTheStateBack(t *testing.T) {
	a, _, ea, _ := cluster(t, fakeMethod{}, Config{MaxInvalid: 2})
	phone := newAP(t, a)
	req := phone.login()
	wrong := bytes.Clone(order(req, orderSucceed))
	wrong[1] += 5
	for range 2 {
		_, reply := phone.send(wrong)
		require.Nil(t, reply)
		require.ErrorIs(t, ea.last().err, eap.ErrUnexpected)
	}
	phone.sendFor(layeh.CodeAccessAccept, order(req, orderSucceed))

	phone = newAP(t, a)
	req = phone.login()
	saved := *phone
	for range 2 {
		phone.send(wrong)
	}
	phone.sendFor(layeh.CodeAccessReject, wrong)
	require.ErrorIs(t, ea.last().err, ErrInvalid)
	saved.sendFor(layeh.CodeAccessReject, order(req, orderSucceed))
	require.ErrorIs(t, ea.last().err, ErrUnknownState)
}

// TestOneStateTwiceAtOnce: of two requests with one State, one is worked on.
func TestOneStateTwiceAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hold := make(chan struct{})
		a, _, ea, _ := cluster(t, fakeMethod{hold: hold}, Config{})
		phone := newAP(t, a)
		req := phone.login()
		again := *phone
		go phone.send(order(req, orderNeed))
		synctest.Wait()
		_, reply := again.send(order(req, orderNeed))
		require.Nil(t, reply)
		require.ErrorIs(t, ea.last().err, ErrBusy)
		close(hold)
		synctest.Wait()
		require.Equal(t, "challenge", ea.last().name)
	})
}

func TestRotatedStateKeys(t *testing.T) {
	oldKey := keyring.Key{ID: 1, Secret: [32]byte{1}}
	newKey := keyring.Key{ID: 2, Secret: [32]byte{2}}
	server := func(keys ...keyring.Key) *Handler {
		ring, err := keyring.New(keys...)
		require.NoError(t, err)
		return New(eap.NewAuthenticator(fakeMethod{typ: eap.TypeAKA}), Config{StateKeys: ring})
	}
	phone := newAP(t, server(oldKey))
	req := phone.login()
	phone.h = server(newKey, oldKey)
	req = phone.sendFor(layeh.CodeAccessChallenge, order(req, orderRequest))
	phone.h = server(newKey)
	phone.sendFor(layeh.CodeAccessAccept, order(req, orderSucceed))
}

func TestReplaysAreBounded(t *testing.T) {
	now := time.Unix(1000, 0)
	r := newReplays(shards*4, time.Minute)
	id := func(i int) (l loginID) {
		l[0], l[7] = byte(i), 0 // all in one shard
		return l
	}
	for i := range 100 {
		_, err := r.claim(id(i), 1, now)
		require.NoError(t, err)
		r.end(id(i), 1, now)
		sh := r.shard(id(0))
		require.LessOrEqual(t, len(sh.newer)+len(sh.old), 8)
	}
	_, err := r.claim(id(99), 1, now.Add(time.Second))
	require.ErrorIs(t, err, ErrUnknownState, "the latest are remembered")
	_, err = r.claim(id(98), 1, now.Add(90*time.Second))
	require.ErrorIs(t, err, ErrUnknownState, "for the lifetime at least")
	_, err = r.claim(id(200), 1, now.Add(300*time.Second))
	require.NoError(t, err)
	sh := r.shard(id(0))
	require.Len(t, sh.newer, 1, "not for ever")
	require.Empty(t, sh.old)
}

// TestReplaysOfAnotherTurn: what becomes of one State changes nothing for a
// later one of the same login, which may have come from another server in the
// meantime; and a login that is over stays so.
func TestReplaysOfAnotherTurn(t *testing.T) {
	now := time.Unix(1000, 0)
	r := newReplays(100, time.Minute)
	id := loginID{1}
	claim := func(turn uint16) error {
		_, err := r.claim(id, turn, now)
		return err
	}
	require.NoError(t, claim(1))
	require.NoError(t, claim(2))
	r.release(id, 1, now)
	require.ErrorIs(t, claim(2), ErrBusy)
	r.done(id, 1, now)
	require.ErrorIs(t, claim(2), ErrBusy)
	r.end(id, 2, now)
	r.done(id, 2, now)
	require.ErrorIs(t, claim(3), ErrUnknownState)
	r.release(id, 2, now)
	require.ErrorIs(t, claim(2), ErrUnknownState)
}

// TestClockBehind: a server whose clock is a little behind that of the one
// that the login began at goes on as any other.
func TestClockBehind(t *testing.T) {
	cfg := Config{StateKeys: keyring.NewRandom()}.withDefaults()
	auth := eap.NewAuthenticator(fakeMethod{typ: eap.TypeAKA})
	r := newSealed(auth, &cfg)
	began := time.UnixMilli(1_000_000)
	s := &session{conv: auth.New(eap.Peer{}), began: began}
	s.conv.Handle(began, response(1, eap.TypeIdentity, fakeIdentity))
	for _, behind := range []time.Duration{0, time.Millisecond, clockSkew} {
		now := began.Add(-behind)
		plain, err := r.encode(nil, s, now)
		require.NoError(t, err, behind)
		_, _, ok := r.decode(plain, now)
		require.True(t, ok, behind)
	}
	plain, err := r.encode(nil, s, began)
	require.NoError(t, err)
	_, _, ok := r.decode(plain, began.Add(-clockSkew-time.Millisecond))
	require.False(t, ok)
}

// FuzzSealedDecode: what is sealed is ours, but of which version?
func FuzzSealedDecode(f *testing.F) {
	ring := keyring.NewRandom()
	cfg := Config{StateKeys: ring}.withDefaults()
	auth := eap.NewAuthenticator(fakeMethod{typ: eap.TypeAKA})
	r := newSealed(auth, &cfg)
	now := time.Unix(1000, 0)
	s := &session{conv: auth.New(eap.Peer{}), began: now, authorized: true, grant: layeh.Attributes{{Type: 25, Attribute: []byte("x")}}}
	s.conv.Handle(now, response(1, eap.TypeIdentity, fakeIdentity))
	seed, err := r.encode(nil, s, now)
	require.NoError(f, err)
	f.Add(seed)
	f.Fuzz(func(t *testing.T, plain []byte) {
		s, state, ok := r.decode(plain, now)
		if !ok {
			return
		}
		if s.conv, err = auth.Restore(eap.Peer{}, state); err != nil {
			return
		}
		if s.requests > 255 || s.invalid > 255 {
			t.Fatal("out of range")
		}
	})
}

func BenchmarkSealedState(b *testing.B) {
	cfg := Config{StateKeys: keyring.NewRandom()}.withDefaults()
	auth := eap.NewAuthenticator(fakeMethod{typ: eap.TypeAKA, fat: 90})
	r := newSealed(auth, &cfg)
	a := newAP(b, nil)
	now := time.Now()
	b.ReportAllocs()
	for b.Loop() {
		s := &session{conv: auth.New(eap.Peer{}), began: now, client: clientAddr(a.addr), nas: a.nasID, station: a.station}
		s.conv.Handle(now, response(1, eap.TypeIdentity, fakeIdentity))
		if err := r.begin(s, now); err != nil {
			b.Fatal(err)
		}
		state, err := r.park(nil, s, false, now)
		if err != nil {
			b.Fatal(err)
		}
		q := request{client: s.client, nasID: []byte(a.nasID), station: []byte(a.station), states: 1, state: state}
		s, _, err = r.take(&q, now)
		if err != nil {
			b.Fatal(err)
		}
		r.end(s, now)
	}
}
