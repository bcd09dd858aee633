package radiustest

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"testing"

	"github.com/stretchr/testify/require"
	layeh "layeh.com/radius"
	"layeh.com/radius/rfc2865"
	"layeh.com/radius/rfc2869"
	"layeh.com/radius/vendors/microsoft"

	"github.com/opentwag/twag/eap"
	"github.com/opentwag/twag/radius"
)

const secret radius.Secret = "a-secret-of-some-length"

// phone answers each request with as many octets as it is asked for.
type phone struct {
	msk      eap.Key
	received [][]byte
	success  bool
	mute     bool
	err      error
}

func (p *phone) Handle(b []byte) ([]byte, error) {
	p.received = append(p.received, append([]byte(nil), b...))
	q, err := eap.Decode(b)
	if err != nil {
		return nil, err
	}
	switch {
	case q.Code == eap.CodeSuccess:
		p.success = true
		return nil, nil
	case q.Code == eap.CodeFailure:
		return nil, nil
	case p.mute:
		return nil, p.err
	case q.Type == eap.TypeIdentity:
		return response(q.Identifier, eap.TypeIdentity, []byte("phone@example")), p.err
	}
	n := int(binary.BigEndian.Uint16(q.Data))
	return response(q.Identifier, q.Type, make([]byte, n)), p.err
}

func (p *phone) Result() (eap.Result, bool) { return eap.Result{MSK: p.msk}, p.success }

func response(id byte, t eap.Type, data []byte) []byte {
	b := append(eap.AppendHeader(nil, eap.CodeResponse, id, t), data...)
	eap.EndPacket(b, 0)
	return b
}

func newPhone() *phone {
	p := &phone{}
	for i := range p.msk {
		p.msk[i] = byte(i)
	}
	return p
}

// request is a challenge that asks for n octets.
func request(id byte, n uint16) []byte {
	b := eap.AppendHeader(nil, eap.CodeRequest, id, eap.TypeAKA)
	b = binary.BigEndian.AppendUint16(b, n)
	eap.EndPacket(b, 0)
	return b
}

// twoRounds is a server that challenges twice and accepts with the phone's
// keys. State counts the rounds.
func twoRounds(t testing.TB, change func(p *layeh.Packet)) layeh.Handler {
	msk := newPhone().msk
	return layeh.HandlerFunc(func(w layeh.ResponseWriter, r *layeh.Request) {
		state := rfc2865.State_GetString(r.Packet)
		b, err := rfc2869.EAPMessage_Lookup(r.Packet)
		if err != nil {
			t.Error("no EAP-Message")
			return
		}
		if len(b) > 0 && rfc2865.UserName_GetString(r.Packet) != "phone@example" {
			t.Error("User-Name", rfc2865.UserName_GetString(r.Packet))
		}
		p := r.Response(layeh.CodeAccessChallenge)
		set := func(state string, b []byte) {
			_ = rfc2865.State_SetString(p, state)
			_ = rfc2869.EAPMessage_Set(p, b)
		}
		switch {
		case state == "" && len(b) == 0:
			set("start", []byte{1, 0, 0, 5, 1})
		case state == "" || state == "start":
			set("one", request(1, 300))
		case state == "one":
			if len(b) != 305 {
				t.Error("joined length", len(b))
			}
			set("two", request(2, 10))
		case state == "two":
			p = r.Response(layeh.CodeAccessAccept)
			_ = rfc2869.EAPMessage_Set(p, []byte{3, 2, 0, 4})
			addKeys(p, msk)
		}
		if change != nil {
			change(p)
		}
		_ = w.Write(p)
	})
}

// addKeys adds the keys with salts that differ, which layeh leaves to chance.
func addKeys(p *layeh.Packet, msk eap.Key) {
	for {
		_ = microsoft.MSMPPERecvKey_Add(p, msk[:32])
		_ = microsoft.MSMPPESendKey_Add(p, msk[32:])
		n := len(p.Attributes)
		if [2]byte(p.Attributes[n-2].Attribute[6:8]) != [2]byte(p.Attributes[n-1].Attribute[6:8]) {
			return
		}
		p.Attributes = p.Attributes[:n-2]
	}
}

// serve runs a server on loopback and returns its address.
func serve(t testing.TB, s *radius.Server) string {
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	require.NoError(t, err)
	if s.Clients == nil {
		s.Clients = radius.Subnets{{Secret: secret}}
	}
	done := make(chan error, 1)
	go func() { done <- s.Serve(pc) }()
	t.Cleanup(func() {
		require.NoError(t, s.Shutdown(context.Background()))
		require.True(t, errors.Is(<-done, radius.ErrServerClosed))
	})
	return pc.LocalAddr().String()
}

func newAP(t testing.TB, cfg Config) *AP {
	cfg.Secret = secret
	ap, err := NewAP(cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, ap.Close()) })
	return ap
}
