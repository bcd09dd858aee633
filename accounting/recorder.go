package accounting

import (
	"context"
	"errors"
	"hash/maphash"
	"log/slog"
	"sync"
	"time"

	"github.com/opentwag/twag/session"
	"github.com/opentwag/twag/session/class"
)

// Messages of the log.
const (
	logBadMemory   = "Accounting memory of a session can't be read"
	logClosedOther = "Accounting session closed: the NAS has used its number again"
	logNASRestart  = "NAS restart closes sessions"
	logFailing     = "Accounting records can't be stored"
	logServing     = "Accounting records are stored again"
)

// RecorderConfig configures a [Recorder]. The zero value is good for a server alone.
type RecorderConfig struct {
	// Server is the name that tickets of this server have.
	Server string
	// Class opens Class attributes. nil: their facts are not looked at.
	Class *class.Codec
	// SilentRestart is how many sessions' numbers a NAS has to use again, while they are open, for
	// us to take it for restarted, within ten minutes. Zero is 3; negative: it is never
	// taken for restarted.
	SilentRestart int
	// Charge charges the sessions that change. nil: nobody does.
	Charge ChargeFunc

	Logger *slog.Logger // nil: silence
	Hooks  RecorderHooks
}

// ChargeFunc is called with each session that an event, or the server itself, has changed or
// ended, before that is committed. It may change the session's Charging and Wake, and add to
// txn. After a conflict it is called again, with the session as it is then. What it
// returns, if not nil, is called when the commit has succeeded, like [RecorderHooks]; nobody may
// use the session and what it refers to, but for strings, after that.
type ChargeFunc func(txn *session.Txn, s *session.Session, now time.Time) (then func())

// RecorderHooks are called synchronously after a commit, often by a goroutine of the store's: they
// must not block or panic, and may be called concurrently. Each may be nil.
type RecorderHooks struct {
	// Recorded is called for each event that was recorded, repetitions and archival
	// ends included.
	Recorded func(RecordInfo)
	// BadClass is called for an event with a Class that does not open.
	BadClass func(err error)
	// Restart is called when a NAS has restarted; silent means that it did not say so.
	Restart func(nas session.NAS, silent bool)
}

// RecordInfo describes an event that was recorded.
type RecordInfo struct {
	Status   Status
	Verdict  Verdict
	Archival bool
	Reason   session.Reason // of archival ends
	Session  session.ID
	NAS      session.NAS
}

// Recorder makes tickets of events, and sessions of tickets. It is safe for concurrent
// use.
type Recorder struct {
	m   *session.Manager
	cfg RecorderConfig

	seed  maphash.Seed
	locks [lockStripes]sync.Mutex // by the NAS's name of the session
	// What is used again:
	bufs       sync.Pool // of *buffers
	recordings sync.Pool // of *recording
}

const (
	// attempts bounds how often an event is decided again because somebody else changed
	// the session meanwhile.
	attempts = 10
	// lockStripes are many: who finds one held has to wait for a commit.
	lockStripes = 1 << 16
)

// buffers are used again by later events.
type buffers struct {
	txn    session.Txn
	read   session.Entries
	ticket []byte
	memory []byte
	facts  []Fact
	silent bool // a silent restart of the NAS was found
	then   afterwards
}

func (b *buffers) reset() {
	b.txn.Reset()
	b.read.Reset()
	b.then.reset()
	b.silent = false
}

// afterwards is what is to be done when a commit has succeeded.
type afterwards []func()

func (a *afterwards) do() {
	for _, f := range *a {
		f()
	}
	a.reset()
}

func (a *afterwards) reset() {
	clear(*a)
	*a = (*a)[:0]
}

// charge lets the session be charged, if anybody does.
func (r *Recorder) charge(txn *session.Txn, s *session.Session, now time.Time, then *afterwards) {
	if r.cfg.Charge == nil {
		return
	}
	if f := r.cfg.Charge(txn, s, now); f != nil {
		*then = append(*then, f)
	}
}

