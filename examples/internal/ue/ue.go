// Package ue is a phone of the laboratory: a USIM with the key of a lab
// subscriber, behind a simulated access point.
package ue

import (
	"cmp"
	"context"
	"fmt"

	"github.com/opentwag/twag/aka"
	"github.com/opentwag/twag/eap"
	"github.com/opentwag/twag/eap/eaptest"
	"github.com/opentwag/twag/examples/internal/provision"
	"github.com/opentwag/twag/milenage"
	"github.com/opentwag/twag/radius/radiustest"
)

// Config is what a phone is made of.
type Config struct {
	// IMSI is the subscriber.
	IMSI eap.IMSI
	// Station is the phone's MAC address; empty is one made of the IMSI.
	Station string
	// Keys has the subscriber's key.
	Keys provision.Keys
	// Methods are the EAP methods that the phone does, preferred first; nil is
	// what eaptest does then.
	Methods []eap.Type
	// NetworkName is the access network that an EAP-AKA' phone expects; empty
	// is any.
	NetworkName string
	// SQN is the highest sequence number that the USIM has seen.
	SQN uint64
	// NoReauth makes the phone take no identities for fast re-authentication:
	// each of its logins is a full one.
	NoReauth bool
	// ForwardSecrecy says whether the phone has EAP-AKA' with forward secrecy,
	// and FSGroups in which groups; nil is all.
	ForwardSecrecy aka.ForwardSecrecy
	FSGroups       []aka.FSGroup
}

// UE is a phone. It is not safe for concurrent use.
type UE struct {
	cfg  Config
	peer *eaptest.Peer
	mac  string
}

// New returns a phone.
func New(cfg Config) (*UE, error) {
	usim, err := NewUSIM(cfg.IMSI, cfg.Keys, cfg.SQN)
	if err != nil {
		return nil, err
	}
	peer, err := eaptest.NewPeer(eaptest.PeerConfig{
		USIM: usim, IMSI: cfg.IMSI, Methods: cfg.Methods, NetworkName: cfg.NetworkName,
		NoReauth: cfg.NoReauth, ForwardSecrecy: cfg.ForwardSecrecy, FSGroups: cfg.FSGroups,
	})
	if err != nil {
		return nil, err
	}
	return &UE{cfg: cfg, peer: peer, mac: cmp.Or(cfg.Station, mac(cfg.IMSI))}, nil
}

// NewUSIM returns the USIM of a lab subscriber that has seen sequence numbers
// up to sqn. It takes any that is higher: simulators that are started again
// begin at the beginning.
func NewUSIM(imsi eap.IMSI, keys provision.Keys, sqn uint64) (*eaptest.USIM, error) {
	cipher, err := milenage.New(keys.Of(imsi))
	if err != nil {
		return nil, err
	}
	return eaptest.NewUSIM(eaptest.USIMConfig{Algorithm: cipher.Algorithm(), SQN: sqn, Delta: 1 << 48})
}

// mac makes a locally administered MAC address of the IMSI's last digits.
func mac(imsi eap.IMSI) string {
	d := "0000000000" + imsi.Digits()
	d = d[len(d)-10:]
	return fmt.Sprintf("02-%s-%s-%s-%s-%s", d[0:2], d[2:4], d[4:6], d[6:8], d[8:10])
}

// IMSI returns the subscriber.
func (u *UE) IMSI() eap.IMSI { return u.cfg.IMSI }

// Station returns the phone's MAC address.
func (u *UE) Station() string { return u.mac }

// Identity returns what the phone called itself last.
func (u *UE) Identity() string { return u.peer.Identity() }

// Method returns the EAP method of the last login.
func (u *UE) Method() eap.Type { return u.peer.Method() }

// Resyncs returns how many challenges of the last login had a stale sequence
// number.
func (u *UE) Resyncs() int { return u.peer.Resyncs() }

// Reauthenticated tells whether the last login has succeeded as a fast
// re-authentication.
func (u *UE) Reauthenticated() bool {
	r, ok := u.peer.Result()
	return ok && r.Reauthenticated
}

// Forget makes the phone lose what earlier logins have left: the next one is a
// full one, with the IMSI.
func (u *UE) Forget() { u.peer.Forget() }

// RaiseSQN makes the USIM behave as if it had seen sequence numbers far
// above what the HSS has used, so that the next login begins with a
// resynchronisation.
func (u *UE) RaiseSQN() { u.peer.USIM().SetSQN(u.peer.USIM().SQN() + 1<<10) }

// Login logs the phone in through ap.
func (u *UE) Login(ctx context.Context, ap *radiustest.AP) (radiustest.Result, error) {
	u.peer.Reset()
	return ap.Login(ctx, u.peer, u.mac)
}
