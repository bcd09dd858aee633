package eap

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
)

const (
	akaIdentity   = "0001010000000001@wlan.mnc001.mcc001.3gppnetwork.org"
	primeIdentity = "6001010000000001@wlan.mnc001.mcc001.3gppnetwork.org"
)

// newFake returns an authenticator with AKA' and AKA, in this order, and one
// of an expanded type.
func newFake(t testing.TB, cfg Config) *Authenticator {
	t.Helper()
	if cfg.Methods == nil {
		cfg.Methods = []Method{fakeMethod{typ: TypeAKAPrime}, fakeMethod{typ: TypeAKA}, fakeMethod{typ: TypeExpanded}}
	}
	if cfg.Rand == nil {
		cfg.Rand = bytes.NewReader([]byte{0xfe})
	}
	a, err := NewAuthenticatorWith(cfg)
	require.NoError(t, err)
	return a
}

// in is an input of a script and what must come of it.
type in struct {
	name   string
	pkt    []byte // to Handle, unless nil
	answer Answer // to Resume
	start  bool

	want OutcomeKind
	// typ and id are those of the request, or id that of the last packet.
	typ Type
	id  uint8
	err error
}

func (i in) run(t *testing.T, c *Conversation) Outcome {
	t.Helper()
	var o Outcome
	switch {
	case i.start:
		o = c.Start(now)
	case i.pkt != nil:
		pkt := bytes.Clone(i.pkt)
		o = c.Handle(now, pkt)
		for k := range pkt {
			pkt[k] = 0xdb // nobody may have kept it
		}
	default:
		o = c.Resume(now, i.answer)
	}
	require.Equal(t, i.want, o.Kind, "%s: %v", i.name, o.Err)
	if i.err == nil {
		require.NoError(t, o.Err, i.name)
	} else {
		require.ErrorIs(t, o.Err, i.err, i.name)
	}
	switch i.want {
	case OutcomeSend:
		p, err := Decode(o.Packet)
		require.NoError(t, err, i.name)
		require.Equal(t, CodeRequest, p.Code, i.name)
		require.Equal(t, i.typ, p.Type, i.name)
		require.Equal(t, i.id, p.Identifier, i.name)
	case OutcomeSuccess:
		require.Equal(t, []byte{3, i.id, 0, 4}, o.Packet, i.name)
		require.NotNil(t, o.Result, i.name)
	case OutcomeFailure:
		require.Equal(t, []byte{4, i.id, 0, 4}, o.Packet, i.name)
		require.Nil(t, o.Result, i.name)
	case OutcomeNeed:
		require.Equal(t, fakeNeed{}, o.Need, i.name)
		require.Nil(t, o.Packet, i.name)
	case OutcomeDiscard:
	}
	return o
}

func identity(id uint8, s string) []byte { return response(id, TypeIdentity, []byte(s)...) }