// NewRecorder returns a recorder over m, and makes it the one that ends m's sessions
// and closes those of a NAS that has restarted. Call it before m.Run.
func NewRecorder(m *session.Manager, cfg RecorderConfig) *Recorder {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.SilentRestart == 0 {
		cfg.SilentRestart = 3
	}
	r := &Recorder{m: m, cfg: cfg, seed: maphash.MakeSeed()}
	r.bufs.New = func() any { return new(buffers) }
	r.recordings.New = func() any {
		x := new(recording)
		x.commit = x.committed
		return x
	}
	m.OnEnd(r.End)
	m.HandleTask(session.TaskNASRestart, r.closeRestarted)
	return r
}

// Record makes the event's ticket and the session's new state, durable and at once; after it has
// returned nil the NAS may be told. A repetition has its ticket already, and changes
// nothing.
//
// The error is that of the store; nothing was recorded then, or it is not known. The NAS must not
// get an answer, and will repeat the event.
func (r *Recorder) Record(ctx context.Context, e *Event) (Verdict, error) { return r.record(ctx, e, 0) }

// record is Record. first, if not 0, is the verdict of an attempt whose outcome was not known.
func (r *Recorder) record(ctx context.Context, e *Event, first Verdict) (Verdict, error) {
	c := r.open(e)
	// Two events of one session at a time would only get in each other's way; and
	// of a session that no store has yet, each would begin one.
	lock := r.lock(e)
	lock.Lock()
	defer lock.Unlock()
	b := r.bufs.Get().(*buffers)
	defer r.bufs.Put(b)

	var err error
	for range attempts {
		var info RecordInfo
		b.reset()
		if e.hasSession() {
			info, err = r.recordSession(ctx, e, &c, b)
		} else {
			info, err = r.recordNAS(ctx, e, b)
		}
		switch {
		case err == nil:
			if first != 0 && info.repeated() {
				info.Verdict = first // it had been recorded
			}
			r.recorded(info)
			return info.Verdict, nil
		case errors.Is(err, session.ErrUncertain):
			if first == 0 {
				first = info.Verdict
			}
		case !errors.Is(err, session.ErrConflict):
			return 0, err
		}
		if ctx.Err() != nil {
			break
		}
	}
	return 0, err
}

func (r *Recorder) recorded(info RecordInfo) {
	if h := r.cfg.Hooks.Recorded; h != nil {
		h(info)
	}
}

// repeated reports whether the event has its ticket already.
func (i *RecordInfo) repeated() bool { return i.Verdict == Duplicate || i.Verdict == Retransmission }

func (r *Recorder) lock(e *Event) *sync.Mutex {
	var h maphash.Hash
	h.SetSeed(r.seed)
	_, _ = h.WriteString(e.NAS.Name())
	_, _ = h.WriteString(e.AccountID)
	return &r.locks[h.Sum64()%lockStripes]
}

// opened is what the Class of an event says.
type opened struct {
	raw   []byte
	facts class.Facts
	ok    bool
}

// login is the session that the Class names, if it is one of ours.
func (c *opened) login() session.ID {
	if !c.ok || c.facts.Plain {
		return session.ID{}
	}
	return c.facts.Session
}

// open opens the first Class that opens; proxies may have added others (RFC 2865,
// section 5.25).
func (r *Recorder) open(e *Event) opened {
	c := opened{raw: e.classes[0]}
	if r.cfg.Class == nil {
		return c
	}
	var failed error
	for _, raw := range e.classes {
		if raw == nil {
			break
		}
		facts, err := r.cfg.Class.Open(raw, e.Arrived)
		if err == nil {
			return opened{raw, facts, true}
		}
		failed = err
	}
	if h := r.cfg.Hooks.BadClass; h != nil && failed != nil {
		h(failed)
	}
	return c
}

