package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/opentwag/twag/aka"
	"github.com/opentwag/twag/eap"
	"github.com/opentwag/twag/examples/internal/provision"
	"github.com/opentwag/twag/examples/internal/ue"
	"github.com/opentwag/twag/radius"
	"github.com/opentwag/twag/radius/radiustest"
)

// minSockets is the number of UDP sockets that the access point sends from. A
// server that shares its port between sockets spreads senders by their port,
// so there must be some to spread.
const minSockets = 16

// sockets is how many there are: enough for every phone to have a request in
// flight, of which RADIUS has 256 on each.
func (o *options) sockets() int { return max(minSockets, (o.stations+255)/256) }

// phone is a station made of the test kits.
type phone struct {
	ap *radiustest.AP
	ue *ue.UE
}

var _ station = (*phone)(nil)

// Login implements station. The access point checks the authenticators, the
// Message-Authenticators and the MS-MPPE keys, the phone AUTN and AT_MAC.
func (p *phone) Login(ctx context.Context) (traffic, error) {
	r, err := p.ue.Login(ctx, p.ap)
	sent := traffic{Requests: r.Requests, Retransmissions: r.Retransmissions, Reauthenticated: p.ue.Reauthenticated()}
	return sent, loginError(r, err)
}

// Forget implements station.
func (p *phone) Forget() { p.ue.Forget() }

// loginError adds to a rejection what the phone had to say about it.
func loginError(r radiustest.Result, err error) error {
	if errors.Is(err, radiustest.ErrRejected) && r.PhoneErr != nil {
		return fmt.Errorf("%w: %w", err, r.PhoneErr)
	}
	return err
}

// newStations makes the phones and their access point.
func newStations(o options) (list []station, closeAll func(), err error) {
	ap, err := radiustest.NewAP(radiustest.Config{
		Server:  o.server.String(),
		Secret:  radius.Secret(o.secret),
		Sockets: o.sockets(),
	})
	if err != nil {
		return nil, nil, err
	}
	closeAll = func() { _ = ap.Close() }
	for n := range o.stations {
		u, err := newUE(o, n)
		if err != nil {
			closeAll()
			return nil, nil, err
		}
		list = append(list, &phone{ap: ap, ue: u})
	}
	return list, closeAll, nil
}

func newUE(o options, n int) (*ue.UE, error) {
	imsi, err := provision.IMSI(o.firstIMSI, n)
	if err != nil {
		return nil, err
	}
	method := eap.TypeAKA
	switch {
	case o.method == methodAKAPrime, o.method == methodMix && n%2 == 1:
		method = eap.TypeAKAPrime
	case o.method == methodSIM:
		method = eap.TypeSIM
	}
	cfg := ue.Config{
		IMSI: imsi, Keys: o.keys, Methods: []eap.Type{method}, NetworkName: o.networkName,
		NoReauth: o.plan.Reauth == 0,
	}
	if len(o.fsGroups) > 0 {
		cfg.ForwardSecrecy, cfg.FSGroups = aka.FSRequired, o.fsGroups
	}
	return ue.New(cfg)
}
