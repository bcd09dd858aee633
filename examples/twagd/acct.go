package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	layeh "layeh.com/radius"

	"github.com/opentwag/twag/accounting"
	"github.com/opentwag/twag/keyring"
	"github.com/opentwag/twag/radius"
	"github.com/opentwag/twag/session"
	"github.com/opentwag/twag/session/class"
	"github.com/opentwag/twag/session/gateway"
	"github.com/opentwag/twag/session/pebblestore"
)

// books is what a server with the role acct has: sessions, their accounting, and
// the tickets.
type books struct {
	log      *slog.Logger
	store    session.Store
	manager  *session.Manager
	recorder *accounting.Recorder
	sink     *accounting.FileSink
	exporter *accounting.Exporter
	radius   *radius.Server
	dynauth  *radius.DynAuth
	charging *gateway.Charging // nil: nothing is charged
	opened   time.Duration     // how long the store took to open
}

func itoa(i int) string { return strconv.Itoa(i) }

// classCodec makes and opens Class attributes, with the keys of all servers.
func classCodec(cfg *config, ring *keyring.Ring) (*class.Codec, error) {
	c := cfg.Accounting.Class
	if c.Form == classOff {
		return nil, nil
	}
	return class.New(ring, class.Config{Signed: c.Form == classSigned, AllowPlain: c.AllowPlain})
}

// openBooks opens the store, which takes its time with many sessions, and the
// manager over it.
func openBooks(cfg *config, watch *observer) (*books, error) {
	b := &books{log: watch.log}
	begun := time.Now()
	var err error
	if b.store, err = openStore(cfg, watch); err != nil {
		return nil, fmt.Errorf("data_dir: %w", err)
	}
	b.opened = time.Since(begun)
	c := cfg.Sessions
	manager := session.Config{
		PerSubscriber: c.PerSubscriber, Grace: c.Grace, Linger: c.Linger, ArchivalLinger: c.ArchivalLinger,
		Logger: watch.log, Hooks: watch.sessionHooks(),
	}
	if c.OnLimit == limitReplace {
		manager.OnLimit = session.LimitReplace
	}
	if cfg.deregisters() {
		manager.Follow = followRegistration(cfg.SWx.DeregisterAfter)
	}
	if b.manager, err = session.NewManager(b.store, manager); err == nil {
		err = b.manager.Load(context.Background())
	}
	if err != nil {
		return nil, errors.Join(err, b.close())
	}
	watch.count.accounting.active.Store(int64(b.manager.Counts().Open))
	return b, nil
}

func openStore(cfg *config, watch *observer) (session.Store, error) {
	c := cfg.Sessions
	if c.Store == storeMemory {
		return session.NewMemoryStore(session.MemoryConfig{}), nil
	}
	return pebblestore.Open(filepath.Join(cfg.DataDir, "sessions"), pebblestore.Config{
		Logger:         watch.log,
		MemTableOctets: int64(c.MemtableMiB) << 20,
		ReserveOctets:  int64(c.ReserveMiB) << 20,
	})
}

// build makes the rest: what records, charges, and writes tickets.
func (b *books) build(cfg *config, codec *class.Codec, watch *observer) error {
	record := accounting.RecorderConfig{Server: cfg.serverName(), Class: codec, Logger: watch.log, Hooks: watch.recorderHooks()}
	if b.charging != nil {
		record.Charge = b.charging.Charge
	}
	b.recorder = accounting.NewRecorder(b.manager, record)
	a := cfg.Accounting
	var err error
	t := a.Tickets
	files := accounting.FileConfig{Dir: t.Dir, UTCOffset: t.UTCOffset, MaxOctets: int64(t.MaxMiB) << 20, SizeOnly: t.Rotate == rotateSize}
	if t.Format == ticketJSON {
		files.Format = accounting.FormatJSON
	}
	for i := range a.Rules {
		files.Rules = append(files.Rules, a.Rules[i].rule())
	}
	if b.sink, err = accounting.OpenFileSink(files); err != nil {
		return fmt.Errorf("accounting.tickets.dir: %w", err)
	}
	b.exporter = accounting.NewExporter(b.store, b.sink, &accounting.ExporterConfig{Logger: watch.log})
	return nil
}

// serverName is the server's name in tickets and Class.
func (c *config) serverName() string {
	if c.Server != "" {
		return c.Server
	}
	return c.Diameter.OriginHost
}

// serve is the accounting port.
func (b *books) serve(cfg *config, clients radius.ClientSource, watch *observer) {
	handler := accounting.NewHandler(b.recorder, accounting.HandlerConfig{Logger: watch.log, Hooks: watch.accountingHooks()})
	b.radius = &radius.Server{
		Addr: cfg.Accounting.Listen, Clients: clients, Handler: handler,
		Codes: []layeh.Code{layeh.CodeAccountingRequest}, DrainTimeout: 2 * time.Second,
		Logger: watch.log, Hooks: watch.accountingRadiusHooks(),
	}
}

// admitter makes sessions of logins that pass the checks. b is nil on a server that
// only authenticates.
func (b *books) admitter(cfg *config, codec *class.Codec, ring *keyring.Ring, checks ...gateway.Check) (*gateway.Admitter, error) {
	c := gateway.AdmitterConfig{
		Server: cfg.serverName(), Area: cfg.Accounting.Area, Package: cfg.Accounting.Package, Class: codec, Names: ring,
		Plan: cfg.Accounting.plan(), Timeout: cfg.Sessions.Timeout, Idle: cfg.Sessions.Idle,
		AllowUnrecorded: cfg.Sessions.AllowUnrecorded, Checks: checks,
	}
	if b == nil {
		return gateway.NewAdmitter(nil, c)
	}
	c.History, c.Charging = b.recorder.History, b.charging
	return gateway.NewAdmitter(b.manager, c)
}

// run keeps the books until ctx ends: sessions that end by themselves, side
// effects that a crash has left, tickets into files. Accounting is taken until
// serving ends; what it has brought is written before run returns.
func (b *books) run(ctx context.Context, ready func()) error {
	var wg sync.WaitGroup
	keep, stop := context.WithCancel(context.WithoutCancel(ctx))
	wg.Go(func() {
		if err := b.manager.Run(keep); err != nil {
			b.log.Error("Sessions could not all be written down", "error", err)
		}
	})
	wg.Go(func() {
		if err := b.exporter.Run(keep); err != nil {
			b.log.Error("Tickets are left in the journal for the next start", "error", err)
		}
	})
	if b.charging != nil {
		wg.Go(func() { b.resume(keep) })
	}
	ready()
	err := b.radius.ListenAndServe(ctx)
	stop()
	wg.Wait()
	if err != nil {
		return fmt.Errorf("accounting.listen: %w", err)
	}
	return nil
}

// connecting is how long the OCS may take to be connected after the start.
const connecting = 2 * time.Second

// resume goes on with what was between us and the OCS when the last process ended.
func (b *books) resume(ctx context.Context) {
	select {
	case <-time.After(connecting):
	case <-ctx.Done():
		return
	}
	if err := b.charging.Resume(ctx); err != nil && ctx.Err() == nil {
		b.log.Warn("Unanswered requests to the OCS wait for their sessions' next event", "error", err)
	}
}

func (b *books) close() error {
	var err error
	if b.charging != nil {
		b.charging.Close()
	}
	if b.dynauth != nil {
		err = b.dynauth.Close()
	}
	if b.sink != nil {
		err = errors.Join(err, b.sink.Close())
	}
	return errors.Join(err, b.store.Close())
}
