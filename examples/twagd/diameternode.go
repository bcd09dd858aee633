package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"syscall"

	"github.com/opentwag/twag/diameter"
	"github.com/opentwag/twag/eap"
	"github.com/opentwag/twag/examples/internal/homeconfig"
	"github.com/opentwag/twag/gy"
	"github.com/opentwag/twag/swx"
)

func (s *server) diameterNode(hooks diameter.Hooks) (diameter.Config, error) {
	cfg, err := s.cfg.Diameter.Node(s.log)
	if s.cfg.Charging.enabled() {
		cfg.Applications = append(cfg.Applications, gy.Application)
	}
	cfg.Logger, cfg.Hooks = s.log, hooks
	return cfg, err
}

func (s *server) swxClient() swx.Config {
	cfg := s.cfg.SWx.Client()
	cfg.Logger = s.log
	if s.cfg.SWx.TakeOver {
		cfg.TakeOver = func(_ context.Context, imsi eap.IMSI, other string) bool {
			s.log.Warn("Taking a subscriber over from another AAA server", "imsi", imsi, "server", other)
			return true
		}
	}
	return cfg
}

// diameterPorts are where peers connect to us.
type diameterPorts []listeningPort

type listeningPort struct {
	net.Listener
	tls bool
}

// listenDiameter opens the ports of the configuration, all or none.
func listenDiameter(c *homeconfig.Diameter) (ports diameterPorts, err error) {
	open := func(key, address string, listen func(string) (net.Listener, error), tls bool) {
		if err != nil || address == "" {
			return
		}
		var l net.Listener
		if l, err = listen(address); err != nil {
			err = fmt.Errorf("diameter.%s: %w", key, err)
			return
		}
		ports = append(ports, listeningPort{l, tls})
	}
	tcp := func(address string) (net.Listener, error) { return net.Listen("tcp", address) }
	open("listen", c.Listen, tcp, false)
	open("listen_tls", c.ListenTLS, tcp, true)
	open("listen_sctp", c.ListenSCTP, diameter.ListenSCTP, false)
	if err != nil {
		for _, p := range ports {
			_ = p.Close()
		}
		if errors.Is(err, syscall.EPROTONOSUPPORT) {
			err = fmt.Errorf("%w: this system has no SCTP (Linux: modprobe sctp)", err)
		}
		return nil, err
	}
	return ports, nil
}

// serve lets peers in until the node ends, which closes the ports.
func (ports diameterPorts) serve(node *diameter.Node, wg *sync.WaitGroup, log *slog.Logger) {
	for _, p := range ports {
		serve, transport := node.Serve, p.Addr().Network()
		if p.tls {
			serve, transport = node.ServeTLS, diameter.TransportTLS
		}
		log.Info("Diameter node listening", "addr", p.Addr(), "transport", transport)
		wg.Go(func() {
			if err := serve(p.Listener); err != nil && !errors.Is(err, net.ErrClosed) {
				log.Error("Diameter node no longer listening", "error", err)
			}
		})
	}
}
