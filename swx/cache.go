package swx

import (
	"container/list"
	"sync"
	"time"

	"github.com/opentwag/twag/aka"
	"github.com/opentwag/twag/eap"
)

const (
	// maxVectorAge bounds Config.VectorAge: an hour is long for keys.
	maxVectorAge = time.Hour
	// defaultMaxCached is Config.MaxCached's default: eight MiB at most.
	defaultMaxCached = 10000
)

// vectorCache keeps vectors that came and were not needed yet.
//
// The vectors of a subscriber have ascending sequence numbers in the order in
// which they came, whatever they were asked for. So there is one entry per
// subscriber, from the latest answer, used from its front, and gone when
// anything else is asked of the HSS: a number below one that the USIM has seen
// is good for nothing. Nor is anything kept of an answer if more was asked
// meanwhile, since nobody knows whose numbers are the later ones, or if the
// subscriber was to be forgotten.
type vectorCache struct {
	age time.Duration
	max int

	mu      sync.Mutex
	entries map[eap.IMSI]*list.Element // of *cacheEntry
	order   list.List                  // the oldest first
	asking  map[eap.IMSI]*asking       // between take and put
}

// asking is the requests to the HSS for vectors of one subscriber.
type asking struct {
	n       int
	spoiled bool // nothing of their answers is to be kept
}

type cacheEntry struct {
	imsi    eap.IMSI
	use     cacheUse
	came    time.Time
	vectors []aka.Vector
}

// cacheUse is what vectors were asked for; they serve nothing else.
type cacheUse struct {
	scheme      aka.Scheme
	networkName string
	visited     eap.PLMN
}

func useOf(req *aka.VectorRequest) cacheUse {
	use := cacheUse{scheme: req.Scheme, visited: req.Peer.VisitedPLMN}
	if req.Scheme == aka.SchemeAKAPrime {
		use.networkName = req.NetworkName
	}
	return use
}

// newVectorCache returns nil, which is an empty cache, if nothing is to be
// kept.
func newVectorCache(cfg *Config) *vectorCache {
	if cfg.VectorAge == 0 {
		return nil
	}
	c := &vectorCache{age: cfg.VectorAge, max: cfg.MaxCached, entries: make(map[eap.IMSI]*list.Element), asking: make(map[eap.IMSI]*asking)}
	if c.max == 0 {
		c.max = defaultMaxCached
	}
	return c
}

// take returns and removes vectors that serve the request: as many as are
// wanted, or as there are. If there are none, or the USIM has just said that
// its numbers are elsewhere, nothing of the subscriber is left: the HSS is to be
// asked, and put to be called with what comes of it.
func (c *vectorCache) take(req *aka.VectorRequest, now time.Time) []aka.Vector {
	if c == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	el, ok := c.entries[req.IMSI]
	if !ok {
		c.ask(req.IMSI)
		return nil
	}
	e := el.Value.(*cacheEntry)
	if req.Resync != nil || e.use != useOf(req) || now.Sub(e.came) > c.age {
		c.remove(el)
		c.ask(req.IMSI)
		return nil
	}
	n := min(max(req.Count, 1), len(e.vectors))
	out := append([]aka.Vector(nil), e.vectors[:n]...)
	clear(e.vectors[:n])
	e.vectors = e.vectors[n:]
	if len(e.vectors) == 0 {
		c.remove(el)
	}
	return out
}

// ask notes that the HSS is asked. mu is held.
func (c *vectorCache) ask(imsi eap.IMSI) {
	a := c.asking[imsi]
	if a == nil {
		a = new(asking)
		c.asking[imsi] = a
	}
	a.n++
	a.spoiled = a.spoiled || a.n > 1
}

// asked notes that the HSS has answered or not, and reports whether what came
// may be kept. mu is held.
func (c *vectorCache) asked(imsi eap.IMSI) bool {
	a := c.asking[imsi]
	if a.n--; a.n == 0 {
		delete(c.asking, imsi)
	}
	return !a.spoiled
}

// put returns the vectors that were asked for, and keeps the others in place of
// what there was of the subscriber. It is called once after each take that
// returned nothing, without vectors if none came.
func (c *vectorCache) put(req *aka.VectorRequest, vectors []aka.Vector, now time.Time) []aka.Vector {
	if c == nil {
		return vectors
	}
	n := min(max(req.Count, 1), len(vectors))
	c.mu.Lock()
	defer c.mu.Unlock()
	if el, ok := c.entries[req.IMSI]; ok {
		c.remove(el)
	}
	if keep := c.asked(req.IMSI); n < len(vectors) && keep {
		// All are kept for the same time, so what is too old is in front.
		for el := c.order.Front(); el != nil; el = c.order.Front() {
			if len(c.entries) < c.max && now.Sub(el.Value.(*cacheEntry).came) <= c.age {
				break
			}
			c.remove(el)
		}
		e := &cacheEntry{imsi: req.IMSI, use: useOf(req), came: now, vectors: append([]aka.Vector(nil), vectors[n:]...)}
		c.entries[req.IMSI] = c.order.PushBack(e)
	}
	clear(vectors[n:])
	return vectors[:n:n]
}

// forget removes what there is of the subscriber.
func (c *vectorCache) forget(imsi eap.IMSI) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if el, ok := c.entries[imsi]; ok {
		c.remove(el)
	}
	if a := c.asking[imsi]; a != nil {
		a.spoiled = true
	}
}

// remove must be called with mu held.
func (c *vectorCache) remove(el *list.Element) {
	e := c.order.Remove(el).(*cacheEntry)
	clear(e.vectors)
	delete(c.entries, e.imsi)
}
