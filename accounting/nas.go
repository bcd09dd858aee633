package accounting

import (
	"context"
	"encoding/binary"
	"errors"
	"log/slog"
	"net/netip"
	"time"

	"github.com/opentwag/twag/session"
)

// NASHistory is what is remembered of a NAS that speaks against it. Counts of older
// weeks fade: they are halved every week.
type NASHistory struct {
	Restarts uint32 // with or without notice
	Lost     uint32 // sessions that fell silent: whose Stop never came
}

// nasState is a NAS's own record.
type nasState struct {
	NASHistory
	faded time.Time // when counts were halved last

	// The latest Accounting-On and -Off.
	known [2]known
	stamp [2]bool // it had an Event-Timestamp

	// Numbers of open sessions that the NAS has used again since.
	reused uint32
	since  time.Time
}

const (
	nasVersion  = 1
	nasLifetime = 90 * 24 * time.Hour
	nasFade     = 7 * 24 * time.Hour
	// reuseWindow is the time within which numbers used again mean a restart.
	reuseWindow = 10 * time.Minute
	// maxClockBehind is how long the clock of a NAS that has just started may differ
	// from ours to be believed.
	maxClockBehind = time.Hour
	// restartBatch is how many sessions of a restarted NAS are read at once.
	restartBatch = 64
)

// History returns what is remembered of a NAS.
func (r *Recorder) History(ctx context.Context, nas session.NAS) (NASHistory, error) {
	n, _, err := r.nas(ctx, nas, time.Now())
	return n.NASHistory, err
}

// nas returns the record of a NAS, and its version.
func (r *Recorder) nas(ctx context.Context, nas session.NAS, now time.Time) (nasState, uint64, error) {
	rec, err := r.m.Record(ctx, session.Key{Kind: session.KindNAS, ID: nas.ID()})
	if errors.Is(err, session.ErrNotFound) {
		return nasState{faded: now}, 0, nil
	}
	if err != nil {
		return nasState{}, 0, err
	}
	n, ok := decodeNAS(rec.Value)
	if !ok {
		n = nasState{faded: now} // counts alone are lost
	}
	for range 32 {
		if now.Sub(n.faded) < nasFade {
			break
		}
		n.faded = n.faded.Add(nasFade)
		n.Restarts, n.Lost = n.Restarts/2, n.Lost/2
	}
	return n, rec.Version, nil
}

func putNAS(nas session.NAS, n *nasState, version uint64, now time.Time) session.Put {
	return session.Put{
		Key: session.Key{Kind: session.KindNAS, ID: nas.ID()}, Expect: version,
		Expires: now.Add(nasLifetime), Value: n.append(nil),
	}
}

func (n *nasState) append(b []byte) []byte {
	b = append(b, nasVersion)
	for _, v := range [...]uint32{n.Restarts, n.Lost, n.reused} {
		b = binary.AppendUvarint(b, uint64(v))
	}
	for _, t := range [...]time.Time{n.faded, n.since, n.known[0].when, n.known[1].when} {
		b = binary.AppendVarint(b, milli(t))
	}
	for i := range n.known {
		stamp := byte(0)
		if n.stamp[i] {
			stamp = 1
		}
		b = append(append(b, stamp), n.known[i].print[:]...)
		b = binary.AppendUvarint(b, uint64(n.known[i].delay/time.Second))
	}
	return b
}

func decodeNAS(b []byte) (nasState, bool) {
	var n nasState
	if len(b) == 0 || b[0] != nasVersion {
		return n, false
	}
	d := ticketDecoder{rest: b[1:]}
	for _, v := range [...]*uint32{&n.Restarts, &n.Lost, &n.reused} {
		*v = uint32(d.uvarint())
	}
	for _, t := range [...]*time.Time{&n.faded, &n.since, &n.known[0].when, &n.known[1].when} {
		*t = d.time()
	}
	for i := range n.known {
		if stamp := d.take(1); len(stamp) > 0 {
			n.stamp[i] = stamp[0] != 0
		}
		copy(n.known[i].print[:], d.take(uint64(len(n.known[i].print))))
		n.known[i].delay = time.Duration(min(d.uvarint(), 1<<32-1)) * time.Second
	}
	return n, !d.failed
}

// of returns which of a NAS's known events has the status.
func (*nasState) of(s Status) int {
	if s == AccountingOff {
		return 1
	}
	return 0
}

// repeats reports whether an Accounting-On or -Off is the latest one again. A NAS that gives
// no time says the same words each time it starts.
func (n *nasState) repeats(e *Event) bool {
	k, stamp := &n.known[n.of(e.Status)], n.stamp[n.of(e.Status)]
	if k.when.IsZero() || k.print != e.print {
		return false
	}
	apart := e.When().Sub(k.when).Abs()
	if stamp && !e.Stamp.IsZero() {
		return apart <= stampTolerance
	}
	return apart <= sentTolerance
}

