package interop

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	// As in twagd_test.go.
	_ "github.com/opentwag/twag/accounting"
	_ "github.com/opentwag/twag/session/pebblestore"
)

// bookkeeper is twagd in the role acct, which can be killed and started again.
type bookkeeper struct {
	*Program
	radiusServer
	t      *testing.T
	dir    string // data_dir
	config string
}

// startBookkeeper starts one that keeps its data in dir. settings are more lines for the
// configuration, each with its section.
func startBookkeeper(t *testing.T, name, dir string, settings ...string) *bookkeeper {
	t.Helper()
	s := &bookkeeper{t: t, dir: dir, radiusServer: radiusServer{freePort(t), secret}}
	s.config = filepath.Join(t.TempDir(), "twagd.yaml")
	require.NoError(t, os.WriteFile(s.config, fmt.Appendf(nil, `
roles: [acct]
server: %s
data_dir: %s
radius:
  clients: [{name: tests, subnet: 127.0.0.0/8, secret: %s}]
accounting:
  listen: %q
%s
`, name, dir, secret, s.addr, strings.Join(settings, "\n")), 0o600))
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

// launch starts the process.
func (s *bookkeeper) launch() {
	s.t.Helper()
	p, err := Start(ProgramPath("twagd"), "-config", s.config)
	require.NoError(s.t, err)
	s.Program = p
}

func (s *bookkeeper) ready(within time.Duration) {
	s.t.Helper()
	require.NoError(s.t, s.WaitFor("msg=Ready", within))
}

// serveAgain waits until it is ready, and starts it as long as it ends instead, as a supervisor does.
func (s *bookkeeper) serveAgain(within time.Duration) {
	s.t.Helper()
	for end := time.Now().Add(within); ; {
		select {
		case <-s.done:
			s.t.Logf("twagd ended:\n%s", tail(s.Output()))
			s.launch()
		case <-time.After(100 * time.Millisecond):
		}
		if strings.Contains(s.Output(), "msg=Ready") {
			return
		}
		require.True(s.t, time.Now().Before(end), "it is not ready:\n%s", tail(s.Output()))
	}
}

// ended ends the process in good order, with every ticket written, and returns what it has said.
func (s *bookkeeper) ended() string {
	s.t.Helper()
	code, err := s.Interrupt(time.Minute)
	require.NoError(s.t, err)
	require.Zero(s.t, code, "%s", tail(s.Output()))
	return s.Output()
}

// ticketFiles are the names of the server's ticket files, oldest first.
func (s *bookkeeper) ticketFiles() []string {
	s.t.Helper()
	names, err := filepath.Glob(filepath.Join(s.dir, "tickets", "[^.]*"))
	require.NoError(s.t, err)
	require.NotEmpty(s.t, names)
	return names
}

// accountLoad is apsim at work, with the journal that it writes.
type accountLoad struct {
	*Program
	t       *testing.T
	journal string
}

// accountReport is what "apsim acct" says in the end.
type accountReport struct {
	Requests       uint64  `json:"total_requests"`
	Acknowledged   uint64  `json:"total_acknowledged"`
	Retransmitted  uint64  `json:"total_retransmissions"`
	Unacknowledged uint64  `json:"unacknowledged"`
	Stopped        uint64  `json:"sessions_stopped"`
	Seconds        float64 `json:"total_seconds"`
	MaxMillis      float64 `json:"total_max_ms"`
	MostWaiting    int     `json:"most_unacknowledged"`
	Memory         *struct {
		Before     uint64   `json:"before"`
		First      uint64   `json:"first"`
		Last       uint64   `json:"last"`
		Peak       uint64   `json:"peak"`
		PerSession *float64 `json:"octets_per_session"`
	} `json:"server_memory"`
}

// startAccounting has access points account at the server. They repeat what is not
// acknowledged after a second, and then every eight at most.
func startAccounting(t *testing.T, server radiusServer, args ...string) *accountLoad {
	t.Helper()
	l := &accountLoad{t: t, journal: filepath.Join(t.TempDir(), "journal")}
	p, err := Start(ProgramPath("apsim"), append([]string{"acct", "-server", server.addr.String(), "-secret", server.secret, "-json",
		"-irt", "1s", "-mrt", "8s", "-drain", "2m", "-journal", l.journal}, args...)...)
	require.NoError(t, err)
	l.Program = p
	t.Cleanup(p.Kill)
	return l
}

// report waits until all that was sent is acknowledged.
func (l *accountLoad) report() accountReport {
	l.t.Helper()
	code, err := l.Wait(l.t.Context())
	require.NoError(l.t, err)
	require.Zero(l.t, code, "%s", tail(l.Output()))
	var r accountReport
	require.NoError(l.t, json.Unmarshal([]byte(l.Output()), &r), "%s", l.Output())
	require.Zero(l.t, r.Unacknowledged)
	require.Equal(l.t, r.Requests, r.Acknowledged)
	return r
}

// checkTickets compares the journal with the tickets in a directory or file: none
// missing, none twice, totals equal to the octet.
func (l *accountLoad) checkTickets(tickets string) {
	l.t.Helper()
	p, err := Start(ProgramPath("apsim"), "check", "-journal", l.journal, "-tickets", tickets)
	require.NoError(l.t, err)
	code, err := p.Wait(l.t.Context())
	require.NoError(l.t, err)
	require.Zero(l.t, code, "%s", p.Output())
	require.Contains(l.t, p.Output(), "all tickets are as they should be")
	l.t.Logf("apsim check:\n%s", p.Output())
}

// acknowledgements calls f with the time of each acknowledgement in the journal.
func (l *accountLoad) acknowledgements(f func(time.Time)) {
	l.t.Helper()
	b, err := os.ReadFile(l.journal)
	require.NoError(l.t, err)
	n := 0
	for line := range strings.Lines(string(b)) {
		fields := strings.Split(line, "\t")
		if fields[0] != "A" {
			continue
		}
		var us int64
		_, err := fmt.Sscan(fields[12], &us)
		require.NoError(l.t, err)
		f(time.UnixMicro(us))
		n++
	}
	require.Positive(l.t, n)
}

// firstAfter returns for each of the times how long after it the first acknowledgement came.
func (l *accountLoad) firstAfter(times []time.Time) []time.Duration {
	l.t.Helper()
	first := make([]time.Duration, len(times))
	for i := range first {
		first[i] = -1
	}
	l.acknowledgements(func(at time.Time) {
		for i, from := range times {
			if d := at.Sub(from); d >= 0 && (first[i] < 0 || d < first[i]) {
				first[i] = d
			}
		}
	})
	return first
}
