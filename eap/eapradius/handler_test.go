package eapradius

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	layeh "layeh.com/radius"
	"layeh.com/radius/rfc2865"
	"layeh.com/radius/rfc2869"
	"layeh.com/radius/rfc3576"
	"layeh.com/radius/rfc4072"
	"layeh.com/radius/vendors/microsoft"

	"github.com/opentwag/twag/eap"
	"github.com/opentwag/twag/keyring"
)

func TestLogin(t *testing.T) {
	h, e := fixture(t, Config{})
	a := newAP(t, h)
	req := a.login()
	require.Equal(t, []byte{1, 8, 0, 8, 23, 1, 1, 1}, req)
	first := a.state
	require.Len(t, first, stateLen)
	req = a.sendFor(layeh.CodeAccessChallenge, order(req, orderRequest))
	require.NotEqual(t, first, a.state, "each Challenge has a State of its own")
	require.Equal(t, 1, h.Conversations())
	request, reply := a.send(order(req, orderSucceed))
	require.Equal(t, layeh.CodeAccessAccept, reply.Code)
	require.Equal(t, []byte{3, req[1], 0, 4}, eapOf(t, reply))
	msk := fakeResult(fakeMethod{}, "").MSK
	require.Equal(t, msk[:32], microsoft.MSMPPERecvKey_Get(reply, request))
	require.Equal(t, msk[32:], microsoft.MSMPPESendKey_Get(reply, request))
	require.Equal(t, fakeIdentity, rfc2865.UserName_GetString(reply))
	_, ok := reply.Lookup(rfc4072.EAPKeyName_Type)
	require.False(t, ok, "nobody has asked for it")
	require.Zero(t, h.Conversations())

	last := e.last()
	require.Equal(t, []string{"challenge", "challenge", "accept"}, e.take())
	require.Equal(t, fakeIdentity, last.text)
	require.Equal(t, "192.0.2.1", last.info.Client.String())
	require.Equal(t, eap.Peer{Identity: fakeIdentity, StationID: "02-00-00-00-00-01", AccessPointID: "02-AA-AA-AA-AA-01:lab", NASID: "ap-1"}, last.info.Peer)
	require.Equal(t, eap.TypeAKA, last.info.Method)
	require.Equal(t, 3, last.info.Requests)
	require.Equal(t, eap.KindPermanent, last.info.Identity.Kind)

	// The State is worth nothing any more.
	fail := a.sendFor(layeh.CodeAccessReject, order(req, orderSucceed))
	require.Equal(t, []byte{4, req[1], 0, 4}, fail)
	require.ErrorIs(t, e.last().err, ErrUnknownState)
}

func TestEAPStart(t *testing.T) {
	h, _ := fixture(t, Config{Rand: bytes.NewReader(make([]byte, 100))})
	a := newAP(t, h)
	for _, state := range [][]byte{nil, []byte("some other server's")} {
		a.state = state
		req := a.sendFor(layeh.CodeAccessChallenge, nil)
		p, err := eap.Decode(req)
		require.NoError(t, err)
		require.Equal(t, eap.TypeIdentity, p.Type)
		req = a.sendFor(layeh.CodeAccessChallenge, response(req[1], eap.TypeIdentity, fakeIdentity))
		require.Equal(t, byte(eap.TypeAKA), req[4])
		a.sendFor(layeh.CodeAccessAccept, order(req, orderSucceed))
	}
}

// TestNakFirst: the NAS asked for a method of its choice, and the peer did not
// want it.
func TestNakFirst(t *testing.T) {
	h, _ := fixture(t, Config{})
	a := newAP(t, h)
	req := a.sendFor(layeh.CodeAccessChallenge, response(1, eap.TypeNak, "\x17"))
	require.Equal(t, byte(eap.TypeIdentity), req[4])
}