// TestConversation runs whole conversations: each line is an input and what
// must come of it.
func TestConversation(t *testing.T) {
	begin := func(s string) in {
		typ := TypeAKA
		if strings.HasPrefix(s, "6") {
			typ = TypeAKAPrime
		}
		return in{name: "identity", pkt: identity(7, s), want: OutcomeSend, typ: typ, id: 8}
	}
	for name, script := range map[string][]in{
		"EAP-Start": {
			{start: true, want: OutcomeSend, typ: TypeIdentity, id: 0xfe},
			{pkt: identity(0xfe, akaIdentity), want: OutcomeSend, typ: TypeAKA, id: 0xff},
			{pkt: order(0xff, TypeAKA, orderRequest), want: OutcomeSend, typ: TypeAKA, id: 0},
			{pkt: order(0, TypeAKA, orderSucceed), want: OutcomeSuccess, id: 0},
		},
		"identity asked by the NAS": {
			begin(akaIdentity),
			{pkt: order(8, TypeAKA, orderSucceed), want: OutcomeSuccess, id: 8},
		},
		"needs": {
			begin(primeIdentity),
			{pkt: order(8, TypeAKAPrime, orderNeed), want: OutcomeNeed},
			{name: "packet meanwhile", pkt: order(8, TypeAKAPrime, orderSucceed), want: OutcomeDiscard, err: ErrNotWaiting},
			{name: "start meanwhile", start: true, want: OutcomeDiscard, err: ErrNotWaiting},
			{answer: byte(orderNeed), want: OutcomeNeed},
			{answer: byte(orderRequest), want: OutcomeSend, typ: TypeAKAPrime, id: 9},
			{name: "resume without need", answer: byte(orderSucceed), want: OutcomeDiscard, err: ErrNotWaiting},
			{pkt: order(9, TypeAKAPrime, orderNeed), want: OutcomeNeed},
			{answer: byte(orderSucceed), want: OutcomeSuccess, id: 9},
		},
		"answer of the wrong kind": {
			begin(akaIdentity),
			{pkt: order(8, TypeAKA, orderNeed), want: OutcomeNeed},
			{answer: "what?", want: OutcomeFailure, id: 8, err: errFake},
			{answer: byte(orderSucceed), want: OutcomeDiscard, err: ErrNotWaiting},
		},
		"failure": {
			begin(akaIdentity),
			{pkt: order(8, TypeAKA, orderFail), want: OutcomeFailure, id: 8, err: errFake},
			{name: "over", pkt: order(8, TypeAKA, orderSucceed), want: OutcomeDiscard, err: ErrNotWaiting},
		},
		"over after success": {
			begin(akaIdentity),
			{pkt: order(8, TypeAKA, orderSucceed), want: OutcomeSuccess, id: 8},
			{pkt: order(8, TypeAKA, orderSucceed), want: OutcomeDiscard, err: ErrNotWaiting},
			{pkt: order(9, TypeAKA, orderRequest), want: OutcomeDiscard, err: ErrNotWaiting},
			{start: true, want: OutcomeDiscard, err: ErrNotWaiting},
		},
		"not the Response that is waited for": {
			{name: "before all: a method", pkt: order(1, TypeAKA, orderSucceed), want: OutcomeDiscard, err: ErrUnexpected},
			{name: "before all: a Nak", pkt: response(1, TypeNak, 23), want: OutcomeDiscard, err: ErrUnexpected},
			{start: true, want: OutcomeSend, typ: TypeIdentity, id: 0xfe},
			{name: "old Identifier", pkt: identity(0xfd, akaIdentity), want: OutcomeDiscard, err: ErrUnexpected},
			{name: "method for identity", pkt: order(0xfe, TypeAKA, orderSucceed), want: OutcomeDiscard, err: ErrUnexpected},
			{name: "Nak of Identity", pkt: response(0xfe, TypeNak, 23), want: OutcomeDiscard, err: ErrUnexpected},
			{name: "Expanded Nak of Identity", pkt: expandedNak(0xfe, 0, 23), want: OutcomeDiscard, err: ErrUnexpected},
			{pkt: identity(0xfe, akaIdentity), want: OutcomeSend, typ: TypeAKA, id: 0xff},
			{name: "wrong Identifier", pkt: order(0xfd, TypeAKA, orderSucceed), want: OutcomeDiscard, err: ErrUnexpected},
			{name: "Request", pkt: []byte{1, 0xff, 0, 6, 23, orderSucceed}, want: OutcomeDiscard, err: ErrUnexpected},
			{name: "Success", pkt: []byte{3, 0xff, 0, 4}, want: OutcomeDiscard, err: ErrUnexpected},
			{name: "Failure", pkt: []byte{4, 0xff, 0, 4}, want: OutcomeDiscard, err: ErrUnexpected},
			{name: "cut short", pkt: []byte{2, 0xff, 0, 9, 23, orderSucceed}, want: OutcomeDiscard, err: ErrMalformed},
			{name: "another method's", pkt: order(0xff, TypeAKAPrime, orderSucceed), want: OutcomeDiscard, err: ErrUnexpected},
			{name: "Identity again", pkt: identity(0xff, primeIdentity), want: OutcomeDiscard, err: ErrUnexpected},
			{name: "Notification", pkt: response(0xff, TypeNotification), want: OutcomeDiscard, err: ErrUnexpected},
			{name: "ignored by the method", pkt: order(0xff, TypeAKA, orderIgnore), want: OutcomeDiscard, err: errFake},
			{name: "ignored without a reason", pkt: response(0xff, TypeAKA), want: OutcomeDiscard, err: ErrUnexpected},
			{name: "nothing has changed", pkt: order(0xff, TypeAKA, orderSucceed), want: OutcomeSuccess, id: 0xff},
		},
		"retransmission": {
			begin(akaIdentity),
			{pkt: identity(7, akaIdentity), want: OutcomeSend, typ: TypeAKA, id: 8},
			{name: "another identity", pkt: identity(7, primeIdentity), want: OutcomeDiscard, err: ErrUnexpected},
			{pkt: order(8, TypeAKA, orderRequest), want: OutcomeSend, typ: TypeAKA, id: 9},
			{name: "again", pkt: order(8, TypeAKA, orderRequest), want: OutcomeSend, typ: TypeAKA, id: 9},
			{name: "again, padded", pkt: append(order(8, TypeAKA, orderRequest), 0, 0), want: OutcomeSend, typ: TypeAKA, id: 9},
			{name: "same Identifier, other data", pkt: order(8, TypeAKA, orderSucceed), want: OutcomeDiscard, err: ErrUnexpected},
			{name: "two rounds old", pkt: identity(7, akaIdentity), want: OutcomeDiscard, err: ErrUnexpected},
			{pkt: order(9, TypeAKA, orderSucceed), want: OutcomeSuccess, id: 9},
		},
		"Nak": {
			begin(akaIdentity),
			{name: "no types", pkt: response(8, TypeNak), want: OutcomeDiscard, err: ErrUnexpected},
			{name: "wrong Identifier", pkt: response(9, TypeNak, 50), want: OutcomeDiscard, err: ErrUnexpected},
			{name: "Expanded Nak of a legacy type", pkt: expandedNak(8, 0, 50), want: OutcomeDiscard, err: ErrUnexpected},
			{name: "ignored", pkt: order(8, TypeAKA, orderIgnore), want: OutcomeDiscard, err: errFake},
			{name: "still legal", pkt: response(8, TypeNak, 13, 50), want: OutcomeSend, typ: TypeAKAPrime, id: 9},
			{pkt: order(9, TypeAKAPrime, orderRequest), want: OutcomeSend, typ: TypeAKAPrime, id: 10},
			{name: "too late", pkt: response(10, TypeNak, 23), want: OutcomeDiscard, err: ErrUnexpected},
			{pkt: order(10, TypeAKAPrime, orderSucceed), want: OutcomeSuccess, id: 10},
		},
		"Nak for none": {
			begin(akaIdentity),
			{pkt: response(8, TypeNak, 0), want: OutcomeFailure, id: 8, err: ErrNoMethod},
		},
		"Nak for what is not there": {
			begin(akaIdentity),
			{pkt: response(8, TypeNak, 13, 25, 1, 3), want: OutcomeFailure, id: 8, err: ErrNoMethod},
		},
		"Nak for what was just refused": {
			begin(akaIdentity),
			{pkt: response(8, TypeNak, 23), want: OutcomeFailure, id: 8, err: ErrNoMethod},
		},
		"Naks in a circle": {
			begin(akaIdentity),
			{pkt: response(8, TypeNak, 50), want: OutcomeSend, typ: TypeAKAPrime, id: 9},
			{pkt: response(9, TypeNak, 23), want: OutcomeFailure, id: 9, err: ErrNoMethod},
		},
		"Nak after a need": {
			begin(akaIdentity),
			{pkt: order(8, TypeAKA, orderNeed), want: OutcomeNeed},
			{answer: byte(orderRequest), want: OutcomeSend, typ: TypeAKA, id: 9},
			{name: "method has begun", pkt: response(9, TypeNak, 50), want: OutcomeDiscard, err: ErrUnexpected},
		},
		"Nak: the server's order counts": {
			begin("1001010000000001@wlan.mnc001.mcc001.3gppnetwork.org").as(TypeAKAPrime),
			{pkt: response(8, TypeNak, 254, 23), want: OutcomeSend, typ: TypeAKA, id: 9},
		},
		"Expanded Nak": {
			begin(akaIdentity),
			{pkt: response(8, TypeNak, 254), want: OutcomeSend, typ: TypeExpanded, id: 9},
			{name: "no items", pkt: expandedNak(9), want: OutcomeDiscard, err: ErrUnexpected},
			{name: "item cut short", pkt: response(9, TypeExpanded, 0, 0, 0, 0, 0, 0, 3, 254, 0), want: OutcomeDiscard, err: ErrUnexpected},
			{pkt: expandedNak(9, 20<<32|50, 50), want: OutcomeSend, typ: TypeAKAPrime, id: 10},
		},
		"Expanded Nak, vendors only": {
			begin(akaIdentity),
			{pkt: response(8, TypeNak, 254), want: OutcomeSend, typ: TypeExpanded, id: 9},
			{pkt: expandedNak(9, 20<<32|50), want: OutcomeFailure, id: 9, err: ErrNoMethod},
		},
		"Expanded Nak for none": {
			begin(akaIdentity),
			{pkt: response(8, TypeNak, 254), want: OutcomeSend, typ: TypeExpanded, id: 9},
			{pkt: expandedNak(9, 0), want: OutcomeFailure, id: 9, err: ErrNoMethod},
		},
		"expanded method's own answer": {
			begin(akaIdentity),
			{pkt: response(8, TypeNak, 254), want: OutcomeSend, typ: TypeExpanded, id: 9},
			{pkt: order(9, TypeExpanded, orderSucceed), want: OutcomeSuccess, id: 9},
		},
		"Notification by a method": {
			begin(akaIdentity),
			{pkt: order(8, TypeAKA, orderNotify), want: OutcomeSend, typ: TypeNotification, id: 9, err: errFake},
			{name: "not of the method", pkt: order(9, TypeAKA, orderFail), want: OutcomeDiscard, err: ErrUnexpected},
			{name: "no Nak", pkt: response(9, TypeNak, 50), want: OutcomeDiscard, err: ErrUnexpected},
			{pkt: response(9, TypeNotification, orderFail), want: OutcomeFailure, id: 9, err: errFake},
		},
		"methods that misbehave: empty success": {
			begin(akaIdentity),
			{pkt: order(8, TypeAKA, orderEmpty), want: OutcomeFailure, id: 8, err: ErrMethod},
		},
		"methods that misbehave: strange step": {
			begin(akaIdentity),
			{pkt: order(8, TypeAKA, orderStrange), want: OutcomeFailure, id: 8, err: ErrMethod},
		},
		"methods that misbehave: no need": {
			begin(akaIdentity),
			{pkt: order(8, TypeAKA, orderNoNeed), want: OutcomeFailure, id: 8, err: ErrMethod},
		},
		"methods that misbehave: request": {
			begin(akaIdentity),
			{pkt: order(8, TypeAKA, orderBadID), want: OutcomeFailure, id: 8, err: ErrMethod},
		},
		"methods that misbehave: ignored answer": {
			begin(akaIdentity),
			{pkt: order(8, TypeAKA, orderNeed), want: OutcomeNeed},
			{answer: byte(orderIgnore), want: OutcomeFailure, id: 8, err: ErrMethod},
		},
		"identity too long": {
			{pkt: identity(7, strings.Repeat("0", MaxIdentityLen+1)), want: OutcomeFailure, id: 7, err: ErrIdentityLength},
		},
		"longest identity": {
			begin(strings.Repeat("0", MaxIdentityLen)).as(TypeAKAPrime),
		},
		"no identity": {
			begin("").as(TypeAKAPrime),
		},
		"realm that is not served": {
			{pkt: identity(7, "0@unreachable.3gppnetwork.org"), want: OutcomeFailure, id: 7, err: ErrForeignRealm},
		},
	} {
		t.Run(name, func(t *testing.T) {
			a := newFake(t, Config{})
			c := a.New(Peer{Identity: "what the caller thinks", StationID: "02-00-00-00-00-01"})
			require.Empty(t, c.Peer().Identity)
			var last []byte
			for _, i := range script {
				o := i.run(t, c)
				if o.Kind == OutcomeDiscard && c.phase != phaseDone && c.phase != phaseNeed {
					require.Equal(t, last, o.Packet, "%s: the outstanding request", i.name)
				}
				if o.Kind == OutcomeSend {
					if i.pkt != nil && last != nil && o.Packet[1] == last[1] {
						require.Equal(t, last, o.Packet, "%s: the same octets", i.name)
					}
					last = o.Packet
				}
			}
		})
		// The same with a conversation that goes to another process after each
		// request. It does not know what was sent.
		t.Run(name+", restored", func(t *testing.T) {
			a := newFake(t, Config{})
			p := Peer{StationID: "02-00-00-00-00-01"}
			c := a.New(p)
			for _, i := range script {
				if i.want == OutcomeSend && i.pkt != nil && c.last == nil && c.identifier == i.id && c.phase == phaseMethod {
					i.want, i.err = OutcomeDiscard, ErrUnexpected // a retransmission
				}
				i.run(t, c)
				state, err := c.AppendState([]byte("front"))
				if c.phase != phaseIdentity && c.phase != phaseMethod {
					require.ErrorIs(t, err, ErrNotWaiting)
					require.Equal(t, "front", string(state))
					continue
				}
				require.NoError(t, err)
				require.Equal(t, "front", string(state[:5]))
				before := *c
				state = state[5:]
				c, err = a.Restore(p, state)
				require.NoError(t, err)
				for k := range state {
					state[k] = 0xdb
				}
				require.Equal(t, before.peer, c.Peer())
				require.Equal(t, before.id, c.Identity())
				require.Equal(t, before.rounds, c.rounds)
				require.Equal(t, before.tried, c.tried)
				require.Equal(t, before.nak, c.nak)
				require.Equal(t, before.requested, c.requested)
				require.Equal(t, before.Method(), c.Method())
			}
		})
	}
}

