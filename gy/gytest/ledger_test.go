package gytest

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/diameter"
	"github.com/opentwag/twag/gy"
)

// killed returns a copy of a ledger as it is now: what another OCS finds when
// the one that writes it is killed.
func killed(t testing.TB, path string, tail ...byte) string {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	next := filepath.Join(t.TempDir(), "ledger")
	require.NoError(t, os.WriteFile(next, append(data, tail...), 0o600))
	return next
}

// forgotten is an audit without what the ledger has not.
func forgotten(a Audit) Audit {
	for id, s := range a.Sessions {
		s.Duplicates = 0
		a.Sessions[id] = s
	}
	for i := range a.Violations {
		a.Violations[i].Time = time.Time{}
	}
	return a
}

// An OCS that is killed, in the middle of a write, and made again goes on as if
// nothing had been: balances, reservations, numbers, duplicates.
func TestRestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger")
	who := Account{IMSI: testIMSI, E164: testE164, Balance: 30 * mega, Plans: map[uint32]Plan{1: {Chunk: 10 * mega}, 2: {Chunk: mega, Price: 2}}}
	o, addr := newOCS(t, Config{Ledger: path, Supervision: time.Hour}, who)
	p := newPhone(t, newNode(t, addr), "s;1")
	q := newPhone(t, p.node, "s;2")
	p.ask(gy.RequestInitial, 0, 2001, wants(1), wants(2))
	q.ask(gy.RequestInitial, 0, 2001, wants(1))
	p.ask(gy.RequestUpdate, 1, 2001, uses(1, 9*mega), uses(2, 3000))
	require.NoError(t, o.TopUp(testE164, 777))
	q.ask(gy.RequestTermination, 1, 2001, last(1, 5))
	q.ask(gy.RequestTermination, 7, 5002, last(1, 5))
	before := forgotten(o.Audit())
	answer := *p.ask(gy.RequestUpdate, 2, 2001, uses(1, mega))

	for _, tail := range []string{"", `{"time":"2026-01-`, "\x00\x00\x00", "{}garbage\n", `{"kind":"topup","account":"001010000000001","amount":5,"balance":99}`} {
		next := killed(t, path, []byte(tail)...)
		again, addr := newOCS(t, Config{Ledger: next, Supervision: time.Hour}, who)
		wantAccount(t, again, 30*mega+777-10*mega-6000-5, 10*mega+994_000, 10*mega+6000+5)
		for id, s := range before.Sessions {
			s2, ok := again.Session(id)
			require.True(t, ok)
			if id != "s;1" {
				require.Equal(t, s, s2)
			}
		}
		require.Equal(t, kinds(o), kinds(again))
		require.Equal(t, []string{"s;1"}, again.Sessions(testE164))
		require.Equal(t, o.book.begun.Unix(), again.book.begun.Unix())
		e := again.Requests("s;1")
		require.Len(t, e, 3)
		require.WithinDuration(t, time.Now().Add(time.Hour), e[2].Deadline, time.Minute)

		p := newPhone(t, newNode(t, addr), "s;1")
		require.EqualValues(t, o.book.begun.Unix(), p.node.Peers()[0].OriginStateID)
		p.ccr.Retransmitted = true
		dup := *p.ask(gy.RequestUpdate, 2, 2001, uses(1, mega))
		require.Equal(t, answer.Services[0].Granted, dup.Services[0].Granted)
		p.ask(gy.RequestInitial, 0, 2001, wants(1), wants(2))
		p.ask(gy.RequestUpdate, 2, 5004, uses(1, mega+1))
		p.ccr.Retransmitted = false
		p.ask(gy.RequestUpdate, 3, 2001, uses(1, 2*mega))
		p.ask(gy.RequestTermination, 4, 2001, last(1, 1), last(2, 1))
		wantAccount(t, again, 30*mega+777-12*mega-6000-5-3, 0, 12*mega+6000+5+3)
		require.Equal(t, append(kinds(o), NumberReused), kinds(again))

		// And once more, to read what was written behind the torn line.
		require.NoError(t, again.Close())
		l, err := ReadLedger(next)
		require.NoError(t, err)
		require.Equal(t, forgotten(again.Audit()).Accounts, l.Audit.Accounts)
		require.Equal(t, forgotten(again.Audit()).Sessions, l.Audit.Sessions)
		require.Equal(t, forgotten(again.Audit()).Violations, forgotten(l.Audit).Violations)
		require.Len(t, l.Entries, 9+3)
	}
}

