package aka

import (
	"context"
	"errors"
	"fmt"

	"github.com/opentwag/twag/eap"
)

// A VectorSource is where authentication vectors come from: an HSS over SWx
// (swx.Client), or an authentication centre in the process (auc.AuC).
//
// Vectors returns at least one vector when the error is nil, in the order in
// which they must be used (ascending SQN). It may block until ctx ends. It
// is called by many goroutines at once.
//
// The errors that it may wrap are below; each says what the peer sees. Any
// other error counts as ErrUnavailable.
type VectorSource interface {
	Vectors(ctx context.Context, req VectorRequest) ([]Vector, error)
}

// AsyncVectorSource is what a [VectorSource] adds that can do without a waiting
// goroutine for each request.
type AsyncVectorSource interface {
	VectorSource
	// VectorsAsync does what Vectors does, and hands the result to done, once,
	// from any goroutine, perhaps before it returns; done does not block. It
	// returns false, without having done anything, if this request needs
	// Vectors. Of ctx the deadline counts.
	VectorsAsync(ctx context.Context, req VectorRequest, done func([]Vector, error)) bool
}

// Errors of a VectorSource. Before the challenge the peer sees the same
// failure for all of them (AKA-Notification 16384, then EAP-Failure), so that
// nobody can find out who is a subscriber; logs and counters tell them apart.
var (
	// ErrUnknownSubscriber: nobody has this IMSI (SWx Experimental-Result 5001).
	ErrUnknownSubscriber = errors.New("aka: unknown subscriber")
	// ErrNoSubscription: not subscribed to non-3GPP access (5450).
	ErrNoSubscription = errors.New("aka: no non-3GPP subscription")
	// ErrRoamingNotAllowed: not from the visited network (5004).
	ErrRoamingNotAllowed = errors.New("aka: roaming not allowed")
	// ErrRATNotAllowed: not over this radio access (5452).
	ErrRATNotAllowed = errors.New("aka: radio access type not allowed")
	// ErrBarred: the subscriber's access is barred.
	ErrBarred = errors.New("aka: access barred")
	// ErrSchemeNotSupported: no vectors of this scheme (5006).
	ErrSchemeNotSupported = errors.New("aka: authentication scheme not supported")
	// ErrSyncFailure: the AUTS of a resynchronisation did not verify.
	ErrSyncFailure = errors.New("aka: AUTS does not verify")
	// ErrUnavailable: the source did not answer, or not usefully.
	ErrUnavailable = errors.New("aka: vectors unavailable")
)

// Scheme is the kind of vectors wanted.
type Scheme uint8

const (
	// SchemeAKA is EAP-AKA: CK and IK as the USIM computes them.
	SchemeAKA Scheme = 1 + iota
	// SchemeAKAPrime is EAP-AKA': AMF separation bit set; CK' and IK' where
	// the source derives them.
	SchemeAKAPrime
	// SchemeSIM is EAP-SIM: triplets, or quintets to derive them from.
	SchemeSIM
)

// String returns the scheme's name as in SIP-Authentication-Scheme (TS
// 29.273, clause 8.2.3.9).
func (s Scheme) String() string {
	switch s {
	case SchemeAKA:
		return "EAP-AKA"
	case SchemeAKAPrime:
		return "EAP-AKA'"
	case SchemeSIM:
		return "EAP-SIM"
	default:
		return fmt.Sprintf("Scheme(%d)", uint8(s))
	}
}

// VectorRequest asks for vectors. It is a value: sources may keep it.
type VectorRequest struct {
	// IMSI is the subscriber.
	IMSI eap.IMSI
	// Scheme is the kind of vectors.
	Scheme Scheme
	// NetworkName is the access network's name (ANID, TS 24.302 clause
	// 8.1.1.2), as in AT_KDF_INPUT; SWx carries it in ANID. Only for
	// SchemeAKAPrime.
	NetworkName string
	// Count is how many vectors are wanted; 0 means 1. Fewer may come.
	Count int
	// Resync is set when the USIM refused the SQN of a challenge.
	Resync *Resync
	// Peer is what is known of the access, for sources that report it.
	Peer eap.Peer
}

// Resync is a synchronisation failure as the USIM reported it (TS 33.102,
// clause 6.3.5).
type Resync struct {
	// RAND is that of the refused challenge.
	RAND [16]byte
	// AUTS is the USIM's answer: SQN_MS xor AK*, MAC-S.
	AUTS [14]byte
}

// Vector is an authentication vector (quintet). Its keys say what was done to
// them: deriving CK', IK' twice breaks AT_MAC, not deriving them breaks it as
// well, so nothing here is left to convention.
type Vector struct {
	RAND [16]byte
	AUTN [16]byte
	// XRES is the first XRESLen octets, 4 to 16.
	XRES    [16]byte
	XRESLen uint8
	CK      [16]byte
	IK      [16]byte
	// Primed is true when CK and IK are CK' and IK', bound to NetworkName
	// (TS 33.402, Annex A.2). Such a vector serves EAP-AKA' only; a plain one
	// serves both methods.
	Primed bool
	// NetworkName is what the keys of a primed vector are bound to.
	NetworkName string
}

// String implements fmt.Stringer without giving the vector away.
func (Vector) String() string { return "aka.Vector[redacted]" }

// GoString implements fmt.GoStringer without giving the vector away.
func (v Vector) GoString() string { return v.String() }

// Format implements fmt.Formatter, so that no verb prints the vector.
func (v Vector) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(v.String())) }

// MarshalText implements encoding.TextMarshaler, so that logs and JSON do not
// give the keys away.
func (v Vector) MarshalText() ([]byte, error) { return []byte(v.String()), nil }
