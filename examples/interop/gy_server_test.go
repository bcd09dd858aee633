package interop

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/accounting"
	"github.com/opentwag/twag/gy"
	"github.com/opentwag/twag/gy/gytest"
	sessions "github.com/opentwag/twag/session"
)

// chargingOCS is ocssim, which can be killed and goes on from its ledger.
type chargingOCS struct {
	*Program
	t      *testing.T
	addr   netip.AddrPort
	ledger string
	args   []string
}

// startOCS starts one that keeps the accounts of apsim's stations.
func startOCS(t *testing.T, args ...string) *chargingOCS {
	t.Helper()
	o := &chargingOCS{t: t, addr: freePort(t), ledger: filepath.Join(t.TempDir(), "ledger")}
	o.args = append([]string{"-listen", o.addr.String(), "-ledger", o.ledger, "-imsi-start", "001010000000000", "-balance", "1000000G"}, args...)
	t.Cleanup(func() { o.Kill() })
	o.launch()
	require.NoError(t, o.WaitFor("serves", time.Minute))
	return o
}

func (o *chargingOCS) launch() {
	o.t.Helper()
	p, err := Start(ProgramPath("ocssim"), o.args...)
	require.NoError(o.t, err)
	o.Program = p
}

// diameterPeer is a line of diameter.peers.
func diameterPeer(host string, addr netip.AddrPort) string {
	return fmt.Sprintf("    - {host: %s, address: %s, port: %d}\n", host, addr.Addr(), addr.Port())
}

// charger is twagd in both roles.
type charger struct {
	*bookkeeper
	auth radiusServer
}

// startCharger starts one with these peers. charging are lines of that section, settings others, each
// with its section.
func startCharger(t *testing.T, peers string, charging []string, settings ...string) charger {
	t.Helper()
	section := strings.Join(append([]string{"charging:", "mode: full"}, charging...), "\n  ")
	return startBoth(t, peers, append(settings, section)...)
}

// startBoth starts one that charges nobody.
func startBoth(t *testing.T, peers string, settings ...string) charger {
	t.Helper()
	s := charger{
		bookkeeper: &bookkeeper{t: t, dir: filepath.Join(t.TempDir(), "data"), radiusServer: radiusServer{freePort(t), secret}},
		auth:       radiusServer{freePort(t), secret},
	}
	s.config = filepath.Join(t.TempDir(), "twagd.yaml")
	require.NoError(t, os.WriteFile(s.config, fmt.Appendf(nil, `
roles: [auth, acct]
data_dir: %s
diameter:
  origin_host: %s
  origin_realm: %s
  reconnect: 1s
  peers:
%s
radius:
  listen: %q
  clients: [{name: tests, subnet: 127.0.0.0/8, secret: %s}]
accounting:
  listen: %q
%s
`, s.dir, serverHost, diameterRealm, peers, s.auth.addr, secret, s.addr, strings.Join(settings, "\n")), 0o600))
	t.Cleanup(func() {
		s.Kill()
		if t.Failed() {
			t.Logf("twagd:\n%s", tail(s.Output()))
		}
	})
	s.launch()
	s.ready(time.Minute)
	return s
}

// used is what each session has used by its last ticket.
func (s *bookkeeper) used() map[sessions.ID]sessions.Usage {
	s.t.Helper()
	all := make(map[sessions.ID]sessions.Usage)
	for _, name := range s.ticketFiles() {
		f, err := os.Open(name)
		require.NoError(s.t, err)
		r, _ := accounting.NewRecordReader(f, nil)
		for {
			record, err := r.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			require.NoError(s.t, err)
			ticket, err := record.Ticket()
			require.NoError(s.t, err)
			if u := ticket.Usage; u.TotalOctets() >= all[ticket.Session].TotalOctets() {
				all[ticket.Session] = u
			}
		}
		require.NoError(s.t, f.Close())
	}
	return all
}

// charged is what the ledger of an OCS says.
type charged struct {
	*gytest.Ledger
	used   map[sessions.ID]gytest.Usage
	open   []sessions.ID
	owed   int64 // debited for sessions
	marked int   // requests with the T bit
}

func (o *chargingOCS) charged() charged {
	o.t.Helper()
	l, err := gytest.ReadLedger(o.ledger)
	require.NoError(o.t, err)
	c := charged{Ledger: l, used: make(map[sessions.ID]gytest.Usage)}
	for id, s := range l.Audit.Sessions {
		base := string(gy.BaseSessionID([]byte(id)))
		own, err := sessions.ParseID(base[strings.LastIndexByte(base, ';')+1:])
		require.NoError(o.t, err)
		u := c.used[own]
		u.Total, u.Input, u.Output = u.Total+s.Used.Total, u.Input+s.Used.Input, u.Output+s.Used.Output
		c.used[own] = u
		c.owed += s.Debited
		if s.Open {
			c.open = append(c.open, own)
		}
	}
	for i := range l.Entries {
		if l.Entries[i].Retransmitted {
			c.marked++
		}
	}
	return c
}

// differences are the sessions that OCS and tickets do not agree about.
func (c *charged) differences(tickets map[sessions.ID]sessions.Usage) (list []string) {
	for id, u := range tickets {
		if o := c.used[id]; o.Input != u.InputOctets || o.Output != u.OutputOctets || o.Total != u.TotalOctets() {
			list = append(list, fmt.Sprintf("%v: tickets %d in, %d out; OCS %d in, %d out, %d in all", id, u.InputOctets, u.OutputOctets, o.Input, o.Output, o.Total))
		}
	}
	for id, o := range c.used {
		if _, ok := tickets[id]; !ok && o.Total != 0 {
			list = append(list, fmt.Sprintf("%v: no ticket; OCS %d", id, o.Total))
		}
	}
	return list
}

// settled waits until all sessions with tickets are closed at the OCS (a login that its access point
// knows nothing of stays open for a while), and demands that what it has debited is
// what the tickets say, of each session and in sum.
func (o *chargingOCS) settled(server charger, within time.Duration) charged {
	o.t.Helper()
	var c charged
	var tickets map[sessions.ID]sessions.Usage
	begun := time.Now()
	for {
		c = o.charged()
		tickets = server.used()
		logins := len(c.open)
		c.open = slices.DeleteFunc(c.open, func(id sessions.ID) bool { _, ok := tickets[id]; return !ok })
		if logins -= len(c.open); len(c.open) == 0 && len(c.differences(tickets)) == 0 || time.Since(begun) > within {
			o.t.Logf("%d logins that nobody used", logins)
			break
		}
		time.Sleep(time.Second)
	}
	differences := c.differences(tickets)
	require.Empty(o.t, differences[:min(5, len(differences))], "%d of %d sessions", len(differences), len(tickets))
	require.Empty(o.t, c.open, "sessions open at the OCS")
	require.Empty(o.t, c.Audit.Violations)
	var sum, debited int64
	for _, u := range tickets {
		sum += int64(u.TotalOctets())
	}
	for _, a := range c.Audit.Accounts {
		debited += a.Debited
	}
	require.Equal(o.t, sum, debited)
	require.Equal(o.t, sum, c.owed)
	o.t.Logf("%d sessions, %d credit-control sessions, %d requests (%d with T), %d octets; settled after %.1f s",
		len(tickets), len(c.Audit.Sessions), len(c.Entries), c.marked, sum, time.Since(begun).Seconds())
	return c
}
