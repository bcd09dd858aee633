package radius

import (
	"net"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	layeh "layeh.com/radius"

	"github.com/opentwag/twag/radius/internal/wire"
)

func fuzzSeeds(f *testing.F) {
	for _, c := range loadCases(f) {
		f.Add([]byte(c.Request))
		f.Add([]byte(c.Response))
	}
	f.Add(accessRequest(f, 1, 1))
	f.Add(append(accessRequest(f, 1, 1), 0, 0))
	f.Add([]byte{})
}

// FuzzDecode holds the decoder against layeh's: both take the same datagrams,
// save those whose Message-Authenticator is malformed, and see the same in
// them.
func FuzzDecode(f *testing.F) {
	fuzzSeeds(f)
	client, err := NewClient(ClientConfig{Secret: testSecret})
	require.NoError(f, err)
	carrier := &nullCarrier{}
	f.Fuzz(func(t *testing.T, b []byte) {
		want, wantErr := layeh.Parse(b, []byte(testSecret))
		pkt, err := wire.Cut(b)
		if err != nil {
			require.Error(t, wantErr)
			return
		}
		l, err := wire.Scan(pkt)
		if err != nil {
			if wantErr == nil {
				require.ErrorIs(t, err, wire.ErrMessageAuthenticatorForm)
			}
			return
		}
		require.NoError(t, wantErr)
		r := &request{client: client, pkt: pkt, layout: l, carrier: carrier}
		copy(r.auth[:], pkt[4:20])
		require.Equal(t, want, r.parse().Packet)
		_, hasMA := want.Lookup(wire.AttrMessageAuthenticator)
		require.Equal(t, hasMA, l.MessageAuthenticator != 0)
	})
}

// FuzzReceive takes datagrams through the whole receive path, as they are and
// made authentic, up to the handler and back.
func FuzzReceive(f *testing.F) {
	fuzzSeeds(f)
	var calls, writes atomic.Int64
	s := &Server{
		Clients: Subnets{{Secret: testSecret, AllowMissingMessageAuthenticator: true, AllowUnsignedProxyState: true}},
		Codes: []layeh.Code{layeh.CodeAccessRequest, layeh.CodeAccountingRequest,
			layeh.CodeCoARequest, layeh.CodeDisconnectRequest},
		Handler: layeh.HandlerFunc(func(w layeh.ResponseWriter, r *layeh.Request) {
			calls.Add(1)
			code := map[layeh.Code]layeh.Code{1: 2, 4: 5, 40: 41, 43: 45}[r.Code]
			p := r.Response(code)
			p.Attributes = r.Attributes
			if w.Write(p) == nil {
				writes.Add(1)
			}
		}),
		Remember: 64,
	}
	e, err := s.engine()
	require.NoError(f, err)
	c := &nullCarrier{}
	from := &path{remote: netip.MustParseAddrPort("192.0.2.1:1000"), addr: &net.UDPAddr{}}
	var scratch [wire.MaxLen]byte
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, b := range [][]byte{b, sealed(b)} {
			before := calls.Load()
			r := e.receive(c, 1, b, from, time.Now(), 0, scratch[:0])
			if r == nil {
				continue
			}
			_, err := layeh.Parse(b, []byte(testSecret))
			require.NoError(t, err)
			e.serve(r)
			require.Equal(t, before+1, calls.Load())
			require.Nil(t, e.receive(c, 1, b, from, time.Now(), 0, scratch[:0]), "a repetition")
		}
		require.Zero(t, e.count.panics.Load())
	})
}

// sealed returns b made authentic, if it is a packet at all.
func sealed(b []byte) []byte {
	pkt, err := wire.Cut(b)
	if err != nil {
		return b
	}
	return resign(pkt)
}
