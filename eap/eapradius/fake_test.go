package eapradius

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	layeh "layeh.com/radius"
	"layeh.com/radius/rfc2865"
	"layeh.com/radius/rfc2869"

	"github.com/opentwag/twag/eap"
)

const fakeIdentity = "0001010000000001@wlan.mnc001.mcc001.3gppnetwork.org"

// fakeMethod is a method whose peers say what happens: the first octet of each
// Response is an order.
type fakeMethod struct {
	typ   eap.Type
	start byte
	hold  chan struct{} // orderNeed waits for it
	fat   int           // how much longer than needed the state is
	stays bool          // the state is confined
}

// Orders of a fakeMachine.
const (
	orderRequest   = 'r'
	orderLong      = 'l' // a request of 1000 octets
	orderNeed      = '?' // resolve something, then send a request
	orderAuthorize = 'a' // ask for authorization, then send a request
	orderStrange   = 'x' // need what nobody can answer
	orderForever   = 'o' // need the same again and again
	orderSucceed   = 's'
	orderNoKeys    = 'k' // succeed with a zero MSK
	orderFail      = 'f'
	orderIgnore    = 'i'
	orderDefy      = 'd' // ask for authorization and succeed, whatever the answer
	orderDefyTwice = 'D' // the same, but ask once more
	orderPanic     = 'p'
)

var errFake = errors.New("fake: failed to order")

type fakeNeed struct{ hold chan struct{} }

func (fakeNeed) NeedName() string { return "fake" }

func (n fakeNeed) Resolve(ctx context.Context) eap.Answer {
	if n.hold == nil {
		return byte(orderRequest)
	}
	select {
	case <-n.hold:
		return byte(orderRequest)
	case <-ctx.Done():
		return byte(orderFail)
	}
}

type strangeNeed struct{}

func (strangeNeed) NeedName() string { return "strange" }

func (m fakeMethod) Type() eap.Type { return m.typ }

func (m fakeMethod) New(p eap.Peer) eap.Machine { return &fakeMachine{fakeMethod: m, peer: p} }

func (m fakeMethod) Restore(p eap.Peer, state []byte) (eap.Machine, error) {
	if len(state) != 2+m.fat {
		return nil, errFake
	}
	return &fakeMachine{fakeMethod: m, peer: p, asked: state[0], round: state[1]}, nil
}

type fakeMachine struct {
	fakeMethod
	peer  eap.Peer
	asked byte
	round byte
}

func (m *fakeMachine) Confined() bool { return m.stays }

func fakeResult(m fakeMethod, identity string) *eap.Result {
	r := &eap.Result{Method: m.typ, Identity: identity, IMSI: eap.MustParseIMSI("001010000000001"), SessionID: []byte("session id")}
	for i := range r.MSK {
		r.MSK[i] = 0x20 + byte(i)
	}
	return r
}

func (m *fakeMachine) Start(t eap.Turn) eap.Step { return m.do(t, m.start) }

func (m *fakeMachine) Handle(t eap.Turn, resp eap.Packet) eap.Step {
	return m.do(t, append(resp.Data, orderIgnore)[0])
}

func (m *fakeMachine) Resume(t eap.Turn, a eap.Answer) eap.Step {
	switch a := a.(type) {
	case byte:
		if m.asked == orderForever {
			return m.do(t, orderForever)
		}
		return m.do(t, a)
	case eap.Authorization:
		if m.asked == orderDefyTwice {
			return m.do(t, orderDefy)
		}
		if m.asked == orderDefy {
			return m.do(t, orderSucceed)
		}
		if a.Refusal != eap.RefusalNone {
			return eap.Step{Kind: eap.StepFailure, Err: errFake}
		}
		return m.do(t, orderRequest)
	default:
		return eap.Step{Kind: eap.StepFailure, Err: errors.New("fake: strange answer")}
	}
}

func (m *fakeMachine) AppendState(b []byte) ([]byte, error) {
	return append(append(b, m.asked, m.round), make([]byte, m.fat)...), nil
}

