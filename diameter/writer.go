package diameter

import (
	"net"
	"runtime"
	"sync"
	"time"
)

// writer sends messages on a connection. Senders append to a buffer; one
// goroutine writes whatever has gathered, so that many messages share a
// system call.
type writer struct {
	nc      net.Conn
	timeout time.Duration
	max     int // octets that may wait

	mu     sync.Mutex
	buf    []byte // not yet being written
	err    error  // no more is taken
	finish error  // no more is taken, why; what is there is still written
	kick   chan struct{}
}

// writerKeep is how large a buffer is kept: a thousand requests that are sent at once, such as those of charged
// sessions that were stored together, take half of it.
const writerKeep = 1 << 20

func (w *writer) init(nc net.Conn, timeout time.Duration, max int) {
	w.nc, w.timeout, w.max = nc, timeout, max
	w.kick = make(chan struct{}, 1)
}

// send queues a copy of m, with flags added, and the Hop-by-Hop and End-to-End
// identifiers replaced. It never blocks.
func (w *writer) send(m []byte, flags uint8, hopByHop, endToEnd uint32) error {
	w.mu.Lock()
	if w.err != nil || w.finish != nil {
		err := w.err
		if err == nil {
			err = w.finish
		}
		w.mu.Unlock()
		return err
	}
	if len(w.buf)+len(m) > w.max && len(w.buf) > 0 {
		w.mu.Unlock()
		return ErrBusy
	}
	at := len(w.buf)
	w.buf = append(w.buf, m...)
	w.buf[at+4] |= flags
	putIDs(w.buf[at:], hopByHop, endToEnd)
	w.mu.Unlock()
	if at == 0 {
		w.wake()
	}
	return nil
}

func putIDs(m []byte, hopByHop, endToEnd uint32) {
	_ = m[19]
	m[12], m[13], m[14], m[15] = byte(hopByHop>>24), byte(hopByHop>>16), byte(hopByHop>>8), byte(hopByHop)
	m[16], m[17], m[18], m[19] = byte(endToEnd>>24), byte(endToEnd>>16), byte(endToEnd>>8), byte(endToEnd)
}

func (w *writer) wake() {
	select {
	case w.kick <- struct{}{}:
	default:
	}
}

// end refuses further messages with err, and lets the writer finish what is
// queued; then loop returns.
func (w *writer) end(err error) {
	w.mu.Lock()
	if w.finish == nil {
		w.finish = err
	}
	w.mu.Unlock()
	w.wake()
}

// stop refuses further messages with err.
func (w *writer) stop(err error) {
	w.mu.Lock()
	if w.err == nil {
		w.err = err
	}
	w.mu.Unlock()
	w.wake()
}

// loop writes until stop or an error of the connection, or, after end, until
// nothing is left. It returns why, and whether everything was written.
func (w *writer) loop() (why error, all bool) {
	var spare []byte
	for {
		<-w.kick
		// Whoever else is ready to run may have something to send, too.
		runtime.Gosched()
		w.mu.Lock()
		if w.err != nil {
			w.mu.Unlock()
			return w.err, false
		}
		buf, finish := w.buf, w.finish
		w.buf = spare[:0]
		w.mu.Unlock()
		if len(buf) > 0 {
			if err := w.nc.SetWriteDeadline(time.Now().Add(w.timeout)); err != nil {
				return err, false
			}
			if _, err := w.nc.Write(buf); err != nil {
				return err, false
			}
		}
		if spare = buf; cap(spare) > writerKeep {
			spare = nil
		}
		if finish != nil {
			return finish, true
		}
	}
}
