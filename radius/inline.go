package radius

import layeh "layeh.com/radius"

// NonBlocking is what a [Server]'s Handler adds that never waits for anything
// but its own computing: the goroutines that read the sockets then call it
// themselves, and no worker has to be woken for each request. It may answer
// later, from another goroutine, and gives what may block to [Handoff].
type NonBlocking interface {
	layeh.Handler
	// NonBlocking is asked once, when the server starts.
	NonBlocking() bool
}

// Copies reports whether w is a server's own ResponseWriter, which has done with a packet when
// Write returns, so that a handler may use its memory again. Others may keep it.
func Copies(w layeh.ResponseWriter) bool {
	_, ok := w.(*request)
	return ok
}

// Inline reports whether a reader has called the handler, so that it must not wait.
func Inline(w layeh.ResponseWriter) bool {
	r, ok := w.(*request)
	return ok && r.inline && !r.handedOff.Load()
}

// Handoff has f, the rest of a handler's work on a request, run where it may block: on
// one of the server's workers if a reader has called the handler, else here and now. w is
// the ResponseWriter that the handler was given.
//
// It returns false, and f is not run, if the server's queue is full. The handler
// should then answer as it does when it is overloaded, or call [Discard].
func Handoff(w layeh.ResponseWriter, f func()) bool {
	r, ok := w.(*request)
	if !ok || !r.inline || r.handedOff.Load() {
		f()
		return true
	}
	r.rest = f
	r.handedOff.Store(true)
	if r.eng.pool.submit([]*request{r}) == 1 {
		return true
	}
	r.handedOff.Store(false)
	r.rest = nil
	return false
}

// Suspend tells that a NonBlocking handler's work on a request goes on later, with
// [Continue], which has to be called once: the server's Shutdown waits for it. What it gives
// to [Handoff] then is run even if the request's time is over.
func Suspend(w layeh.ResponseWriter) {
	if r, ok := w.(*request); ok && !r.suspended.Swap(true) {
		r.eng.suspended.Add(1)
	}
}

// Continue runs f, the rest of the work on a request that was suspended, in the
// calling goroutine, which is not one of the server's: should f panic, that is
// the handler's panic, and the goroutine's owner does not notice.
func Continue(w layeh.ResponseWriter, f func()) {
	if r, ok := w.(*request); ok {
		defer func() {
			if v := recover(); v != nil {
				r.eng.panicked(r, v)
			}
			r.resume()
		}()
	}
	f()
}

// resume notes that a handler's work on the request, if it was suspended, is no longer.
func (r *request) resume() {
	if r.suspended.Swap(false) {
		r.eng.suspended.Add(-1)
	}
}
