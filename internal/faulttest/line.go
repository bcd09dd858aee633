package faulttest

import (
	"bytes"
	"encoding/binary"
	"sync"
	"sync/atomic"

	"github.com/opentwag/twag/diameter/wire"
)

// Line is the connections of one node, on which answers are struck. The zero
// value is ready; it is safe for concurrent use.
//
// The node sends only what is well-formed and answers only what was asked. So
// what a fault does on the wire is done below it: the handler appends a mark
// to the answer, and the connection does what the mark stands for. A mark whose
// answer is never written, since its connection is gone, is kept.
type Line struct {
	outstanding atomic.Int64 // marks on their way; 0 costs nothing

	mu   sync.Mutex
	last uint32
	todo map[uint32]func([]byte) []byte // by mark; nil closes the connection
}

// A mark is an AVP that begins with markHead and ends with the number of what
// is to be done. Its code is one that nobody has.
var markHead = []byte{0xfe, 0xed, 0xfa, 0x17, 0, 0, 0, markOctets}

const markOctets = 12

// Rewrite marks the answer: what f makes of its octets is written in its
// place. That may be another answer, several, or what is none; nothing looks at
// it. f is called once, from the connection's writer, and may change or keep
// what it gets.
//
// The result, in answer's memory if there is room, is what the handler has to
// return, as it is.
func (l *Line) Rewrite(answer wire.Message, f func(answer []byte) []byte) wire.Message {
	return l.mark(answer, f)
}

// Disconnect marks the answer: when its turn has come the connection is closed
// instead. The result is as that of Rewrite.
func (l *Line) Disconnect(answer wire.Message) wire.Message { return l.mark(answer, nil) }

// Outstanding is how many marked answers have not been written.
func (l *Line) Outstanding() int { return int(l.outstanding.Load()) }

// mark appends to the answer a mark that stands for f.
func (l *Line) mark(answer wire.Message, f func([]byte) []byte) wire.Message {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.todo == nil {
		l.todo = make(map[uint32]func([]byte) []byte)
	}
	l.last++
	l.todo[l.last] = f
	l.outstanding.Add(1)
	answer = append(answer, markHead...)
	answer = binary.BigEndian.AppendUint32(answer, l.last)
	setLength(answer)
	return answer
}

// take returns what the mark on msg stands for, if it has one.
func (l *Line) take(msg []byte) (f func([]byte) []byte, marked bool) {
	at := len(msg) - markOctets
	if at < wire.HeaderLen || !bytes.HasPrefix(msg[at:], markHead) {
		return nil, false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	id := binary.BigEndian.Uint32(msg[len(msg)-4:])
	f, marked = l.todo[id]
	if marked {
		delete(l.todo, id)
		l.outstanding.Add(-1)
	}
	return f, marked
}

// setLength makes the header's length that of b.
func setLength(b []byte) {
	binary.BigEndian.PutUint32(b, 1<<24|uint32(len(b)))
}
