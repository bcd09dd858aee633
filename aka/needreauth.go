package aka

import (
	"context"
	"fmt"

	"github.com/opentwag/twag/eap"
)

// ReauthOp is what a [NeedReauth] wants of the store.
type ReauthOp uint8

const (
	// ReauthGet: the context under Username, for a peer that gave it as its
	// identity.
	ReauthGet ReauthOp = 1 + iota
	// ReauthSwap: the run has succeeded with the context under Username and
	// Counter; Context, if not nil, is for the next.
	ReauthSwap
	// ReauthPut: Context is new, after a full authentication.
	ReauthPut
)

// String returns the operation's name.
func (o ReauthOp) String() string {
	switch o {
	case ReauthGet:
		return "get"
	case ReauthSwap:
		return "swap"
	case ReauthPut:
		return "put"
	default:
		return fmt.Sprintf("ReauthOp(%d)", uint8(o))
	}
}

// NeedReauth asks something of the [ReauthStore]. Its answer is a
// [ReauthAnswer]; Resolve gets it from the method's store.
type NeedReauth struct {
	Op       ReauthOp
	Username string         // ReauthGet, ReauthSwap
	Counter  uint16         // ReauthSwap
	Context  *ReauthContext // ReauthPut; ReauthSwap: may be nil

	store ReauthStore
}

var _ eap.NonBlocking = (*NeedReauth)(nil)

// ReauthAnswer answers [NeedReauth].
type ReauthAnswer struct {
	// Context is what ReauthGet was after.
	Context ReauthContext
	Err     error
}

// NeedName implements eap.Need.
func (n *NeedReauth) NeedName() string { return "re-authentication context: " + n.Op.String() }

// Resolve implements eap.Resolver.
func (n *NeedReauth) Resolve(ctx context.Context) eap.Answer {
	var a ReauthAnswer
	switch n.Op {
	case ReauthGet:
		a.Context, a.Err = n.store.Get(ctx, n.Username)
	case ReauthSwap:
		a.Err = n.store.Swap(ctx, n.Username, n.Counter, n.Context)
	case ReauthPut:
		a.Err = n.store.Put(ctx, *n.Context)
	default:
		a.Err = fmt.Errorf("%w: %v", errNotNow, n.Op)
	}
	if a.Err == nil && n.Op != ReauthGet {
		return reauthDone
	}
	return a
}

// reauthDone is the answer that brings nothing.
var reauthDone eap.Answer = ReauthAnswer{}

// NonBlocking implements eap.NonBlocking: the store has a method of the same
// meaning if it never blocks.
func (n *NeedReauth) NonBlocking() bool {
	s, ok := n.store.(interface{ NonBlocking() bool })
	return ok && s.NonBlocking()
}
