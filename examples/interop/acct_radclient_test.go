package interop

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// eventOf are the attributes of a station's event for radclient.
func eventOf(status, session string, more ...string) string {
	return strings.Join(append([]string{
		"Acct-Status-Type = " + status, fmt.Sprintf("Acct-Session-Id = %q", session),
		`User-Name = "0001010000000001@wlan.mnc001.mcc001.3gppnetwork.org"`, `NAS-Identifier = "ap-1.example"`, "NAS-IP-Address = 192.0.2.17",
		`Called-Station-Id = "00-10-A4-23-19-C0:guests"`, `Calling-Station-Id = "02-00-00-00-00-01"`, "NAS-Port-Type = Wireless-802.11",
	}, more...), ", ")
}

// TestRadclientAccounting: FreeRADIUS's client has its events acknowledged, and they are in the
// tickets; what is wrong is not, and is counted.
func TestRadclientAccounting(t *testing.T) {
	Need(t, Radclient)
	server := startBookkeeper(t, "twag1", filepath.Join(t.TempDir(), "data"))
	start := eventOf("Start", "0001")
	for _, event := range []string{
		start,
		eventOf("Interim-Update", "0001", "Acct-Session-Time = 600", "Acct-Input-Octets = 1000", "Acct-Output-Octets = 4000000000"),
		start, // again
		eventOf("Stop", "0001", "Acct-Session-Time = 900", "Acct-Input-Octets = 2000", "Acct-Output-Octets = 5", "Acct-Output-Gigawords = 1", "Acct-Terminate-Cause = User-Request"),
		`Acct-Status-Type = Accounting-On, NAS-Identifier = "ap-2.example", NAS-IP-Address = 192.0.2.18`,
	} {
		out, err := radclient(t, server.radiusServer, "acct", event)
		require.NoError(t, err, out)
		require.Contains(t, out, "Received Accounting-Response")
	}
	another := radiusServer{server.addr, "another-secret-than-the-server's"}
	for _, c := range []struct {
		name   string
		server radiusServer
		event  string
	}{
		{"wrong secret", another, eventOf("Start", "0002")},
		{"no Acct-Status-Type", server.radiusServer, `Acct-Session-Id = "0003", NAS-Identifier = "ap-1.example"`},
		{"unknown Acct-Status-Type", server.radiusServer, eventOf("Failed", "0004")},
		{"no Acct-Session-Id", server.radiusServer, `Acct-Status-Type = Start, NAS-Identifier = "ap-1.example"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel() // the client waits for its answer
			out, err := radclientWaits(t, 3, c.server, "acct", c.event)
			require.Error(t, err, out)
			require.Contains(t, out, "No reply")
		})
	}
	t.Cleanup(func() {
		said := server.ended()
		for _, counter := range []string{
			`"radius_accounting_request_count{status_type=\"start\"}"=2`,
			`"radius_accounting_request_count{status_type=\"interim_update\"}"=1`,
			`"radius_accounting_request_count{status_type=\"stop\"}"=1`,
			`"radius_accounting_request_count{status_type=\"accounting_on\"}"=1`,
			`"accounting_refused_count{reason=\"no_status_type\"}"=1`,
			`"accounting_refused_count{reason=\"unknown_status_type\"}"=1`,
			`"accounting_refused_count{reason=\"no_session_id\"}"=1`,
			`radius_accounting_dropped_count=1`,
		} {
			require.Contains(t, said, counter)
		}
		tickets := ""
		for _, name := range server.ticketFiles() {
			b, err := os.ReadFile(name)
			require.NoError(t, err)
			tickets += string(b)
		}
		require.Equal(t, 3, strings.Count(tickets, `Acct-Session-Id = "0001"`), "%s", tickets)
		require.Contains(t, tickets, "Twag-Output-Octets = 4294967301\n")
		require.Contains(t, tickets, "Acct-Status-Type = Accounting-On")
		for _, never := range []string{`"0002"`, `"0003"`, `"0004"`} {
			require.NotContains(t, tickets, never)
		}
	})
}