// A session's time goes on while the OCS is away.
func TestRestartExpires(t *testing.T) { synctest.Test(t, testRestartExpires) }

func testRestartExpires(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger")
	o, addr := pipedOCS(t, Config{Ledger: path, Supervision: 300 * time.Millisecond}, Account{Balance: 1000})
	newPhone(t, newNode(t, addr), "s;1").ask(gy.RequestInitial, 0, 2001, wants(1))
	next := killed(t, path)
	wantAccount(t, o, 1000, 1000, 0)
	again, err := New(Config{Ledger: next})
	require.NoError(t, err)
	require.Eventually(t, func() bool { return len(again.Sessions("")) == 0 }, time.Minute, 10*time.Millisecond)
	wantAccount(t, again, 1000, 0, 0)
	require.NoError(t, again.Close())
	l, err := ReadLedger(next)
	require.NoError(t, err)
	require.Equal(t, KindExpired, l.Entries[len(l.Entries)-1].Kind)
}

func TestBadLedgers(t *testing.T) {
	for _, tt := range []struct{ name, text, err string }{
		{"garbage", "garbage 001010000000001\n{}\n", "line 1: no entry"},
		{"kind", `{"kind":"dance"}` + "\n\n", `line 1: no such kind: "dance"`},
		{"top-up of nobody", `{"kind":"topup","account":"001010000000001"}` + "\n", "line 1: gytest: no such account or session"},
		{"request of nobody", `{"kind":"request","account":"001010000000001","session":"s"}` + "\n", "line 1: gytest: no such account or session"},
		{"end of nothing", `{"kind":"expired","session":"s"}` + "\n", "line 1: gytest: no such account or session"},
		{"sum", `{"kind":"account","account":"001010000000001","amount":5,"balance":6}` + "\n", "line 1: the balance is not what the entries make of it"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "ledger")
			require.NoError(t, os.WriteFile(path, []byte(tt.text), 0o600))
			_, err := ReadLedger(path)
			require.EqualError(t, err, "gytest: ledger: "+tt.err)
			_, err = New(Config{Ledger: path})
			require.EqualError(t, err, "gytest: ledger: "+tt.err)
		})
	}
	_, err := ReadLedger(filepath.Join(t.TempDir(), "none"))
	require.ErrorIs(t, err, os.ErrNotExist)
}

// A ledger that can't be written: nothing is answered that is not safe.
func TestLedgerFails(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger")
	o, err := New(Config{Ledger: path})
	require.NoError(t, err)
	require.NoError(t, o.Add(Account{IMSI: testIMSI, Balance: 1000}))
	p := newPhone(t, newNode(t, listening(t, o)), "s;1")
	p.ask(gy.RequestInitial, 0, 2001, wants(1))
	p.client = gy.NewClient(p.node, gy.ClientConfig{Timeout: 200 * time.Millisecond})
	require.NoError(t, o.book.ledger.file.Close())
	for n := range uint32(2) {
		p.ccr.Type, p.ccr.Number = gy.RequestUpdate, 1+n
		_, err = p.send()
		require.Equal(t, gy.FailureTimeout, gy.FailureOf(err))
	}
	require.ErrorIs(t, o.TopUp(testIMSI, 1), os.ErrClosed)
	require.ErrorIs(t, o.Close(), os.ErrClosed)
	require.ErrorIs(t, o.Close(), os.ErrClosed)
	l, err := ReadLedger(path)
	require.NoError(t, err)
	require.Len(t, l.Entries, 3)
}

func TestClosedLedger(t *testing.T) {
	o, err := New(Config{Ledger: filepath.Join(t.TempDir(), "ledger")})
	require.NoError(t, err)
	require.NoError(t, o.Close())
	require.ErrorIs(t, o.Add(Account{IMSI: testIMSI}), os.ErrClosed)
	require.NoError(t, o.book.ledger.close())
}

