package accounting

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// ticketFiles returns the names of the ticket files in dir, in order, and the numbers of their
// tickets. Everything in them has to be readable.
func ticketFiles(t testing.TB, dir string, format Format) (names []string, seqs []uint64) {
	t.Helper()
	s := &FileSink{cfg: FileConfig{Dir: dir}, naming: naming{prefix: "detail"}}
	if format == FormatJSON {
		s.naming = naming{"tickets", ".jsonl"}
	}
	files, err := s.list()
	require.NoError(t, err)
	for _, name := range files {
		b, err := os.ReadFile(s.path(s.naming.name(name)))
		require.NoError(t, err)
		var r RecordReader = NewDetailReader(bytes.NewReader(b), nil)
		if format == FormatJSON {
			r = NewJSONReader(bytes.NewReader(b))
		}
		records, wrong := readAll(t, r)
		require.Empty(t, wrong)
		for i := range records {
			_, seq, ok := records[i].TicketID()
			require.True(t, ok)
			seqs = append(seqs, seq)
		}
		names = append(names, s.naming.name(name))
	}
	return names, seqs
}

func openSink(t testing.TB, cfg FileConfig) *FileSink {
	t.Helper()
	s, err := OpenFileSink(cfg)
	require.NoError(t, err)
	_, err = s.Last(context.Background())
	require.NoError(t, err)
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func TestFileSinkKeepsTheContract(t *testing.T) {
	for name, format := range map[string]Format{"detail": FormatDetail, "JSON": FormatJSON} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			var s *FileSink
			testSink(t, func() Sink {
				if s != nil {
					require.NoError(t, s.Close())
				}
				var err error
				s, err = OpenFileSink(FileConfig{Dir: dir, Format: format})
				require.NoError(t, err)
				return s
			}, func() []uint64 {
				_, seqs := ticketFiles(t, dir, format)
				return seqs
			})
			require.NoError(t, s.Close())
		})
	}
}

func TestFilesHaveNamesAndModes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // the clock begins at midnight of 2000-01-01, UTC
		dir := t.TempDir()
		s := openSink(t, FileConfig{Dir: dir, UTCOffset: -3 * time.Hour})
		write := func(seq uint64) {
			require.NoError(t, s.Write(t.Context(), numbered(seq)))
			require.NoError(t, s.Sync(t.Context()))
		}
		write(1)
		time.Sleep(59 * time.Minute)
		write(2)
		time.Sleep(time.Minute)
		write(3)
		time.Sleep(49 * time.Hour)
		write(4)
		names, seqs := ticketFiles(t, dir, FormatDetail)
		require.Equal(t, []string{"detail-19991231T21", "detail-19991231T22", "detail-20000102T23"}, names)
		require.Equal(t, []uint64{1, 2, 3, 4}, seqs)
		info, err := os.Stat(filepath.Join(dir, names[0]))
		require.NoError(t, err)
		require.Zero(t, info.Mode().Perm()&^0o640)
		b, err := os.ReadFile(filepath.Join(dir, names[0]))
		require.NoError(t, err)
		require.True(t, bytes.HasPrefix(b, []byte("Wed Dec 31 21:00:01 1969\n")), "the zone is that of the files")
	})
}

func TestFilesEndBySize(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		cfg := FileConfig{Dir: dir, MaxOctets: 3000, SizeOnly: true, Name: "t"}
		s := openSink(t, cfg)
		require.NoError(t, s.Write(t.Context(), numbered(1, 2, 3, 4, 5, 6, 7)))
		require.NoError(t, s.Close())
		time.Sleep(5 * time.Hour)
		s = openSink(t, cfg)
		require.NoError(t, s.Write(t.Context(), numbered(8, 9)))
		entries, err := filepath.Glob(dir + "/t-*")
		require.NoError(t, err)
		for i := range entries {
			entries[i] = filepath.Base(entries[i])
		}
		require.Equal(t, []string{"t-20000101T00", "t-20000101T00.001", "t-20000101T00.002"}, entries)
		info, err := os.Stat(filepath.Join(dir, entries[0]))
		require.NoError(t, err)
		require.Less(t, info.Size(), int64(3000+1500))
	})
}

