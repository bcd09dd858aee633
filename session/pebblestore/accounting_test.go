package pebblestore

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"
	layeh "layeh.com/radius"

	"github.com/opentwag/twag/accounting"
	"github.com/opentwag/twag/radius"
	"github.com/opentwag/twag/session"
)

const acctSecret = "a-secret-of-some-length"

// serveAccounting runs an accounting server over s, and returns its address.
func serveAccounting(t *testing.T, s *Store) (addr string, stop func()) {
	t.Helper()
	m, err := session.NewManager(s, session.Config{})
	require.NoError(t, err)
	srv := &radius.Server{
		Clients: radius.Subnets{{Prefix: netip.MustParsePrefix("127.0.0.0/8"), Secret: acctSecret}},
		Codes:   []layeh.Code{layeh.CodeAccountingRequest},
		Handler: accounting.NewHandler(accounting.NewRecorder(m, accounting.RecorderConfig{}), accounting.HandlerConfig{}),
	}
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	require.NoError(t, err)
	var running sync.WaitGroup
	running.Go(func() { _ = srv.Serve(pc) })
	var once sync.Once
	stop = func() { once.Do(func() { _ = srv.Close(); running.Wait() }) }
	t.Cleanup(stop)
	return pc.LocalAddr().String(), stop
}

// nases are access points that account for one session after the other, and remember what was
// acknowledged. They repeat each event until it is.
type nases struct {
	t    *testing.T
	wg   sync.WaitGroup
	stop atomic.Bool

	mu    sync.Mutex
	acked []string
}

func startNASes(t *testing.T, addr string, n int) *nases {
	t.Helper()
	a := &nases{t: t}
	for i := range n {
		conn, err := net.Dial("udp", addr)
		require.NoError(t, err)
		a.wg.Go(func() {
			defer conn.Close()
			a.run(conn, i)
		})
	}
	t.Cleanup(a.end)
	return a
}

// run sends whole sessions, so that all that it sends is acknowledged in the end.
func (a *nases) run(conn net.Conn, nas int) {
	for number := 0; !a.stop.Load(); number++ {
		const interims = 6
		for i := range interims + 2 {
			status := accounting.Interim
			switch i {
			case 0:
				status = accounting.Start
			case interims + 1:
				status = accounting.Stop
			}
			if err := a.event(conn, byte(i), status, fmt.Sprintf("%d-%d", nas, number), uint32(600*i)); err != nil {
				a.t.Error(err)
				return
			}
		}
	}
}

// Attribute types of RFC 2865 and 2866.
const (
	attrNASIdentifier = 32
	attrCalling       = 31
	attrStatus        = 40
	attrInput         = 42
	attrAcctSession   = 44
	attrSessionTime   = 46
)

func (a *nases) event(conn net.Conn, id byte, status accounting.Status, name string, seconds uint32) error {
	p := layeh.New(layeh.CodeAccountingRequest, []byte(acctSecret))
	p.Identifier = id
	number := func(typ layeh.Type, v uint32) { p.Add(typ, binary.BigEndian.AppendUint32(nil, v)) }
	number(attrStatus, uint32(status))
	p.Add(attrAcctSession, []byte(name))
	p.Add(attrNASIdentifier, []byte("ap.example"))
	p.Add(attrCalling, fmt.Appendf(nil, "02-00-00-00-%02X-%02X", len(name), name[0]))
	number(attrSessionTime, seconds)
	number(attrInput, 3*seconds)
	request, err := radius.SignRequest(p)
	if err != nil {
		return err
	}
	buf := make([]byte, 4096)
	for range 6000 {
		if _, err := conn.Write(request); err != nil {
			return err
		}
		_ = conn.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
		for {
			n, err := conn.Read(buf)
			if err != nil {
				break // not acknowledged: again
			}
			if _, err := radius.CheckReply(buf[:n], request, []byte(acctSecret)); err != nil {
				continue // to an earlier event, repeated
			}
			a.mu.Lock()
			a.acked = append(a.acked, eventName(status, name, seconds))
			a.mu.Unlock()
			return nil
		}
	}
	return fmt.Errorf("session %s is not acknowledged", name)
}

