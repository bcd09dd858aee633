package aka

import (
	"context"
	"encoding/hex"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/eap"
)

const (
	simID   = "1555444333222111@wlan.mnc044.mcc555.3gppnetwork.org"
	akaID   = "0555444333222111@wlan.mnc044.mcc555.3gppnetwork.org"
	primeID = "6555444333222111@wlan.mnc044.mcc555.3gppnetwork.org"
)

// testVector is the vector of RFC 9048, appendix D, cases 1 and 2, and of the
// recordings; TS 35.208, test set 19.
func testVector() Vector {
	v := Vector{XRESLen: 8}
	get := func(s string) []byte {
		b, err := hex.DecodeString(s)
		if err != nil {
			panic(err)
		}
		return b
	}
	copy(v.RAND[:], get("81e92b6c0ee0e12ebceba8d92a99dfa5"))
	copy(v.AUTN[:], get("bb52e91c747ac3ab2a5c23d15ee351d5"))
	copy(v.CK[:], get("5349fbe098649f948f5d2e973a81c00f"))
	copy(v.IK[:], get("9744871ad32bf9bbd1dd5ce54e3e2e5a"))
	copy(v.XRES[:], get("28d7b0f2a2ec3de5"))
	return v
}

// noVectors is a source that is never asked: tests resume machines themselves.
type noVectors struct{}

func (noVectors) Vectors(context.Context, VectorRequest) ([]Vector, error) {
	return nil, ErrUnavailable
}

// newTest makes a method of type t.
func newTest(t eap.Type, cfg Config) *Method {
	switch t {
	case eap.TypeAKAPrime:
		return NewPrime(noVectors{}, cfg)
	case eap.TypeSIM:
		return NewSIM(noVectors{}, cfg)
	default:
		return New(noVectors{}, cfg)
	}
}

func idFor(t eap.Type) string {
	switch t {
	case eap.TypeAKAPrime:
		return primeID
	case eap.TypeSIM:
		return simID
	default:
		return akaID
	}
}

// conv drives a machine and plays the peer that has the test vector's USIM.
type conv struct {
	t      testing.TB
	method *Method
	peer   eap.Peer
	m      eap.Machine
	turn   eap.Turn
	step   eap.Step

	identity string // the keys' identity, as this peer sent it
	network  string
	cc       Checkcode
	last     Message // the last request
	vector   Vector

	storing bool // every state goes through AppendState and Restore
}

func newConv(t testing.TB, m *Method, identity string) *conv {
	c := &conv{
		t: t, method: m, peer: eap.Peer{Identity: identity}, identity: identity,
		network: "WLAN", vector: testVector(), turn: eap.Turn{Identifier: 100},
	}
	c.m = m.New(c.peer)
	return c
}

// took notes a step: the request it holds, and the next identifier.
func (c *conv) took(s eap.Step) string {
	c.step = s
	if s.Kind == eap.StepRequest {
		require.Equal(c.t, c.turn.Identifier, s.Packet[1])
		c.last = decodePacket(c.t, s.Packet)
		c.turn.Identifier++
		if c.storing {
			c.store()
		}
	}
	return c.sees()
}

// store puts the machine through its encoded state.
func (c *conv) store() {
	b, err := c.m.AppendState([]byte("x"))
	require.NoError(c.t, err)
	m, err := c.method.Restore(c.peer, b[1:])
	require.NoError(c.t, err)
	again, err := m.AppendState(nil)
	require.NoError(c.t, err)
	require.Equal(c.t, b[1:], again)
	clear(b)
	c.m = m
}

func (c *conv) start() string { return c.took(c.m.Start(c.turn)) }

func (c *conv) resume(a eap.Answer) string { return c.took(c.m.Resume(c.turn, a)) }

func (c *conv) give(v ...Vector) string {
	if len(v) > 0 {
		c.vector = v[0]
	}
	return c.resume(VectorsAnswer{Vectors: v})
}

func (c *conv) handle(pkt []byte) string {
	p, err := eap.Decode(pkt)
	require.NoError(c.t, err)
	return c.took(c.m.Handle(c.turn, p))
}

