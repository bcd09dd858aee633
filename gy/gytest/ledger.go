package gytest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
)

// ledger is an append-only file. What is appended while the disk is busy is
// written and made safe together.
type ledger struct {
	file *os.File
	done chan struct{}

	mu     sync.Mutex
	wake   *sync.Cond
	next   *batch
	closed bool
	err    error // the file can't be written any more
}

// batch is entries that become safe at the same time.
type batch struct {
	lines []byte
	done  chan struct{}
	err   error
}

// wait returns when the batch is safe, or never will be.
func (b *batch) wait() error {
	if b == nil {
		return nil
	}
	<-b.done
	return b.err
}

func newBatch() *batch { return &batch{done: make(chan struct{})} }

// openLedger reads the ledger, hands its entries to replay, and goes on behind
// them. A last line that is not whole was never safe, and is cut off.
func openLedger(path string, replay func(*Entry) error) (*ledger, error) {
	_, statErr := os.Stat(path)
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	size, err := readLedger(file, replay)
	if err == nil {
		err = file.Truncate(size)
	}
	if err == nil {
		_, err = file.Seek(size, io.SeekStart)
	}
	if err == nil && errors.Is(statErr, os.ErrNotExist) {
		err = syncDir(filepath.Dir(path))
	}
	if err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("gytest: ledger: %w", err)
	}
	l := &ledger{file: file, done: make(chan struct{}), next: newBatch()}
	l.wake = sync.NewCond(&l.mu)
	go l.run()
	return l, nil
}

// syncDir makes the name of a new file safe.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// readLedger hands the entries of r to f, and returns how many octets of whole
// lines there are.
func readLedger(r io.Reader, f func(*Entry) error) (size int64, err error) {
	br := bufio.NewReaderSize(r, 1<<16)
	for n := 1; ; n++ {
		line, err := br.ReadBytes('\n')
		if err == io.EOF {
			return size, nil // what is in line was never safe
		}
		if err != nil {
			return 0, err
		}
		e := new(Entry)
		if err := json.Unmarshal(bytes.TrimSuffix(line, []byte{'\n'}), e); err != nil {
			if _, more := br.Peek(1); more == io.EOF {
				return size, nil
			}
			// json's own errors may quote the line.
			return 0, fmt.Errorf("line %d: no entry", n)
		}
		if err := f(e); err != nil {
			return 0, fmt.Errorf("line %d: %w", n, err)
		}
		size += int64(len(line))
	}
}

// append adds an entry to the batch that is next.
func (l *ledger) append(e *Entry) (*batch, error) {
	line, err := json.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("gytest: ledger: %w", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.err != nil:
		return nil, l.err
	case l.closed:
		return nil, fmt.Errorf("gytest: ledger: %w", os.ErrClosed)
	}
	l.next.lines = append(append(l.next.lines, line...), '\n')
	l.wake.Signal()
	return l.next, nil
}

// run writes batches until the ledger is closed.
func (l *ledger) run() {
	defer close(l.done)
	for {
		l.mu.Lock()
		for len(l.next.lines) == 0 && !l.closed {
			l.wake.Wait()
		}
		b := l.next
		if len(b.lines) == 0 {
			l.mu.Unlock()
			return
		}
		l.next = newBatch()
		err := l.err
		l.mu.Unlock()
		if err == nil {
			if _, err = l.file.Write(b.lines); err == nil {
				err = l.file.Sync()
			}
			if err != nil {
				err = fmt.Errorf("gytest: ledger: %w", err)
				l.mu.Lock()
				l.err = err
				l.mu.Unlock()
			}
		}
		b.lines, b.err = nil, err
		close(b.done)
	}
}

// close writes what is left.
func (l *ledger) close() error {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		<-l.done
		return nil
	}
	l.closed = true
	l.wake.Signal()
	l.mu.Unlock()
	<-l.done
	return errors.Join(l.err, l.file.Close())
}

// Ledger is what is in a ledger.
type Ledger struct {
	// Entries are all of it, in order.
	Entries []Entry
	// Audit is what they make.
	Audit Audit
}

// ReadLedger reads the ledger of an OCS, which may be running, or may have been
// killed: a last line that is not whole does not count.
func ReadLedger(path string) (*Ledger, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	cfg := Config{}.withDefaults()
	const unbounded = 1 << 62
	cfg.MaxClosed, cfg.MaxViolations = unbounded, unbounded
	l := new(Ledger)
	b := newBook(cfg)
	_, err = readLedger(file, func(e *Entry) error {
		l.Entries = append(l.Entries, *e)
		return b.replay(e)
	})
	if err != nil {
		return nil, fmt.Errorf("gytest: ledger: %w", err)
	}
	l.Audit = b.audit()
	return l, nil
}
