package eapradius

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	layeh "layeh.com/radius"
	"layeh.com/radius/rfc2865"
	"layeh.com/radius/rfc4072"

	"github.com/opentwag/twag/eap"
	"github.com/opentwag/twag/radius"
)

// maxNeeds is how many things a method may need in answer to one packet. EAP-AKA
// needs two at most: vectors, or authorization.
const maxNeeds = 8

// Handler answers Access-Requests that carry EAP. It is safe for concurrent
// use, blocks while a method's needs are met, and starts no goroutine.
type Handler struct {
	auth *eap.Authenticator
	cfg  Config
	room room
	// authorizerBlocks: there is an Authorizer, and he may block.
	authorizerBlocks bool
}

var _ layeh.Handler = (*Handler)(nil)

// New returns a handler over auth. It panics if auth is nil or a size or time
// in cfg is negative.
func New(auth *eap.Authenticator, cfg Config) *Handler {
	if auth == nil {
		panic("eapradius: no Authenticator")
	}
	h := &Handler{auth: auth, cfg: cfg.withDefaults()}
	if a := h.cfg.Authorizer; a != nil {
		quick, ok := a.(interface{ NonBlocking() bool })
		h.authorizerBlocks = !ok || !quick.NonBlocking()
	}
	if h.cfg.StateKeys != nil {
		h.room = newSealed(auth, &h.cfg)
	} else {
		h.room = newTable(&h.cfg)
	}
	return h
}

// Conversations returns how many logins wait in this process, those included
// of which nothing was heard for some time. Those that wait in a sealed State
// are nobody's to count.
func (h *Handler) Conversations() int { return h.room.len() }

// NonBlocking implements radius.NonBlocking: whatever may wait is handed to a
// worker, or goes on when the answer comes.
func (h *Handler) NonBlocking() bool { return true }

// ServeRADIUS implements layeh's Handler.
func (h *Handler) ServeRADIUS(w layeh.ResponseWriter, r *layeh.Request) {
	if r.Code != layeh.CodeAccessRequest {
		h.pass(w, r)
		return
	}
	x := exchanges.Get().(*exchange)
	x.h, x.w, x.r, x.now = h, w, r, time.Now()
	x.at = x.now
	x.q.read(r)
	if !x.q.hasEAP && h.cfg.Next != nil {
		x.release()
		h.pass(w, r)
		return
	}
	x.run(x.serve)
}

// pass leaves a request to the next handler, which may block.
func (h *Handler) pass(w layeh.ResponseWriter, r *layeh.Request) {
	if h.cfg.Next == nil {
		return
	}
	if !radius.Handoff(w, func() { h.cfg.Next.ServeRADIUS(w, r) }) {
		radius.Discard(w)
	}
}

// progress tells whether an exchange is over, or goes on elsewhere: then the
// one who has it now must not touch it any more.
type progress bool

const (
	over      progress = false
	elsewhere progress = true
)

// exchange is one Access-Request and what comes of it. It is one goroutine's
// at a time: that of the reader or worker that got the request, then of
// whoever has an answer that it waits for.
type exchange struct {
	h   *Handler
	w   layeh.ResponseWriter
	r   *layeh.Request
	q   request
	now time.Time // when the request came
	at  time.Time // when the step under way began

	// s is the login; nil until it is known. It is held until it is parked or
	// has ended.
	s    *session
	held bool
	// hadIdentity is true when the identity was known before this request.
	hadIdentity bool
	needs       int // that were met

	ctx    context.Context
	cancel context.CancelFunc
	// lent: somebody was given a needContext, and may keep it.
	lent bool

	reply reply
}

// exchanges are those that nobody knows any more.
var exchanges = sync.Pool{New: func() any { return new(exchange) }}

// run does a step of the exchange.
func (x *exchange) run(step func() progress) {
	going, panicked := over, true
	defer func() {
		if going == over { // also when step has panicked
			x.close()
			if !panicked {
				x.release()
			}
		}
	}()
	going = step()
	panicked = false
}

// release lets the memory be used again, if nobody may still have some of it.
func (x *exchange) release() {
	if !x.lent && radius.Copies(x.w) {
		*x = exchange{}
		exchanges.Put(x)
	}
}

func (x *exchange) close() {
	if x.held {
		// Something has panicked. Nobody will answer, so the login is over.
		x.end()
	}
	if x.cancel != nil {
		x.cancel()
	}
}

// answerMargin is what is left of the request's own time when the needs' time
// is up: afterwards the peer has to be told.
const answerMargin = 500 * time.Millisecond

// limit is when the needs' time is up.
func (x *exchange) limit() time.Time {
	limit := x.h.cfg.Deadline
	if end, ok := x.r.Context().Deadline(); ok {
		left := end.Sub(x.now)
		limit = min(limit, left-min(answerMargin, left/2))
	}
	return x.now.Add(limit)
}