func TestNamesNeverGoBack(t *testing.T) {
	later := time.Date(2026, 1, 2, 4, 0, 0, 0, time.UTC)
	n := fileName{}.follow(later)
	require.Equal(t, fileName{"20260102T04", 0}, n)
	n = n.follow(later.Add(-2 * time.Hour))
	require.Equal(t, fileName{"20260102T04", 1}, n)
	require.Equal(t, fileName{"20260102T05", 0}, n.follow(later.Add(time.Hour)))
	f := naming{"detail", ".x"}
	for name, want := range map[string]fileName{"detail-20260102T04.x": {"20260102T04", 0}, "detail-20260102T04.001.x": {"20260102T04", 1}, "detail-20260102T04.1234.x": {"20260102T04", 1234}} {
		got, ok := f.parse(name)
		require.True(t, ok, name)
		require.Equal(t, want, got)
	}
	for _, name := range []string{"detail-20260102T04", "detail-20260102T04.000.x", "detail-20260102T04.1.x", "detail-20260102T25.x", "detail-2026010204.x", "other-20260102T04.x", "detail-20260102T04.gz"} {
		_, ok := f.parse(name)
		require.False(t, ok, name)
	}
}

func TestNoTwoSinksInOneDirectory(t *testing.T) {
	dir := t.TempDir()
	s := openSink(t, FileConfig{Dir: dir})
	_, err := OpenFileSink(FileConfig{Dir: dir})
	require.ErrorContains(t, err, "in use")
	openSink(t, FileConfig{Dir: dir, Format: FormatJSON}) // has its own position
	require.NoError(t, s.Close())
	openSink(t, FileConfig{Dir: dir})
}

func TestFileConfigThatCannotBe(t *testing.T) {
	for field, cfg := range map[string]FileConfig{
		"Dir": {}, "Format": {Dir: "x", Format: 2}, "Name": {Dir: "x", Name: "a/b"}, "UTCOffset": {Dir: "x", UTCOffset: 15 * time.Hour},
		"rule 1": {Dir: "x", Rules: []Rule{{}}},
	} {
		_, err := OpenFileSink(cfg)
		require.ErrorContains(t, err, field)
	}
	require.ErrorIs(t, (&FileSink{}).Write(t.Context(), nil), errNotReady)
	require.ErrorIs(t, (&FileSink{}).Sync(t.Context()), errNotReady)
}

func TestLastIsDurable(t *testing.T) {
	s := openSink(t, FileConfig{Dir: t.TempDir()})
	require.NoError(t, s.Write(t.Context(), numbered(1, 2)))
	require.Zero(t, s.durable)
	last, err := s.Last(t.Context())
	require.NoError(t, err)
	require.Equal(t, []uint64{2, 2}, []uint64{last, s.durable})
	// A file that cannot be synced any more: what was written since comes again.
	require.NoError(t, s.Write(t.Context(), numbered(3)))
	require.NoError(t, s.file.Close())
	last, err = s.Last(t.Context())
	require.NoError(t, err)
	require.Equal(t, uint64(2), last)
	require.NoError(t, s.Write(t.Context(), numbered(3)))
	require.NoError(t, s.Sync(t.Context()))
	_, seqs := ticketFiles(t, s.cfg.Dir, FormatDetail)
	require.Equal(t, []uint64{1, 2, 3}, seqs)
}

func TestRulesAreAppliedOnTheWay(t *testing.T) {
	dir := t.TempDir()
	s := openSink(t, FileConfig{Dir: dir, Rules: []Rule{{Action: SetValue, Attribute: "NAS-Identifier", Value: "same"}}})
	tickets := numbered(1)
	require.NoError(t, s.Write(t.Context(), tickets))
	require.Equal(t, fullTicket().Attributes, tickets[0].Attributes)
	b, err := os.ReadFile(filepath.Join(dir, s.naming.name(s.name)))
	require.NoError(t, err)
	require.Contains(t, string(b), "\tNAS-Identifier = \"same\"\n")
	require.NotContains(t, string(b), "ap1")
}

// A crash leaves any part of what was written since the last Sync, or something else in its place.
func TestFilesAfterACrash(t *testing.T) {
	one := int(len(AppendDetail(nil, &numbered(4)[0], nil)))
	for name, tc := range map[string]struct {
		spoil func(tail []byte) []byte // what was not synced: tickets 4 and 5
		last  uint64
	}{
		"all there":              {func(b []byte) []byte { return b }, 5},
		"nothing there":          {func([]byte) []byte { return nil }, 3},
		"torn in a line":         {func(b []byte) []byte { return b[:one+100] }, 4},
		"torn in the first":      {func(b []byte) []byte { return b[:100] }, 3},
		"no empty line":          {func(b []byte) []byte { return b[:len(b)-1] }, 4},
		"zeros at the end":       {func(b []byte) []byte { return append(b[:one:one], make([]byte, 5000)...) }, 4},
		"zeros before":           {func(b []byte) []byte { clear(b[:one]); return b }, 3},
		"nothing but zeros":      {func(b []byte) []byte { clear(b); return b }, 3},
		"zeros, then empty line": {func(b []byte) []byte { return append(b, "\x00\x00\n\n"...) }, 5},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s := openSink(t, FileConfig{Dir: dir})
			require.NoError(t, s.Write(t.Context(), numbered(1, 2, 3)))
			require.NoError(t, s.Sync(t.Context()))
			synced := s.size
			require.NoError(t, s.Write(t.Context(), numbered(4, 5)))
			path := s.path(s.naming.name(s.name))
			require.NoError(t, s.Close())
			b, err := os.ReadFile(path)
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(path, append(b[:synced:synced], tc.spoil(b[synced:])...), 0o640))

			s = openSink(t, FileConfig{Dir: dir})
			require.Equal(t, tc.last, s.last)
			for seq := s.last + 1; seq <= 6; seq++ {
				require.NoError(t, s.Write(t.Context(), numbered(seq)))
			}
			_, seqs := ticketFiles(t, dir, FormatDetail)
			require.Equal(t, []uint64{1, 2, 3, 4, 5, 6}, seqs)
		})
	}
}

