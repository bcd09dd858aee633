package main

import (
	"context"
	"encoding/json"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	layeh "layeh.com/radius"

	"github.com/opentwag/twag/accounting"
	"github.com/opentwag/twag/radius"
	"github.com/opentwag/twag/session"
)

// acctServer is an accounting server with its tickets in a directory.
type acctServer struct {
	addr    string
	dir     string
	drop    atomic.Int32 // of how many requests one is answered; 0: all
	seen    atomic.Int32
	finish  func() // ends the exporter when all is written
	handler layeh.Handler
}

// ServeRADIUS drops some requests before they are handled, and the answers to others.
func (s *acctServer) ServeRADIUS(w layeh.ResponseWriter, r *layeh.Request) {
	if every := s.drop.Load(); every > 0 {
		switch s.seen.Add(1) % every {
		case 0:
		case 1: // recorded, and the access point does not hear of it
			s.handler.ServeRADIUS(deafWriter{}, r)
			radius.Discard(w)
			return
		default:
			radius.Discard(w)
			return
		}
	}
	s.handler.ServeRADIUS(w, r)
}

type deafWriter struct{}

func (deafWriter) Write(*layeh.Packet) error { return nil }

func startAcctServer(t testing.TB, format accounting.Format) *acctServer {
	t.Helper()
	store := session.NewMemoryStore(session.MemoryConfig{})
	m, err := session.NewManager(store, session.Config{})
	require.NoError(t, err)
	s := &acctServer{dir: t.TempDir()}
	s.handler = accounting.NewHandler(accounting.NewRecorder(m, accounting.RecorderConfig{Server: "aaa1"}), accounting.HandlerConfig{})
	srv := &radius.Server{
		Clients: radius.Subnets{{Prefix: netip.MustParsePrefix("127.0.0.0/8"), Secret: testSecret}},
		Codes:   []layeh.Code{layeh.CodeAccountingRequest}, Handler: s,
	}
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	require.NoError(t, err)
	s.addr = pc.LocalAddr().String()
	served := make(chan error, 1)
	go func() { served <- srv.Serve(pc) }()

	sink, err := accounting.OpenFileSink(accounting.FileConfig{Dir: s.dir, Format: format})
	require.NoError(t, err)
	exporter := accounting.NewExporter(store, sink, &accounting.ExporterConfig{Interval: 10 * time.Millisecond})
	ctx, cancel := context.WithCancel(context.Background())
	exported := make(chan error, 1)
	go func() { exported <- exporter.Run(ctx) }()
	s.finish = sync.OnceFunc(func() {
		require.NoError(t, srv.Close())
		require.ErrorIs(t, <-served, radius.ErrServerClosed)
		cancel()
		<-exported
		require.NoError(t, sink.Close())
	})
	t.Cleanup(s.finish)
	return s
}

// runAcct runs "apsim acct" and returns its exit code and report.
func runAcct(t testing.TB, s *acctServer, args ...string) (int, acctReport) {
	t.Helper()
	var stdout, stderr strings.Builder
	args = append([]string{"acct", "-json", "-server", s.addr, "-secret", testSecret}, args...)
	code := apsim(context.Background(), args, &stdout, &stderr)
	require.Empty(t, stderr.String())
	var r acctReport
	require.NoError(t, json.Unmarshal([]byte(stdout.String()), &r))
	return code, r
}

// withPID adds -pid where there is a /proc.
func withPID(args ...string) []string {
	if runtime.GOOS == "linux" {
		args = append(args, "-pid", strconv.Itoa(os.Getpid()))
	}
	return args
}

// runCheck runs "apsim check" and returns its exit code and report.
func runCheck(t testing.TB, journal, tickets string) (int, checkReport, string) {
	t.Helper()
	var stdout, stderr strings.Builder
	code := apsim(context.Background(), []string{"check", "-json", "-journal", journal, "-tickets", tickets}, &stdout, &stderr)
	require.Empty(t, stderr.String())
	var r checkReport
	require.NoError(t, json.Unmarshal([]byte(stdout.String()), &r))
	stdout.Reset()
	require.Equal(t, code, apsim(context.Background(), []string{"check", "-journal", journal, "-tickets", tickets}, &stdout, &stderr))
	return code, r, stdout.String()
}

