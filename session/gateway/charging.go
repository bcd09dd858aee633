package gateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	layeh "layeh.com/radius"

	"github.com/opentwag/twag/accounting"
	"github.com/opentwag/twag/diameter/wire"
	"github.com/opentwag/twag/eap"
	"github.com/opentwag/twag/gy"
	"github.com/opentwag/twag/session"
)

// ChargingConfig configures a [Charging]. Zero fields have the defaults named. The functions are
// called concurrently, often by the goroutine that reads what the OCS sends: they must not block or panic.
type ChargingConfig struct {
	// Client sends to the OCS: a *gy.Client. Required.
	Client CCRSender
	// NewSessionID makes Session-Ids: (*diameter.Node).NewSessionID. Required.
	NewSessionID func() string
	// Machine is the credit control of sessions. Required.
	Machine *gy.Machine
	// Choose returns the machine for a session, by its realm, SSID, group or whatever
	// else; nil: it is not charged. Default: Machine for all.
	Choose func(s *session.Session) *gy.Machine
	// Info is what the OCS is told of a session. Default: [SessionInfo].
	Info func(s *session.Session) *gy.Info
	// Attributes returns the RADIUS attributes, encoded, that make a NAS do what a
	// change of a rating group says: redirect, restrict, or pass again. nil or
	// no attributes: a session that is not to pass is disconnected.
	Attributes func(s *session.Session, change gy.GroupChange) []byte
	// AdaptInterim has NASes told a new Acct-Interim-Interval by CoA-Request when the
	// quota wants one that is shorter by a quarter or more than what they have.
	AdaptInterim bool

	Logger *slog.Logger // nil: silence
	Hooks  ChargingHooks
}

// ChargingHooks are called synchronously; they must not block or panic, and may be called
// concurrently. Each may be nil.
type ChargingHooks struct {
	// Step is called for each step of a session's credit control that was stored. What the
	// output says of final units must not be kept.
	Step func(ChargingStep)
}

// ChargingStep says what a step came to.
type ChargingStep struct {
	Output gy.Output
	Usage  gy.Usage
}

// CCRSender sends the requests of credit-control sessions.
type CCRSender interface {
	// SendFunc sends req, and has done called, once and by another goroutine, when the answer has been
	// read into a, or with why there is none. It must not block: it is often called by a goroutine of
	// the store's. What a refers to is given away: it is used after done has returned. If SendFunc
	// returns an error, done is not called.
	SendFunc(ctx context.Context, req wire.Message, a *gy.CCA, done func(error)) error
}

// Charging charges sessions at an OCS: quota is asked for before the service, and again as
// accounting reports usage; when it ends the session is disconnected, redirected or
// restricted. It is safe for concurrent use.
//
// What is between us and the OCS is part of the session's record: a request is sent only after it
// has been stored, with the usage that it reports, and is there until its answer has been. So a
// process that dies neither loses usage nor reports it twice.
type Charging struct {
	m     *session.Manager
	cfg   ChargingConfig
	begun time.Time // what was asked for later, nobody who has died waits for

	wg     sync.WaitGroup
	ctx    context.Context
	cancel context.CancelFunc

	jobs sync.Pool // of *job

	mu      sync.Mutex
	closed  bool
	taken   map[session.ID]request      // those that this process has had in hand
	waiting map[session.ID]chan verdict // logins
}

// request is one that was handed out here and is not settled.
type request struct {
	seq uint32
	at  progress
}

// progress is how far an exchange is.
type progress uint8

const (
	taking  progress = iota // the answer is being taken in: others don't know yet what comes of it
	waiting                 // for the answer
	stored                  // what came of it is
)

// verdict is what a login waits for.
type verdict struct {
	out gy.Output
	err error
}

