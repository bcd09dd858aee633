//go:build linux

package accounting

import (
	"os/signal"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// A file that cannot grow, as on a full disk: what the system took of the
// last batch goes away again, and comes once there is room.
func TestFileThatCannotGrow(t *testing.T) {
	signal.Ignore(syscall.SIGXFSZ)
	var before syscall.Rlimit
	require.NoError(t, syscall.Getrlimit(syscall.RLIMIT_FSIZE, &before))
	limit := func(n uint64) {
		require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: n, Max: before.Max}))
	}
	defer limit(before.Cur)

	dir := t.TempDir()
	s := openSink(t, FileConfig{Dir: dir})
	require.NoError(t, s.Write(t.Context(), numbered(1, 2)))
	require.NoError(t, s.Sync(t.Context()))
	require.NoError(t, s.Write(t.Context(), numbered(3)))
	full := uint64(s.size)
	for range 3 {
		limit(full + 500)
		err := s.Write(t.Context(), numbered(4, 5))
		require.ErrorIs(t, err, syscall.EFBIG)
		require.ErrorIs(t, s.Write(t.Context(), numbered(4, 5)), errNotReady)
		last, err := s.Last(t.Context())
		require.NoError(t, err)
		require.Equal(t, uint64(2), last, "what is durable")
		require.NoError(t, s.Write(t.Context(), numbered(3)))
		_, seqs := ticketFiles(t, dir, FormatDetail)
		require.Equal(t, []uint64{1, 2, 3}, seqs)
	}
	limit(before.Cur)
	require.NoError(t, s.Write(t.Context(), numbered(4, 5)))
	_, seqs := ticketFiles(t, dir, FormatDetail)
	require.Equal(t, []uint64{1, 2, 3, 4, 5}, seqs)
}
