package homeconfig

import (
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strconv"

	"github.com/opentwag/twag/diameter"
	"github.com/opentwag/twag/swx"
)

// Node is what the Diameter node is made of. log is told of new certificates; nil is silence.
func (c *Diameter) Node(log *slog.Logger) (diameter.Config, error) {
	cfg := diameter.Config{
		OriginHost:     c.OriginHost,
		OriginRealm:    c.OriginRealm,
		Applications:   []diameter.Application{swx.Application},
		Watchdog:       c.Watchdog,
		Reconnect:      c.Reconnect,
		AttemptTimeout: c.AttemptTimeout,
		WaitForPeer:    c.WaitForPeer,
	}
	if c.AttemptTimeout == 0 {
		cfg.AttemptTimeout = -1 // never
	}
	var err error
	if cfg.TLS, err = c.TLS.load(c.OriginHost, log); err != nil {
		return cfg, fmt.Errorf("diameter.tls: %w", err)
	}
	for i, p := range c.Peers {
		peer := diameter.PeerConfig{
			Host: p.Host, Realm: p.Realm, Serves: p.Serves, Priority: p.Priority, Weight: p.Weight, Transport: p.Transport,
		}
		if p.Connect == ConnectInitiate {
			peer.Address = net.JoinHostPort(p.Address, strconv.Itoa(p.Port))
		}
		if peer.TLS, err = p.TLS.load(c.OriginHost, log); err != nil {
			return cfg, fmt.Errorf("diameter.peers[%d].tls: %w", i, err)
		}
		cfg.Peers = append(cfg.Peers, peer)
	}
	return cfg, nil
}

// Client is what the dialogue with the HSS is made of.
func (c *SWx) Client() swx.Config {
	cfg := swx.Config{
		Realm:             c.DestinationRealm,
		Host:              c.DestinationHost,
		HomeRealms:        c.HomeRealms,
		VectorsPerRequest: c.Vectors,
		VectorAge:         c.VectorAge,
		Timeout:           c.Timeout,
		Profile: swx.Profile{
			NAIRealm:     c.Profile.NAIRealm,
			OmitANID:     c.Profile.OmitANID,
			PlainKeys:    c.Profile.PlainKeys,
			Application:  applicationForms[max(0, slices.Index(ApplicationWords, c.Profile.Application))],
			SessionState: sessionStates[max(0, slices.Index(StateWords, c.Profile.SessionState))],
		},
	}
	for _, r := range c.Routes {
		cfg.Routes = append(cfg.Routes, swx.Route{Prefix: r.Prefix, Realm: r.Realm, Host: r.Host})
	}
	if c.Profile.UserName == UserNameNAI {
		cfg.Profile.UserName = swx.UserNameNAI
	}
	return cfg
}
