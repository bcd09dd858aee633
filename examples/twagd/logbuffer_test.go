package main

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/eap"
)

// syncBuffer is a bytes.Buffer for several goroutines.
type syncBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func TestLogBufferWritesLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out syncBuffer
		b := newLogBuffer(&out)
		for i := range 3 {
			fmt.Fprintf(b, "line %d\n", i)
		}
		synctest.Wait()
		require.Empty(t, out.String())
		time.Sleep(logDelay)
		synctest.Wait()
		require.Equal(t, "line 0\nline 1\nline 2\n", out.String())

		fmt.Fprintln(b, "one more")
		b.Flush()
		require.True(t, strings.HasSuffix(out.String(), "one more\n"))
		time.Sleep(time.Second)
		require.Equal(t, 1, strings.Count(out.String(), "one more"))
	})
}

// stuckWriter blocks until it is released.
type stuckWriter struct {
	release chan struct{}
	syncBuffer
}

func (w *stuckWriter) Write(p []byte) (int, error) {
	<-w.release
	return w.syncBuffer.Write(p)
}

func TestLogBufferDropsRatherThanBlocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &stuckWriter{release: make(chan struct{})}
		b := newLogBuffer(out)
		fmt.Fprintln(b, "first")
		time.Sleep(2 * logDelay) // the first line is being written, for ever
		line := []byte(strings.Repeat("x", 1023) + "\n")
		for range 2 * maxLog / len(line) {
			n, err := b.Write(line)
			require.NoError(t, err)
			require.Equal(t, len(line), n)
		}
		close(out.release)
		time.Sleep(2 * logDelay)
		synctest.Wait()
		text := out.String()
		require.True(t, strings.HasPrefix(text, "first\nxxx"))
		require.True(t, strings.HasSuffix(text, "\n1024 log lines dropped: they came faster than they could be written\n"))
	})
}

// What the line of a login costs the goroutine that logs it: the attributes
// are those of eapradius.
func BenchmarkLoginLine(b *testing.B) {
	buffer := newLogBuffer(io.Discard)
	log := slog.New(slog.NewTextHandler(buffer, nil))
	client, imsi := netip.MustParseAddr("192.0.2.1"), eap.MustParseIMSI("001010000000001")
	b.ReportAllocs()
	for b.Loop() {
		log.LogAttrs(b.Context(), slog.LevelInfo, "Authentication ACCEPTED",
			slog.String("nas", "ap-17"), slog.Any("client", client),
			slog.String("station", "02-00-00-00-00-01"), slog.String("ap", "00-10-A4-23-19-C0:twag"),
			slog.Any("imsi", imsi), slog.String("method", "EAP-AKA"),
			slog.Int("requests", 2), slog.Duration("elapsed", 1234*time.Microsecond), slog.Bool("reauthenticated", false))
	}
}
