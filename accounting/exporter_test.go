package accounting

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/session"
)

var errBroken = errors.New("broken")

// fakeJournal is a journal in memory.
type fakeJournal struct {
	mu      sync.Mutex
	entries map[uint64][]byte
	last    uint64
	before  uint64 // trimmed
	err     error
}

var _ session.Journal = (*fakeJournal)(nil)

func (j *fakeJournal) add(t testing.TB, n int) {
	t.Helper()
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.entries == nil {
		j.entries = map[uint64][]byte{}
	}
	for range n {
		ticket := fullTicket()
		b, err := ticket.Append(nil)
		require.NoError(t, err)
		j.last++
		j.entries[j.last] = b
	}
}

func (j *fakeJournal) ReadJournal(_ context.Context, from uint64, f func(uint64, []byte) bool) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.err != nil {
		return j.err
	}
	for seq := from; seq <= j.last; seq++ {
		if b := j.entries[seq]; b != nil {
			entry := slices.Clone(b)
			more := f(seq, entry)
			clear(entry) // it holds until f returns
			if !more {
				return nil
			}
		}
	}
	return nil
}

func (j *fakeJournal) TrimJournal(_ context.Context, before uint64) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	for seq := range j.entries {
		if seq < before {
			delete(j.entries, seq)
		}
	}
	j.before = before
	return j.err
}

func (j *fakeJournal) Last(context.Context) (uint64, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.last, j.err
}

// memorySink keeps tickets' numbers; Last loses what is not synced.
type memorySink struct {
	mu      sync.Mutex
	seqs    []uint64
	synced  int
	writes  int
	failAt  int // Write number that fails, after half of its tickets
	noSync  bool
	failing bool
	slow    time.Duration
}

var _ Sink = (*memorySink)(nil)

func (s *memorySink) Last(context.Context) (uint64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failing {
		return 0, errBroken
	}
	s.seqs = s.seqs[:s.synced]
	if s.synced == 0 {
		return 0, nil
	}
	return s.seqs[s.synced-1], nil
}

func (s *memorySink) Write(ctx context.Context, tickets []Ticket) error {
	if s.slow > 0 {
		select {
		case <-time.After(s.slow):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writes++
	for i, t := range tickets {
		if n := len(s.seqs); n > 0 && t.Seq <= s.seqs[n-1] {
			return errBroken
		}
		if s.failing || s.writes == s.failAt && i == len(tickets)/2 {
			return errBroken
		}
		if t.Server != "aaa1" || len(t.Attributes) == 0 || len(t.Class) != 3 {
			return errors.New("not the ticket")
		}
		s.seqs = append(s.seqs, t.Seq)
	}
	return nil
}

func (s *memorySink) Sync(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failing || s.noSync {
		return errBroken
	}
	s.synced = len(s.seqs)
	return nil
}

func (s *memorySink) set(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

func (s *memorySink) requireAll(t *testing.T, n int) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	require.Len(t, s.seqs, n)
	for i, seq := range s.seqs {
		require.Equal(t, uint64(i+1), seq)
	}
	require.Equal(t, n, s.synced)
}

func TestMemorySinkKeepsTheContract(t *testing.T) {
	s := &memorySink{}
	testSink(t, func() Sink { return s }, func() []uint64 { return s.seqs })
}

// run runs an exporter in a bubble; the function returned ends it.
func run(t *testing.T, e *Exporter) (stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- e.Run(ctx) }()
	return func() error {
		cancel()
		return <-ended
	}
}

func TestExporterBringsEachOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, s := &fakeJournal{}, &memorySink{}
		var infos []ExportInfo
		e := NewExporter(j, s, &ExporterConfig{Batch: 10, Hooks: ExporterHooks{Exported: func(i ExportInfo) { infos = append(infos, i) }}})
		stop := run(t, e)
		synctest.Wait()
		require.Empty(t, infos)
		j.add(t, 1005)
		time.Sleep(time.Second)
		s.requireAll(t, 1005)
		j.add(t, 1)
		time.Sleep(time.Second)
		s.requireAll(t, 1006)
		j.add(t, 3)
		require.NoError(t, stop())
		s.requireAll(t, 1009)
		require.Equal(t, ExporterStats{Exported: 1009, Last: 1009}, e.Stats())
		total := 0
		for _, i := range infos {
			total += i.Tickets
		}
		require.Equal(t, 1009, total)
		require.Equal(t, uint64(320), infos[0].Last, "a long round is synced on the way")
		// Another exporter goes on.
		j.add(t, 2)
		stop = run(t, NewExporter(j, s, nil))
		synctest.Wait()
		s.requireAll(t, 1011)
		require.NoError(t, stop())
	})
}

func TestExporterOutlivesFailures(t *testing.T) {
	for name, tc := range map[string]struct {
		breaks, mends func(*fakeJournal, *memorySink)
	}{
		"write":   {func(_ *fakeJournal, s *memorySink) { s.failing = true }, func(_ *fakeJournal, s *memorySink) { s.failing = false }},
		"sync":    {func(_ *fakeJournal, s *memorySink) { s.noSync = true }, func(_ *fakeJournal, s *memorySink) { s.noSync = false }},
		"journal": {func(j *fakeJournal, _ *memorySink) { j.err = errBroken }, func(j *fakeJournal, _ *memorySink) { j.err = nil }},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				j, s := &fakeJournal{}, &memorySink{}
				lines := &strings.Builder{}
				failed := 0
				e := NewExporter(j, s, &ExporterConfig{Batch: 4, Logger: slog.New(slog.NewTextHandler(lines, nil)), Hooks: ExporterHooks{Failed: func(err error) {
					require.ErrorIs(t, err, errBroken)
					failed++
				}}})
				stop := run(t, e)
				j.add(t, 10)
				time.Sleep(time.Second)
				j.mu.Lock()
				s.set(func() { tc.breaks(j, s) })
				j.mu.Unlock()
				j.add(t, 10)
				time.Sleep(time.Minute)
				synctest.Wait()
				require.True(t, e.Stats().Failing)
				require.InDelta(t, 14, failed, 3, "attempts come slower, up to 5 s")
				require.Equal(t, 1, strings.Count(lines.String(), logExportFailed), "one line for each state")
				j.mu.Lock()
				s.set(func() { tc.mends(j, s) })
				j.mu.Unlock()
				time.Sleep(5 * time.Second)
				synctest.Wait()
				s.requireAll(t, 20)
				require.False(t, e.Stats().Failing)
				require.Equal(t, uint64(20), e.Stats().Exported)
				require.Equal(t, 1, strings.Count(lines.String(), logExportAgain))
				require.NoError(t, stop())
			})
		})
	}
}

func TestExporterGoesOnBehindHalfABatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, s := &fakeJournal{}, &memorySink{failAt: 2}
		j.add(t, 30)
		e := NewExporter(j, s, &ExporterConfig{Batch: 10})
		stop := run(t, e)
		time.Sleep(5 * time.Second)
		s.requireAll(t, 30)
		require.Equal(t, ExporterStats{Exported: 30, Last: 30, Failures: 1}, e.Stats())
		require.NoError(t, stop())
	})
}

func TestExporterTrimsWhatIsDurable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, s := &fakeJournal{}, &memorySink{}
		stop := run(t, NewExporter(j, s, &ExporterConfig{Retain: 100}))
		j.add(t, 100)
		time.Sleep(time.Second)
		synctest.Wait()
		require.Zero(t, j.before)
		j.add(t, 50)
		time.Sleep(time.Second)
		synctest.Wait()
		require.Equal(t, uint64(51), j.before, "100 of 150 stay")
		j.add(t, 50)
		time.Sleep(time.Second)
		synctest.Wait()
		require.Equal(t, uint64(51), j.before, "not for a few")
		s.set(func() { s.noSync = true })
		j.add(t, 10_000)
		time.Sleep(time.Minute)
		synctest.Wait()
		require.Equal(t, uint64(51), j.before, "nothing that is not durable")
		s.set(func() { s.noSync = false })
		time.Sleep(6 * time.Second)
		synctest.Wait()
		require.Equal(t, uint64(10_101), j.before)
		require.NoError(t, stop())
		s.requireAll(t, 10_200)
	})
}

func TestExporterRefusesAnotherJournal(t *testing.T) {
	j, s := &fakeJournal{}, &memorySink{}
	j.add(t, 3)
	require.NoError(t, s.Write(t.Context(), numbered(4)))
	require.NoError(t, s.Sync(t.Context()))
	require.ErrorIs(t, NewExporter(j, s, nil).Run(t.Context()), ErrOtherJournal)
}

func TestExporterDoesNotPassOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, s := &fakeJournal{}, &memorySink{}
		j.add(t, 3)
		j.entries[2] = []byte{99}
		var last error
		stop := run(t, NewExporter(j, s, &ExporterConfig{Hooks: ExporterHooks{Failed: func(err error) { last = err }}}))
		time.Sleep(time.Minute)
		synctest.Wait()
		require.ErrorIs(t, last, ErrDecode)
		require.ErrorContains(t, last, "journal entry 2")
		require.ErrorIs(t, stop(), ErrDecode)
	})
}

func TestExporterEndsInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, s := &fakeJournal{}, &memorySink{slow: time.Hour}
		j.add(t, 3)
		stop := run(t, NewExporter(j, s, &ExporterConfig{Drain: 2 * time.Second}))
		time.Sleep(time.Minute)
		began := time.Now()
		require.ErrorIs(t, stop(), context.DeadlineExceeded)
		require.Equal(t, 2*time.Second, time.Since(began))
	})
}

// The whole way, over crashes of the exporter: what the journal has is in the files, each once.
func TestJournalToFiles(t *testing.T) {
	dir := t.TempDir()
	j := &fakeJournal{}
	for range 5 {
		s, err := OpenFileSink(FileConfig{Dir: dir, MaxOctets: 50_000})
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		e := NewExporter(j, s, &ExporterConfig{Batch: 16, Interval: time.Millisecond, Drain: -1, Retain: -1, Hooks: ExporterHooks{Exported: func(i ExportInfo) {
			if i.Last%3 == 0 {
				cancel()
			}
		}}})
		j.add(t, 100)
		var done sync.WaitGroup
		done.Go(func() { _ = e.Run(ctx) })
		time.Sleep(20 * time.Millisecond)
		cancel()
		done.Wait()
		require.NoError(t, s.Close())
	}
	s, err := OpenFileSink(FileConfig{Dir: dir, MaxOctets: 50_000})
	require.NoError(t, err)
	defer s.Close()
	require.NoError(t, NewExporter(j, s, nil).drain(t.Context()))
	names, seqs := ticketFiles(t, dir, FormatDetail)
	require.Greater(t, len(names), 5)
	require.Len(t, seqs, 500)
	for i, seq := range seqs {
		require.Equal(t, uint64(i+1), seq)
	}
}

func BenchmarkExporter(b *testing.B) {
	j := &fakeJournal{}
	j.add(b, 10_000)
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		s, err := OpenFileSink(FileConfig{Dir: b.TempDir()})
		require.NoError(b, err)
		e := NewExporter(j, s, &ExporterConfig{Retain: 1 << 30})
		b.StartTimer()
		if err := e.round(b.Context()); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		require.NoError(b, s.Close())
		b.StartTimer()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/10_000, "ns/ticket")
}
