package class

import (
	"errors"
	"fmt"
	"time"

	"github.com/opentwag/twag/keyring"
)

// MaxLen is the length of the longest Class: one attribute's value.
const MaxLen = 253

// Errors of this package. What Open can't open is no reason to refuse an accounting record: it
// is a record whose facts are not known.
var (
	// ErrForeign: no server of ours made this Class.
	ErrForeign = errors.New("class: not one of ours")
	// ErrForged: it looks like one of ours, and is not authentic; or the key is not ours.
	ErrForged = errors.New("class: not authentic")
	// ErrExpired: it was one of ours, and is too old.
	ErrExpired = errors.New("class: expired")
	// ErrTooLong: the facts don't fit in one attribute.
	ErrTooLong = errors.New("class: facts do not fit in 253 octets")
)

// purpose is what the ring's keys are derived for.
const (
	sealPurpose = "class"
	signPurpose = "class signature"
)

// defaultLifetime is long enough for sessions that never end.
const defaultLifetime = 90 * 24 * time.Hour

// maxAhead is how far the clock of the server that issued a Class may be ahead.
const maxAhead = time.Hour

// Config configures a [Codec]. The zero value seals.
type Config struct {
	// Signed makes Class readable for everybody who sees the traffic, IMSI included,
	// instead of sealing it. Both forms are opened in any case.
	Signed bool
	// AllowPlain opens a Class without protection, of at most six facts joined by "_", as foreign
	// servers issue them: whoever can send accounting can claim anything then.
	AllowPlain bool
	// Lifetime is how long a Class is good for. Zero is 90 days; negative: as long as
	// its key is.
	Lifetime time.Duration
}

// Codec makes and opens Class attributes. It is safe for concurrent use.
type Codec struct {
	cfg    Config
	sealer *keyring.Sealer
	keys   []keyring.Derived
}

// New returns a codec with the keys of ring, which all servers of the operator
// need to have.
func New(ring *keyring.Ring, cfg Config) (*Codec, error) {
	if ring == nil {
		return nil, errors.New("class: no keys")
	}
	if cfg.Lifetime == 0 {
		cfg.Lifetime = defaultLifetime
	}
	return &Codec{cfg: cfg, sealer: ring.Sealer(sealPurpose), keys: ring.Derive(signPurpose, 32)}, nil
}

// Append appends a Class with the facts, issued now, to b. It fails with ErrTooLong when
// they don't fit; b is returned as it was.
func (c *Codec) Append(b []byte, f *Facts, now time.Time) ([]byte, error) {
	facts := *f
	facts.Issued = now
	form := c.appendSealed
	if c.cfg.Signed {
		form = c.appendSigned
	}
	out := form(b, &facts)
	if n := len(out) - len(b); n > MaxLen {
		return b, fmt.Errorf("%w: %d", ErrTooLong, n)
	}
	return out, nil
}

// Open returns the facts of a Class in either form. The error wraps ErrForeign, ErrForged or
// ErrExpired.
func (c *Codec) Open(v []byte, now time.Time) (Facts, error) {
	var f Facts
	var err error
	switch {
	case len(v) > MaxLen:
		return Facts{}, ErrForeign
	case isSealed(v):
		err = c.openSealed(&f, v, now)
	case isSigned(v):
		err = c.openSigned(&f, v, now)
	case c.cfg.AllowPlain && openPlain(&f, v):
		return f, nil
	default:
		err = ErrForeign
	}
	if err == nil {
		err = c.fresh(f.Issued, now)
	}
	if err != nil {
		return Facts{}, err
	}
	return f, nil
}

func (c *Codec) fresh(issued, now time.Time) error {
	switch age := now.Sub(issued); {
	case c.cfg.Lifetime > 0 && age > c.cfg.Lifetime:
		return ErrExpired
	case age < -maxAhead:
		return fmt.Errorf("%w: issued in the future", ErrForged)
	default:
		return nil
	}
}
