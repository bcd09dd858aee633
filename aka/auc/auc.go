package auc

import (
	"crypto/rand"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"sync"
	"time"

	"github.com/opentwag/twag/aka"
	"github.com/opentwag/twag/eap"
	"github.com/opentwag/twag/milenage"
)

// ErrSubscriber is wrapped by the errors of [AuC.Put].
var ErrSubscriber = errors.New("auc: invalid subscriber")

// Config is what an AuC may be told. The zero Config is ready to use.
type Config struct {
	// Scheme numbers the challenges; nil means Indexed{}.
	Scheme SQNScheme
	// Delta is how far SEQ may jump before a USIM refuses it (TS 33.102, Annex
	// C.2.1); 0 means 2^28, as in the profiles of Annex C.3.
	Delta uint64
	// MaxVectors is the most vectors that one request gets; 0 means 5.
	MaxVectors int
	// Keys is what Vectors makes of CK and IK for EAP-AKA'. The zero value is
	// what an HSS delivers.
	Keys Keys
	// Rand is where RANDs come from; nil means crypto/rand. It is read by
	// many goroutines at once.
	Rand io.Reader
}

// Subscriber is what the centre knows of a USIM.
type Subscriber struct {
	IMSI eap.IMSI
	// Algorithm is the function set with the subscriber's key.
	Algorithm milenage.Algorithm
	// AMF goes into every AUTN; in vectors for EAP-AKA' with the separation bit
	// set (RFC 9048, section 3.3; TS 33.102, Annex H).
	AMF [2]byte
	// SQN is the last sequence number used. The next one is above it.
	SQN uint64
}

// AuC is an authentication centre. It is safe for concurrent use: requests for
// one subscriber take their sequence numbers one after the other, requests for
// different ones hardly ever meet.
type AuC struct {
	cfg    Config
	seed   maphash.Seed
	shards [64]shard
}

// shard holds the subscribers of one hash value, so that no lock is common to
// all.
type shard struct {
	mu   sync.RWMutex
	subs map[eap.IMSI]*subscriber
}

type subscriber struct {
	alg milenage.Algorithm
	amf [2]byte

	mu  sync.Mutex
	sqn SQNState
}

var _ aka.AsyncVectorSource = (*AuC)(nil)

// New returns an AuC without subscribers.
func New(cfg Config) *AuC {
	if cfg.Scheme == nil {
		cfg.Scheme = Indexed{}
	}
	if cfg.Delta == 0 {
		cfg.Delta = 1 << 28
	}
	if cfg.MaxVectors <= 0 {
		cfg.MaxVectors = 5
	}
	if cfg.Rand == nil {
		cfg.Rand = rand.Reader
	}
	a := &AuC{cfg: cfg, seed: maphash.MakeSeed()}
	for i := range a.shards {
		a.shards[i].subs = make(map[eap.IMSI]*subscriber)
	}
	return a
}

// Put adds a subscriber, in place of one with the same IMSI.
func (a *AuC) Put(s Subscriber) error {
	switch {
	case !s.IMSI.IsValid():
		return fmt.Errorf("%w: no IMSI", ErrSubscriber)
	case s.Algorithm == nil:
		return fmt.Errorf("%w: %v: no algorithm", ErrSubscriber, s.IMSI)
	case s.SQN > MaxSQN:
		return fmt.Errorf("%w: %v: SQN of more than 48 bits", ErrSubscriber, s.IMSI)
	}
	sub := &subscriber{alg: s.Algorithm, amf: s.AMF, sqn: a.cfg.Scheme.Set(s.SQN, time.Now())}
	sh := a.shard(s.IMSI)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	sh.subs[s.IMSI] = sub
	return nil
}

// Delete removes a subscriber and reports whether there was one.
func (a *AuC) Delete(imsi eap.IMSI) bool {
	sh := a.shard(imsi)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	_, found := sh.subs[imsi]
	delete(sh.subs, imsi)
	return found
}

// SQN returns the last sequence number used for a subscriber, and false if
// there is no such.
func (a *AuC) SQN(imsi eap.IMSI) (uint64, bool) {
	sub := a.find(imsi)
	if sub == nil {
		return 0, false
	}
	sub.mu.Lock()
	defer sub.mu.Unlock()
	return sub.sqn.Last, true
}

// SetSQN makes sqn the last sequence number used for a subscriber, and reports
// whether there is one: to restore it, or to provoke a resynchronisation.
func (a *AuC) SetSQN(imsi eap.IMSI, sqn uint64) bool {
	sub := a.find(imsi)
	if sub == nil {
		return false
	}
	sub.mu.Lock()
	defer sub.mu.Unlock()
	sub.sqn = a.cfg.Scheme.Set(sqn, time.Now())
	return true
}

func (a *AuC) find(imsi eap.IMSI) *subscriber {
	sh := a.shard(imsi)
	sh.mu.RLock()
	defer sh.mu.RUnlock()
	return sh.subs[imsi]
}

func (a *AuC) shard(imsi eap.IMSI) *shard {
	return &a.shards[maphash.String(a.seed, imsi.Digits())%uint64(len(a.shards))]
}
