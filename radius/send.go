package radius

import (
	"sync"
	"time"

	"github.com/opentwag/twag/radius/internal/wire"
)

// maxHeld is how many answers are held back at most, to be sent together.
const maxHeld = 32

// outgoing is a signed answer on its way to the network.
type outgoing struct {
	r   *request
	buf *[wire.MaxLen]byte
	n   int
	err error
}

// outBatch is a number of answers that are sent together.
type outBatch struct {
	n int
	o [maxHeld]outgoing
}

var (
	outBatches   = sync.Pool{New: func() any { return new(outBatch) }}
	replyBuffers = sync.Pool{New: func() any { return new([wire.MaxLen]byte) }}
)

func (o *outgoing) octets() []byte { return o.buf[:o.n] }

// answer remembers a signed reply and sends it, or sees to it that it is sent:
// in a burst, answers are held back for as long as a worker is about to look
// at the queue, so that one system call sends many. The buffer goes back to
// its pool.
func (e *engine) answer(r *request, buf *[wire.MaxLen]byte, n int, now time.Time) error {
	e.dups.finish(now.Sub(e.start), r.ref, buf[:n])
	o := outgoing{r: r, buf: buf, n: n}
	direct, batch := e.pool.hold(o)
	switch {
	case direct:
		o.err = r.carrier.write(o.octets(), &r.back)
		err := o.err
		e.wrote(&o, time.Now())
		return err
	case batch != nil:
		e.send(batch)
	}
	return nil
}

// send sends a batch, socket by socket.
func (e *engine) send(b *outBatch) {
	for rest := b.o[:b.n]; len(rest) > 0; {
		c, n := rest[0].r.carrier, 1
		for i := n; i < len(rest); i++ {
			if rest[i].r.carrier == c {
				rest[n], rest[i] = rest[i], rest[n]
				n++
			}
		}
		c.writeBatch(rest[:n])
		rest = rest[n:]
	}
	now := time.Now()
	for i := range b.n {
		e.wrote(&b.o[i], now)
	}
	b.n = 0
	outBatches.Put(b)
}

// wrote counts an answer that was handed to the network, and lets go of it.
func (e *engine) wrote(o *outgoing, now time.Time) {
	e.sent(o.r.info(), o.octets(), now.Sub(o.r.received), o.err)
	replyBuffers.Put(o.buf)
	*o = outgoing{}
}

// writeEach is writeBatch for sockets that can't do better.
func writeEach(c carrier, out []outgoing) {
	for i := range out {
		out[i].err = c.write(out[i].octets(), &out[i].r.back)
	}
}
