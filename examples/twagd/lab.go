package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/opentwag/twag/diameter"
	"github.com/opentwag/twag/eap"
	"github.com/opentwag/twag/examples/internal/extsim"
	"github.com/opentwag/twag/examples/internal/homeconfig"
	"github.com/opentwag/twag/examples/internal/provision"
	"github.com/opentwag/twag/examples/internal/ue"
	"github.com/opentwag/twag/gy/gytest"
	"github.com/opentwag/twag/swx/swxtest"
)

// Names and addresses of the laboratory. Everything is on loopback, so that a
// secret that anybody can read here does no harm.
const (
	labHost      = "twag1." + swxtest.DefaultRealm
	labSecret    = "the-secret-of-the-laboratory"
	labWLANRealm = "wlan.mnc001.mcc001.3gppnetwork.org"
)

// labRecipes are the subscribers for a real supplicant: the first two. The
// simulated phones come after them.
const labRecipes = 2

// lab is a home network, a server in front of it, and phones.
type lab struct {
	w       io.Writer
	log     *slog.Logger
	buffer  *logBuffer
	hss     *swxtest.HSS
	hssAddr netip.AddrPort
	ocs     *gytest.OCS
	ocsAddr netip.AddrPort
	data    string // directory of sessions and tickets, removed in the end
	visits  *visits
	server  *server
	recipes *recipes
	moved   bool // not on RADIUS's own port
}

// runLab is twagd without a configuration file.
func runLab(ctx context.Context, w io.Writer) error {
	l := &lab{w: w}
	l.log, l.buffer = newLogger(logConfig{Level: "debug", Format: formatConsole}, w)
	defer l.buffer.Flush()
	if err := l.open(); err != nil {
		return errors.Join(err, l.close())
	}
	err := l.run(ctx)
	return errors.Join(err, l.close())
}

// open sets everything up; little of it runs yet.
func (l *lab) open() error {
	var err error
	if l.hss, err = swxtest.New(swxtest.Config{Node: diameter.Config{ProductName: "lab HSS"}}); err != nil {
		return err
	}
	addr, err := l.hss.Listen("127.0.0.1:0")
	if err != nil {
		return err
	}
	l.hssAddr = addr.(*net.TCPAddr).AddrPort()
	for n := range labRecipes + labPhones {
		imsi := labIMSI(n)
		k, opc := provision.Keys{}.Of(imsi)
		if err := l.hss.Add(swxtest.Subscriber{IMSI: imsi, K: k, OPc: opc, AMF: provision.AMF}); err != nil {
			return err
		}
	}
	if l.ocs, l.ocsAddr, err = newLabOCS(); err != nil {
		return err
	}
	if l.data, err = os.MkdirTemp("", "twagd-lab-"); err != nil {
		return err
	}
	cfg, err := l.config()
	if err != nil {
		return err
	}
	if l.visits, err = newVisits(cfg.CoA.Port, l.log); err != nil {
		return err
	}
	if l.server, err = newServer(cfg, l.log); err != nil {
		return err
	}
	l.recipes, err = labSupplicants()
	return err
}

// close ends what open has begun.
func (l *lab) close() error {
	if l.recipes != nil {
		l.recipes.remove()
	}
	var err error
	if l.visits != nil {
		err = l.visits.close()
	}
	if l.ocs != nil {
		err = errors.Join(err, l.ocs.Close())
	}
	if l.hss != nil {
		err = errors.Join(err, l.hss.Close())
	}
	if l.data != "" {
		err = errors.Join(err, os.RemoveAll(l.data))
	}
	return err
}

// labIMSI is the n-th subscriber.
func labIMSI(n int) eap.IMSI {
	imsi, err := provision.IMSI(eap.MustParseIMSI(provision.FirstIMSI), n)
	if err != nil {
		panic(err) // the numbers are small and fixed
	}
	return imsi
}

// config is the server's configuration in the laboratory: what a file could
// say as well.
func (l *lab) config() (config, error) {
	listen, err := labAddress(radiusPort)
	if err != nil {
		return config{}, err
	}
	accounting, err := labAddress(accountingPort)
	if err != nil {
		return config{}, err
	}
	dynauth, err := labAddress(dynauthPort)
	if err != nil {
		return config{}, err
	}
	l.moved = listen.Port() != radiusPort
	c := defaultConfig()
	c.Diameter.OriginHost, c.Diameter.OriginRealm = labHost, swxtest.DefaultRealm
	c.Diameter.Peers = []homeconfig.Peer{{
		Host: swxtest.DefaultHost, Address: l.hssAddr.Addr().String(), Port: int(l.hssAddr.Port()),
	}, {
		Host: gytest.DefaultHost, Address: l.ocsAddr.Addr().String(), Port: int(l.ocsAddr.Port()),
	}}
	c.RADIUS.Listen = listen.String()
	c.RADIUS.Clients = []clientConfig{{Name: "laboratory", Subnet: "127.0.0.0/8", Secret: labSecret}}
	c.EAP.ForwardSecrecy.Policy = forwardSecrecyOffered
	c.DataDir, c.Sessions.MemtableMiB = l.data, 4
	c.Accounting.Listen = accounting.String()
	c.Charging.Mode = chargeFull
	// So that there is something to see: a real access point may be told no less
	// than a minute (RFC 2869, section 5.16).
	c.Charging.InterimMin, c.Charging.InterimMax = time.Second, 2*time.Second
	c.CoA.Port = int(dynauth.Port())
	c.applyDefaults()
	return c, nil
}

