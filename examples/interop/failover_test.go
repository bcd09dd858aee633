package interop

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// homeNetwork is two HSSes that have one sequence of numbers between them, and
// two relays, each connected to both.
type homeNetwork struct {
	t      *testing.T
	server twagd
	relays [2]node
	hsses  [2]node
	load   loadPlan
}

// node is a process of the home network that can be started again.
type node struct {
	*Program
	host  string
	start func() *Program
}

// loadPlan is how much load there is, and how long the parts of an event take.
type loadPlan struct {
	rate, phones int
	// before is until something breaks, killed and stopped until it is mended,
	// after until the load ends.
	before, killed, stopped, after time.Duration
}

// tw is the watchdog time of all nodes, the shortest that RFC 3539 allows.
const tw = 6 * time.Second

func startHomeNetwork(t *testing.T, load loadPlan) *homeNetwork {
	t.Helper()
	h := &homeNetwork{t: t, load: load}
	var connect []RelayPeer
	for i := range h.hsses {
		n, address := &h.hsses[i], freePort(t)
		n.host = fmt.Sprintf("hss%d.%s", i+1, diameterRealm)
		n.start = func() *Program {
			p, err := Start(ProgramPath("hsssim"), "-listen", address.String(), "-host", n.host, "-realm", diameterRealm,
				"-subscribers", fmt.Sprint(load.phones), "-sqn-time", "-ind", fmt.Sprint(i))
			require.NoError(t, err)
			require.NoError(t, p.WaitFor("serves", time.Minute))
			return p
		}
		connect = append(connect, RelayPeer{Identity: n.host, Address: address.Addr().String(), Port: int(address.Port())})
	}
	peers := ""
	for i := range h.relays {
		n, dir := &h.relays[i], t.TempDir()
		address := netip.AddrPortFrom(netip.MustParseAddr(RelayAddress), freePort(t).Port())
		n.host = fmt.Sprintf("dra%d.%s", i+1, diameterRealm)
		n.start = func() *Program {
			p, err := Relay{
				Identity: n.host, Realm: diameterRealm, Port: int(address.Port()),
				Accept: []string{serverHost}, Connect: connect, Watchdog: tw, Reconnect: tw,
			}.Start(dir)
			require.NoError(t, err)
			return p
		}
		peers += fmt.Sprintf("    - {host: %s, address: %s, port: %d}\n", n.host, address.Addr(), address.Port())
	}
	for _, n := range h.nodes() {
		n.Program = n.start()
		t.Cleanup(func() {
			n.Kill()
			if t.Failed() {
				t.Logf("%s:\n%s", n.host, tail(n.Output()))
			}
		})
	}
	for i := range h.relays {
		for _, c := range connect {
			require.NoError(t, h.relays[i].WaitFor("Connected to '"+c.Identity, time.Minute))
		}
	}
	h.server = startServerWith(t, serverHost, "  watchdog: 6s\n  peers:\n"+peers, "swx:\n  timeout: 30s", quiet)
	for i := range h.relays {
		require.NoError(t, h.server.WaitFor(h.relays[i].host, time.Minute))
	}
	return h
}

func (h *homeNetwork) nodes() []*node {
	return []*node{&h.relays[0], &h.relays[1], &h.hsses[0], &h.hsses[1]}
}

// loadReport is what apsim says.
type loadReport struct {
	Logins          uint64         `json:"logins"`
	Failed          int            `json:"failed"`
	Failures        map[string]int `json:"failures"`
	P50Millis       float64        `json:"p50_ms"`
	P99Millis       float64        `json:"p99_ms"`
	MaxMillis       float64        `json:"max_ms"`
	Late            int            `json:"late"`
	Retransmissions int            `json:"retransmissions"`
}

// outage is one event: what to do, and what it came to.
type outage struct {
	name string
	node *node
	kill bool // else it is stopped
}