// toChallenge runs up to the challenge.
func (c *conv) toChallenge() *conv {
	if c.start() == "ask AT_ANY_ID_REQ" {
		require.Equal(c.t, "need vectors", c.answerIdentity(c.identity))
	}
	require.Equal(c.t, "challenge", c.give(c.vector))
	return c
}

func (c *conv) toAuthorization() *conv {
	c.toChallenge()
	require.Equal(c.t, "need authorization", c.handle(c.goodAnswer()))
	return c
}

// sees tells what a step looks like from outside.
func (c *conv) sees() string {
	s := c.step
	switch s.Kind {
	case eap.StepRequest:
		m := c.last
		switch m.Subtype {
		case SubtypeIdentity:
			for typ := range m.All() {
				return "ask " + typ.String()
			}
		case SubtypeSIMStart:
			for typ := range m.All() {
				if typ != AttrVersionList {
					return "ask " + typ.String()
				}
			}
			return "start"
		case SubtypeChallenge, SubtypeSIMChallenge:
			return "challenge"
		case SubtypeNotification:
			protected := ""
			if m.Has(AttrMAC) {
				protected = " with MAC"
			}
			if m.Notification.Success() {
				require.NoError(c.t, s.Err)
			} else {
				require.Error(c.t, s.Err)
			}
			return fmt.Sprintf("notify %d%s", uint16(m.Notification), protected)
		}
		return "request " + m.Subtype.String()
	case eap.StepNeed:
		return "need " + s.Need.NeedName()
	case eap.StepSuccess:
		require.NotNil(c.t, s.Result)
	case eap.StepFailure, eap.StepIgnore:
		require.Error(c.t, s.Err)
	}
	return s.Kind.String()
}

// keys are the keys as the peer has them.
func (c *conv) keys() *Keys {
	var k Keys
	if c.method.typ == eap.TypeAKAPrime {
		ck, ik := c.vector.CK, c.vector.IK
		if !c.vector.Primed {
			ck, ik = PrimeKeys(ck, ik, c.network, c.vector.AUTN)
		}
		k = AKAPrimeKeys(c.identity, ck, ik)
	} else {
		k = AKAKeys(c.identity, c.vector.CK, c.vector.IK)
	}
	return &k
}

// response makes a response to the last request.
func (c *conv) response(s Subtype, fill func(b *Builder)) []byte {
	b := NewMessage(nil, eap.CodeResponse, c.last.Identifier, c.method.typ, s)
	if fill != nil {
		fill(&b)
	}
	pkt, err := b.Bytes()
	require.NoError(c.t, err)
	return pkt
}

func (c *conv) identityResponse(identity string) []byte {
	return c.response(SubtypeIdentity, func(b *Builder) { b.String(AttrIdentity, identity) })
}

// answerIdentity answers an identity request and keeps the check code.
func (c *conv) answerIdentity(identity string) string {
	pkt := c.identityResponse(identity)
	c.cc.Add(c.method.typ, c.last.raw, pkt)
	return c.handle(pkt)
}

// goodAnswer is the right response to the challenge, with AT_RESULT_IND if the
// server offers it.
func (c *conv) goodAnswer() []byte {
	return c.response(SubtypeChallenge, func(b *Builder) {
		b.Octets(AttrRES, c.vector.XRES[:c.vector.XRESLen])
		b.Octets(AttrCheckcode, c.cc.Append(nil, c.method.typ))
		if c.last.Has(AttrResultInd) {
			b.Flag(AttrResultInd)
		}
		b.MAC(c.keys(), nil)
	})
}

// syncFailure is a Synchronization-Failure as the method wants it.
func (c *conv) syncFailure(kdfs KDFList) []byte {
	return c.response(SubtypeSyncFailure, func(b *Builder) {
		b.Octets(AttrAUTS, []byte("auts-14-octets"))
		b.KDFs(kdfs)
	})
}

func bothMethods(t *testing.T, f func(t *testing.T, typ eap.Type)) {
	for _, typ := range []eap.Type{eap.TypeAKA, eap.TypeAKAPrime} {
		t.Run(typ.String(), func(t *testing.T) { f(t, typ) })
	}
}