// TestFirstPacket: what cannot begin a conversation.
func TestFirstPacket(t *testing.T) {
	for name, c := range map[string]struct {
		pkt  []byte
		want []byte
		err  error
		log  string
	}{
		"a method's response":    {response(9, eap.TypeAKA, "s"), []byte{4, 9, 0, 4}, eap.ErrUnexpected, "EAP message discarded"},
		"EAP-Success":            {[]byte{3, 9, 0, 4}, []byte{4, 9, 0, 4}, eap.ErrUnexpected, "EAP message discarded"},
		"malformed":              {[]byte{2, 9, 0, 99, 1}, []byte{4, 9, 0, 4}, eap.ErrMalformed, "Failed to decode EAP message"},
		"one octet":              {[]byte{2}, []byte{4, 0, 0, 4}, eap.ErrMalformed, "Failed to decode EAP message"},
		"EAP-Request":            {[]byte{1, 9, 0, 5, 1}, []byte{2, 9, 0, 6, 3, 0}, ErrRole, ""},
		"EAP-Request, malformed": {[]byte{1, 9, 0, 4}, []byte{4, 9, 0, 4}, ErrRole, ""},
		"realm not served":       {response(9, eap.TypeIdentity, "x@unreachable.3gppnetwork.org"), []byte{4, 9, 0, 4}, eap.ErrForeignRealm, ""},
	} {
		t.Run(name, func(t *testing.T) {
			log, lines := capture(slog.LevelDebug)
			h, e := fixture(t, Config{Logger: log})
			a := newAP(t, h)
			require.Equal(t, c.want, a.sendFor(layeh.CodeAccessReject, c.pkt))
			require.ErrorIs(t, e.last().err, c.err)
			require.Zero(t, h.Conversations())
			require.Contains(t, lines.String(), c.log)
			require.Contains(t, lines.String(), `msg="Authentication REJECTED"`)
		})
	}
}

func TestWithoutEAP(t *testing.T) {
	h, e := fixture(t, Config{})
	a := newAP(t, h)
	_, reply := a.exchange(a.request(nil, false))
	require.Equal(t, layeh.CodeAccessReject, reply.Code)
	require.Empty(t, reply.Attributes)
	require.ErrorIs(t, e.last().err, ErrNoEAP)
	r := a.request(nil, false)
	r.Code = layeh.CodeAccountingRequest
	_, reply = a.exchange(r)
	require.Nil(t, reply)

	next := 0
	h, _ = fixture(t, Config{Next: layeh.HandlerFunc(func(w layeh.ResponseWriter, r *layeh.Request) {
		next++
		require.NoError(t, w.Write(r.Response(layeh.CodeAccessAccept)))
	})})
	a.h = h
	_, reply = a.exchange(a.request(nil, false))
	require.Equal(t, layeh.CodeAccessAccept, reply.Code)
	a.exchange(r)
	require.Equal(t, 2, next)
	a.login()
	require.Equal(t, 2, next)
}

// TestFragments: a long packet is joined in order and split in order.
func TestFragments(t *testing.T) {
	h, _ := fixture(t, Config{})
	a := newAP(t, h)
	req := a.login()
	long := response(req[1], eap.TypeAKA, string(rune(orderLong))+strings.Repeat("x", 900))
	r := a.request(long, true)
	_, reply := a.exchange(r)
	require.Equal(t, layeh.CodeAccessChallenge, reply.Code)
	var sizes []int
	at := -1
	for i, attr := range reply.Attributes {
		if attr.Type == rfc2869.EAPMessage_Type {
			sizes = append(sizes, len(attr.Attribute))
			require.True(t, at < 0 || at == i-1, "consecutive")
			at = i
		}
	}
	require.Equal(t, []int{253, 253, 253, 241}, sizes)
	p, err := eap.Decode(eapOf(t, reply))
	require.NoError(t, err)
	require.Len(t, p.Raw, 1000)

	// Fragments with others between, and empty ones, make the same packet.
	frag := func(v ...string) *layeh.Request {
		r := a.request(nil, false)
		for _, v := range v {
			r.Add(rfc2869.EAPMessage_Type, []byte(v))
			r.Add(rfc2865.NASPort_Type, []byte{0, 0, 0, 1})
		}
		return r
	}
	ok := string(order(p.Raw, orderSucceed))
	r = frag("", ok[:1], "", ok[1:3], ok[3:], "")
	_, reply = a.exchange(r)
	require.Equal(t, layeh.CodeAccessAccept, reply.Code)
}

// TestLongestPacket needs more attributes than a reply has room for.
func TestLongestPacket(t *testing.T) {
	pkt := bytes.Repeat([]byte("0123456789abcdef"), eap.MaxPacketLen/16)
	p := new(reply).begin(newAP(t, nil).request(nil, false), layeh.CodeAccessChallenge)
	p.addEAP(pkt)
	require.Len(t, p.packet.Attributes, 17)
	joined, err := rfc2869.EAPMessage_Lookup(&p.packet)
	require.NoError(t, err)
	require.Equal(t, pkt, joined)
}