func TestFilesThatWereTakenAway(t *testing.T) {
	dir := t.TempDir()
	s := openSink(t, FileConfig{Dir: dir, MaxOctets: 1})
	take := func(seqs ...uint64) {
		t.Helper()
		names, got := ticketFiles(t, dir, FormatDetail)
		require.Equal(t, seqs, got)
		for _, name := range names {
			require.NoError(t, os.Rename(filepath.Join(dir, name), filepath.Join(t.TempDir(), name)))
		}
	}
	require.NoError(t, s.Write(t.Context(), numbered(1, 2, 3)))
	require.NoError(t, s.Sync(t.Context()))
	take(1, 2, 3)
	require.NoError(t, s.Write(t.Context(), numbered(4)), "while it runs")
	require.NoError(t, s.Sync(t.Context()))
	take(4)
	require.NoError(t, s.Close())
	s = openSink(t, FileConfig{Dir: dir, MaxOctets: 1})
	require.Equal(t, uint64(4), s.last)
	require.NoError(t, s.Write(t.Context(), numbered(5)), "while it did not run")
	require.NoError(t, s.Close())
	names, seqs := ticketFiles(t, dir, FormatDetail)
	require.Equal(t, []uint64{5}, seqs)
	require.NotContains(t, names[0], "T"+time.Now().UTC().Format("15")+"$", "no name is used again")
	require.Regexp(t, `\.004$`, names[0])
}

func TestPositionThatWasTakenAway(t *testing.T) {
	write := func(t *testing.T) (dir, newest string) {
		dir = t.TempDir()
		s := openSink(t, FileConfig{Dir: dir, MaxOctets: 2000})
		require.NoError(t, s.Write(t.Context(), numbered(1, 2, 3, 4, 5)))
		require.NoError(t, s.Close())
		require.NoError(t, os.Remove(filepath.Join(dir, ".detail.position")))
		return dir, s.path(s.naming.name(s.name))
	}
	t.Run("files tell", func(t *testing.T) {
		dir, _ := write(t)
		require.Equal(t, uint64(5), openSink(t, FileConfig{Dir: dir}).last)
	})
	t.Run("torn", func(t *testing.T) {
		dir, newest := write(t)
		require.NoError(t, os.WriteFile(newest, []byte("Fri Jun 13"), 0o640))
		s := openSink(t, FileConfig{Dir: dir})
		require.Equal(t, uint64(4), s.last)
		require.NoError(t, s.Write(t.Context(), numbered(5)))
		_, seqs := ticketFiles(t, dir, FormatDetail)
		require.Equal(t, []uint64{1, 2, 3, 4, 5}, seqs)
	})
	t.Run("damaged in the middle", func(t *testing.T) {
		dir, newest := write(t)
		b, err := os.ReadFile(newest)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(newest, append([]byte("x\n\n"), b...), 0o640))
		s, err := OpenFileSink(FileConfig{Dir: dir})
		require.NoError(t, err)
		defer s.Close()
		for range 2 {
			_, err = s.Last(t.Context())
			require.ErrorContains(t, err, "damaged in the middle")
		}
	})
	t.Run("not ours", func(t *testing.T) {
		dir, newest := write(t)
		require.NoError(t, os.WriteFile(newest, []byte("Fri Jun 13 20:40:26 2008\n\ta = b\n\n"), 0o640))
		s, err := OpenFileSink(FileConfig{Dir: dir})
		require.NoError(t, err)
		defer s.Close()
		_, err = s.Last(t.Context())
		require.ErrorContains(t, err, "not ours")
	})
}

