package swxtest

import (
	"fmt"
	"time"

	"github.com/opentwag/twag/eap"
	"github.com/opentwag/twag/internal/faulttest"
	"github.com/opentwag/twag/swx"
)

// Fault is something that goes wrong with MARs and SARs. Delay may come with
// any of the others; of those the first that is set counts.
type Fault struct {
	// Command is that of the requests it strikes, swx.CommandMultimediaAuth or
	// swx.CommandServerAssignment; 0 means both.
	Command uint32
	// Times is how many requests it strikes; 0 means all until ClearFaults.
	Times int
	// Delay passes before the answer, or whatever comes in its place; nothing
	// comes after one that is longer than the node's RequestTimeout.
	Delay time.Duration

	// Silent: no answer.
	Silent bool
	// Disconnect: the connection is closed in place of an answer.
	Disconnect bool
	// ResultCode is the answer, with the E bit if it is a 3xxx.
	ResultCode uint32
	// Experimental is the answer; vendor 0 is left out.
	Experimental swx.ExperimentalResult
	// AAAServerName goes with either.
	AAAServerName string
	// Rewrite makes of the octets of the answer what goes out on the
	// connection: another answer, several, or what is none. Nothing looks at
	// it. It is called once, and may change or keep answer.
	Rewrite func(answer []byte) []byte
}

// Inject makes requests for any subscriber go wrong, known or not. Faults for one
// subscriber come first; among equals they strike in the order of injection,
// one at a time.
func (h *HSS) Inject(f Fault) { h.faults.Add(f, f.Times) }

// InjectFor makes requests for one subscriber go wrong.
func (h *HSS) InjectFor(imsi eap.IMSI, f Fault) error {
	s := h.find([]byte(imsi.Digits()))
	if s == nil {
		return fmt.Errorf("%w: %v", ErrUnknown, imsi)
	}
	s.faults.Add(f, f.Times)
	return nil
}

// ClearFaults ends all faults. Delays that have begun go on.
func (h *HSS) ClearFaults() {
	h.faults.Clear()
	h.dir.mu.RLock()
	defer h.dir.mu.RUnlock()
	for _, s := range h.dir.subscribers {
		s.faults.Clear()
	}
}

// Twice is a Rewrite that sends the answer twice.
func Twice(answer []byte) []byte { return faulttest.Twice(answer) }

// Garbage is a Rewrite that leaves the header as it is and fills the rest with
// random octets.
func Garbage(answer []byte) []byte { return faulttest.Garbage(answer) }

// Truncate is a Rewrite that drops the last four octets, with the header's
// length as it should be then: the last AVP runs beyond the message.
func Truncate(answer []byte) []byte { return faulttest.Truncate(answer) }

// WrongHopByHop is a Rewrite that answers a request that nobody made.
func WrongHopByHop(answer []byte) []byte { return faulttest.WrongHopByHop(answer) }