func TestFramedMTU(t *testing.T) {
	mtu := func(n uint32) *layeh.AVP {
		return &layeh.AVP{Type: rfc2865.FramedMTU_Type, Attribute: layeh.NewInteger(n)}
	}
	port := func(n uint32) *layeh.AVP {
		return &layeh.AVP{Type: rfc2865.NASPortType_Type, Attribute: layeh.NewInteger(n)}
	}
	for name, c := range map[string]struct {
		extra layeh.Attributes
		ok    bool
	}{
		"none":               {nil, true},
		"just enough":        {layeh.Attributes{mtu(1000)}, true},
		"too small":          {layeh.Attributes{mtu(999)}, false},
		"WLAN, just enough":  {layeh.Attributes{port(19), mtu(1004)}, true},
		"WLAN, too small":    {layeh.Attributes{mtu(1003), port(19)}, false},
		"Ethernet too small": {layeh.Attributes{mtu(1003), port(15)}, false},
		"nonsense":           {layeh.Attributes{mtu(63)}, true},
		"wrong length":       {layeh.Attributes{{Type: rfc2865.FramedMTU_Type, Attribute: []byte{1, 1}}}, true},
		"huge":               {layeh.Attributes{mtu(1 << 31)}, true},
	} {
		t.Run(name, func(t *testing.T) {
			h, e := fixture(t, Config{})
			a := newAP(t, h)
			a.extra = c.extra
			req := a.login()
			a.extra = nil // one request of the login is enough to know
			if c.ok {
				a.sendFor(layeh.CodeAccessChallenge, order(req, orderLong))
				return
			}
			require.Equal(t, []byte{4, req[1], 0, 4}, a.sendFor(layeh.CodeAccessReject, order(req, orderLong)))
			require.ErrorIs(t, e.last().err, ErrMTU)
			require.Zero(t, h.Conversations())
		})
	}
}

func TestDiscard(t *testing.T) {
	log, lines := capture(slog.LevelDebug)
	h, e := fixture(t, Config{MaxInvalid: 3, Logger: log})
	a := newAP(t, h)
	req := a.login()
	bad := [][]byte{
		response(req[1]+1, eap.TypeAKA, "s"),       // Identifier
		response(req[1], eap.TypeAKAPrime, "s"),    // Type
		{2, req[1], 0, 99, 23},                     // Length
		response(req[1], eap.TypeAKA, "i"),         // the method's own reasons
		response(req[1], eap.TypeNotification, ""), // not asked for
	}
	for _, pkt := range bad[:3] {
		state := a.state
		_, reply := a.send(pkt)
		require.Equal(t, layeh.CodeAccessChallenge, reply.Code)
		require.Equal(t, req, eapOf(t, reply), "the same request again")
		require.Equal(t, rfc3576.ErrorCause(202), rfc3576.ErrorCause_Get(reply))
		require.NotEqual(t, state, a.state)
	}
	require.Equal(t, []string{"challenge", "discard", "challenge", "discard", "challenge", "discard", "challenge"}, e.take())
	require.Contains(t, lines.String(), `level=INFO msg="Failed to decode EAP message" nas=ap-1 client=192.0.2.1 station=02-00-00-00-00-01`)
	require.Equal(t, 2, strings.Count(lines.String(), `level=DEBUG msg="EAP message discarded"`))
	// The login is not disturbed; but the patience is spent.
	req = a.sendFor(layeh.CodeAccessChallenge, order(req, orderRequest))
	require.Equal(t, []byte{4, req[1], 0, 4}, a.sendFor(layeh.CodeAccessReject, response(req[1], eap.TypeAKA, "i")))
	require.ErrorIs(t, e.last().err, ErrInvalid)
	require.ErrorIs(t, e.last().err, errFake)
	require.Zero(t, h.Conversations())

	h, e = fixture(t, Config{MaxInvalid: -1})
	a = newAP(t, h)
	req = a.login()
	a.sendFor(layeh.CodeAccessReject, response(req[1], eap.TypeAKA, "i"))
	require.ErrorIs(t, e.last().err, ErrInvalid)
}

