package main

import (
	"fmt"
	"io"
	"sync"
	"time"
)

// logBuffer gathers log lines and writes them a little later, many at a time,
// so that a login does not wait for the terminal or the disk. It is safe for
// concurrent use.
//
// When the writer is too slow it drops lines, and says how many, rather than
// hold up the server.
type logBuffer struct {
	w io.Writer

	writing sync.Mutex // held while w is written to, so that lines keep their order

	mu      sync.Mutex
	pending []byte
	spare   []byte
	dropped int
	armed   bool
}

const (
	logDelay = 50 * time.Millisecond
	maxLog   = 1 << 20
)

func newLogBuffer(w io.Writer) *logBuffer { return &logBuffer{w: w} }

// Write takes one line. It never fails and never blocks on the writer.
func (b *logBuffer) Write(line []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.pending)+len(line) > maxLog {
		b.dropped++
		return len(line), nil
	}
	b.pending = append(b.pending, line...)
	if !b.armed {
		b.armed = true
		time.AfterFunc(logDelay, b.Flush)
	}
	return len(line), nil
}

// Flush writes what is pending.
func (b *logBuffer) Flush() {
	b.writing.Lock()
	defer b.writing.Unlock()
	b.mu.Lock()
	lines, dropped := b.pending, b.dropped
	b.pending, b.spare = b.spare[:0], nil
	b.dropped, b.armed = 0, false
	b.mu.Unlock()

	if dropped > 0 {
		lines = fmt.Appendf(lines, "%d log lines dropped: they came faster than they could be written\n", dropped)
	}
	if len(lines) > 0 {
		_, _ = b.w.Write(lines) // there is nobody to tell
	}
	b.mu.Lock()
	b.spare = lines
	b.mu.Unlock()
}