// context returns the context of all that the method needs. Most requests need
// nothing that waits, so nothing is set up before.
func (x *exchange) context() context.Context {
	if x.ctx == nil {
		x.ctx, x.cancel = context.WithDeadline(x.r.Context(), x.limit())
	}
	return x.ctx
}

// needContext is x.context() for a need, set up when it is first waited for:
// what a store in memory answers takes no context at all, and what goes on
// elsewhere only wants the deadline.
type needContext struct{ x *exchange }

var _ context.Context = needContext{}

func (x *exchange) lend() needContext {
	x.lent = true
	return needContext{x}
}

func (c needContext) Deadline() (time.Time, bool) { return c.x.limit(), true }
func (c needContext) Done() <-chan struct{}       { return c.x.context().Done() }
func (c needContext) Value(key any) any           { return c.x.r.Context().Value(key) }

// Err needs nothing to be set up either.
func (c needContext) Err() error {
	switch {
	case c.x.ctx != nil:
		return c.x.ctx.Err()
	case !time.Now().Before(c.x.limit()):
		return context.DeadlineExceeded
	default:
		return c.x.r.Context().Err()
	}
}

// AfterFunc is what context.WithCancel and its kin look for in a foreign
// parent, to follow it without a goroutine.
func (c needContext) AfterFunc(f func()) (stop func() bool) {
	return context.AfterFunc(c.x.context(), f)
}

// serve finds the conversation and hands it the packet.
func (x *exchange) serve() progress {
	switch q := &x.q; {
	case !q.hasEAP:
		x.refuse(nil, ErrNoEAP)
	case len(q.eap) > 0 && q.eap[0] == byte(eap.CodeRequest):
		x.refuse(nak(q.eap), ErrRole)
	case len(q.eap) == 0 || q.states == 0:
		return x.first()
	default:
		return x.next()
	}
	return over
}

// first begins a conversation: with an Identity request after EAP-Start, with
// the method after the Response to one that the NAS sent itself.
func (x *exchange) first() progress {
	peer, nas, station := x.q.peer()
	x.q.complete(x.h.cfg.CompletePeer, &peer)
	s := &session{
		conv:  x.h.auth.New(peer),
		began: x.now, client: x.q.client, nas: nas, station: station,
	}
	if err := x.h.room.begin(s, x.now); err != nil {
		x.refuse(failure(x.q.eap), err)
		return over
	}
	x.join(s)
	if len(x.q.eap) == 0 || isNak(x.q.eap) {
		// A Nak comes first where the NAS has asked for a method of its own
		// choice (RFC 3579, section 2.1). What the peer wants is seen later.
		return x.conclude(s.conv.Start(x.now))
	}
	return x.conclude(s.conv.Handle(x.now, x.q.eap))
}

// next goes on with the conversation that the State names.
func (x *exchange) next() progress {
	s, repeated, err := x.h.room.take(&x.q, x.now)
	switch {
	case errors.Is(err, ErrBusy):
		// The answer to the other request is the answer. If it gets lost, this
		// one's repetition is worth a look.
		x.drop(err)
		radius.Discard(x.w)
		return over
	case errors.Is(err, ErrStaleState):
		x.drop(err)
		return over
	case err != nil:
		x.refuse(failure(x.q.eap), err)
		return over
	}
	x.join(s)
	if repeated {
		x.repeat()
		return over
	}
	return x.conclude(s.conv.Handle(x.now, x.q.eap))
}

// join notes that the request is one of the login's.
func (x *exchange) join(s *session) {
	x.s, x.held = s, true
	s.requests++
	if n := x.q.maxEAP(); n != 0 {
		s.maxEAP = n
	}
	x.hadIdentity = s.conv.Method() != 0
}

// park lets the login wait, and appends its State to b. After that the session
// is not ours any more, unless there is an error.
func (x *exchange) park(b []byte, repeated bool, now time.Time) ([]byte, error) {
	b, err := x.h.room.park(b, x.s, repeated, now)
	x.held = err != nil
	return b, err
}

// end ends the login.
func (x *exchange) end() {
	x.held = false
	x.h.room.end(x.s, x.at)
}

// repeat answers a request with the State before the latest. The NAS has not
// seen our Challenge; if the peer's packet is the same, it gets the same again.
func (x *exchange) repeat() {
	pkt, ok := x.s.conv.Repeated(x.q.eap)
	if ok && x.spend() {
		x.challenge(pkt, nil, true)
		return
	}
	// Somebody else's State, or once too often: the login goes on without.
	_, err := x.park(nil, true, x.now)
	x.drop(errors.Join(ErrStaleState, err))
}