// TestRepeated: the NAS has not seen a Challenge, and asks again in another
// request with the State that it has.
func TestRepeated(t *testing.T) {
	log, lines := capture(slog.LevelDebug)
	h, e := fixture(t, Config{Logger: log})
	a := newAP(t, h)
	req := a.login()
	old := a.state
	req2 := a.sendFor(layeh.CodeAccessChallenge, order(req, orderRequest))
	current := a.state
	e.take()

	a.state = old
	_, reply := a.send(order(req, orderRequest))
	require.Equal(t, req2, eapOf(t, reply))
	require.Equal(t, current, []byte(rfc2865.State_Get(reply)), "the Challenge that may still arrive stays good")
	_, found := reply.Lookup(rfc3576.ErrorCause_Type)
	require.False(t, found)
	require.Equal(t, []string{"challenge"}, e.take())

	// Something else with it is a replay.
	for _, pkt := range [][]byte{order(req, orderSucceed), order(req2, orderSucceed), {1}, {2, 2, 2}} {
		a.state = old
		if pkt[0] == 1 {
			continue // roles reversed: refused before anything is looked up
		}
		_, reply = a.send(pkt)
		require.Nil(t, reply)
		require.ErrorIs(t, e.last().err, ErrStaleState)
	}
	require.Equal(t, []string{"drop", "drop", "drop"}, e.take())
	require.Equal(t, 3, strings.Count(lines.String(), `level=DEBUG msg="Access-Request dropped" client=192.0.2.1 error="eapradius: State was used before`))

	a.state = current
	req3 := a.sendFor(layeh.CodeAccessChallenge, order(req2, orderRequest))
	// Two rounds old: not even the same packet is answered.
	a.state = old
	_, reply = a.send(order(req, orderRequest))
	require.Nil(t, reply)
	require.ErrorIs(t, e.last().err, ErrStaleState)

	// Repetitions are bounded too, and cost the login nothing else.
	for range DefaultMaxInvalid {
		a.state = current
		a.send(order(req2, orderRequest))
	}
	a.state = current
	_, reply = a.send(order(req2, orderRequest))
	require.Nil(t, reply)
	require.ErrorIs(t, e.last().err, ErrStaleState)
	a.state = append(bytes.Clone(current[:len(current)-1]), current[len(current)-1]+1)
	a.sendFor(layeh.CodeAccessAccept, order(req3, orderSucceed))
}

// TestStateOrigin: a State works for the NAS and the station that it was given
// to, and others cannot even disturb.
func TestStateOrigin(t *testing.T) {
	h, e := fixture(t, Config{})
	a := newAP(t, h)
	req := a.login()
	for name, change := range map[string]func(*ap){
		"client":     func(b *ap) { b.addr = &net.UDPAddr{IP: net.IPv4(192, 0, 2, 2), Port: 40000} },
		"NAS":        func(b *ap) { b.nasID = "ap-2" },
		"no NAS":     func(b *ap) { b.nasID = "" },
		"station":    func(b *ap) { b.station = "02-00-00-00-00-02" },
		"no station": func(b *ap) { b.station = "" },
	} {
		t.Run(name, func(t *testing.T) {
			b := *a
			change(&b)
			require.Equal(t, []byte{4, req[1], 0, 4}, b.sendFor(layeh.CodeAccessReject, order(req, orderSucceed)))
			require.ErrorIs(t, e.last().err, ErrStateOrigin)
		})
	}
	b := newAP(t, h)
	b.nasID = ""
	breq := b.login()
	b.addr = &net.UDPAddr{IP: net.IPv4(192, 0, 2, 2), Port: 40000}
	b.sendFor(layeh.CodeAccessReject, order(breq, orderSucceed))
	// Another port of the same client is the same client.
	a.addr = &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1).To4(), Port: 2083}
	a.sendFor(layeh.CodeAccessAccept, order(req, orderSucceed))
}

func TestStateMalformed(t *testing.T) {
	h, e := fixture(t, Config{})
	a := newAP(t, h)
	req := a.login()
	good := a.state
	flipped := bytes.Clone(good)
	flipped[3] ^= 1
	future := bytes.Clone(good)
	future[stateLen-1]++
	for name, state := range map[string][]byte{
		"empty": {}, "short": good[:stateLen-1], "long": append(bytes.Clone(good), 0), "flipped": flipped,
	} {
		a.state = state
		a.sendFor(layeh.CodeAccessReject, order(req, orderSucceed))
		require.ErrorIs(t, e.last().err, ErrUnknownState, name)
	}
	a.state = good
	a.extra = layeh.Attributes{{Type: rfc2865.State_Type, Attribute: good}}
	a.sendFor(layeh.CodeAccessReject, order(req, orderSucceed))
	require.ErrorIs(t, e.last().err, ErrUnknownState, "two of them")
	a.extra = nil
	a.state = future
	_, reply := a.send(order(req, orderSucceed))
	require.Nil(t, reply)
	require.ErrorIs(t, e.last().err, ErrStaleState)
	a.state = good
	a.sendFor(layeh.CodeAccessAccept, order(req, orderSucceed))
}

// TestNASNames: the conversation is bound to whatever names the NAS.
func TestNASNames(t *testing.T) {
	ip4 := &layeh.AVP{Type: rfc2865.NASIPAddress_Type, Attribute: []byte{198, 51, 100, 7}}
	ip6 := &layeh.AVP{Type: 95, Attribute: append([]byte{0x20, 1, 0xd, 0xb8}, make([]byte, 12)...)}
	bad := &layeh.AVP{Type: rfc2865.NASIPAddress_Type, Attribute: []byte{1}}
	for want, c := range map[string]struct {
		extra layeh.Attributes
		addr  net.Addr
	}{
		"198.51.100.7": {layeh.Attributes{ip6, ip4}, nil},
		"2001:db8::":   {layeh.Attributes{bad, ip6}, nil},
		"192.0.2.9":    {nil, &net.UDPAddr{IP: net.IPv4(192, 0, 2, 9)}},
		"192.0.2.10":   {nil, textAddr("192.0.2.10:1812")},
		"":             {nil, textAddr("somewhere")},
	} {
		h, e := fixture(t, Config{})
		a := newAP(t, h)
		a.nasID, a.extra, a.addr = "", c.extra, c.addr
		req := a.login()
		require.Equal(t, want, e.last().info.Peer.NASID)
		a.sendFor(layeh.CodeAccessAccept, order(req, orderSucceed))
	}
}

