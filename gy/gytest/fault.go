package gytest

import (
	"time"

	"github.com/opentwag/twag/diameter"
	"github.com/opentwag/twag/diameter/wire"
	"github.com/opentwag/twag/gy"
	"github.com/opentwag/twag/internal/faulttest"
)

// Fault is something that goes wrong with CCRs. The request is handled, and
// its answer suffers; the ledger has the answer as it should have been. Delay
// may come with any of the others; of those the first that is set counts.
type Fault struct {
	// Type is that of the requests it strikes; 0 means all.
	Type gy.RequestType
	// Times is how many requests it strikes; 0 means all until ClearFaults.
	Times int
	// Delay passes before the answer, or whatever comes in its place; nothing
	// comes after one that is longer than the node's RequestTimeout.
	Delay time.Duration
	// ResultCode is the answer of somebody before the OCS, which never sees
	// the request: with the E bit if it is a 3xxx.
	ResultCode uint32
	// Unseen: the OCS never sees the request. Without Disconnect there is no
	// answer.
	Unseen bool

	// Disconnect: the connection is closed in place of an answer.
	Disconnect bool
	// Rewrite makes of the octets of the answer what goes out on the
	// connection: another answer, several, or what is none. Nothing looks at
	// it. It is called once, and may change or keep answer.
	Rewrite func(answer []byte) []byte
	// Silent: no answer.
	Silent bool
}

// Inject makes requests of any account go wrong, known or not. Faults of one
// account come first; among equals they strike in the order of injection, one
// at a time.
func (o *OCS) Inject(f Fault) { o.faults.Add(f, f.Times) }

// InjectFor makes requests of one account go wrong.
func (o *OCS) InjectFor(who Identity, f Fault) error {
	o.book.mu.Lock()
	defer o.book.mu.Unlock()
	a := o.book.accounts[who]
	if a == nil {
		return ErrUnknown
	}
	a.faults.Add(f, f.Times)
	o.book.targeted.Store(true)
	return nil
}

// ClearFaults ends all faults. Delays that have begun go on.
func (o *OCS) ClearFaults() {
	o.faults.Clear()
	o.book.mu.Lock()
	defer o.book.mu.Unlock()
	for _, a := range o.book.accounts {
		a.faults.Clear()
	}
	o.book.targeted.Store(false)
}

// Twice is a Rewrite that sends the answer twice.
func Twice(answer []byte) []byte { return faulttest.Twice(answer) }

// Garbage is a Rewrite that leaves the header as it is and fills the rest with
// random octets.
func Garbage(answer []byte) []byte { return faulttest.Garbage(answer) }

// WrongHopByHop is a Rewrite that answers a request that nobody made.
func WrongHopByHop(answer []byte) []byte { return faulttest.WrongHopByHop(answer) }

// WrongSession is a Rewrite that answers with the Session-Id of nobody's
// session.
func WrongSession(answer []byte) []byte {
	return edit(answer, func(w *wire.Builder, a wire.AVP) {
		if a.Is(diameter.AVPSessionID, 0) {
			a.Data = []byte("nobody.example;1;1")
		}
		w.AVP(a)
	})
}

// OmitResults is a Rewrite that leaves Result-Code out of every
// Multiple-Services-Credit-Control.
func OmitResults(answer []byte) []byte {
	return editServices(answer, func(w *wire.Builder, a wire.AVP) {
		if !a.Is(diameter.AVPResultCode, 0) {
			w.AVP(a)
		}
	})
}

// EmptyGrants is a Rewrite that makes every grant one without units, with a
// Final-Unit-Indication to terminate: nothing is left.
func EmptyGrants(answer []byte) []byte {
	return editServices(answer, func(w *wire.Builder, a wire.AVP) {
		switch {
		case a.Is(codeFinalUnit, 0):
		case a.Is(codeGrantedUnits, 0):
			w.End(w.Begin(codeGrantedUnits, 0, wire.FlagMandatory))
			g := w.Begin(codeFinalUnit, 0, wire.FlagMandatory)
			w.Uint32(codeFinalAction, 0, wire.FlagMandatory, uint32(gy.FinalTerminate))
			w.End(g)
		default:
			w.AVP(a)
		}
	})
}

// AVP codes of answers.
const (
	codeFinalUnit    = 430
	codeGrantedUnits = 431
	codeFinalAction  = 449
	codeMSCC         = 456
)

// edit makes a message of what f appends for each AVP of the answer.
func edit(answer []byte, f func(*wire.Builder, wire.AVP)) []byte {
	w := wire.MakeBuilder(nil, wire.Message(answer).Header())
	r := wire.Message(answer).AVPs()
	var a wire.AVP
	for r.Next(&a) {
		f(&w, a)
	}
	msg, err := w.Message()
	if err != nil {
		return answer
	}
	return msg
}

// editServices is edit for the AVPs in Multiple-Services-Credit-Control.
func editServices(answer []byte, f func(*wire.Builder, wire.AVP)) []byte {
	return edit(answer, func(w *wire.Builder, a wire.AVP) {
		if !a.Is(codeMSCC, 0) {
			w.AVP(a)
			return
		}
		g := w.Begin(a.Code, a.Vendor, a.Flags)
		r := a.Group()
		var sub wire.AVP
		for r.Next(&sub) {
			f(w, sub)
		}
		w.End(g)
	})
}
