package pebblestore

import (
	"sync"

	"github.com/opentwag/twag/session"
)

// request is a change on its way through the committer, or a trim.
type request struct {
	change *session.Change
	octets int
	// frees: it makes room on the disk, and may use half of the reserve.
	frees bool
	// trim, if not 0, is the first journal entry to keep, and block the first entry
	// of those that it was committed with.
	trim, block uint64

	first uint64
	err   error
	done  chan struct{} // has one place
	// then, if not nil, is told the outcome in place of done.
	then func(first uint64, err error)
}

var requests = sync.Pool{New: func() any { return &request{done: make(chan struct{}, 1)} }}

// newRequest returns a request that wait gives back.
func newRequest(c *session.Change) *request {
	r := requests.Get().(*request)
	*r = request{change: c, octets: changeOctets(c), done: r.done}
	return r
}

// wait returns the outcome. r must not be used after.
func (r *request) wait() (first uint64, err error) {
	<-r.done
	first, err = r.first, r.err
	r.change = nil
	requests.Put(r)
	return first, err
}

// finish tells who waits. r must not be used after.
func (r *request) finish(err error) {
	if err != nil {
		r.first = 0
	}
	if r.then != nil {
		then, first := r.then, r.first
		r.change, r.then = nil, nil
		requests.Put(r)
		then(first, err)
		return
	}
	r.err = err
	r.done <- struct{}{}
}

// changeOctets is about what a change takes in a batch.
func changeOctets(c *session.Change) int {
	n := 0
	for i := range c.Puts {
		n += recordKeyLen + recordHead + 8*session.MaxTerms + len(c.Puts[i].Value)
	}
	for _, entry := range c.Journal {
		n += len(entry) + 4
	}
	return n
}