func eventName(status accounting.Status, session string, seconds uint32) string {
	return fmt.Sprintf("%v of %s at %d", status, session, seconds)
}

// end lets sessions end, and waits for that.
func (a *nases) end() {
	a.stop.Store(true)
	a.wg.Wait()
}

func (a *nases) acknowledged() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.acked[:len(a.acked):len(a.acked)]
}

// progress waits for some more acknowledgements.
func (a *nases) progress(n int) {
	a.t.Helper()
	n += len(a.acknowledged())
	waitFor(a.t, "no progress", func() bool { return len(a.acknowledged()) >= n })
}

// checkTickets requires one ticket of each event that was acknowledged, and of no event two.
func checkTickets(t *testing.T, s *Store, acked []string) {
	t.Helper()
	tickets := make(map[string]int)
	require.NoError(t, s.ReadJournal(t.Context(), 1, func(_ uint64, entry []byte) bool {
		ticket, err := accounting.DecodeTicket(entry)
		require.NoError(t, err)
		var name string
		var seconds uint32
		for b := ticket.Attributes; len(b) > 0; b = b[b[1]:] {
			switch b[0] {
			case attrAcctSession:
				name = string(b[2:b[1]])
			case attrSessionTime:
				seconds = binary.BigEndian.Uint32(b[2:])
			}
		}
		event := eventName(ticket.Status, name, seconds)
		if tickets[event]++; tickets[event] > 1 {
			require.FailNow(t, "recorded twice", event)
		}
		return true
	}))
	for _, event := range acked {
		if tickets[event] == 0 {
			require.FailNow(t, "acknowledged and not recorded", event)
		}
	}
}

// TestPowerCutUnderAccounting cuts the power while access points are served: all that
// was acknowledged before has its ticket.
func TestPowerCutUnderAccounting(t *testing.T) {
	t.Parallel()
	const seed = 8
	rng := rand.New(rand.NewPCG(seed, seed))
	mem := vfs.NewCrashableMem()
	cfg := small(mem)
	cfg.MemTableOctets = minMemTable
	s := open(t, dbDir, cfg)
	addr, stop := serveAccounting(t, s)
	a := startNASes(t, addr, 16)
	type cut struct {
		fs    *vfs.MemFS
		acked []string
	}
	var cuts []cut
	for range 8 {
		a.progress(rng.IntN(1000))
		percent := []int{0, rng.IntN(101), 100}[rng.IntN(3)]
		acked := a.acknowledged() // first: it is what was acknowledged before the cut
		cuts = append(cuts, cut{mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: percent, RNG: rng}), acked})
	}
	a.end()
	stop()
	checkTickets(t, s, a.acknowledged())
	for _, c := range cuts {
		checkTickets(t, open(t, dbDir, small(c.fs)), c.acked)
	}
}

// TestFailuresUnderAccounting has the disk fail for a while, again and again, while access points are
// served: nothing is acknowledged that is not on the disk, and all is in the end.
func TestFailuresUnderAccounting(t *testing.T) {
	for _, c := range failureCases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			mem := vfs.NewCrashableMem()
			f := &faults{match: c.match, err: c.err}
			cfg := small(faulty(mem, f))
			cfg.MemTableOctets = minMemTable
			s := open(t, dbDir, cfg)
			addr, stop := serveAccounting(t, s)
			a := startNASes(t, addr, 16)
			for range 3 {
				a.progress(300)
				hits := f.hits.Load()
				f.on.Store(true)
				waitFor(t, "the fault is not met", func() bool { return f.hits.Load() > hits })
				time.Sleep(50 * time.Millisecond)
				acked := a.acknowledged()
				lost := mem.CrashClone(vfs.CrashCloneCfg{})
				f.on.Store(false)
				checkTickets(t, open(t, dbDir, small(lost)), acked)
				a.progress(300)
			}
			a.end()
			stop()
			checkTickets(t, s, a.acknowledged())
			checkTickets(t, open(t, dbDir, small(mem.CrashClone(vfs.CrashCloneCfg{}))), a.acknowledged())
		})
	}
}
