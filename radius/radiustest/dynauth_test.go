package radiustest

import (
	"context"
	"encoding/binary"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	layeh "layeh.com/radius"
	"layeh.com/radius/rfc3576"
	"layeh.com/radius/rfc5176"

	"github.com/opentwag/twag/radius"
)

// dynAuth is a DynAuth behind a server, and what it was asked.
type dynAuth struct {
	conn  net.Conn
	asked chan DynAuthRequest
}

func newDynAuth(t *testing.T, cause rfc3576.ErrorCause) *dynAuth {
	d := &dynAuth{asked: make(chan DynAuthRequest, 1)}
	srv := &radius.Server{
		Codes:   []layeh.Code{layeh.CodeDisconnectRequest, layeh.CodeCoARequest},
		Clients: radius.Subnets{{Prefix: netip.MustParsePrefix("127.0.0.0/8"), Secret: secret}},
		Handler: DynAuth(func(_ context.Context, r DynAuthRequest) rfc3576.ErrorCause {
			d.asked <- r
			return cause
		}),
	}
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	require.NoError(t, err)
	go func() { _ = srv.Serve(pc) }()
	t.Cleanup(func() { require.NoError(t, srv.Close()) })
	d.conn, err = net.Dial("udp", pc.LocalAddr().String())
	require.NoError(t, err)
	t.Cleanup(func() { _ = d.conn.Close() })
	return d
}

// ask sends a request and returns the answer; nil: there was none within wait.
func (d *dynAuth) ask(t *testing.T, wait time.Duration, p *layeh.Packet) *layeh.Packet {
	t.Helper()
	b, err := radius.SignRequest(p)
	require.NoError(t, err)
	_, err = d.conn.Write(b)
	require.NoError(t, err)
	require.NoError(t, d.conn.SetReadDeadline(time.Now().Add(wait)))
	buf := make([]byte, 4096)
	n, err := d.conn.Read(buf)
	if err != nil {
		return nil
	}
	reply, err := radius.CheckReply(buf[:n], b, []byte(secret))
	require.NoError(t, err)
	return reply
}

type avps map[layeh.Type]string

func dynAuthRequest(code layeh.Code, with avps) *layeh.Packet {
	p := layeh.New(code, []byte(secret))
	for typ, value := range with {
		p.Add(typ, layeh.Attribute(value))
	}
	return p
}

func TestDynAuthCarriesOut(t *testing.T) {
	with := avps{
		attrAcctSessionID: "S-1", attrCallingStationID: "02-00-00-00-00-01", attrUserName: "user", attrNASIdentifier: "ap",
		attrNASIPAddress: "\x0a\x00\x00\x01", attrFramedIPAddress: "\x0a\x01\x00\x01", attrCalledStationID: "02-00-00-00-00-02:ssid",
	}
	for code, want := range map[layeh.Code][2]layeh.Code{
		layeh.CodeDisconnectRequest: {layeh.CodeDisconnectACK, layeh.CodeDisconnectNAK},
		layeh.CodeCoARequest:        {layeh.CodeCoAACK, layeh.CodeCoANAK},
	} {
		d := newDynAuth(t, 0)
		reply := d.ask(t, time.Minute, dynAuthRequest(code, with))
		require.Equal(t, want[0], reply.Code)
		_, err := rfc3576.ErrorCause_Lookup(reply)
		require.ErrorIs(t, err, layeh.ErrNoAttribute)
		got := <-d.asked
		require.Len(t, got.Attributes, len(with)+1, "and Message-Authenticator")
		got.Attributes = nil
		require.Equal(t, DynAuthRequest{
			Code: code, NASIdentifier: "ap", NASAddress: netip.MustParseAddr("10.0.0.1"), AccountID: "S-1",
			Station: "02-00-00-00-00-01", User: "user", Called: "02-00-00-00-00-02:ssid", Address: netip.MustParseAddr("10.1.0.1"),
		}, got)

		d = newDynAuth(t, rfc3576.ErrorCause_Value_SessionContextNotFound)
		reply = d.ask(t, time.Minute, dynAuthRequest(code, with))
		require.Equal(t, want[1], reply.Code)
		require.Equal(t, rfc3576.ErrorCause_Value_SessionContextNotFound, rfc3576.ErrorCause_Get(reply))
	}
}

func TestDynAuthRefuses(t *testing.T) {
	d := newDynAuth(t, 0)
	disconnect, coa := layeh.CodeDisconnectRequest, layeh.CodeCoARequest
	for name, c := range map[string]struct {
		code layeh.Code
		with avps
		want rfc3576.ErrorCause
	}{
		"no session":        {disconnect, avps{attrNASIdentifier: "ap"}, rfc3576.ErrorCause_Value_MissingAttribute},
		"a change":          {disconnect, avps{attrAcctSessionID: "S", 27: "\x00\x00\x00\x01"}, rfc3576.ErrorCause_Value_UnsupportedAttribute},
		"authorize only":    {coa, avps{attrAcctSessionID: "S", attrServiceType: "\x00\x00\x00\x11"}, rfc3576.ErrorCause_Value_UnsupportedService},
		"by port":           {coa, avps{attrNASPort: "\x00\x00\x00\x01"}, rfc3576.ErrorCause_Value_UnsupportedAttribute},
		"malformed address": {disconnect, avps{attrFramedIPAddress: "\x01"}, rfc5176.ErrorCause_Value_InvalidAttributeValue},
		"malformed time":    {disconnect, avps{attrAcctSessionID: "S", attrEventTimestamp: "\x01"}, rfc5176.ErrorCause_Value_InvalidAttributeValue},
	} {
		t.Run(name, func(t *testing.T) {
			reply := d.ask(t, time.Minute, dynAuthRequest(c.code, c.with))
			require.NotNil(t, reply)
			require.Contains(t, []layeh.Code{layeh.CodeDisconnectNAK, layeh.CodeCoANAK}, reply.Code)
			require.Equal(t, c.want, rfc3576.ErrorCause_Get(reply))
			require.Empty(t, d.asked)
		})
	}
	reply := d.ask(t, time.Minute, dynAuthRequest(disconnect, avps{attrAcctSessionID: "S", 49: "\x00\x00\x00\x06"}))
	require.Equal(t, layeh.CodeDisconnectACK, reply.Code, "a cause may be given")
	<-d.asked
}

// TestDynAuthSilence: what is old, or not from a holder of the secret, gets no answer.
func TestDynAuthSilence(t *testing.T) {
	d := newDynAuth(t, 0)
	stamp := func(at time.Time) string { return string(binary.BigEndian.AppendUint32(nil, uint32(at.Unix()))) }
	old := dynAuthRequest(layeh.CodeDisconnectRequest, avps{attrAcctSessionID: "S", attrEventTimestamp: stamp(time.Now().Add(-time.Hour))})
	require.Nil(t, d.ask(t, 50*time.Millisecond, old))
	forged := dynAuthRequest(layeh.CodeDisconnectRequest, avps{attrAcctSessionID: "S"})
	forged.Secret = []byte("another secret than the server's")
	require.Nil(t, d.ask(t, 50*time.Millisecond, forged))
	require.Empty(t, d.asked)
	fresh := dynAuthRequest(layeh.CodeDisconnectRequest, avps{attrAcctSessionID: "S", attrEventTimestamp: stamp(time.Now())})
	require.NotNil(t, d.ask(t, time.Minute, fresh))
}