func (m *fakeMachine) do(t eap.Turn, order byte) eap.Step {
	m.asked = order
	request := func(n int) eap.Step {
		m.round++
		b, _ := eap.Packet{Code: eap.CodeRequest, Identifier: t.Identifier, Type: m.typ, Data: bytes.Repeat([]byte{m.round}, n)}.Append(nil)
		return eap.Step{Kind: eap.StepRequest, Packet: b}
	}
	switch order {
	case 0, orderRequest:
		return request(3)
	case orderLong:
		return request(995)
	case orderNeed, orderForever:
		return eap.Step{Kind: eap.StepNeed, Need: fakeNeed{m.hold}}
	case orderStrange:
		return eap.Step{Kind: eap.StepNeed, Need: strangeNeed{}}
	case orderAuthorize, orderDefy, orderDefyTwice:
		return eap.Step{Kind: eap.StepNeed, Need: &eap.NeedAuthorization{Result: fakeResult(m.fakeMethod, m.peer.Identity), Peer: m.peer}}
	case orderSucceed:
		return eap.Step{Kind: eap.StepSuccess, Result: fakeResult(m.fakeMethod, m.peer.Identity)}
	case orderNoKeys:
		return eap.Step{Kind: eap.StepSuccess, Result: &eap.Result{Method: m.typ}}
	case orderPanic:
		panic(errFake)
	case orderIgnore:
		return eap.Step{Kind: eap.StepIgnore, Err: errFake}
	default:
		return eap.Step{Kind: eap.StepFailure, Err: errFake}
	}
}

// recorder is a ResponseWriter that keeps what it is given.
type recorder struct {
	replies []*layeh.Packet
	errs    []error // the results of Write, one after the other

	discarded int
}

// Discard is what radius.Discard looks for.
func (w *recorder) Discard() { w.discarded++ }

func (w *recorder) Write(p *layeh.Packet) error {
	if len(w.errs) > 0 {
		err := w.errs[0]
		w.errs = w.errs[1:]
		if err != nil {
			return err
		}
	}
	w.replies = append(w.replies, p)
	return nil
}

// ap is an access point with one station, in front of a Handler.
type ap struct {
	t       testing.TB
	h       layeh.Handler
	addr    net.Addr
	nasID   string
	station string
	secret  string
	user    string
	extra   layeh.Attributes
	errs    []error
	ctx     context.Context

	state []byte
}

func newAP(t testing.TB, h layeh.Handler) *ap {
	return &ap{
		t: t, h: h,
		addr:    &net.UDPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 40000},
		nasID:   "ap-1",
		station: "02-00-00-00-00-01",
		secret:  "a secret of some length",
		user:    fakeIdentity,
		ctx:     context.Background(),
	}
}

// request makes an Access-Request. No packets: no EAP-Message; each packet is
// one EAP-Message attribute if it fits.
func (a *ap) request(pkt []byte, hasEAP bool) *layeh.Request {
	p := layeh.New(layeh.CodeAccessRequest, []byte(a.secret))
	if a.user != "" {
		require.NoError(a.t, rfc2865.UserName_SetString(p, a.user))
	}
	if a.nasID != "" {
		require.NoError(a.t, rfc2865.NASIdentifier_SetString(p, a.nasID))
	}
	if a.station != "" {
		require.NoError(a.t, rfc2865.CallingStationID_SetString(p, a.station))
	}
	require.NoError(a.t, rfc2865.CalledStationID_SetString(p, "02-AA-AA-AA-AA-01:lab"))
	if a.state != nil {
		p.Add(rfc2865.State_Type, a.state)
	}
	if hasEAP {
		p.Add(rfc2869.EAPMessage_Type, pkt[:min(len(pkt), 253)])
		for len(pkt) > 253 {
			pkt = pkt[253:]
			p.Add(rfc2869.EAPMessage_Type, pkt[:min(len(pkt), 253)])
		}
	}
	p.Attributes = append(p.Attributes, a.extra...)
	r := &layeh.Request{RemoteAddr: a.addr, LocalAddr: a.addr, Packet: p}
	return r.WithContext(a.ctx)
}

// send sends an EAP packet, and returns the request and the reply; no reply is
// nil. A Challenge's State is kept.
func (a *ap) send(pkt []byte) (*layeh.Packet, *layeh.Packet) {
	a.t.Helper()
	return a.exchange(a.request(pkt, true))
}

func (a *ap) exchange(r *layeh.Request) (*layeh.Packet, *layeh.Packet) {
	a.t.Helper()
	w := &recorder{errs: a.errs}
	a.h.ServeRADIUS(w, r)
	if len(w.replies) == 0 {
		return r.Packet, nil
	}
	require.Len(a.t, w.replies, 1)
	reply := w.replies[0]
	require.Equal(a.t, r.Identifier, reply.Identifier)
	require.Equal(a.t, r.Authenticator, reply.Authenticator)
	// What was built goes over the wire.
	b, err := reply.Encode()
	require.NoError(a.t, err)
	_, err = layeh.Parse(b, reply.Secret)
	require.NoError(a.t, err)
	if reply.Code == layeh.CodeAccessChallenge {
		a.state = bytes.Clone(rfc2865.State_Get(reply))
	}
	return r.Packet, reply
}

