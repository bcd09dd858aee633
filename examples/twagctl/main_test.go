package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/accounting"
	"github.com/opentwag/twag/session"
)

// call runs twagctl.
func call(t *testing.T, stdin string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = twagctl(t.Context(), args, strings.NewReader(stdin), &out, &errs)
	return code, out.String(), errs.String()
}

// ticket returns a ticket of a session's end.
func ticket(server string, seq uint64, name string, delay time.Duration) *accounting.Ticket {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	return &accounting.Ticket{
		Server: server, Seq: seq, Status: accounting.Stop, Verdict: accounting.New, Arrived: at.Add(delay), EventTime: at,
		Attributes: append([]byte{40, 6, 0, 0, 0, 2, 32, 5, 'n', 'a', 's', 46, 6, 0, 0, 0, 9, 44, byte(2 + len(name))}, name...),
		Usage:      session.Usage{InputOctets: 1 << 32, OutputOctets: 7},
	}
}

func file(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	return path
}

func detail(tickets ...*accounting.Ticket) string {
	var b []byte
	for _, t := range tickets {
		b = accounting.AppendDetail(b, t, nil)
	}
	return string(b)
}

func TestUsage(t *testing.T) {
	code, out, _ := call(t, "", "help")
	require.Equal(t, exitOK, code)
	for _, c := range commands {
		require.Contains(t, out, "twagctl "+c.name)
		code, _, errs := call(t, "", append(strings.Fields(c.name), "-h")...)
		require.Equal(t, exitOK, code)
		require.Contains(t, errs, "usage: twagctl "+c.name)
		code, _, errs = call(t, "", append(strings.Fields(c.name), "-nonsense")...)
		require.Equal(t, exitUsage, code)
		require.Contains(t, errs, "-nonsense")
	}
	for _, args := range [][]string{nil, {"tickets"}, {"nonsense"}, {"tickets", "merge"}, {"tickets", "merge", "-o", "x"}, {"tickets", "check"}, {"tickets", "cat", "-format", "x"}} {
		code, out, errs := call(t, "", args...)
		require.Equal(t, exitUsage, code, args)
		require.Empty(t, out)
		require.NotEmpty(t, errs)
	}
}

func TestTicketsMerge(t *testing.T) {
	a, b, c := ticket("primary", 1, "s1", 0), ticket("secondary", 1, "s1", time.Second), ticket("secondary", 2, "s2", 2*time.Second)
	primary, secondary := file(t, "a", detail(a)), file(t, "b", detail(b, c))
	out := filepath.Join(t.TempDir(), "out")
	code, _, errs := call(t, "", "tickets", "merge", "-o", out, primary, secondary)
	require.Equal(t, exitOK, code, errs)
	require.Equal(t, "3 tickets read, 2 written, 1 duplicates, 0 not readable (0 of them torn)\n", errs)
	got, err := os.ReadFile(out)
	require.NoError(t, err)
	require.Equal(t, detail(a, c), string(got))

	code, _, errs = call(t, "", "tickets", "merge", "-o", out, primary)
	require.Equal(t, exitFailed, code)
	require.Contains(t, errs, "exists")

	code, stdout, errs := call(t, detail(a)+detail(c)[:50], "tickets", "merge", "-o", "-", "-", secondary)
	require.Equal(t, exitOK, code)
	require.Equal(t, detail(a, c), stdout)
	require.Contains(t, errs, "torn: left out")
}

func TestTicketsMergeOfBadFiles(t *testing.T) {
	good := detail(ticket("primary", 1, "s1", 0))
	bad := file(t, "bad", "nonsense\n\n"+good)
	dir := t.TempDir()
	out := filepath.Join(dir, "out")
	code, _, errs := call(t, "", "tickets", "merge", "-o", out, bad)
	require.Equal(t, exitFailed, code)
	require.Contains(t, errs, bad+": accounting: line 1: ")
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, left, "nothing is left of it")
	code, _, errs = call(t, "", "tickets", "merge", "-skip-bad", "-o", out, bad)
	require.Equal(t, exitOK, code, errs)
	require.Contains(t, errs, "1 not readable")
	require.FileExists(t, out)
	code, _, errs = call(t, "", "tickets", "merge", "-o", out+"2", filepath.Join(dir, "nobody"))
	require.Equal(t, exitFailed, code)
	require.Contains(t, errs, "nobody")
	code, _, errs = call(t, "{}", "tickets", "merge", "-o", out+"2", bad, "-")
	require.Equal(t, exitFailed, code)
	require.Contains(t, errs, "different formats")
}

func TestTicketsCheck(t *testing.T) {
	a, b := ticket("primary", 1, "s1", 0), ticket("primary", 2, "s2", time.Second)
	code, out, _ := call(t, detail(a, b), "tickets", "check", "-")
	require.Equal(t, exitOK, code)
	for _, row := range []string{"tickets 2", "Stop 2", "duplicates 0", "torn 0", "input octets 8589934592", "output octets 14", "session seconds 18"} {
		require.Contains(t, strings.Join(strings.Fields(out), " "), row)
	}
	for name, tc := range map[string]struct{ in, row, why string }{
		"duplicates": {detail(a, a), "duplicates 1", "duplicates"},
		"torn":       {detail(a) + detail(b)[:99], "torn 1", "torn"},
		"bad":        {"x\n\n" + detail(a), "not readable 1", "cannot be read"},
		"no number":  {strings.Replace(detail(a), "Acct-Session-Time = 9", "Acct-Session-Time = x", 1), "not readable 1", "cannot be read"},
	} {
		t.Run(name, func(t *testing.T) {
			code, out, errs := call(t, tc.in, "tickets", "check", "-")
			require.Equal(t, exitFailed, code)
			require.Contains(t, strings.Join(strings.Fields(out), " "), tc.row)
			require.Contains(t, errs, tc.why)
		})
	}
}

// The tickets of the accounting thesis: other programs' tickets add up too.
func TestTicketsCheckOfTheThesis(t *testing.T) {
	code, out, errs := call(t, "", "tickets", "check", "../../testdata/accounting/tickets.txt")
	require.Equal(t, exitOK, code, errs)
	for _, row := range []string{"tickets 3", "input octets 20325", "output octets 13427", "session seconds 21096"} {
		require.Contains(t, strings.Join(strings.Fields(out), " "), row)
	}
	code, _, errs = call(t, "", "tickets", "cat", "../../testdata/accounting/tickets.txt")
	require.Equal(t, exitFailed, code)
	require.Contains(t, errs, "another program's")
}

func TestTicketsCat(t *testing.T) {
	a, b := ticket("primary", 1, "s1", 0), ticket("primary", 2, "s2", time.Second)
	code, lines, errs := call(t, detail(a, b), "tickets", "cat")
	require.Equal(t, exitOK, code, errs)
	require.Equal(t, string(accounting.AppendJSON(accounting.AppendJSON(nil, a, nil), b, nil)), lines)
	code, again, errs := call(t, lines, "tickets", "cat", "-format", "detail", "-")
	require.Equal(t, exitOK, code, errs)
	require.Len(t, strings.Split(again, "\n"), len(strings.Split(detail(a, b), "\n")), "attributes may come in another order")
	code, out, errs := call(t, "x\n\n"+detail(a), "tickets", "cat", "-format", "detail")
	require.Equal(t, exitFailed, code)
	require.Equal(t, detail(a), out)
	require.Contains(t, errs, "line 1")
}