func (i in) as(t Type) in { i.typ = t; return i }

// expandedNak makes an Expanded Nak; an item is Vendor-Id and Vendor-Type.
func expandedNak(id uint8, items ...uint64) []byte {
	data := []byte{0, 0, 0, 0, 0, 0, 3}
	for _, i := range items {
		data = append(data, 254, byte(i>>48), byte(i>>40), byte(i>>32), byte(i>>24), byte(i>>16), byte(i>>8), byte(i))
	}
	return response(id, TypeExpanded, data...)
}

func TestConversationRounds(t *testing.T) {
	for _, limit := range []int{3, 255, 0} {
		a := newFake(t, Config{MaxRounds: limit})
		if limit == 0 {
			limit = defaultMaxRounds
		}
		c := a.New(Peer{})
		o := c.Handle(now, identity(200, akaIdentity))
		for range limit {
			require.Equal(t, OutcomeSend, o.Kind)
			o = c.Handle(now, order(o.Packet[1], TypeAKA, orderRequest))
		}
		require.Equal(t, OutcomeFailure, o.Kind)
		require.ErrorIs(t, o.Err, ErrRounds)
	}
}

// TestConversationTurn looks at what a method is told.
func TestConversationTurn(t *testing.T) {
	a := newFake(t, Config{})
	c := a.New(Peer{NASID: "ap-1"})
	require.Zero(t, c.Method())
	c.Handle(now, identity(7, akaIdentity))
	m := c.machine.(*fakeMachine)
	require.Equal(t, Turn{Now: now, Identifier: 8}, m.turn)
	require.Equal(t, Peer{Identity: akaIdentity, NASID: "ap-1"}, m.peer)
	require.Equal(t, m.peer, c.Peer())
	require.Equal(t, KindPermanent, c.Identity().Kind)
	require.Equal(t, TypeAKA, c.Method())
	c.Handle(now.Add(1), order(8, TypeAKA, orderNeed))
	require.Equal(t, Turn{Now: now.Add(1), Identifier: 9}, m.turn)
	c.Resume(now.Add(2), byte(orderNeed))
	require.Equal(t, Turn{Now: now.Add(2), Identifier: 9}, m.turn)
}

