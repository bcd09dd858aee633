package main

import (
	"errors"
	"sync/atomic"

	layeh "layeh.com/radius"

	"github.com/opentwag/twag/gy"
	"github.com/opentwag/twag/radius"
	"github.com/opentwag/twag/session/gateway"
)

// chargingCounters are what twagd counts of charging.
type chargingCounters struct {
	granted, refused, ended            atomic.Uint64
	overshootOctets, writtenOff        atomic.Uint64
	disconnects, changes, enforceFails atomic.Uint64
}

// samples returns the counters that are not zero.
func (c *chargingCounters) samples() []sample {
	var list []sample
	for _, s := range []sample{
		{"gy_granted_count", c.granted.Load()},
		{"gy_refused_count", c.refused.Load()},
		{"gy_ended_count", c.ended.Load()},
		{"gy_overshoot_octets", c.overshootOctets.Load()},
		{"gy_written_off_octets", c.writtenOff.Load()},
		{"radius_disconnect_request_count", c.disconnects.Load()},
		{"radius_coa_request_count", c.changes.Load()},
		{"radius_dynamic_authorization_failure_count", c.enforceFails.Load()},
	} {
		if s.value > 0 {
			list = append(list, s)
		}
	}
	return list
}

func (o *observer) chargingHooks() gateway.ChargingHooks {
	c := &o.count.charging
	return gateway.ChargingHooks{Step: func(s gateway.ChargingStep) {
		switch s.Output.Service {
		case gy.ServiceGranted:
			c.granted.Add(1)
		case gy.ServiceRefused:
			c.refused.Add(1)
		case gy.ServiceEnded:
			c.ended.Add(1)
		}
		c.overshootOctets.Add(s.Output.OvershootOctets)
		if n := s.Output.WrittenOff; n > 0 {
			c.writtenOff.Add(n)
			o.log.Warn("Usage was written off: the OCS was not to be reached", "octets", n)
		}
	}}
}

func (o *observer) enforced(code layeh.Code, err error) {
	c := &o.count.charging
	if code == layeh.CodeDisconnectRequest {
		c.disconnects.Add(1)
	} else {
		c.changes.Add(1)
	}
	if err != nil {
		c.enforceFails.Add(1)
	}
}

// enforcer has NASes do what is decided about their sessions.
func (b *books) enforcer(cfg *config, clients radius.ClientSource, watch *observer) error {
	var err error
	b.dynauth, err = radius.NewDynAuth(radius.DynAuthConfig{
		Clients: clients, Port: uint16(cfg.CoA.Port), OmitMessageAuthenticator: cfg.CoA.OmitMessageAuthenticator,
	})
	if err != nil {
		return err
	}
	gateway.NewEnforcer(b.manager, b.dynauth, gateway.EnforcerConfig{Logger: watch.log, Sent: watch.enforced})
	return nil
}

// charge charges the sessions of b over the server's node.
func (s *server) charge(b *books) error {
	c := &s.cfg.Charging
	if !c.enabled() {
		return nil
	}
	machine, choose := c.choose(s)
	charging, err := gateway.NewCharging(b.manager, gateway.ChargingConfig{
		Client: gy.NewClient(s.node, gy.ClientConfig{Logger: s.log}), NewSessionID: s.node.NewSessionID,
		Machine: machine, Choose: choose, Attributes: c.attributes, AdaptInterim: c.AdaptInterim,
		Logger: s.log, Hooks: s.watch.chargingHooks(),
	})
	if err != nil {
		return errors.Join(errors.New("charging"), err)
	}
	b.charging = charging
	gy.Handle(s.node, charging.Sessions())
	return nil
}