// appendFacts appends what a ticket shows of the Class.
func (c *opened) appendFacts(facts []Fact) []Fact {
	if c.ok {
		c.facts.Each(func(name, value string) { facts = append(facts, Fact{name, value}) })
	}
	return facts
}

// recordSession records an event of a session.
func (r *Recorder) recordSession(ctx context.Context, e *Event, c *opened, b *buffers) (RecordInfo, error) {
	info, s, err := r.prepareSession(ctx, e, c, b)
	if err != nil || info.repeated() {
		return info, err
	}
	if _, err := r.m.Commit(ctx, &b.txn); err != nil {
		return info, err
	}
	r.committed(ctx, e, s, b)
	return info, nil
}

// prepareSession puts into b what is to be committed for an event of the session that is
// returned; nothing, if the event is a repetition.
func (r *Recorder) prepareSession(ctx context.Context, e *Event, c *opened, b *buffers) (RecordInfo, *session.Session, error) {
	info := RecordInfo{Status: e.Status, NAS: e.NAS}
	f, err := r.find(ctx, e, c, &b.read)
	if err != nil {
		return info, nil, err
	}
	var v Verdict
	var m Memory
	if f.entry != nil {
		r.remember(ctx, &m, &f.entry.Session)
		if v = m.classify(e); v == Reused {
			f.others, f.entry = append(f.others, f.entry), nil
		}
	}
	if f.entry == nil {
		if !f.id.IsValid() {
			f.id = newSessionID(e, f.others)
		}
		f.entry = session.NewEntry(session.Session{ID: f.id, State: session.Admitted})
		m = Memory{}
		v = m.classify(e)
	}
	if len(f.others) > 0 {
		v = Reused
	}
	info.Verdict, info.Session = v, f.entry.Session.ID
	if info.repeated() {
		return info, nil, nil
	}

	b.memory = m.Append(b.memory[:0])
	apply(&f.entry.Session, e, c, f.login, &m, b.memory)
	r.charge(&b.txn, &f.entry.Session, e.Arrived, &b.then)
	b.txn.Put(f.entry)
	if err := r.closeOthers(ctx, e, f, b); err != nil {
		return info, nil, err
	}
	s := &f.entry.Session
	b.facts = c.appendFacts(b.facts[:0])
	t := Ticket{
		Server: r.cfg.Server, Status: e.Status, Verdict: v, Session: s.ID, Source: e.NAS.Source,
		Arrived: e.Arrived, EventTime: e.When(), Attributes: e.Attributes, Class: b.facts,
		Started: s.Started, Usage: s.Usage,
	}
	if e.Status == Stop {
		t.Stopped = s.Stopped
	}
	if b.ticket, err = t.Append(b.ticket[:0]); err != nil {
		return info, nil, err
	}
	b.txn.Journal(b.ticket)
	return info, s, nil
}

// committed does what follows the commit of an event.
func (r *Recorder) committed(ctx context.Context, e *Event, s *session.Session, b *buffers) {
	b.then.do()
	if b.silent {
		r.restarted(ctx, e.NAS, e.When(), true)
	}
	if s.AP != "" {
		r.m.SeeAP(ctx, session.AP{NAS: s.NAS, Name: s.AP, SSID: s.SSID, PortType: s.PortType}, e.Arrived)
	}
}

// remember makes m, which is zero, what is remembered of a session. If that can't be read, at least
// its totals are kept.
func (r *Recorder) remember(ctx context.Context, m *Memory, s *session.Session) {
	if err := m.decode(s.Accounting); err != nil {
		r.cfg.Logger.LogAttrs(ctx, slog.LevelWarn, logBadMemory, slog.Any("session", s.ID))
		u := s.Usage
		*m = Memory{base: counts{u.InputOctets, u.OutputOctets, u.InputPackets, u.OutputPackets, uint64(u.Time / time.Second)}}
	}
}