// NewCharging returns the charging of m's sessions, and makes it the one that their Wake calls. Give its
// Charge to the accounting.Recorder, and itself to the Admitter. Call it before m.Run, and
// Close after.
func NewCharging(m *session.Manager, cfg ChargingConfig) (*Charging, error) {
	if cfg.Client == nil || cfg.NewSessionID == nil || cfg.Machine == nil {
		return nil, errors.New("gateway: ChargingConfig: Client, NewSessionID or Machine is missing")
	}
	if cfg.Choose == nil {
		cfg.Choose = func(*session.Session) *gy.Machine { return cfg.Machine }
	}
	if cfg.Info == nil {
		cfg.Info = SessionInfo
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	c := &Charging{m: m, cfg: cfg, begun: time.Now(), taken: make(map[session.ID]request), waiting: make(map[session.ID]chan verdict)}
	c.jobs.New = c.newJob
	c.ctx, c.cancel = context.WithCancel(context.Background())
	m.OnWake(c.wake)
	return c, nil
}

// Close ends the waiting for answers; what is pending goes on when the
// sessions are charged again, in another process.
func (c *Charging) Close() {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.cancel()
	c.wg.Wait()
}

// begin makes a session's credit control, if it is to be charged.
func (c *Charging) begin(s *session.Session, now time.Time) (*gy.Session, gy.Output, bool) {
	machine := c.cfg.Choose(s)
	if machine == nil {
		return nil, gy.Output{}, false
	}
	// The session's own ID at the end finds it again when the OCS asks.
	gs := machine.NewSession(c.cfg.NewSessionID()+";"+s.ID.String(), c.cfg.Info(s))
	return gs, gs.Start(now), true
}

// restore makes the session's credit control the job's, and returns whether its request, if there is
// one, is this process's.
func (c *Charging) restore(j *job, s *session.Session, r *record) (ours bool, err error) {
	c.mu.Lock()
	q, ok := c.taken[s.ID]
	c.mu.Unlock()
	if err = c.restoreWith(j, s, r, q); err != nil || !ok {
		return false, err
	}
	seq, pending := j.gs.Pending()
	return pending && seq == q.seq, nil
}

func (c *Charging) restoreWith(j *job, s *session.Session, r *record, q request) error {
	machine := c.cfg.Choose(s)
	if machine == nil {
		machine = c.cfg.Machine // it was to be charged when it began
	}
	if err := machine.RestoreInto(j.gs, r.state); err != nil {
		return err
	}
	if q.at != taking { // else it may have been sent, for all that is known
		j.gs.Taken(q.seq, q.at == waiting)
	}
	return nil
}

// put makes the outcome of a step part of the session, and of txn what is to be done about
// it.
func (c *Charging) put(txn *session.Txn, s *session.Session, r *record, gs *gy.Session, out *gy.Output, now time.Time) {
	if s.State != session.Ended {
		c.enforce(txn, s, r, gs, out, now)
	}
	if s.Wake = out.Deadline; !out.Done {
		r.write(s, gs)
		return
	}
	// Should the session go on after all, only what is used from then on counts.
	s.Wake = time.Time{}
	r.charged = addCounters(r.charged, gs.Usage().Total)
	r.charged.Seconds = max(r.charged.Seconds, usageOf(s).Seconds)
	r.write(s, nil)
}

// enforce has the NAS do what credit control says.
func (c *Charging) enforce(txn *session.Txn, s *session.Session, r *record, gs *gy.Session, out *gy.Output, now time.Time) {
	r.limit(s, gs, now)
	switch end := out.Service == gy.ServiceEnded || out.Service == gy.ServiceRefused && s.State == session.Open; {
	case s.Closing != 0:
	case end:
		c.disconnect(txn, s, now)
	case s.State == session.Open:
		c.changes(txn, s, r, gs, out, now)
	default:
		// It will be told in the Access-Accept.
		shorten(&s.Interim, &r.interim, gs.NextInterim(now), true)
	}
}

func (c *Charging) disconnect(txn *session.Txn, s *session.Session, now time.Time) {
	s.Closing, s.ClosingAt = session.ReasonCredit, now
	txn.Task(session.Task{Kind: session.TaskDisconnect, Session: s.ID, Data: []byte{byte(session.ReasonCredit)}})
}

// changes has the NAS told what is different from now on.
func (c *Charging) changes(txn *session.Txn, s *session.Session, r *record, gs *gy.Session, out *gy.Output, now time.Time) {
	attributes, ok := c.attributes(s, out.Groups)
	if !ok {
		c.disconnect(txn, s, now)
		return
	}
	if c.cfg.AdaptInterim && s.Interim > 0 {
		told, keep := s.Interim, *r
		shorten(&s.Interim, &r.interim, gs.NextInterim(now), true)
		if s.Interim < told*3/4 || s.Interim > told*4/3 {
			attributes = append(attributes, interimAttribute(s.Interim)...)
		} else {
			s.Interim, r.interim = told, keep.interim
		}
	}
	if len(attributes) > 0 {
		txn.Task(session.Task{Kind: session.TaskChange, Session: s.ID, Data: attributes})
	}
}

// attributes returns what tells a NAS of changes. It fails if there is nothing that would stop
// traffic that may not pass.
func (c *Charging) attributes(s *session.Session, changes []gy.GroupChange) (all []byte, ok bool) {
	for _, g := range changes {
		var a []byte
		if c.cfg.Attributes != nil {
			a = c.cfg.Attributes(s, g)
		}
		if len(a) == 0 && g.Verdict != gy.VerdictPass {
			return nil, false
		}
		all = append(all, a...)
	}
	return all, true
}

// step takes one step of a session's credit control, f: stored first, done then.
func (c *Charging) step(ctx context.Context, id session.ID, f func(gs *gy.Session, now time.Time) gy.Output) error {
	j := c.job(id)
	if err := c.update(ctx, j, nil, f); err != nil {
		j.free()
		return err
	}
	j.stored()
	return nil
}

// update takes the step and stores it.
func (c *Charging) update(ctx context.Context, j *job, by *request, f func(gs *gy.Session, now time.Time) gy.Output) error {
	return c.m.Update(ctx, j.id, func(txn *session.Txn, s *session.Session) (bool, error) {
		err := j.take(txn, s, by, f)
		return err == nil, err
	})
}

// wake is called when a session's time has come: a timer of its credit control, or a request that
// was pending when a process ended.
func (c *Charging) wake(ctx context.Context, e *session.Entry) error {
	r, err := readRecord(&e.Session)
	var txn session.Txn
	if err == nil && !r.isCharged() {
		e.Session.Wake = time.Time{}
		txn.Put(e)
		_, err := c.m.Commit(ctx, &txn)
		return err
	}
	j := c.job(e.Session.ID)
	var ours bool
	if err == nil {
		ours, err = c.restore(j, &e.Session, &r)
	}
	if err != nil {
		j.free()
		return fmt.Errorf("gateway: session %v: %w", e.Session.ID, err)
	}
	now := time.Now()
	if !ours {
		j.out = j.gs.Resume(now)
	}
	if !j.out.Send {
		j.out = merge(j.out, j.gs.Timer(now))
	}
	c.put(&txn, &e.Session, &r, j.gs, &j.out, now)
	if !e.Session.Wake.IsZero() && !e.Session.Wake.After(now) {
		e.Session.Wake = now.Add(time.Second) // never twice for nothing
	}
	txn.Put(e)
	if _, err := c.m.Commit(ctx, &txn); err != nil {
		j.free()
		return err
	}
	j.stored()
	return nil
}

// merge is two steps as one.
func merge(a, b gy.Output) gy.Output {
	if a.Send && !b.Send {
		b.Send, b.Seq = true, a.Seq
	}
	if b.Service == gy.ServiceUnchanged {
		b.Service, b.Reason, b.ResultCode = a.Service, a.Reason, a.ResultCode
	}
	b.Groups = append(a.Groups, b.Groups...)
	b.OvershootOctets += a.OvershootOctets
	b.OvershootSeconds += a.OvershootSeconds
	b.WrittenOff += a.WrittenOff
	return b
}

// Charge is the [accounting.ChargeFunc] of a Recorder.
func (c *Charging) Charge(txn *session.Txn, s *session.Session, now time.Time) (then func()) {
	r, err := readRecord(s)
	used := subCounters(usageOf(s), r.charged)
	j := c.job(s.ID)
	switch {
	case err != nil:
	case r.isCharged():
		_, err = c.restore(j, s, &r)
	case s.State == session.Ended && used.Octets() == 0:
		j.free() // there was nothing, or it has been charged
		return nil
	default:
		// Nobody asked for credit at the login: it was another server's. Or the session goes
		// on after it was ended.
		gs, out, ok := c.begin(s, now)
		if !ok {
			j.free()
			return nil
		}
		j.gs, j.out = gs, out
	}
	if err != nil {
		c.cfg.Logger.LogAttrs(c.ctx, slog.LevelError, logUncharged, slog.Any("session", s.ID), slog.Any("error", err))
		j.free()
		return nil
	}
	if s.State == session.Ended {
		j.out = merge(j.out, j.gs.Stop(now, 0, used, causeOf(s)))
	} else {
		j.out = merge(j.out, j.gs.Account(now, 0, used))
	}
	r.room = j.state
	c.put(txn, s, &r, j.gs, &j.out, now)
	j.state = s.Charging
	return j.goOn
}

var _ accounting.ChargeFunc = (*Charging)(nil).Charge

// causeOf is why the session ended, in Diameter's words (RFC 6733, section 8.15).
func causeOf(s *session.Session) gy.TerminationCause {
	switch s.Closing {
	case session.ReasonTimeout:
		return gy.CauseSessionTimeout
	case session.ReasonSilent, session.ReasonRestart:
		return gy.CauseLinkBroken
	case session.ReasonReplaced:
		return gy.CauseUserMoved
	case session.ReasonLimit, session.ReasonNetwork, session.ReasonCredit:
		return gy.CauseAdministrative
	case session.ReasonNeverUsed:
		return gy.CauseServiceNotProvided
	}
	switch s.Cause { // Acct-Terminate-Cause
	case 2, 3, 8, 9, 11:
		return gy.CauseLinkBroken
	case 5:
		return gy.CauseSessionTimeout
	case 6, 7, 22:
		return gy.CauseAdministrative
	default:
		return gy.CauseLogout
	}
}

// Sessions finds the sessions that an OCS asks about; give it to [gy.Handle].
func (c *Charging) Sessions() gy.Sessions { return ocsRequests{c} }

type ocsRequests struct{ c *Charging }

// Reauthorize implements gy.Sessions.
func (o ocsRequests) Reauthorize(ctx context.Context, sessionID string, ratingGroup *uint32) uint32 {
	return o.ask(ctx, sessionID, func(gs *gy.Session, now time.Time) (uint32, gy.Output) { return gs.Reauthorize(now, ratingGroup) })
}

// Abort implements gy.Sessions.
func (o ocsRequests) Abort(ctx context.Context, sessionID string) uint32 {
	return o.ask(ctx, sessionID, func(gs *gy.Session, now time.Time) (uint32, gy.Output) { return gs.Abort(now) })
}

func (o ocsRequests) ask(ctx context.Context, sessionID string, f func(*gy.Session, time.Time) (uint32, gy.Output)) (code uint32) {
	id, err := session.ParseID(sessionID[strings.LastIndexByte(sessionID, ';')+1:])
	if err != nil {
		return gy.ResultUnknownSessionID
	}
	err = o.c.step(ctx, id, func(gs *gy.Session, now time.Time) gy.Output {
		var out gy.Output
		code, out = f(gs, now)
		return out
	})
	switch {
	case err == nil:
		return code
	case errors.Is(err, session.ErrNotFound):
		return gy.ResultUnknownSessionID
	default:
		return gy.ResultUnableToComply
	}
}

// ErrNoCredit: the OCS does not want the subscriber served, or does not answer.
var ErrNoCredit = errors.New("gateway: no credit")

// authorize waits for the OCS's word on a session that has just been admitted with its
// credit control begun. It returns what the peer is to be told.
func (c *Charging) authorize(ctx context.Context, id session.ID, gs *gy.Session, out gy.Output) (eap.Refusal, error) {
	ch := make(chan verdict, 1)
	c.mu.Lock()
	c.waiting[id] = ch
	c.mu.Unlock()
	j := c.job(id)
	j.gs, j.out = gs, out
	j.stored()
	var v verdict
	select {
	case v = <-ch:
	case <-ctx.Done():
		// The login waits no longer: it is as if Tx had expired now, and failure handling says
		// what then.
		tx := out.Deadline
		if err := c.step(context.WithoutCancel(ctx), id, func(gs *gy.Session, _ time.Time) gy.Output { return gs.Timer(tx) }); err != nil {
			c.tell(id, verdict{err: err})
		}
		c.tell(id, verdict{err: ctx.Err()}) // if there is no word yet
		v = <-ch
	}
	switch {
	case v.err != nil:
		return eap.RefusalTemporary, fmt.Errorf("%w: %w", ErrNoCredit, v.err)
	case v.out.Service != gy.ServiceGranted:
		return refusalOf(v.out), fmt.Errorf("%w: %v, result %s", ErrNoCredit, v.out.Reason, gy.ResultName(v.out.ResultCode))
	}
	return 0, nil
}

// restrictions returns what tells a NAS in the Access-Accept what the session may not do. It
// fails if nothing would.
func (c *Charging) restrictions(s *session.Session) (layeh.Attributes, error) {
	r, err := readRecord(s)
	if err != nil || !r.isCharged() {
		return nil, err
	}
	j := c.job(s.ID)
	defer j.free()
	if _, err := c.restore(j, s, &r); err != nil {
		return nil, err
	}
	b, ok := c.attributes(s, j.gs.Restricted())
	if !ok {
		return nil, fmt.Errorf("%w: only what the NAS can't be told", ErrNoCredit)
	}
	return layeh.ParseAttributes(b)
}

// refusalOf is what the phone is told when the OCS refuses: that the subscriber has no
// such service, or that he has not got it now (TS 24.302, clause 6.4.1).
func refusalOf(out gy.Output) eap.Refusal {
	switch out.ResultCode {
	case gy.ResultAuthorizationRejected, gy.ResultUserUnknown, gy.ResultEndUserServiceDenied:
		return eap.RefusalNotSubscribed
	default:
		return eap.RefusalTemporary
	}
}