// spend takes one of the packets that may be invalid; it reports whether there
// was one left.
func (x *exchange) spend() bool {
	x.s.invalid++
	return x.s.invalid <= x.h.cfg.MaxInvalid
}

// conclude meets the method's needs, one after the other, and answers the
// request. What may block goes on elsewhere.
func (x *exchange) conclude(o eap.Outcome) progress {
	for o.Kind == eap.OutcomeNeed {
		if x.needs++; x.needs > maxNeeds {
			o = eap.Outcome{Kind: eap.OutcomeFailure, Packet: failure(x.q.eap), Err: ErrNeeds}
			break
		}
		switch need := o.Need.(type) {
		case *eap.NeedAuthorization:
			if !x.asksAuthorizer() {
				o = x.resume(x.leave(need.Result))
				continue
			}
			return x.handoff(func() progress { return x.conclude(x.resumeLater(x.leave(need.Result))) })
		case eap.Resolver:
			if quick, ok := need.(eap.NonBlocking); ok && quick.NonBlocking() {
				o = x.resume(need.Resolve(x.r.Context())) // there is nothing that could take too long
				continue
			}
			if async, ok := need.(eap.AsyncResolver); ok && x.suspend(async) {
				return elsewhere
			}
			return x.handoff(func() progress { return x.conclude(x.resumeLater(need.Resolve(x.lend()))) })
		default:
			o = eap.Outcome{Kind: eap.OutcomeFailure, Packet: failure(x.q.eap), Err: fmt.Errorf("%w: %s", ErrNeeds, need.NeedName())}
		}
	}
	if o.Kind == eap.OutcomeSuccess && !x.s.authorized {
		// A method that has not asked before it succeeds does not get around him.
		decide := func() progress {
			x.authorize(o.Result)
			x.answer(o)
			return over
		}
		if x.asksAuthorizer() {
			return x.handoff(decide)
		}
		return decide()
	}
	x.answer(o)
	return over
}

// suspend has the exchange go on when need is met, if nobody has to wait
// for that.
func (x *exchange) suspend(need eap.AsyncResolver) bool {
	w := x.w // x may be another's when ResolveAsync returns
	radius.Suspend(w)
	if need.ResolveAsync(x.lend(), x.answered) {
		return true
	}
	radius.Continue(w, func() {})
	return false
}

// answered goes on with an answer that the exchange waited for.
func (x *exchange) answered(a eap.Answer) {
	radius.Continue(x.w, func() {
		x.run(func() progress { return x.conclude(x.resumeLater(a)) })
	})
}

func (x *exchange) resume(a eap.Answer) eap.Outcome { return x.s.conv.Resume(x.at, a) }

// resumeLater is resume with an answer that may have taken its time.
func (x *exchange) resumeLater(a eap.Answer) eap.Outcome {
	x.at = time.Now()
	return x.resume(a)
}

// handoff takes the next step where it may block.
func (x *exchange) handoff(step func() progress) progress {
	if radius.Handoff(x.w, func() { x.run(step) }) {
		return elsewhere
	}
	x.fail(failure(x.q.eap), ErrOverload)
	return over
}

// answer answers the request.
func (x *exchange) answer(o eap.Outcome) {
	if !x.hadIdentity && x.s.conv.Method() != 0 {
		x.compareUserName()
	}
	switch o.Kind {
	case eap.OutcomeSend:
		x.challenge(o.Packet, nil, false)
	case eap.OutcomeDiscard:
		x.discard(o)
	case eap.OutcomeSuccess:
		x.succeed(o)
	case eap.OutcomeFailure:
		x.fail(o.Packet, o.Err)
	case eap.OutcomeNeed:
		// conclude leaves none.
		fallthrough
	default:
		x.fail(failure(x.q.eap), o.Err)
	}
}

// asksAuthorizer reports whether authorize would ask an Authorizer who may
// block.
func (x *exchange) asksAuthorizer() bool { return x.h.authorizerBlocks && !x.s.authorized }

// allowed is the answer that most subscribers get, boxed once.
var allowed eap.Answer = eap.Authorization{}

// leave is authorize for the method.
func (x *exchange) leave(result *eap.Result) eap.Answer {
	if a := x.authorize(result); a.Refusal != eap.RefusalNone || a.Err != nil {
		return a
	}
	return allowed
}

// authorize asks the Authorizer, once per login, and notes what he said.
func (x *exchange) authorize(result *eap.Result) eap.Authorization {
	s := x.s
	if s.authorized {
		return s.answer
	}
	s.authorized = true
	if x.h.cfg.Authorizer == nil {
		return s.answer
	}
	g := x.h.cfg.Authorizer.Authorize(x.context(), Login{Result: result, Peer: s.conv.Peer(), Request: x.r.Packet, Remote: x.r.RemoteAddr})
	s.grant = g.Attributes
	s.answered(g)
	return s.answer
}