func TestConversationWithoutEntropy(t *testing.T) {
	broken := errors.New("no entropy")
	a := newFake(t, Config{Rand: iotest.ErrReader(broken)})
	o := a.New(Peer{}).Start(now)
	require.Equal(t, OutcomeFailure, o.Kind)
	require.ErrorIs(t, o.Err, broken)
}

func TestRepeated(t *testing.T) {
	a := newFake(t, Config{})
	c := a.New(Peer{})
	first := identity(7, akaIdentity)
	_, ok := c.Repeated(first)
	require.False(t, ok)
	o := c.Handle(now, first)
	req, ok := c.Repeated(first)
	require.True(t, ok)
	require.Equal(t, o.Packet, req)
	for _, pkt := range [][]byte{nil, {2, 7, 0}, {2, 7, 0, 99}, identity(8, akaIdentity), identity(7, primeIdentity)} {
		_, ok = c.Repeated(pkt)
		require.False(t, ok, "%x", pkt)
	}
	c.Handle(now, order(8, TypeAKA, orderFail))
	_, ok = c.Repeated(order(8, TypeAKA, orderFail))
	require.False(t, ok, "nothing is outstanding")
}

// FuzzConversation holds a conversation with a peer that says anything: no
// panic, a bounded number of rounds, and never a success that the method did
// not give.
func FuzzConversation(f *testing.F) {
	join := func(pkts ...[]byte) (b []byte) {
		for _, p := range pkts {
			b = append(append(b, byte(len(p))), p...)
		}
		return b
	}
	f.Add(join(identity(7, akaIdentity), order(8, TypeAKA, orderNeed), []byte{orderRequest}, order(9, TypeAKA, orderSucceed)))
	f.Add(join(nil, identity(0xfe, primeIdentity), response(0xff, TypeNak, 254, 23), order(0, TypeAKA, orderNotify), response(1, TypeNotification, orderFail)))
	f.Add(join(identity(7, akaIdentity), response(8, TypeNak, 254), expandedNak(9, 20<<32|50, 50), order(10, TypeAKAPrime, orderIgnore)))
	f.Fuzz(func(t *testing.T, script []byte) {
		a := newFake(t, Config{})
		c := a.New(Peer{})
		sent, over := 0, false
		for len(script) > 0 {
			n := min(int(script[0]), len(script)-1)
			pkt := script[1 : 1+n]
			script = script[1+n:]
			var o Outcome
			switch {
			case n == 0:
				o = c.Start(now)
			case c.phase == phaseNeed && n == 1:
				o = c.Resume(now, pkt[0])
			default:
				_, again := c.Repeated(pkt)
				if o = c.Handle(now, pkt); again {
					require.Equal(t, OutcomeSend, o.Kind)
					continue
				}
			}
			if over {
				require.Equal(t, OutcomeDiscard, o.Kind)
			}
			switch o.Kind {
			case OutcomeSend:
				sent++
				require.LessOrEqual(t, sent, defaultMaxRounds)
				state, err := c.AppendState(nil)
				if err != nil {
					require.ErrorIs(t, err, errFake)
					break
				}
				r, err := a.Restore(Peer{}, state)
				require.NoError(t, err)
				again, err := r.AppendState(nil)
				require.NoError(t, err)
				require.Equal(t, state, again)
			case OutcomeSuccess, OutcomeFailure:
				over = true
			case OutcomeDiscard:
				require.Error(t, o.Err)
			case OutcomeNeed:
			}
		}
	})
}

func BenchmarkConversation(b *testing.B) {
	a := newFake(b, Config{})
	id, resp := identity(7, akaIdentity), order(8, TypeAKA, orderSucceed)
	b.ReportAllocs()
	for b.Loop() {
		c := a.New(Peer{StationID: "02-00-00-00-00-01"})
		c.Handle(now, id)
		if o := c.Handle(now, resp); o.Kind != OutcomeSuccess {
			b.Fatal(o)
		}
	}
}
