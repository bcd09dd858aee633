package radius

import (
	"encoding/hex"
	"encoding/json"
	"net"
	"os"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
	layeh "layeh.com/radius"
	"layeh.com/radius/rfc2865"
	"layeh.com/radius/rfc2868"
	"layeh.com/radius/vendors/microsoft"

	"github.com/opentwag/twag/radius/internal/wire"
)

type hexBytes []byte

func (h *hexBytes) UnmarshalText(b []byte) error {
	v, err := hex.DecodeString(string(b))
	*h = v
	return err
}

type hiddenCase struct {
	Plain           string   `json:"plain"`
	Salt            hexBytes `json:"salt"`
	AttributeString hexBytes `json:"attribute_string"`
	AttributeValue  hexBytes `json:"attribute_value"`
}

type radiusCase struct {
	Name                  string      `json:"name"`
	Secret                string      `json:"secret"`
	Request               hexBytes    `json:"request"`
	Response              hexBytes    `json:"response"`
	ResponseAuthenticator hexBytes    `json:"response_authenticator"`
	MessageAuthenticator  hexBytes    `json:"message_authenticator"`
	Password              string      `json:"password"`
	UserPasswordHidden    hexBytes    `json:"user_password_hidden"`
	CHAPPassword          string      `json:"chap_password"`
	RecvKey               *hiddenCase `json:"ms_mppe_recv_key"`
	SendKey               *hiddenCase `json:"ms_mppe_send_key"`
	TunnelPassword        *hiddenCase `json:"tunnel_password"`
}

func loadCases(t testing.TB) []radiusCase {
	b, err := os.ReadFile("../testdata/radius.json")
	require.NoError(t, err)
	var f struct {
		Cases []radiusCase `json:"cases"`
	}
	require.NoError(t, json.Unmarshal(b, &f))
	require.Len(t, f.Cases, 11)
	return f.Cases
}

// badState is the example whose State attribute, of 10 octets, says 16 in the
// RFC's print.
const badState = "RFC 2865 7.3 second request"

// TestVectors checks every exchange of testdata/radius.json: what is signed,
// what is hidden, and that the server takes the request and makes the answer.
func TestVectors(t *testing.T) {
	var replies, macs, passwords, hidden, served int
	for _, c := range loadCases(t) {
		t.Run(c.Name, func(t *testing.T) {
			key := wire.NewKey([]byte(c.Secret))
			req, err := wire.Cut(c.Request)
			require.NoError(t, err)
			l, err := wire.Scan(req)
			if c.Name == badState {
				require.ErrorIs(t, err, wire.ErrAttribute)
			} else {
				require.NoError(t, err)
			}
			if c.MessageAuthenticator != nil {
				macs++
				require.EqualValues(t, c.MessageAuthenticator, req[l.MessageAuthenticator:][:16])
				require.True(t, key.CheckMessageAuthenticator(req, l.MessageAuthenticator))
				signed := append([]byte(nil), req...)
				clear(signed[l.MessageAuthenticator:][:16])
				key.SignRequest(signed, l.MessageAuthenticator)
				require.EqualValues(t, req, signed)
			}
			if wire.HashedAuthenticator(req[0]) {
				require.True(t, key.CheckRequestAuthenticator(req))
			}

			rep, err := wire.Cut(c.Response)
			require.NoError(t, err)
			rl, err := wire.Scan(rep)
			require.NoError(t, err)
			auth := [16]byte(req[4:20])
			require.True(t, key.CheckReply(rep, rl.MessageAuthenticator, &auth))
			signed := append([]byte(nil), rep...)
			clear(signed[4:20])
			key.SignReply(signed, rl.MessageAuthenticator, &auth)
			require.EqualValues(t, rep, signed)
			if c.ResponseAuthenticator != nil {
				require.EqualValues(t, c.ResponseAuthenticator, signed[4:20])
			}
			replies++

			if c.Name == badState {
				// Mended, for the rest.
				req[len(req)-9] = 10
			}
			p, err := layeh.Parse(req, []byte(c.Secret))
			require.NoError(t, err)
			if c.UserPasswordHidden != nil {
				passwords++
				require.EqualValues(t, c.UserPasswordHidden, p.Get(rfc2865.UserPassword_Type))
				require.Equal(t, c.Password, rfc2865.UserPassword_GetString(p))
			}
			for _, h := range []struct {
				c    *hiddenCase
				send bool
			}{{c.RecvKey, false}, {c.SendKey, true}} {
				if h.c == nil {
					continue
				}
				hidden++
				q, err := layeh.Parse(rep, []byte(c.Secret))
				require.NoError(t, err)
				want, err := hex.DecodeString(h.c.Plain)
				require.NoError(t, err)
				got := microsoft.MSMPPERecvKey_Get(q, p)
				if h.send {
					got = microsoft.MSMPPESendKey_Get(q, p)
				}
				require.Equal(t, want, []byte(got))
				clearText, ok := wire.Reveal(nil, h.c.AttributeString, key.Secret(), &auth)
				require.True(t, ok)
				require.Equal(t, want, clearText)
			}
			if c.TunnelPassword != nil {
				hidden++
				clearText, ok := wire.Reveal(nil, c.TunnelPassword.AttributeValue[1:], key.Secret(), &auth)
				require.True(t, ok)
				require.Equal(t, c.TunnelPassword.Plain, string(clearText))
				q, err := layeh.Parse(rep, []byte(c.Secret))
				require.NoError(t, err)
				require.NotNil(t, q.Get(rfc2868.TunnelPassword_Type))
			}
			serveCase(t, c, rep)
			served++
		})
	}
	require.Equal(t, []int{11, 6, 4, 3, 11}, []int{replies, macs, passwords, hidden, served})
}

// serveCase has a server answer the request with the response's attributes,
// and compares what does not depend on our adding Message-Authenticator.
func serveCase(t *testing.T, c radiusCase, rep []byte) {
	synctest.Test(t, func(t *testing.T) {
		s := &Server{
			Clients: Subnets{{Prefix: testPrefix, Secret: Secret(c.Secret), AllowMissingMessageAuthenticator: true}},
			Codes: []layeh.Code{layeh.CodeAccessRequest, layeh.CodeAccountingRequest,
				layeh.CodeCoARequest, layeh.CodeDisconnectRequest},
			Handler: layeh.HandlerFunc(func(w layeh.ResponseWriter, r *layeh.Request) {
				require.Equal(t, net.IPv4(192, 0, 2, 7).To4(), r.RemoteAddr.(*net.UDPAddr).IP.To4())
				q, err := layeh.Parse(rep, []byte(c.Secret))
				require.NoError(t, err)
				p := r.Response(q.Code)
				p.Attributes = q.Attributes
				require.NoError(t, w.Write(p))
			}),
		}
		r := newRig(t, s)
		defer r.close()
		r.send(c.Request)
		got := r.want()
		p, err := CheckReply(got, c.Request, []byte(c.Secret))
		require.NoError(t, err)
		if c.Request[0] == wire.StatusServer {
			require.Equal(t, layeh.CodeAccessAccept, p.Code)
			return
		}
		want, err := layeh.Parse(rep, []byte(c.Secret))
		require.NoError(t, err)
		require.Equal(t, want.Code, p.Code)
		p.Del(wire.AttrMessageAuthenticator)
		want.Del(wire.AttrMessageAuthenticator)
		require.ElementsMatch(t, want.Attributes, p.Attributes)
		if c.Request[0] == wire.AccountingRequest {
			require.EqualValues(t, c.Response, got)
		}
	})
}