type textAddr string

func (textAddr) Network() string  { return "text" }
func (a textAddr) String() string { return string(a) }

// TestBusy: two requests race for one State.
func TestBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &events{}
		hold := make(chan struct{})
		h := New(eap.NewAuthenticator(fakeMethod{typ: eap.TypeAKA, hold: hold}), Config{Hooks: e.hooks()})
		a := newAP(t, h)
		req := a.login()
		slow := *a
		done := make(chan []byte)
		go func() { done <- slow.sendFor(layeh.CodeAccessChallenge, order(req, orderNeed)) }()
		synctest.Wait()
		_, reply := a.send(order(req, orderSucceed))
		require.Nil(t, reply)
		require.ErrorIs(t, e.last().err, ErrBusy)
		w := &recorder{}
		h.ServeRADIUS(w, a.request(order(req, orderSucceed), true))
		require.Empty(t, w.replies)
		require.Equal(t, 1, w.discarded, "its repetition may find the conversation idle")
		close(hold)
		req = <-done
		a.state = slow.state
		a.sendFor(layeh.CodeAccessAccept, order(req, orderSucceed))
	})
}

// TestPanic: the login in which a method panics is over; the next request with
// its State hears so at once.
func TestPanic(t *testing.T) {
	for name, keys := range map[string]*keyring.Ring{"table": nil, "sealed": keyring.NewRandom()} {
		t.Run(name, func(t *testing.T) {
			h, e := fixture(t, Config{StateKeys: keys})
			a := newAP(t, h)
			req := a.login()
			require.PanicsWithValue(t, errFake, func() { a.send(order(req, orderPanic)) })
			require.Zero(t, h.Conversations())
			a.sendFor(layeh.CodeAccessReject, order(req, orderSucceed))
			require.ErrorIs(t, e.last().err, ErrUnknownState)
		})
	}
}

func TestDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &events{}
		h := New(eap.NewAuthenticator(fakeMethod{typ: eap.TypeAKA, hold: make(chan struct{})}), Config{Hooks: e.hooks()})
		a := newAP(t, h)
		req := a.login()
		start := time.Now()
		a.sendFor(layeh.CodeAccessReject, order(req, orderNeed))
		require.Equal(t, DefaultDeadline, time.Since(start))
		require.ErrorIs(t, e.last().err, errFake)

		// The server's own end comes first, and there is time to answer.
		for left, want := range map[time.Duration]time.Duration{
			2 * time.Second: 1500 * time.Millisecond, 200 * time.Millisecond: 100 * time.Millisecond, time.Hour: DefaultDeadline,
		} {
			ctx, cancel := context.WithTimeout(t.Context(), left)
			a.ctx, a.state = ctx, nil
			req = a.login()
			start = time.Now()
			a.sendFor(layeh.CodeAccessReject, order(req, orderNeed))
			require.Equal(t, want, time.Since(start))
			cancel()
		}
	})
}

func TestNeeds(t *testing.T) {
	for name, c := range map[string]struct {
		order byte
		code  layeh.Code
		err   error
	}{
		"resolved":          {orderNeed, layeh.CodeAccessChallenge, nil},
		"nobody can answer": {orderStrange, layeh.CodeAccessReject, ErrNeeds},
		"without end":       {orderForever, layeh.CodeAccessReject, ErrNeeds},
	} {
		t.Run(name, func(t *testing.T) {
			h, e := fixture(t, Config{})
			a := newAP(t, h)
			a.sendFor(c.code, order(a.login(), c.order))
			require.ErrorIs(t, e.last().err, c.err)
		})
	}
}