// recordNAS records Accounting-On and -Off. The sessions that the NAS had are closed by
// a task, which is committed with the ticket.
func (r *Recorder) recordNAS(ctx context.Context, e *Event, b *buffers) (RecordInfo, error) {
	info := RecordInfo{Status: e.Status, NAS: e.NAS, Verdict: New}
	n, version, err := r.nas(ctx, e.NAS, e.Arrived)
	if err != nil {
		return info, err
	}
	if n.repeats(e) {
		info.Verdict = n.known[n.of(e.Status)].again(e)
		return info, nil
	}
	if e.When().Before(n.known[0].when) || e.When().Before(n.known[1].when) {
		info.Verdict = Late
	}
	i := n.of(e.Status)
	n.known[i], n.stamp[i] = remember(e), !e.Stamp.IsZero()
	if e.Status == AccountingOn {
		n.Restarts++
	}
	b.txn.Record(putNAS(e.NAS, &n, version, e.Arrived))
	b.txn.Task(session.Task{Kind: session.TaskNASRestart, Data: appendRestart(nil, e.NAS, e.restarted())})

	t := Ticket{
		Server: r.cfg.Server, Status: e.Status, Verdict: info.Verdict, Source: e.NAS.Source,
		Arrived: e.Arrived, EventTime: e.When(), Attributes: e.Attributes,
	}
	if b.ticket, err = t.Append(b.ticket[:0]); err != nil {
		return info, err
	}
	b.txn.Journal(b.ticket)
	if _, err := r.m.Commit(ctx, &b.txn); err != nil {
		return info, err
	}
	if e.Status == AccountingOn {
		r.restarted(ctx, e.NAS, e.When(), false)
	}
	return info, nil
}

// restarted returns when a NAS has restarted, by our clock: its own may not be set yet.
func (e *Event) restarted() time.Time {
	sent, when := e.sent(), e.When()
	if behind := sent.Sub(when); 0 < behind && behind <= maxClockBehind {
		return when
	}
	return sent
}

func (r *Recorder) restarted(ctx context.Context, nas session.NAS, at time.Time, silent bool) {
	r.m.RestartedNAS(nas, at)
	r.cfg.Logger.LogAttrs(ctx, slog.LevelWarn, logNASRestart, slog.String("nas", nas.Name()), slog.Bool("silent", silent))
	if h := r.cfg.Hooks.Restart; h != nil {
		h(nas, silent)
	}
}

// noteReuse notes that a NAS has used the number of an open session again. Once may be a
// mistake; several times within minutes means that it counts from the beginning, and has forgotten all
// that it had not reported since. If that should be wrong, the next interim of a session
// opens it again, and nothing is lost.
func (r *Recorder) noteReuse(ctx context.Context, e *Event, b *buffers) error {
	n, version, err := r.nas(ctx, e.NAS, e.Arrived)
	if err != nil {
		return err
	}
	if n.reused == 0 || e.Arrived.Sub(n.since) > reuseWindow {
		n.reused, n.since = 0, e.Arrived
	}
	n.reused++
	if r.cfg.SilentRestart > 0 && n.reused >= uint32(r.cfg.SilentRestart) {
		b.txn.Task(session.Task{Kind: session.TaskNASRestart, Data: appendRestart(nil, e.NAS, n.since)})
		n.reused = 0
		n.Restarts++
		b.silent = true
	}
	b.txn.Record(putNAS(e.NAS, &n, version, e.Arrived))
	return nil
}

// noteLost notes that a session of the NAS fell silent. It is a hint: if it can't
// be written, it is not tried again.
func (r *Recorder) noteLost(ctx context.Context, nas session.NAS, now time.Time) {
	n, version, err := r.nas(ctx, nas, now)
	if err != nil {
		return
	}
	n.Lost++
	var txn session.Txn
	txn.Record(putNAS(nas, &n, version, now))
	_, _ = r.m.Commit(ctx, &txn)
}

// closeRestarted does a session.TaskNASRestart: sessions of the NAS of which nothing has
// arrived since it restarted are ended. It may be done again, or by two at a time.
func (r *Recorder) closeRestarted(ctx context.Context, t session.Task) error {
	nas, at, err := decodeRestart(t.Data)
	if err != nil {
		return err
	}
	for {
		old, err := r.m.ByNAS(ctx, nas, restartBatch, func(s *session.Session) bool {
			return s.State == session.Open && s.Seen.Before(at)
		})
		if len(old) == 0 {
			if errors.Is(err, session.ErrDecode) {
				err = nil
			}
			return err
		}
		ended := 0
		for _, en := range old {
			switch err := r.End(ctx, en, session.ReasonRestart); {
			case err == nil:
				ended++
			case !errors.Is(err, session.ErrConflict):
				return err
			}
		}
		if ended == 0 {
			return session.ErrConflict // later
		}
	}
}

func appendRestart(b []byte, nas session.NAS, at time.Time) []byte {
	b = binary.AppendVarint(b, at.UnixMilli())
	for _, a := range [...]netip.Addr{nas.Source, nas.Addr} {
		b = appendText(b, string(a.AsSlice()))
	}
	return append(b, nas.Identifier...)
}

func decodeRestart(b []byte) (session.NAS, time.Time, error) {
	var nas session.NAS
	d := ticketDecoder{rest: b}
	at := d.time()
	for _, to := range [...]*netip.Addr{&nas.Source, &nas.Addr} {
		if raw := d.octets(); len(raw) > 0 {
			a, ok := netip.AddrFromSlice(raw)
			if !ok {
				d.fail()
			}
			*to = a
		}
	}
	nas.Identifier = string(d.rest)
	if d.failed {
		return nas, at, ErrDecode
	}
	return nas, at, nil
}
