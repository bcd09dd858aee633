package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	layeh "layeh.com/radius"

	"github.com/opentwag/twag/aka"
	"github.com/opentwag/twag/diameter"
	"github.com/opentwag/twag/eap"
	"github.com/opentwag/twag/eap/eapradius"
	"github.com/opentwag/twag/keyring"
	"github.com/opentwag/twag/radius"
	"github.com/opentwag/twag/session/class"
	"github.com/opentwag/twag/session/gateway"
	"github.com/opentwag/twag/swx"
)

// server is the AAA server, whether its peers are real or the lab's.
type server struct {
	cfg   config
	log   *slog.Logger
	watch observer
	count counters
	begun time.Time

	// Of the role auth; else nil.
	node      *diameter.Node
	ports     diameterPorts
	reauth    aka.ReauthStore // nil: no fast re-authentication
	registrar *registrar      // nil: the HSS is not told who is here
	radius    *radius.Server

	books *books // of the role acct; else nil

	// listening is closed, and address set, when Access-Requests are taken.
	listening chan struct{}
	address   netip.AddrPort
}

// newServer puts the parts together. Nothing runs yet, but the Diameter port
// is taken, and sessions are loaded. Call close if it is not run.
func newServer(cfg config, log *slog.Logger) (*server, error) {
	s := &server{cfg: cfg, log: log, begun: time.Now(), listening: make(chan struct{})}
	s.watch = observer{log: log, count: &s.count, debug: log.Enabled(context.Background(), slog.LevelDebug)}
	if err := s.build(); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

func (s *server) build() error {
	ring, err := s.keyRing()
	if err != nil {
		return err
	}
	clients, err := s.radiusClients()
	if err != nil {
		return err
	}
	codec, err := classCodec(&s.cfg, ring)
	if err != nil {
		return err
	}
	if s.cfg.has(roleAcct) {
		if s.books, err = openBooks(&s.cfg, &s.watch); err != nil {
			return err
		}
		if err := s.books.enforcer(&s.cfg, clients, &s.watch); err != nil {
			return err
		}
	}
	if s.cfg.has(roleAuth) {
		node, err := s.diameterNode(s.watch.diameterHooks())
		if err != nil {
			return err
		}
		if s.node, err = diameter.NewNode(node); err != nil {
			return err
		}
	}
	if s.books != nil {
		if s.node != nil {
			if err := s.charge(s.books); err != nil {
				return err
			}
		}
		if err := s.books.build(&s.cfg, codec, &s.watch); err != nil {
			return err
		}
		s.books.serve(&s.cfg, clients, &s.watch)
	}
	if s.cfg.has(roleAuth) {
		return s.buildAuth(ring, clients, codec)
	}
	return nil
}

// buildAuth makes what authenticates.
func (s *server) buildAuth(ring *keyring.Ring, clients radius.ClientSource, codec *class.Codec) error {
	if c := s.cfg.EAP.Reauthentication; c.Enabled {
		s.reauth = aka.NewMemoryReauthStore(c.MaxContexts)
	}
	hss := swx.NewClient(s.node, s.swxClient())
	s.registrar = s.newRegistrar(hss)
	(&swx.Handler{Terminate: s.terminate, Update: s.update, Client: hss}).Register(s.node)
	auth, err := s.authenticator(hss, ring, s.watch.akaHooks())
	if err != nil {
		return err
	}
	hooks := s.watch.radiusHooks()
	hooks.Listening = func(addr net.Addr) {
		s.address = addr.(*net.UDPAddr).AddrPort()
		close(s.listening)
	}
	handler, err := s.eapradius(ring, codec)
	if err != nil {
		return err
	}
	s.radius = &radius.Server{
		Addr:    s.cfg.RADIUS.Listen,
		Clients: clients,
		Codes:   []layeh.Code{layeh.CodeAccessRequest},
		Handler: eapradius.New(auth, handler),
		// The phone is told when the HSS is silent, so we have more patience
		// than with the HSS.
		Timeout: s.cfg.SWx.Timeout + 4*time.Second,
		// A login that waits for the HSS holds one: 500 a second for 30 s. There
		// are only as many as are needed.
		Workers:      16384,
		DrainTimeout: 2 * time.Second,
		Logger:       s.log,
		Hooks:        hooks,
	}
	s.ports, err = listenDiameter(&s.cfg.Diameter)
	return err
}

// close gives back what a server holds that is not run any more.
func (s *server) close() error {
	if s.books == nil {
		return nil
	}
	err := s.books.close()
	s.books = nil
	return err
}

// run serves until ctx is done, and then ends in order: requests under way are
// answered, peers are told, tickets are written. If one half fails, the other ends too.
func (s *server) run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var wg sync.WaitGroup
	var authErr, acctErr error
	if s.books != nil {
		wg.Go(func() {
			defer cancel()
			acctErr = s.books.run(ctx, s.ready)
		})
	} else {
		s.ready()
	}
	if s.radius != nil {
		wg.Go(func() {
			defer cancel()
			authErr = s.runAuth(ctx)
		})
	}
	wg.Wait()
	return errors.Join(authErr, acctErr, s.close())
}