func TestAuthorizer(t *testing.T) {
	class := &layeh.AVP{Type: rfc2865.Class_Type, Attribute: []byte("class")}
	name := &layeh.AVP{Type: rfc2865.UserName_Type, Attribute: []byte("alias")}
	cause := errors.New("no credit left")
	for what, c := range map[string]struct {
		order byte // before the final one
		grant Grant
		code  layeh.Code
	}{
		"asked, allowed":         {orderAuthorize, Grant{Attributes: layeh.Attributes{class, name}}, layeh.CodeAccessAccept},
		"asked, refused":         {orderAuthorize, Grant{Refusal: eap.RefusalTemporary, Err: cause}, layeh.CodeAccessReject},
		"asked twice, refused":   {orderDefyTwice, Grant{Refusal: eap.RefusalGeneral}, layeh.CodeAccessReject},
		"not asked, allowed":     {orderRequest, Grant{Attributes: layeh.Attributes{class, nil, name}}, layeh.CodeAccessAccept},
		"not asked, refused":     {orderRequest, Grant{Refusal: eap.RefusalTemporary, Err: cause}, layeh.CodeAccessReject},
		"refusal defied":         {orderDefy, Grant{Refusal: eap.RefusalGeneral}, layeh.CodeAccessReject},
		"an Err does not refuse": {orderAuthorize, Grant{Err: cause, Attributes: layeh.Attributes{class, name}}, layeh.CodeAccessAccept},
		"what is not his to give": {orderAuthorize, Grant{Attributes: layeh.Attributes{
			{Type: rfc2869.EAPMessage_Type, Attribute: []byte{4, 1, 0, 4}},
			{Type: rfc2869.MessageAuthenticator_Type, Attribute: make([]byte, 16)},
			{Type: rfc2865.State_Type, Attribute: []byte("state")},
			{Type: rfc2865.ProxyState_Type, Attribute: []byte("proxy")},
			{Type: rfc4072.EAPKeyName_Type, Attribute: []byte("key")},
			class, name,
		}}, layeh.CodeAccessAccept},
	} {
		t.Run(what, func(t *testing.T) {
			asked := 0
			h, e := fixture(t, Config{Authorizer: AuthorizerFunc(func(ctx context.Context, l Login) Grant {
				asked++
				_, ok := ctx.Deadline()
				require.True(t, ok)
				require.Equal(t, "001010000000001", l.Result.IMSI.Digits())
				require.Equal(t, "ap-1", l.Peer.NASID)
				require.Equal(t, "ap-1", rfc2865.NASIdentifier_GetString(l.Request))
				return c.grant
			})})
			a := newAP(t, h)
			req := a.login()
			var reply *layeh.Packet
			if _, reply = a.send(order(req, c.order)); reply.Code == layeh.CodeAccessChallenge {
				_, reply = a.send(order(eapOf(t, reply), orderSucceed))
			}
			require.Equal(t, c.code, reply.Code)
			eapOf(t, reply)
			require.Equal(t, 1, asked, "once per login")
			if c.code == layeh.CodeAccessReject {
				if c.grant.Err != nil && what == "not asked, refused" {
					require.ErrorIs(t, e.last().err, cause)
				}
				require.Empty(t, rfc2865.Class_Get(reply))
				require.Empty(t, vendorValues(reply))
				return
			}
			require.Equal(t, "class", rfc2865.Class_GetString(reply))
			names, err := rfc2865.UserName_GetStrings(reply)
			require.NoError(t, err)
			require.Equal(t, []string{"alias"}, names)
			var types []layeh.Type
			for _, attr := range reply.Attributes {
				types = append(types, attr.Type)
			}
			require.Equal(t, []layeh.Type{rfc2869.EAPMessage_Type, 26, 26, rfc2865.Class_Type, rfc2865.UserName_Type}, types)
		})
	}
}

func TestKeyName(t *testing.T) {
	for name, c := range map[string]struct {
		asked []byte
		order byte
		given bool
	}{
		"NUL":          {[]byte{0}, orderSucceed, true},
		"empty":        {nil, orderSucceed, true},
		"something":    {[]byte("x"), orderSucceed, false},
		"no SessionID": {[]byte{0}, orderNoKeys, false},
	} {
		t.Run(name, func(t *testing.T) {
			h, _ := fixture(t, Config{})
			a := newAP(t, h)
			a.extra = layeh.Attributes{{Type: rfc4072.EAPKeyName_Type, Attribute: c.asked}}
			_, reply := a.send(order(a.login(), c.order))
			require.Equal(t, layeh.CodeAccessAccept, reply.Code)
			v, ok := reply.Lookup(rfc4072.EAPKeyName_Type)
			require.Equal(t, c.given, ok)
			if ok {
				require.Equal(t, "session id", string(v))
			}
			require.Equal(t, c.order == orderSucceed, len(vendorValues(reply)) == 2)
		})
	}
}