func TestAcctAgainstServer(t *testing.T) {
	for format, name := range map[accounting.Format]string{accounting.FormatDetail: "detail", accounting.FormatJSON: "JSON"} {
		t.Run(name, func(t *testing.T) {
			s := startAcctServer(t, format)
			journal := filepath.Join(t.TempDir(), "journal")
			code, r := runAcct(t, s, withPID("-sessions", "100", "-requests", "3000", "-window", "64", "-close", "-journal", journal,
				"-class", "0x0102ff")...)
			require.Equal(t, exitOK, code)
			require.Equal(t, uint64(3000), r.Acknowledged)
			require.Equal(t, r.TotalRequests, r.TotalAcknowledged)
			require.Equal(t, r.Started, r.Stopped)
			require.Zero(t, r.Forged)
			require.InDelta(t, 275, r.OctetsPer, 25)
			require.Positive(t, r.P50Millis)
			if runtime.GOOS == "linux" {
				require.Positive(t, r.Memory.Peak)
				require.Positive(t, *r.OwnCPU)
			}
			s.finish()
			code, c, text := runCheck(t, journal, s.dir)
			require.Equal(t, exitOK, code, text)
			require.Equal(t, r.TotalAcknowledged, c.Acknowledged)
			require.Equal(t, r.TotalAcknowledged, c.Tickets)
			require.Equal(t, int(r.Started), c.Sessions)
			require.Contains(t, text, "all tickets are as they should be")
		})
	}
}

// TestAcctRepeats: a server that answers one request in three, and has recorded another third, has
// each event once in the end.
func TestAcctRepeats(t *testing.T) {
	s := startAcctServer(t, accounting.FormatDetail)
	s.drop.Store(3)
	journal := filepath.Join(t.TempDir(), "journal")
	code, r := runAcct(t, s, "-sessions", "200", "-rate", "4000", "-duration", "500ms", "-interims", "1", "-overlap", "3",
		"-irt", "50ms", "-mrt", "100ms", "-sockets", "4", "-drain", "5m", "-journal", journal)
	require.Equal(t, exitOK, code)
	require.Greater(t, r.TotalRetransmissions, r.TotalRequests/2)
	require.Equal(t, r.TotalRequests, r.TotalAcknowledged)
	s.finish()
	code, c, text := runCheck(t, journal, s.dir)
	require.Equal(t, exitOK, code, text)
	require.Equal(t, r.TotalAcknowledged, c.Tickets)
}

// TestAcctGivesUp: what is not acknowledged is told, and is no difference.
func TestAcctGivesUp(t *testing.T) {
	s := startAcctServer(t, accounting.FormatDetail)
	s.drop.Store(1 << 20) // the first one is recorded, and none is answered
	journal := filepath.Join(t.TempDir(), "journal")
	code, r := runAcct(t, s, "-sessions", "10", "-requests", "10", "-duration", "50ms", "-drain", "1s", "-close", "-journal", journal)
	require.Equal(t, exitFailed, code)
	require.Equal(t, 10, r.Unacknowledged)
	s.finish()
	code, c, _ := runCheck(t, journal, s.dir)
	require.Equal(t, exitOK, code)
	require.Equal(t, uint64(1), c.Unasked)
	require.Equal(t, uint64(10), c.Sent)
	require.Zero(t, c.Acknowledged)
}

func TestAcctOpen(t *testing.T) {
	s := startAcctServer(t, accounting.FormatDetail)
	code, r := runAcct(t, s, withPID("-open", "500", "-settle", "1ms", "-duration", "2s", "-interim", "200ms", "-close")...)
	require.Equal(t, exitOK, code)
	require.Equal(t, uint64(500), r.Started)
	require.Equal(t, uint64(500), r.Stopped)
	require.Greater(t, r.TotalAcknowledged, uint64(1050), "Start, Stop and interims")
	require.Equal(t, runtime.GOOS == "linux", r.Memory != nil && r.Memory.PerSession != nil)

	code, r = runAcct(t, s, "-open", "50", "-settle", "1ms", "-duration", "20ms")
	require.Equal(t, exitOK, code)
	require.Equal(t, uint64(50), r.TotalAcknowledged, "they stay open, and are silent")
	require.Nil(t, r.Memory)
}

func TestAcctText(t *testing.T) {
	s := startAcctServer(t, accounting.FormatDetail)
	var stdout, stderr strings.Builder
	args := withPID("acct", "-server", s.addr, "-secret", testSecret, "-requests", "100")
	require.Equal(t, exitOK, apsim(context.Background(), args, &stdout, &stderr))
	for _, want := range []string{"acknowledged/s", "p99", "octets a request", "forged"} {
		require.Contains(t, stdout.String(), want)
	}
	require.Empty(t, stderr.String())

	require.Equal(t, exitOK, apsim(context.Background(), []string{"acct", "-help"}, &stdout, &stderr))
	require.Equal(t, exitOK, apsim(context.Background(), []string{"check", "-help"}, &stdout, &stderr))
	for _, args := range [][]string{{"acct"}, {"check"}, {"acct", "-secret", "s", "x"}, {"check", "-journal", "x"}} {
		require.Equal(t, exitUsage, apsim(context.Background(), args, &stdout, &stderr))
	}
	require.Equal(t, exitFailed, apsim(context.Background(), []string{"acct", "-secret", "s", "-journal", s.dir}, &stdout, &stderr))
	require.Equal(t, exitFailed, apsim(context.Background(), []string{"check", "-journal", s.dir, "-tickets", s.dir}, &stdout, &stderr))
}