// labAddress returns a port on loopback, or a free one if that is
// taken.
func labAddress(own int) (netip.AddrPort, error) {
	for _, port := range []int{own, 0} {
		pc, err := net.ListenPacket("udp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err != nil {
			continue
		}
		defer pc.Close()
		return pc.LocalAddr().(*net.UDPAddr).AddrPort(), nil
	}
	return netip.AddrPort{}, errors.New("no UDP port is free on 127.0.0.1")
}

// labSupplicants makes the recipes: one for each method.
func labSupplicants() (*recipes, error) {
	list := []recipe{
		{name: "aka-prime", eap: "AKA'", identity: "6"},
		{name: "aka", eap: "AKA", identity: "0"},
	}
	for n := range list {
		r := &list[n]
		r.imsi = labIMSI(n)
		r.identity += r.imsi.Digits() + "@" + labWLANRealm
		usim, err := ue.NewUSIM(r.imsi, provision.Keys{}, 0)
		if err != nil {
			return nil, err
		}
		r.card = extsim.NewCard(usim)
	}
	return newRecipes(list)
}

// run is the laboratory's life. It ends in order: the phones first, so that no
// login is cut off, then the server, then the HSS.
func (l *lab) run(ctx context.Context) error {
	serverCtx, stopServer := context.WithCancel(context.WithoutCancel(ctx))
	defer stopServer()
	ended := make(chan error, 1)
	go func() { ended <- l.server.run(serverCtx) }()
	select {
	case err := <-ended:
		return err
	case <-l.server.listening:
	}
	l.introduce()

	var people sync.WaitGroup
	phones, stopPhones := context.WithCancel(ctx)
	defer stopPhones()
	street, err := newStreet(l.server.address, l.log, l.visits)
	if err != nil {
		stopServer()
		return errors.Join(err, <-ended)
	}
	l.visits.start(phones, netip.MustParseAddrPort(l.server.cfg.Accounting.Listen))
	people.Go(func() {
		if l.server.node.WaitOpen(phones, swxtest.DefaultHost) == nil && l.server.node.WaitOpen(phones, gytest.DefaultHost) == nil {
			street.live(phones)
		}
	})
	people.Go(func() {
		l.recipes.watch(phones, func(msg string) { l.log.Warn("Supplicant cannot be reached", "error", msg) })
	})

	select {
	case <-ctx.Done():
		err = nil
	case err = <-ended: // by itself
		ended <- nil
	}
	stopPhones()
	people.Wait()
	l.visits.wg.Wait() // everybody's last report
	l.settle()
	stopServer()
	err = errors.Join(err, <-ended, street.close())

	leave, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	_ = l.hss.Shutdown(leave) // the server has said goodbye already
	_ = l.ocs.Shutdown(leave)
	l.buffer.Flush()
	fmt.Fprintln(l.w)
	street.summary(l.w)
	l.accounts(l.w)
	l.server.count.write(l.w)
	return err
}

// settle waits until the OCS has been told of what was used, for a while.
func (l *lab) settle() {
	for end := time.Now().Add(2 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		open := 0
		for n := range labRecipes + labPhones {
			a, _ := l.ocs.Account(gytest.Identity(labIMSI(n).Digits()))
			open += a.Open
		}
		if open == 0 {
			return
		}
	}
}

// introduce says what there is and what to do with it.
func (l *lab) introduce() {
	l.buffer.Flush()
	p := func(format string, args ...any) { fmt.Fprintf(l.w, format+"\n", args...) }
	p("")
	p("OpenTWAG laboratory, all of it on this machine. Ctrl-C ends it.")
	p("")
	p("  RADIUS server   %v, secret %s", l.server.address, labSecret)
	if l.moved {
		p("                  (port %d is taken or not ours to open)", radiusPort)
	}
	p("  accounting      %s; tickets in %s", l.server.cfg.Accounting.Listen, l.server.cfg.Accounting.Tickets.Dir)
	p("  HSS simulator   %v (Diameter SWx), %s", l.hssAddr, swxtest.DefaultHost)
	p("  OCS simulator   %v (Diameter Gy), %s", l.ocsAddr, gytest.DefaultHost)
	p("                  IMSI %s is prepaid and has %d MB left", labIMSI(labRecipes+labPrepaid).Digits(), labCredit>>20)
	p("  subscribers     IMSI %s to %s", labIMSI(labRecipes).Digits(), labIMSI(labRecipes+labPhones-1).Digits())
	p("                  log in through a simulated access point, and sometimes a stranger")
	p("")
	l.recipes.print(l.w, l.server.address, labSecret)
	p("")
}