func TestUserName(t *testing.T) {
	log, lines := capture(slog.LevelDebug)
	h, e := fixture(t, Config{Logger: log})
	a := newAP(t, h)
	a.user = "0001010000000001"
	req := a.login()
	require.Equal(t, "0001010000000001", e.all[0].text)
	require.Equal(t, fakeIdentity, e.all[0].info.Peer.Identity)
	a.sendFor(layeh.CodeAccessChallenge, order(req, orderRequest))
	require.Equal(t, []string{"user-name", "challenge", "challenge"}, e.take(), "once per login")
	require.Contains(t, lines.String(), "User-Name is not the EAP identity")

	a.user, a.state = "", nil
	req = a.login()
	_, reply := a.send(order(req, orderSucceed))
	_, ok := reply.Lookup(rfc2865.UserName_Type)
	require.False(t, ok, "there was none")
	require.Equal(t, []string{"challenge", "accept"}, e.take())
}

func TestCompletePeer(t *testing.T) {
	h, e := fixture(t, Config{CompletePeer: func(r *layeh.Request, p *eap.Peer) {
		p.NetworkName = "WLAN:" + rfc2865.NASIdentifier_GetString(r.Packet)
		p.NASID, p.StationID = "renamed", "renamed"
	}})
	a := newAP(t, h)
	req := a.login()
	require.Equal(t, "WLAN:ap-1", e.last().info.Peer.NetworkName)
	require.Equal(t, "renamed", e.last().info.Peer.NASID)
	// The State is bound to what the NAS says all the same.
	a.sendFor(layeh.CodeAccessAccept, order(req, orderSucceed))
}

func TestLogs(t *testing.T) {
	log, lines := capture(slog.LevelInfo)
	h, _ := fixture(t, Config{Logger: log})
	a := newAP(t, h)
	a.sendFor(layeh.CodeAccessAccept, order(a.login(), orderSucceed))
	require.Regexp(t, `level=INFO msg="Authentication ACCEPTED" nas=ap-1 client=192.0.2.1 station=02-00-00-00-00-01 ap=02-AA-AA-AA-AA-01:lab imsi=00101\*+ method=EAP-AKA requests=2 elapsed=\S+ reauthenticated=false\n$`, lines.String())
	lines.Reset()
	a.state = nil
	a.sendFor(layeh.CodeAccessReject, order(a.login(), orderFail))
	require.Regexp(t, `level=INFO msg="Authentication REJECTED" nas=ap-1 client=192.0.2.1 station=02-00-00-00-00-01 ap=02-AA-AA-AA-AA-01:lab imsi=00101\*+ method=EAP-AKA requests=2 elapsed=\S+ error="fake: failed to order"\n$`, lines.String())
	require.NotContains(t, lines.String(), "0000000001")
}

// TestQuietly: neither logger nor hooks are needed.
func TestQuietly(t *testing.T) {
	h := New(eap.NewAuthenticator(fakeMethod{typ: eap.TypeAKA}), Config{})
	a := newAP(t, h)
	a.user = "another"
	req := a.login()
	req = a.sendFor(layeh.CodeAccessChallenge, response(req[1], eap.TypeAKA, "i"))
	old := *a
	a.sendFor(layeh.CodeAccessChallenge, order(req, orderRequest))
	_, reply := old.send(order(req, orderFail))
	require.Nil(t, reply)
	a.sendFor(layeh.CodeAccessAccept, response(req[1]+1, eap.TypeAKA, "s"))
	a.sendFor(layeh.CodeAccessReject, order(req, orderFail))
}

func TestWriteFails(t *testing.T) {
	broken := errors.New("too long")
	log, lines := capture(slog.LevelError)
	h, e := fixture(t, Config{Logger: log})
	a := newAP(t, h)
	req := a.login()
	e.take()
	// An Access-Accept that cannot be sent becomes an Access-Reject.
	a.errs = []error{broken}
	a.sendFor(layeh.CodeAccessReject, order(req, orderSucceed))
	require.ErrorIs(t, e.last().err, broken)
	require.Equal(t, []string{"reject"}, e.take())
	require.Contains(t, lines.String(), `level=ERROR msg="RADIUS answer not sent" client=192.0.2.1 code=Access-Accept error="too long"`)
	// A Challenge is not counted as sent.
	a.errs, a.state = []error{broken}, nil
	_, reply := a.send(response(7, eap.TypeIdentity, fakeIdentity))
	require.Nil(t, reply)
	require.Empty(t, e.take())
}

func TestNoSecret(t *testing.T) {
	h, e := fixture(t, Config{})
	a := newAP(t, h)
	a.secret = ""
	a.sendFor(layeh.CodeAccessReject, order(a.login(), orderSucceed))
	require.ErrorIs(t, e.last().err, ErrSecret)
}

