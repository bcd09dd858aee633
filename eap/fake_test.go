package eap

import (
	"encoding/binary"
	"errors"
	"time"
)

// now is a time for conversations, which read no clock.
var now = time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)

// fakeMethod is a method whose peers say what happens: the first octet of each
// Response, and the answer of each need, is an order.
type fakeMethod struct {
	typ   Type
	start byte // the order that Start follows
}

// Orders of a fakeMachine.
const (
	orderRequest = 'r' // send a request
	orderNotify  = 'n' // send a Notification request
	orderNeed    = '?' // need something
	orderIgnore  = 'i'
	orderSucceed = 's'
	orderFail    = 'f'
	orderEmpty   = 'e' // succeed without a result
	orderStrange = 'x' // a step of no kind
	orderBadID   = 'b' // a request with a wrong Identifier
	orderNoNeed  = 'N' // a need that is none
	orderNoState = 'S' // send a request; AppendState will fail
)

type fakeNeed struct{}

func (fakeNeed) NeedName() string { return "fake" }

var errFake = errors.New("fake: failed to order")

func (m fakeMethod) Type() Type { return m.typ }

func (m fakeMethod) New(p Peer) Machine { return &fakeMachine{fakeMethod: m, peer: p} }

func (m fakeMethod) Restore(p Peer, state []byte) (Machine, error) {
	if len(state) != 2 {
		return nil, errFake
	}
	return &fakeMachine{fakeMethod: m, peer: p, steps: binary.BigEndian.Uint16(state)}, nil
}

type fakeMachine struct {
	fakeMethod
	peer    Peer
	steps   uint16
	noState bool
	turn    Turn
}

func (m *fakeMachine) Start(t Turn) Step { return m.do(t, m.start) }

func (m *fakeMachine) Handle(t Turn, resp Packet) Step {
	if len(resp.Data) == 0 {
		return Step{Kind: StepIgnore}
	}
	return m.do(t, resp.Data[0])
}

func (m *fakeMachine) Resume(t Turn, a Answer) Step {
	order, ok := a.(byte)
	if !ok {
		return Step{Kind: StepFailure, Err: errFake}
	}
	return m.do(t, order)
}

func (m *fakeMachine) AppendState(b []byte) ([]byte, error) {
	if m.noState {
		return b, errFake
	}
	return binary.BigEndian.AppendUint16(b, m.steps), nil
}

func (m *fakeMachine) do(t Turn, order byte) Step {
	if order == orderIgnore {
		return Step{Kind: StepIgnore, Err: errFake}
	}
	m.steps++
	m.turn = t
	request := func(typ Type, id uint8) Step {
		b, _ := Packet{Code: CodeRequest, Identifier: id, Type: typ, Data: []byte{byte(m.steps)}}.Append(nil)
		return Step{Kind: StepRequest, Packet: b}
	}
	switch order {
	case 0, orderRequest:
		return request(m.typ, t.Identifier)
	case orderNotify:
		s := request(TypeNotification, t.Identifier)
		s.Err = errFake
		return s
	case orderNeed:
		return Step{Kind: StepNeed, Need: fakeNeed{}}
	case orderSucceed:
		return Step{Kind: StepSuccess, Result: &Result{Method: m.typ, Identity: m.peer.Identity}}
	case orderFail:
		return Step{Kind: StepFailure, Err: errFake}
	case orderEmpty:
		return Step{Kind: StepSuccess}
	case orderBadID:
		return request(m.typ, t.Identifier-1)
	case orderNoNeed:
		return Step{Kind: StepNeed}
	case orderNoState:
		m.noState = true
		return request(m.typ, t.Identifier)
	default:
		return Step{Kind: StepKind(99)}
	}
}

// response makes a Response.
func response(id uint8, t Type, data ...byte) []byte {
	b, err := Packet{Code: CodeResponse, Identifier: id, Type: t, Data: data}.Append(nil)
	if err != nil {
		panic(err)
	}
	return b
}

// order makes a Response with an order for a fakeMachine of type t.
func order(id uint8, t Type, order byte) []byte { return response(id, t, order) }
