package aka

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/opentwag/twag/eap"
)

// Errors of a [ReauthStore].
var (
	// ErrNoReauth: there is no context under this username.
	ErrNoReauth = errors.New("aka: no such re-authentication context")
	// ErrReauthUsed: the context is gone or has another counter, for somebody
	// else has used it.
	ErrReauthUsed = errors.New("aka: re-authentication context used already")
)

// A ReauthStore keeps what fast re-authentication needs to remember: contexts,
// each under its username, which serves once. Package akatest has a suite for
// implementations; the one in memory is [NewMemoryReauthStore].
//
// Usernames are compared octet by octet. Contexts are values: what a caller
// does with one that it has put or got changes nothing in the store. A context
// may be forgotten once it has expired, and earlier for want of room, in the
// store or for one subscriber: its peer then has a full authentication. An expired context may as well be returned.
//
// All methods may block until ctx ends, and are called by many goroutines at
// once. What one has done is seen by every call that begins after it returned,
// on every server that shares the store. Errors other than those named say that
// the store is out of order.
type ReauthStore interface {
	// Get returns the context under the username, unchanged in every field
	// (time zone and monotonic clock of Expires aside), or ErrNoReauth. It
	// does not use it up.
	Get(ctx context.Context, username string) (ReauthContext, error)

	// Put stores c under c.Username, in place of one that is there.
	Put(ctx context.Context, c ReauthContext) error

	// Swap takes away the context under the username, provided that it is
	// there and has this counter, and stores next, if it is not nil, under
	// next.Username. Both happen at once or neither: of several calls for one
	// username and counter one succeeds, and no caller sees both contexts, or
	// none where next is not nil. ErrReauthUsed says that nothing happened.
	Swap(ctx context.Context, username string, counter uint16, next *ReauthContext) error

	// Drop takes away all contexts of a subscriber, of whatever method; that
	// there is none is no error. A Swap of one of them fails from then on.
	// It is for those who learn that a subscriber is not to get in any more,
	// as by RTR over SWx (TS 29.273, clause 8.1.2.4).
	Drop(ctx context.Context, imsi eap.IMSI) error
}

// ReauthContext is what one fast re-authentication needs (RFC 4187, section
// 5.1). It prints redacted.
type ReauthContext struct {
	// Username is the identity without its realm, which the peer may change
	// (section 5.3).
	Username string
	// Method is the EAP type of the full authentication.
	Method eap.Type
	// IMSI is the subscriber.
	IMSI eap.IMSI
	// NetworkName is what the keys of EAP-AKA' are bound to.
	NetworkName string
	// ForwardSecrecy says that K_re comes from a key agreement (RFC 9678,
	// section 6.5.5).
	ForwardSecrecy bool
	// Keys are those of the full authentication.
	Keys ReauthKeys
	// Counter is the AT_COUNTER of the re-authentication, 1 the first time.
	Counter uint16
	// Expires is when the next authentication has to be a full one.
	Expires time.Time
}

// String implements fmt.Stringer without giving the context away.
func (ReauthContext) String() string { return "aka.ReauthContext[redacted]" }

// GoString implements fmt.GoStringer without giving the context away.
func (c ReauthContext) GoString() string { return c.String() }

// Format implements fmt.Formatter, so that no verb prints the context.
func (c ReauthContext) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(c.String())) }

// MarshalText implements encoding.TextMarshaler, so that logs and JSON do not
// give the context away. A store encodes it field by field.
func (c ReauthContext) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// ReauthKeys are the keys of a full authentication that later ones use. They
// print redacted.
type ReauthKeys struct {
	// KEncr and KAut are as in [Keys].
	KEncr [16]byte
	KAut  [32]byte
	// Master is what MSK and EMSK are derived from: MK, 20 octets, of EAP-AKA
	// and EAP-SIM, K_re of EAP-AKA'.
	Master [32]byte
}

// Format implements fmt.Formatter, so that no verb prints the keys.
func (k ReauthKeys) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("aka.ReauthKeys[redacted]")) }

// MarshalText implements encoding.TextMarshaler, so that logs and JSON do not
// give the keys away.
func (ReauthKeys) MarshalText() ([]byte, error) { return []byte("aka.ReauthKeys[redacted]"), nil }

// reauthKeys returns what of k later runs use.
func (k *Keys) reauthKeys() ReauthKeys {
	r := ReauthKeys{KEncr: k.KEncr, KAut: k.KAut}
	if k.Method == eap.TypeAKAPrime {
		r.Master = k.KRe
	} else {
		copy(r.Master[:], k.MK[:])
	}
	return r
}

// keys returns the context's keys as they protect messages.
func (c *ReauthContext) keys() Keys {
	k := Keys{Method: c.Method, KEncr: c.Keys.KEncr, KAut: c.Keys.KAut}
	if c.Method == eap.TypeAKAPrime {
		k.KRe = c.Keys.Master
	} else {
		copy(k.MK[:], c.Keys.Master[:])
	}
	return k
}

// ReauthLimits say when a full authentication is due again (RFC 4187, section
// 5.1).
type ReauthLimits struct {
	// Count is how many fast re-authentications may follow a full one.
	// Default: 16.
	Count int
	// Age is how long after a full authentication they may. Default: an hour.
	Age time.Duration
}

const (
	defaultReauthCount = 16
	defaultReauthAge   = time.Hour
	// maxReauthCount keeps AT_COUNTER from overflowing.
	maxReauthCount = 1<<16 - 2
)

func (l *ReauthLimits) validate() error {
	switch {
	case l.Count < 0 || l.Count > maxReauthCount:
		return fmt.Errorf("aka: Config.ReauthLimits.Count: %d", l.Count)
	case l.Age < 0:
		return fmt.Errorf("aka: Config.ReauthLimits.Age: %v", l.Age)
	}
	return nil
}

func (l *ReauthLimits) setDefaults() {
	if l.Count == 0 {
		l.Count = defaultReauthCount
	}
	if l.Age == 0 {
		l.Age = defaultReauthAge
	}
}