// sendFor sends pkt, wants a reply with the given code, and returns its EAP
// packet.
func (a *ap) sendFor(code layeh.Code, pkt []byte) []byte {
	a.t.Helper()
	_, reply := a.send(pkt)
	require.NotNil(a.t, reply)
	require.Equal(a.t, code, reply.Code)
	return eapOf(a.t, reply)
}

// login begins a login with fakeIdentity and returns the EAP request.
func (a *ap) login() []byte {
	a.t.Helper()
	return a.sendFor(layeh.CodeAccessChallenge, response(7, eap.TypeIdentity, fakeIdentity))
}

// order answers the EAP request with an order for a fakeMachine.
func order(req []byte, order byte) []byte {
	return response(req[1], eap.TypeAKA, string(rune(order)))
}

func response(id uint8, t eap.Type, data string) []byte {
	b, err := eap.Packet{Code: eap.CodeResponse, Identifier: id, Type: t, Data: []byte(data)}.Append(nil)
	if err != nil {
		panic(err)
	}
	return b
}

// eapOf returns the EAP packet of a reply, checked for what RFC 3579, section
// 2.6.3, says of it.
func eapOf(t testing.TB, reply *layeh.Packet) []byte {
	t.Helper()
	b, err := rfc2869.EAPMessage_Lookup(reply)
	require.NoError(t, err)
	p, err := eap.Decode(b)
	require.NoError(t, err)
	states, err := rfc2865.State_Gets(reply)
	require.NoError(t, err)
	switch reply.Code {
	case layeh.CodeAccessAccept:
		require.Equal(t, eap.CodeSuccess, p.Code)
		require.Empty(t, states)
	case layeh.CodeAccessReject:
		require.Contains(t, []eap.Code{eap.CodeFailure, eap.CodeResponse}, p.Code)
		require.Empty(t, states)
	case layeh.CodeAccessChallenge:
		require.Equal(t, eap.CodeRequest, p.Code)
		require.Len(t, states, 1)
	default:
		require.Fail(t, reply.Code.String())
	}
	return b
}

// events notes what the hooks are told.
type events struct {
	mu  sync.Mutex
	all []event
}

type event struct {
	name string
	info Info
	err  error
	text string
	n    int
}

func (e *events) add(ev event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.all = append(e.all, ev)
}

// take returns the names of the events so far and forgets them.
func (e *events) take() (names []string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, ev := range e.all {
		names = append(names, ev.name)
	}
	e.all = nil
	return names
}

// last returns the last event.
func (e *events) last() event {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.all) == 0 {
		return event{}
	}
	return e.all[len(e.all)-1]
}

func (e *events) hooks() Hooks {
	return Hooks{
		Challenge: func(i Info) { e.add(event{name: "challenge", info: i}) },
		Accept:    func(i Info, r *eap.Result) { e.add(event{name: "accept", info: i, text: r.Identity}) },
		Reject:    func(i Info, err error) { e.add(event{name: "reject", info: i, err: err}) },
		Discard:   func(i Info, err error) { e.add(event{name: "discard", info: i, err: err}) },
		Drop: func(c netip.Addr, err error) {
			e.add(event{name: "drop", info: Info{Client: c}, err: err})
		},
		UserNameDiffers: func(i Info, u string) { e.add(event{name: "user-name", info: i, text: u}) },
		Expired:         func(n int) { e.add(event{name: "expired", n: n}) },
	}
}

// capture is a logger that notes its lines.
func capture(level slog.Level) (*slog.Logger, *bytes.Buffer) {
	var b bytes.Buffer
	return slog.New(slog.NewTextHandler(&b, &slog.HandlerOptions{Level: level})), &b
}

// fixture is a handler with fake methods.
func fixture(t testing.TB, cfg Config) (*Handler, *events) {
	t.Helper()
	e := &events{}
	cfg.Hooks = e.hooks()
	return New(eap.NewAuthenticator(fakeMethod{typ: eap.TypeAKA}, fakeMethod{typ: eap.TypeAKAPrime}), cfg), e
}