// succeed lets the peer in, unless the Authorizer minds.
func (x *exchange) succeed(o eap.Outcome) {
	switch {
	case x.s.refused != nil:
		x.fail(failure(x.q.eap), x.s.refused)
	case len(x.r.Secret) == 0:
		x.fail(failure(x.q.eap), ErrSecret)
	default:
		x.accept(o.Packet, o.Result)
	}
}

// accept sends the Access-Accept and ends the conversation.
func (x *exchange) accept(pkt []byte, result *eap.Result) {
	x.end()
	p := x.reply.begin(x.r, layeh.CodeAccessAccept)
	p.addEAP(pkt)
	// A method without keys leaves the MSK zero.
	if result.MSK != (eap.Key{}) {
		p.addKeys(&result.MSK)
	}
	if n := len(result.SessionID); x.q.wantKeyName && n > 0 && n <= maxAttributeLen {
		p.add(rfc4072.EAPKeyName_Type, result.SessionID)
	}
	p.addGrant(x.s.grant, &x.q)
	if err := x.w.Write(&p.packet); err != nil {
		// It may be that the grant does not fit in a packet. The NAS had better
		// hear that there is no access than nothing.
		x.notSent(p.packet.Code, err)
		x.refuse(failure(x.q.eap), err)
		return
	}
	x.accepted(result)
}

// challenge sends an Access-Challenge with the EAP request pkt. because is why
// the peer's packet was discarded, repeated true when only the NAS has missed
// the Challenge before.
func (x *exchange) challenge(pkt []byte, because error, repeated bool) {
	if x.s.maxEAP != 0 && len(pkt) > x.s.maxEAP {
		x.fail(failure(x.q.eap), fmt.Errorf("%w: %d octets, %d allowed", ErrMTU, len(pkt), x.s.maxEAP))
		return
	}
	p := x.reply.begin(x.r, layeh.CodeAccessChallenge)
	p.addEAP(pkt)
	if because != nil {
		p.addErrorCause()
	}
	// Once parked, the session is no longer ours: what is told of it is
	// collected before.
	var info Info
	hook := x.h.cfg.Hooks.Challenge
	if hook != nil {
		info = x.info()
	}
	state, err := x.park(p.room[:0], repeated, x.at)
	if err != nil {
		x.fail(failure(x.q.eap), err)
		return
	}
	p.add(rfc2865.State_Type, state)
	if x.write(p) && hook != nil {
		hook(info)
	}
}

// discard answers a packet that was discarded with the outstanding request
// (RFC 3579, section 2.2).
func (x *exchange) discard(o eap.Outcome) {
	x.discarded(o.Err)
	switch {
	case o.Packet == nil && !x.s.stateless:
		// There is nothing to repeat: the first packet of a conversation.
		x.fail(failure(x.q.eap), o.Err)
	case !x.spend():
		x.fail(failure(x.q.eap), fmt.Errorf("%w: %w", ErrInvalid, o.Err))
	case o.Packet == nil:
		// The request is not known any more. The State may come again, with
		// the packet that we wait for.
		_, err := x.park(nil, true, x.now)
		x.drop(errors.Join(o.Err, err))
	default:
		x.challenge(o.Packet, o.Err, false)
	}
}

// fail ends the conversation with an Access-Reject.
func (x *exchange) fail(pkt []byte, err error) {
	x.end()
	x.refuse(pkt, err)
}

// refuse sends an Access-Reject with the EAP packet pkt, if it is not nil.
func (x *exchange) refuse(pkt []byte, err error) {
	p := x.reply.begin(x.r, layeh.CodeAccessReject)
	if pkt != nil {
		p.addEAP(pkt)
	}
	if x.write(p) {
		x.rejected(err)
	}
}

// write sends the answer. An error ends with the NAS repeating its request.
func (x *exchange) write(p *reply) bool {
	if err := x.w.Write(&p.packet); err != nil {
		x.notSent(p.packet.Code, err)
		return false
	}
	return true
}

// isNak reports whether pkt is a Response/Nak.
func isNak(pkt []byte) bool {
	p, err := eap.Decode(pkt)
	return err == nil && p.Code == eap.CodeResponse && p.Type == eap.TypeNak
}

// nak makes the Response/Nak without alternative that refuses the Request pkt
// (RFC 3579, section 2.6.2).
func nak(pkt []byte) []byte {
	p, err := eap.Decode(pkt)
	if err != nil {
		return failure(pkt)
	}
	b := append(eap.AppendHeader(nil, eap.CodeResponse, p.Identifier, eap.TypeNak), 0)
	eap.EndPacket(b, 0)
	return b
}