func TestFileThatBecameShorter(t *testing.T) {
	dir := t.TempDir()
	s := openSink(t, FileConfig{Dir: dir})
	require.NoError(t, s.Write(t.Context(), numbered(1, 2)))
	require.NoError(t, s.Sync(t.Context()))
	path := s.path(s.naming.name(s.name))
	require.NoError(t, s.Close())
	require.NoError(t, os.Truncate(path, 10))
	s, err := OpenFileSink(FileConfig{Dir: dir})
	require.NoError(t, err)
	defer s.Close()
	_, err = s.Last(t.Context())
	require.ErrorContains(t, err, "has become shorter")
}

func TestPositionSlots(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "p"))
	require.NoError(t, err)
	defer f.Close()
	read := func() position {
		at, err := (&positionFile{f: f}).read()
		require.NoError(t, err)
		return at
	}
	require.Zero(t, read())
	p := &positionFile{f: f}
	for i := range 5 {
		require.NoError(t, p.write(position{uint64(i), int64(i) * 10, "detail-20260102T04"}))
		require.Equal(t, position{uint64(i), int64(i) * 10, "detail-20260102T04"}, read())
	}
	// A slot written half leaves the other one; the half one is next.
	_, err = f.WriteAt([]byte("5 50 \"deta"), int64(p.next)*slotSize)
	require.NoError(t, err)
	require.Equal(t, uint64(4), read().seq)
	_, err = f.WriteAt([]byte("9"), int64(1-p.next)*slotSize)
	require.NoError(t, err)
	require.Zero(t, read(), "no slot holds")
}

// Whatever dies when, each ticket is there once: random crashes, tears, removals.
func TestFilesAfterManyCrashes(t *testing.T) {
	for seed := range uint64(6) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(seed, 1))
			cfg := FileConfig{Dir: t.TempDir(), MaxOctets: 4000 + rnd.Int64N(20_000), Format: Format(seed % 2)}
			var s *FileSink
			next := uint64(1)
			for range 15 {
				s = openSink(t, cfg)
				next = s.last + 1
				for range rnd.IntN(5) {
					var seqs []uint64
					for range 1 + rnd.IntN(6) {
						seqs = append(seqs, next)
						next++
					}
					require.NoError(t, s.Write(t.Context(), numbered(seqs...)))
					if rnd.IntN(2) == 0 {
						require.NoError(t, s.Sync(t.Context()))
					}
				}
				if s.file != nil && rnd.IntN(2) == 0 { // what was not synced is lost, in part
					if n := s.size - s.durableSize; n > 0 {
						require.NoError(t, s.file.Truncate(s.durableSize+rnd.Int64N(n)))
					}
				}
				require.NoError(t, s.Close())
			}
			last := openSink(t, cfg).last
			_, seqs := ticketFiles(t, cfg.Dir, cfg.Format)
			require.Len(t, seqs, int(last))
			for i, seq := range seqs {
				require.Equal(t, uint64(i+1), seq)
			}
		})
	}
}

// The longest tickets that the journal takes can be read from the files.
func TestLongestTicket(t *testing.T) {
	for name, ticket := range map[string]Ticket{
		"text":       {Attributes: bytes.Repeat([]byte(tlv(1, string(bytes.Repeat([]byte{1}, 253)))), 60)},
		"attributes": {Attributes: bytes.Repeat([]byte{130, 2}, 8000)},
		"vendor's":   {Attributes: bytes.Repeat([]byte(tlv(26, "\x00\x00\x28\xaf"+string(bytes.Repeat([]byte{14, 2}, 123)))), 60)},
		"fact":       {Class: []Fact{{"Name", string(bytes.Repeat([]byte{1}, 16000))}}},
		"server":     {Server: string(bytes.Repeat([]byte{1}, 16000))},
	} {
		for _, format := range []Format{FormatDetail, FormatJSON} {
			t.Run(name, func(t *testing.T) {
				ticket.Seq, ticket.Status, ticket.Verdict = 1, Start, New
				ticket.Arrived = time.Unix(1, 0).UTC()
				_, err := ticket.Append(nil)
				require.NoError(t, err)
				dir := t.TempDir()
				s := openSink(t, FileConfig{Dir: dir, Format: format})
				require.NoError(t, s.Write(t.Context(), []Ticket{ticket}))
				_, seqs := ticketFiles(t, dir, format)
				require.Equal(t, []uint64{1}, seqs)
			})
		}
	}
}

func BenchmarkFileSink(b *testing.B) {
	s := openSink(b, FileConfig{Dir: b.TempDir()})
	batch := numbered(make([]uint64, 512)...)
	seq := uint64(0)
	b.ReportAllocs()
	for b.Loop() {
		for i := range batch {
			seq++
			batch[i].Seq = seq
		}
		if err := s.Write(b.Context(), batch); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(seq), "ns/ticket")
}
