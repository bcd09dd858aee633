package gateway_test

import (
	"bytes"
	"net"
	"testing"

	"github.com/stretchr/testify/require"
	layeh "layeh.com/radius"
	"layeh.com/radius/rfc2865"
	"layeh.com/radius/rfc2869"

	"github.com/opentwag/twag/aka"
	"github.com/opentwag/twag/aka/auc"
	"github.com/opentwag/twag/diameter"
	"github.com/opentwag/twag/eap"
	"github.com/opentwag/twag/eap/eapradius"
	"github.com/opentwag/twag/eap/eaptest"
	"github.com/opentwag/twag/gy"
	"github.com/opentwag/twag/milenage"
)

type writer struct{ reply *layeh.Packet }

func (w *writer) Write(p *layeh.Packet) error {
	w.reply = p
	return nil
}

// phoneLogin lets a real phone log in over the rig's admitter, and returns the phone and the last
// answer of the server.
func (r *rig) phoneLogin() (*eaptest.Peer, *layeh.Packet) {
	r.Helper()
	card, err := milenage.New([16]byte{1}, [16]byte{2})
	require.NoError(r, err)
	centre := auc.New(auc.Config{})
	require.NoError(r, centre.Put(auc.Subscriber{IMSI: eap.MustParseIMSI(imsi), Algorithm: card.Algorithm(), SQN: 64}))
	handler := eapradius.New(eap.NewAuthenticator(aka.NewPrime(centre, aka.Config{})), eapradius.Config{Authorizer: r.admitter})
	usim, err := eaptest.NewUSIM(eaptest.USIMConfig{Algorithm: card.Algorithm()})
	require.NoError(r, err)
	phone, err := eaptest.NewPeer(eaptest.PeerConfig{USIM: usim, IMSI: eap.MustParseIMSI(imsi)})
	require.NoError(r, err)

	w := new(writer)
	pkt := []byte{1, 100, 0, 5, 1} // the NAS asks who it is
	for range 10 {
		response, err := phone.Handle(pkt)
		require.NoError(r, err)
		if response == nil {
			break
		}
		p := layeh.New(layeh.CodeAccessRequest, []byte("a secret of some length"))
		require.NoError(r, rfc2865.UserName_SetString(p, "user"))
		require.NoError(r, rfc2865.NASIdentifier_SetString(p, "ap1"))
		require.NoError(r, rfc2865.CallingStationID_SetString(p, "02-00-00-00-00-01"))
		require.NoError(r, rfc2865.CalledStationID_SetString(p, "00-10-A4-23-19-C0:carrier"))
		require.NoError(r, rfc2869.EAPMessage_Set(p, bytes.Clone(response)))
		if w.reply != nil {
			p.Add(rfc2865.State_Type, rfc2865.State_Get(w.reply))
		}
		handler.ServeRADIUS(w, &layeh.Request{RemoteAddr: &net.UDPAddr{IP: net.IPv4(10, 0, 0, 1)}, Packet: p})
		pkt, err = rfc2869.EAPMessage_Lookup(w.reply)
		require.NoError(r, err)
	}
	return phone, w.reply
}

// TestPhoneIsTold: a login that is refused for credit ends in a notification that the phone
// understands (TS 24.302, clause 6.4.1; RFC 4187, section 10.19), and then in a reject.
func TestPhoneIsTold(t *testing.T) {
	for name, c := range map[string]struct {
		code uint32
		err  error
		want aka.Notification
	}{
		"credit":       {gy.ResultSuccess, nil, 0},
		"no credit":    {gy.ResultCreditLimitReached, nil, aka.NotifyTemporarilyDenied},
		"no service":   {gy.ResultEndUserServiceDenied, nil, aka.NotifyNotSubscribed},
		"rejected":     {gy.ResultAuthorizationRejected, nil, aka.NotifyNotSubscribed},
		"user unknown": {gy.ResultUserUnknown, nil, aka.NotifyNotSubscribed},
		"out of order": {gy.ResultUnableToComply, nil, aka.NotifyTemporarilyDenied},
		"no OCS":       {0, diameter.ErrNoPeer, aka.NotifyTemporarilyDenied},
	} {
		t.Run(name, func(t *testing.T) {
			runCharging(t, &rig{ocs: newOCS(nil, 300*mega, 10*mega)}, func(r *rig) {
				r.ocs.err, r.ocs.refusal = c.err, c.code
				phone, reply := r.phoneLogin()
				told, notified := phone.Notification()
				require.Equal(r, c.want != 0, notified)
				require.Equal(r, c.want, told)
				if c.want == 0 {
					require.Equal(r, layeh.CodeAccessAccept, reply.Code)
					return
				}
				require.Equal(r, layeh.CodeAccessReject, reply.Code)
				require.Zero(r, r.m.Counts())
			})
		})
	}
}