// ready says how long it took to have everything again that was there before.
func (s *server) ready() {
	attrs := []slog.Attr{slog.Any("roles", s.cfg.Roles), slog.Duration("after", time.Since(s.begun).Round(time.Millisecond))}
	if s.books != nil {
		n := s.books.manager.Counts()
		attrs = append(attrs, slog.Int("sessions", n.Open), slog.Int("admitted", n.Admitted), slog.Duration("store", s.books.opened.Round(time.Millisecond)))
	}
	s.log.LogAttrs(context.Background(), slog.LevelInfo, "Ready", attrs...)
}

// runAuth serves Access-Requests.
func (s *server) runAuth(ctx context.Context) error {
	s.node.Start()
	var wg sync.WaitGroup
	defer wg.Wait()
	s.ports.serve(s.node, &wg, s.log)
	err := s.radius.ListenAndServe(ctx)

	stop, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	if e := s.node.Shutdown(stop); e != nil {
		s.log.Warn("Diameter peers were cut off", "error", e)
	}
	if err != nil {
		return fmt.Errorf("radius.listen: %w", err)
	}
	return nil
}

// eapTypes are the methods by their names in the configuration.
var eapTypes = map[string]eap.Type{methodAKA: eap.TypeAKA, methodAKAPrime: eap.TypeAKAPrime, methodSIM: eap.TypeSIM}

// newMethod makes a method of that name.
var newMethod = map[string]func(aka.VectorSource, aka.Config) *aka.Method{
	methodAKA: aka.New, methodAKAPrime: aka.NewPrime, methodSIM: aka.NewSIM,
}

func (s *server) authenticator(hss aka.VectorSource, ring *keyring.Ring, hooks aka.Hooks) (*eap.Authenticator, error) {
	c := s.cfg.EAP
	rules := &eap.IdentityRules{
		Leading:  make(map[byte]eap.Leading),
		BareIMSI: eapTypes[c.BareIMSI],
		Realms:   c.Realms,
	}
	for digit, method := range c.ExtraLeadingDigits {
		rules.Leading[digit[0]] = eap.Leading{Kind: eap.KindPermanent, Method: eapTypes[method]}
	}
	cfg, err := s.method(ring)
	if err != nil {
		return nil, err
	}
	cfg.Rules, cfg.Hooks = rules, hooks
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	var methods []eap.Method
	for _, m := range c.Methods {
		methods = append(methods, newMethod[m](hss, cfg))
	}
	return eap.NewAuthenticatorWith(eap.Config{Methods: methods, Rules: rules})
}

// forwardSecrecy and fsGroups are policies and groups by their names in the
// configuration.
var (
	forwardSecrecy = map[string]aka.ForwardSecrecy{
		forwardSecrecyOff: aka.FSOff, forwardSecrecyOffered: aka.FSOffered, forwardSecrecyRequired: aka.FSRequired,
	}
	fsGroups = map[string]aka.FSGroup{groupP256: aka.FSP256, groupX25519: aka.FSX25519}
)