// run has the outage happen under load, and returns what that came to, and how
// long after it was mended all connections of the node were in use again.
func (h *homeNetwork) run(o outage) (loadReport, time.Duration) {
	t, p := h.t, h.load
	t.Helper()
	down := p.stopped
	if o.kill {
		down = p.killed
	}
	load, err := Start(ProgramPath("apsim"), "-server", h.server.addr.String(), "-secret", secret, "-json",
		"-ues", fmt.Sprint(p.phones), "-rate", fmt.Sprint(p.rate), "-duration", (p.before + down + p.after).String(), "-method", "mix")
	require.NoError(t, err)
	t.Cleanup(load.Kill)

	time.Sleep(p.before)
	opened := h.opened(o.node)
	if o.kill {
		o.node.Kill()
	} else {
		require.NoError(t, o.node.Signal(syscall.SIGSTOP))
	}
	time.Sleep(down)
	mended := time.Now()
	if o.kill {
		o.node.Program = o.node.start()
	} else {
		require.NoError(t, o.node.Signal(syscall.SIGCONT))
	}
	recovered := time.Duration(-1)
	for time.Since(mended) < p.after+2*time.Minute {
		if h.opened(o.node) >= opened+h.connections(o.node) {
			recovered = time.Since(mended)
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	code, err := load.Wait(t.Context())
	require.NoError(t, err)
	var r loadReport
	require.NoError(t, json.Unmarshal([]byte(load.Output()), &r), "%s", load.Output())
	if code != 0 {
		t.Errorf("%s: %s", o.name, load.Output())
	}
	return r, recovered
}

// opened counts how often connections of a node were put into use: by the
// server to a relay, by the relays to an HSS.
func (h *homeNetwork) opened(n *node) int {
	if strings.HasPrefix(n.host, "dra") {
		return count(h.server.Output(), `"Diameter peer connected"`, n.host)
	}
	sum := 0
	for i := range h.relays {
		sum += count(h.relays[i].Output(), "-> 'STATE_OPEN'", n.host)
	}
	return sum
}

func (h *homeNetwork) connections(n *node) int {
	if strings.HasPrefix(n.host, "dra") {
		return 1
	}
	return len(h.relays)
}

// count returns how many lines have both texts.
func count(lines, a, b string) (n int) {
	for line := range strings.Lines(lines) {
		if strings.Contains(line, a) && strings.Contains(line, b) {
			n++
		}
	}
	return n
}

// outages are each of the nodes, killed and stopped.
func (h *homeNetwork) outages() (list []outage) {
	for _, n := range h.nodes() {
		name, _, _ := strings.Cut(n.host, ".")
		list = append(list, outage{name + " killed", n, true}, outage{name + " stopped", n, false})
	}
	return list
}

// TestLongFailover: each relay and each HSS in turn is killed and started
// again, stopped and continued, while phones log in; no login fails, and every
// connection comes back by itself.
func TestLongFailover(t *testing.T) {
	load := loadPlan{rate: 500, phones: 12000, before: 5 * time.Second, killed: 15 * time.Second, stopped: 30 * time.Second, after: 30 * time.Second}
	whole := long(t, time.Hour) == time.Hour
	Need(t, FreeDiameter, OpenSSL)
	if !whole {
		load = loadPlan{rate: 50, phones: 2000, before: time.Second, killed: 2 * time.Second, stopped: 10 * time.Second, after: 5 * time.Second}
	}
	h := startHomeNetwork(t, load)
	var logins uint64
	failed, longest := 0, 0.0
	for i, o := range h.outages() {
		if !whole && i%3 != 0 { // dra1 killed, dra2 stopped, hss2 killed
			continue
		}
		r, recovered := h.run(o)
		t.Logf("%-13s logins %d, failed %d, p50 %.1f ms, p99 %.0f ms, longest %.2f s, late %d, retransmissions %d, in use again after %.1f s",
			o.name, r.Logins, r.Failed, r.P50Millis, r.P99Millis, r.MaxMillis/1000, r.Late, r.Retransmissions, recovered.Seconds())
		require.GreaterOrEqual(t, recovered, time.Duration(0), "%s has not come back", o.name)
		logins, failed, longest = logins+r.Logins, failed+r.Failed, max(longest, r.MaxMillis/1000)
	}
	t.Logf("%d failed of %d, longest login %.2f s", failed, logins+uint64(failed), longest)
	require.Zero(t, failed)
	t.Log("\n" + h.server.ended(t))
}