func TestNoEntropy(t *testing.T) {
	broken := errors.New("no entropy")
	h, e := fixture(t, Config{Rand: iotest.ErrReader(broken)})
	a := newAP(t, h)
	a.sendFor(layeh.CodeAccessReject, response(7, eap.TypeIdentity, fakeIdentity))
	require.ErrorIs(t, e.last().err, broken)
	require.Zero(t, h.Conversations())
}

func TestNewPanics(t *testing.T) {
	auth := eap.NewAuthenticator(fakeMethod{typ: eap.TypeAKA})
	require.Panics(t, func() { New(nil, Config{}) })
	require.PanicsWithValue(t, "eapradius: Config.MaxConversations: -1", func() { New(auth, Config{MaxConversations: -1}) })
	require.PanicsWithValue(t, "eapradius: Config.ConversationTimeout: -1s", func() { New(auth, Config{ConversationTimeout: -time.Second}) })
	require.PanicsWithValue(t, "eapradius: Config.Deadline: -1s", func() { New(auth, Config{Deadline: -time.Second}) })
}

// BenchmarkHandler is what a login of two requests costs here: the method is a
// fake, and neither logs nor hooks are on.
func BenchmarkHandler(b *testing.B) {
	h := New(eap.NewAuthenticator(fakeMethod{typ: eap.TypeAKA}), Config{})
	a := newAP(b, h)
	first := a.request(response(7, eap.TypeIdentity, fakeIdentity), true)
	a.state = make([]byte, stateLen)
	second := a.request(response(8, eap.TypeAKA, "s"), true)
	w := &recorder{}
	b.ReportAllocs()
	for b.Loop() {
		w.replies = w.replies[:0]
		h.ServeRADIUS(w, first)
		copy(a.state, w.replies[0].Get(rfc2865.State_Type))
		h.ServeRADIUS(w, second)
		if w.replies[1].Code != layeh.CodeAccessAccept {
			b.Fatal(w.replies[1].Code)
		}
	}
}

// FuzzServeRADIUS sends EAP packets cut into attributes in any way, with the
// right State, an old one, or none: every request has at most one answer that
// keeps to RFC 3579, and the table stays within its bounds.
func FuzzServeRADIUS(f *testing.F) {
	f.Add([]byte{1}, response(7, eap.TypeIdentity, fakeIdentity), response(8, eap.TypeAKA, "?"), response(9, eap.TypeAKA, "s"))
	f.Add([]byte{0, 2, 9}, []byte{}, response(0, eap.TypeIdentity, fakeIdentity), response(1, eap.TypeNak, "\x32"))
	f.Add([]byte{3, 3}, response(7, eap.TypeIdentity, fakeIdentity), []byte{1, 2, 0, 5, 1}, response(8, eap.TypeAKA, "a"))
	f.Fuzz(func(t *testing.T, how, p1, p2, p3 []byte) {
		h, _ := fixture(t, Config{MaxConversations: 2, Rand: bytes.NewReader(bytes.Repeat([]byte{7, 8, 9, 10, 11}, 40))})
		a := newAP(t, h)
		var states [][]byte
		for i, pkt := range [][]byte{p1, p2, p3, p2, p3} {
			var choice byte
			if i < len(how) {
				choice = how[i]
			}
			r := a.request(nil, false)
			for n := 1 + int(choice>>4); len(pkt) > n && n <= 253; pkt = pkt[n:] {
				r.Add(rfc2869.EAPMessage_Type, pkt[:n])
			}
			r.Add(rfc2869.EAPMessage_Type, pkt[:min(len(pkt), 253)])
			if choice&1 != 0 {
				r.Del(rfc2865.State_Type)
			}
			if choice&2 != 0 && len(states) > 0 {
				r.Set(rfc2865.State_Type, states[0])
			}
			if _, reply := a.exchange(r); reply != nil {
				eapOf(t, reply)
				states = append(states, a.state)
			}
			require.LessOrEqual(t, h.Conversations(), 2)
		}
	})
}

// keepingWriter keeps what it is given, as that of a handler in between may.
type keepingWriter struct{ kept []*layeh.Packet }

func (w *keepingWriter) Write(p *layeh.Packet) error { w.kept = append(w.kept, p); return nil }

// TestAnswersMayBeKept by whom a handler is given that is not a radius.Server's own.
func TestAnswersMayBeKept(t *testing.T) {
	h, _ := fixture(t, Config{})
	var w keepingWriter
	for id := range byte(100) {
		p := layeh.New(layeh.CodeAccessRequest, []byte("secret"))
		p.Identifier = id
		h.ServeRADIUS(&w, &layeh.Request{Packet: p})
	}
	for id, p := range w.kept {
		require.EqualValues(t, id, p.Identifier)
		require.Equal(t, layeh.CodeAccessReject, p.Code)
	}
	require.Len(t, w.kept, 100)
}