// method is what all methods are set to.
func (s *server) method(ring *keyring.Ring) (aka.Config, error) {
	c := s.cfg.EAP
	cfg := aka.Config{
		NetworkName:           c.NetworkName,
		AlwaysRequestIdentity: c.AlwaysRequestIdentity,
		ResultIndications:     c.ResultIndications,
		// An EAP-AKA phone may notice that somebody has talked it out of
		// EAP-AKA' only if that is what we would have preferred.
		Bidding: c.Methods[0] == methodAKAPrime,

		NoPseudonyms:            !c.Pseudonyms.Enabled,
		RefusePermanentIdentity: c.RefusePermanentIdentity,
		ForwardSecrecy:          forwardSecrecy[c.ForwardSecrecy.Policy],
	}
	if c.Pseudonyms.Enabled {
		cfg.Pseudonyms = aka.NewPseudonyms(ring, aka.PseudonymConfig{MaxAge: c.Pseudonyms.MaxAge})
	}
	if s.reauth != nil {
		cfg.Reauth = s.reauth
		cfg.ReauthLimits = aka.ReauthLimits{Count: c.Reauthentication.Count, Age: c.Reauthentication.Age}
	}
	for _, g := range c.ForwardSecrecy.Groups {
		cfg.FSGroups = append(cfg.FSGroups, fsGroups[g])
	}
	var err error
	cfg.IdentityKeys, err = identityKeys(c.IdentityKeys)
	return cfg, err
}

func (s *server) eapradius(ring *keyring.Ring, codec *class.Codec) (eapradius.Config, error) {
	cfg := eapradius.Config{
		MaxConversations:    s.cfg.EAP.MaxConversations,
		ConversationTimeout: s.cfg.EAP.ConversationTimeout,
		Deadline:            s.cfg.SWx.Timeout,
		Logger:              s.log,
	}
	if s.cfg.EAP.SealedState {
		cfg.StateKeys = ring
	}
	var checks []gateway.Check
	if s.registrar != nil {
		checks = append(checks, s.registrar.check)
	}
	if s.cfg.Accounting.Class.Form == classOff && s.books == nil && len(checks) == 0 {
		return cfg, nil
	}
	admitter, err := s.books.admitter(&s.cfg, codec, ring, checks...)
	cfg.Authorizer = s.registrar.authorizer(admitter)
	return cfg, err
}

func (s *server) radiusClients() (*radius.ClientTable, error) {
	c := s.cfg.RADIUS
	var subnets radius.Subnets
	for _, cl := range c.Clients {
		prefix, err := parseSubnet(cl.Subnet)
		if err != nil {
			return nil, err
		}
		subnets = append(subnets, radius.ClientConfig{
			Name:                             cl.Name,
			Prefix:                           prefix,
			Secret:                           radius.Secret(cl.Secret),
			AllowMissingMessageAuthenticator: cl.MessageAuthenticator != messageAuthenticatorRequired,
			AllowUnsignedProxyState:          cl.MessageAuthenticator == messageAuthenticatorOptional,
		})
	}
	if len(subnets) == 0 {
		subnets = radius.Subnets{{Name: "any", Secret: radius.Secret(c.Secret)}}
	}
	return radius.NewClientTable(subnets)
}

// newLogger returns a logger by the configuration and the buffer that its
// lines wait in.
func newLogger(c logConfig, w io.Writer) (*slog.Logger, *logBuffer) {
	buffer := newLogBuffer(w)
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.Level)); err != nil {
		level = slog.LevelInfo // has been checked
	}
	var handler slog.Handler
	switch c.Format {
	case formatJSON:
		handler = slog.NewJSONHandler(buffer, &slog.HandlerOptions{Level: level})
	case formatConsole:
		handler = newConsoleHandler(buffer, level)
	default:
		handler = newTextHandler(buffer, level)
	}
	return slog.New(handler), buffer
}

// runServer is twagd with a configuration file.
func runServer(ctx context.Context, cfg config, w io.Writer) error {
	log, buffer := newLogger(cfg.Log, w)
	defer buffer.Flush()
	s, err := newServer(cfg, log)
	if err != nil {
		return err
	}
	err = s.run(ctx)
	s.count.log(log)
	return err
}