// Many sessions at once share the disk's time, and the ledger is killed at any
// point: what was answered is in it, in order.
func TestManyAtOnce(t *testing.T) {
	const phones, updates = 40, 25
	path := filepath.Join(t.TempDir(), "ledger")
	o, addr := newOCS(t, Config{Ledger: path}, Account{Balance: 1 << 40})
	node := newNode(t, addr)
	var wg sync.WaitGroup
	var mu sync.Mutex
	answered := make(map[string]uint32)
	for i := range phones {
		wg.Go(func() {
			p := newPhone(t, node, fmt.Sprint("s;", i))
			for n := range uint32(updates) {
				p.ccr.Type, p.ccr.Number, p.ccr.Services = gy.RequestUpdate, n, []gy.MSCC{uses(1, 10)}
				if n == 0 {
					p.ccr.Type, p.ccr.Services = gy.RequestInitial, []gy.MSCC{wants(1)}
				}
				if a, err := p.send(); err != nil || a.ResultCode != 2001 {
					t.Errorf("%v, %v", a.ResultCode, err)
					return
				}
				mu.Lock()
				answered[string(p.ccr.SessionID)] = n
				mu.Unlock()
			}
		})
	}
	for range 10 {
		mu.Lock()
		want := maps.Clone(answered)
		mu.Unlock()
		l, err := ReadLedger(killed(t, path))
		require.NoError(t, err)
		for id, n := range want {
			require.Greater(t, l.Audit.Sessions[id].Requests, int(n), "answered, and not in the ledger")
		}
		time.Sleep(2 * time.Millisecond)
	}
	wg.Wait()
	l, err := ReadLedger(killed(t, path))
	require.NoError(t, err)
	require.Len(t, l.Audit.Sessions, phones)
	for id, s := range l.Audit.Sessions {
		require.EqualValues(t, 10*(updates-1), s.Debited, id)
		require.Equal(t, updates, s.Requests)
	}
	require.Empty(t, l.Audit.Violations)
	require.Equal(t, forgotten(o.Audit()), l.Audit)
}

// The ledger has no secrets, and only what is needed of the subscriber; but an
// entry prints without him.
func TestLedgerLines(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger")
	_, addr := newOCS(t, Config{Ledger: path}, Account{Balance: 1000})
	p := newPhone(t, newNode(t, addr), "s;1")
	p.ask(gy.RequestInitial, 0, 2001, wants(1))
	p.ask(gy.RequestUpdate, 1, 2001, uses(1, 30))
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	lines := bytes.Split(bytes.TrimSpace(data), []byte("\n"))
	require.Len(t, lines, 4)
	require.Contains(t, string(lines[0]), `"kind":"begin"`)
	require.Contains(t, string(lines[1]), `"kind":"account","account":"001010000000001","amount":1000,"balance":1000`)
	for _, part := range []string{`"balance":970`, `"session":"s;1"`, `"number":1`, `"type":2`, `"total":30,"in":10,"out":20`, `"debited":30`, `"granted":970`, `"result":2001`} {
		require.Contains(t, string(lines[3]), part)
	}
	stat, err := os.Stat(path)
	require.NoError(t, err)
	require.Zero(t, stat.Mode().Perm()&0o077)
	l, err := ReadLedger(path)
	require.NoError(t, err)
	require.False(t, strings.Contains(fmt.Sprintf("%v %+v %#v", l, l.Entries, l.Audit), "00101000"))
}

func BenchmarkRequests(b *testing.B) {
	for _, ledger := range []bool{false, true} {
		b.Run(fmt.Sprint("ledger=", ledger), func(b *testing.B) {
			cfg := Config{}
			if ledger {
				cfg.Ledger = filepath.Join(b.TempDir(), "ledger")
			}
			_, addr := newOCS(b, cfg, Account{Balance: 1 << 60})
			node := newNode(b, addr, func(c *diameter.Config) { c.MaxAttempts = 1 })
			var mu sync.Mutex
			phones := 0
			b.ReportAllocs()
			b.SetParallelism(100)
			b.RunParallel(func(pb *testing.PB) {
				mu.Lock()
				phones++
				p := newPhone(b, node, fmt.Sprint("s;", phones))
				mu.Unlock()
				p.ccr.Type, p.ccr.Services = gy.RequestInitial, []gy.MSCC{wants(1)}
				for pb.Next() {
					if a, err := p.send(); err != nil || a.ResultCode != 2001 {
						b.Error(errors.Join(err, fmt.Errorf("%d", a.ResultCode)))
						return
					}
					p.ccr.Type, p.ccr.Services = gy.RequestUpdate, []gy.MSCC{uses(1, 10)}
					p.ccr.Number++
				}
			})
		})
	}
}
