package accounting

import (
	"context"
	"errors"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	layeh "layeh.com/radius"

	"github.com/opentwag/twag/keyring"
	"github.com/opentwag/twag/session"
	"github.com/opentwag/twag/session/class"
)

// now is a time that lingering sessions survive: stores know the real one.
func now() time.Time { return time.Now().Truncate(time.Second) }

func TestSessionLife(t *testing.T) {
	d := newDesk(t, RecorderConfig{}, session.Config{})
	at := now()
	require.Equal(t, New, d.record(at, packet(Start, "A", stamp(at))))
	require.Equal(t, session.Counts{Open: 1}, d.m.Counts())
	require.Equal(t, Duplicate, d.record(at.Add(time.Second), packet(Start, "A", stamp(at))))
	require.Equal(t, Retransmission, d.record(at.Add(5*time.Second), packet(Start, "A", stamp(at), delay(5))))

	at2 := at.Add(10 * time.Minute)
	more := append(volumes(600, 1<<33+5, 1000), stamp(at2), says1{typeFramedIP, layeh.Attribute{100, 64, 0, 7}})
	require.Equal(t, New, d.record(at2, packet(Interim, "A", more...)))
	found, err := d.m.ByAddress(t.Context(), netip.MustParseAddr("100.64.0.7"))
	require.NoError(t, err)
	require.Len(t, found, 1)
	s := found[0].Session
	require.Equal(t, session.Usage{InputOctets: 1<<33 + 5, OutputOctets: 1000, Time: 10 * time.Minute}, s.Usage)
	require.Equal(t, "02-00-00-00-00-01", s.Station)
	require.Equal(t, "00-10-A4-23-19-C0", s.AP)
	require.Equal(t, "SSID", s.SSID)
	require.True(t, s.Started.Equal(at))
	require.True(t, s.Updated.Equal(at2))
	require.True(t, s.Active.Equal(at2))

	at3 := at2.Add(time.Minute)
	require.Equal(t, New, d.record(at3, packet(Stop, "A", append(volumes(660, 1<<33+5, 1001), stamp(at3), u32(typeCause, 1))...)))
	require.Equal(t, session.Counts{}, d.m.Counts())
	s = d.sessionOf()
	require.Equal(t, session.Ended, s.State)
	require.Equal(t, uint32(1), s.Cause)
	require.Equal(t, Duplicate, d.record(at3, packet(Stop, "A", append(volumes(660, 1<<33+5, 1001), stamp(at3), u32(typeCause, 1))...)), "it lingers")

	all := d.tickets()
	require.Len(t, all, 3)
	last := all[2]
	require.Equal(t, "aaa1", last.Server)
	require.Equal(t, testSource, last.Source)
	require.True(t, last.Started.Equal(at) && last.Stopped.Equal(at3) && last.EventTime.Equal(at3))
	require.Equal(t, session.Usage{InputOctets: 1<<33 + 5, OutputOctets: 1001, Time: 11 * time.Minute}, last.Usage)
	require.Len(t, d.m.APs(), 1)
}

func testClass(t testing.TB) *class.Codec {
	c, err := class.New(keyring.NewRandom(), class.Config{})
	require.NoError(t, err)
	return c
}

// TestLoginIsAdopted: accounting finds the login by its Class; or by the station, if the
// NAS does not repeat Class.
func TestLoginIsAdopted(t *testing.T) {
	codec := testClass(t)
	for _, withClass := range []bool{true, false} {
		d := newDesk(t, RecorderConfig{Class: codec}, session.Config{})
		at := now()
		nas := session.NAS{Source: testSource, Identifier: "ap-1.example", Addr: netip.MustParseAddr("10.0.0.1")}
		s, err := d.m.Admit(t.Context(), session.Session{IMSI: "001010000000001", Station: "02-00-00-00-00-01", NAS: nas, Service: "gold", Idle: time.Hour})
		require.NoError(t, err)
		more := []says1{stamp(at)}
		if withClass {
			value, err := codec.Append(nil, &class.Facts{Session: s.ID, Service: "gold", IMSI: s.IMSI}, at)
			require.NoError(t, err)
			more = append(more, says1{typeClass, value})
		}
		require.Equal(t, New, d.record(at, packet(Start, "A", more...)))
		got := d.sessionOf()
		require.Equal(t, s.ID, got.ID)
		require.Equal(t, session.Open, got.State)
		require.Equal(t, "A", got.AccountID)
		require.Equal(t, session.Counts{Open: 1}, d.m.Counts())
		require.False(t, got.Active.IsZero(), "or it would be idle since ever")
		if withClass {
			require.Contains(t, d.tickets()[0].Class, Fact{"Service", "gold"})
		}
	}
}

// TestRolesApart: a server that did not admit the session learns of it what Class says.
func TestRolesApart(t *testing.T) {
	codec := testClass(t)
	d := newDesk(t, RecorderConfig{Class: codec}, session.Config{})
	at := now()
	id := session.NewID()
	value, err := codec.Append(nil, &class.Facts{
		Session: id, Server: "aaa2", IMSI: "001010000000001", Service: "gold", Timeout: time.Hour, Interim: 5 * time.Minute,
	}, at)
	require.NoError(t, err)
	d.record(at, packet(Start, "A", stamp(at), says1{typeClass, value}))
	s := d.sessionOf()
	require.Equal(t, id, s.ID, "both call it by one name")
	require.Equal(t, "001010000000001", s.IMSI)
	require.Equal(t, "gold", s.Service)
	require.Equal(t, time.Hour, s.Timeout)
	require.Equal(t, 5*time.Minute, s.Interim)

	require.NoError(t, d.r.End(t.Context(), mustGet(t, d.m, s.ID), session.ReasonSilent))
	all := d.tickets()
	require.Equal(t, all[0].Class, all[1].Class, "the archival ticket has the facts too")
}

// TestForgedClass: the record is kept, the facts are not believed.
func TestForgedClass(t *testing.T) {
	var bad []error
	d := newDesk(t, RecorderConfig{Class: testClass(t), Hooks: RecorderHooks{BadClass: func(err error) { bad = append(bad, err) }}}, session.Config{})
	at := now()
	value, err := testClass(t).Append(nil, &class.Facts{IMSI: "001010000000009"}, at)
	require.NoError(t, err)
	d.record(at, packet(Start, "A", stamp(at), says1{typeClass, value}))
	require.Len(t, bad, 1)
	require.ErrorIs(t, bad[0], class.ErrForged)
	require.Empty(t, d.sessionOf().IMSI)
	require.Empty(t, d.tickets()[0].Class)
}

func mustGet(t testing.TB, m *session.Manager, id session.ID) *session.Entry {
	t.Helper()
	e, err := m.Get(t.Context(), id)
	require.NoError(t, err)
	return e
}

// TestArchival: a session that fell silent ends from its latest interim; what comes
// later loses nothing.
func TestArchival(t *testing.T) {
	var infos []RecordInfo
	d := newDesk(t, RecorderConfig{Hooks: RecorderHooks{Recorded: func(i RecordInfo) { infos = append(infos, i) }}}, session.Config{})
	at := now()
	d.record(at, packet(Start, "A", stamp(at)))
	d.record(at.Add(time.Minute), packet(Interim, "A", append(volumes(60, 1000, 2000), stamp(at.Add(time.Minute)))...))
	id := d.sessionOf().ID
	require.NoError(t, d.r.End(t.Context(), mustGet(t, d.m, id), session.ReasonSilent))
	require.NoError(t, d.r.End(t.Context(), mustGet(t, d.m, id), session.ReasonSilent), "twice")
	all := d.tickets()
	require.Len(t, all, 3)
	require.Len(t, infos, 3)
	require.Equal(t, RecordInfo{Status: Stop, Verdict: New, Archival: true, Reason: session.ReasonSilent, Session: id, NAS: infos[0].NAS}, infos[2])
	end := all[2]
	require.True(t, end.Archival)
	require.Equal(t, session.ReasonSilent, end.Reason)
	require.Equal(t, Stop, end.Status)
	require.Equal(t, session.Usage{InputOctets: 1000, OutputOctets: 2000, Time: time.Minute}, end.Usage)
	require.True(t, end.Stopped.Equal(at.Add(time.Minute)))
	// It reads like a Stop of the NAS.
	var p layeh.Packet
	var err error
	p.Attributes, err = layeh.ParseAttributes(end.Attributes)
	require.NoError(t, err)
	e, err := ParseEvent(&p, testSource, end.Arrived)
	require.NoError(t, err)
	require.Equal(t, "A", e.AccountID)
	require.Equal(t, "02-00-00-00-00-01", e.Station)
	require.Equal(t, uint64(2000), e.Counters.OutputOctets)
	require.Equal(t, time.Minute, e.Counters.SessionTime)
	require.Equal(t, uint32(2), e.Cause)
	require.True(t, e.Stamp.Equal(end.Stopped))
	require.Equal(t, "ap-1.example", e.NAS.Identifier)
	h, err := d.r.History(t.Context(), e.NAS)
	require.NoError(t, err)
	require.Equal(t, NASHistory{Lost: 1}, h)

	// A late one changes nothing.
	require.Equal(t, Late, d.record(at.Add(2*time.Minute), packet(Interim, "A", append(volumes(30, 500, 500), stamp(at.Add(30*time.Second)))...)))
	require.Equal(t, session.Ended, d.sessionOf().State)
	// One that goes on opens it.
	at2 := at.Add(3 * time.Minute)
	require.Equal(t, New, d.record(at2, packet(Interim, "A", append(volumes(180, 1500, 2500), stamp(at2))...)))
	s := d.sessionOf()
	require.Equal(t, id, s.ID)
	require.Equal(t, session.Open, s.State)
	require.Zero(t, s.Closing)
	require.Equal(t, uint64(1500), s.Usage.InputOctets)
	// Ended again, and the true Stop after all.
	require.NoError(t, d.r.End(t.Context(), mustGet(t, d.m, id), session.ReasonSilent))
	at3 := at.Add(4 * time.Minute)
	require.Equal(t, New, d.record(at3, packet(Stop, "A", append(volumes(240, 1600, 2600), stamp(at3))...)))
	all = d.tickets()
	require.Equal(t, session.Usage{InputOctets: 1600, OutputOctets: 2600, Time: 4 * time.Minute}, all[len(all)-1].Usage)
}

func TestNeverStarted(t *testing.T) {
	d := newDesk(t, RecorderConfig{}, session.Config{})
	s, err := d.m.Admit(t.Context(), session.Session{User: "bob", Station: "02-00-00-00-00-01"})
	require.NoError(t, err)
	require.NoError(t, d.r.End(t.Context(), mustGet(t, d.m, s.ID), session.ReasonNeverUsed))
	require.Empty(t, d.tickets())
	require.Equal(t, session.Counts{}, d.m.Counts())
}

// TestReplaced: a station's new session closes the old one in two steps; an interim shows
// that it goes on after all.
func TestReplaced(t *testing.T) {
	d := newDesk(t, RecorderConfig{}, session.Config{})
	at := now()
	d.record(at, packet(Start, "A", stamp(at)))
	old := d.sessionOf().ID
	at2 := at.Add(time.Minute)
	require.Equal(t, New, d.record(at2, packet(Start, "B", stamp(at2))))
	require.NotEqual(t, old, d.sessionOf().ID)
	require.Equal(t, session.ReasonReplaced, mustGet(t, d.m, old).Session.Closing)
	require.Len(t, d.tickets(), 2, "its Stop may come yet")

	d.record(at2.Add(time.Second), packet(Interim, "A", append(volumes(61, 1, 1), stamp(at2.Add(time.Second)))...))
	require.Zero(t, mustGet(t, d.m, old).Session.Closing, "it goes on")

	// A Start that comes late ends no newer session.
	require.Equal(t, New, d.record(at2, packet(Start, "C", stamp(at.Add(-time.Minute)))))
	require.Zero(t, mustGet(t, d.m, old).Session.Closing)
}

// TestReused: the NAS gives another station, or the same one later, a number that it has
// given before.
func TestReused(t *testing.T) {
	other := func(p *layeh.Packet) *layeh.Packet {
		p.Set(typeCalling, layeh.Attribute("02-00-00-00-00-02"))
		return p
	}
	at := now()
	at2 := at.Add(10 * time.Minute)
	t.Run("another station, open", func(t *testing.T) {
		d := newDesk(t, RecorderConfig{}, session.Config{})
		d.record(at, packet(Start, "A", stamp(at)))
		old := d.sessionOf().ID
		require.Equal(t, Reused, d.record(at2, other(packet(Start, "A", stamp(at2)))))
		require.Equal(t, Duplicate, d.record(at2, other(packet(Start, "A", stamp(at2)))))
		all := d.tickets()
		require.Len(t, all, 3)
		require.True(t, all[0].Session == old && all[1].Archival != all[2].Archival)
		require.Equal(t, session.Ended, mustGet(t, d.m, old).Session.State)
		require.Equal(t, session.ReasonRestart, mustGet(t, d.m, old).Session.Closing)
		require.Equal(t, session.Counts{Open: 1}, d.m.Counts())
	})
	t.Run("another station, its Start was lost", func(t *testing.T) {
		d := newDesk(t, RecorderConfig{}, session.Config{})
		d.record(at, packet(Start, "A"))
		old := d.sessionOf().ID
		require.Equal(t, Reused, d.record(at, other(packet(Interim, "A", volumes(60, 10, 10)...))))
		require.Equal(t, session.Ended, mustGet(t, d.m, old).Session.State)
		require.NotEqual(t, old, d.sessionOf().ID)
		require.Equal(t, New, d.record(at2, other(packet(Interim, "A", volumes(660, 20, 20)...))))
		require.Equal(t, uint64(20), d.sessionOf().Usage.InputOctets)
	})
	t.Run("the same station, ended", func(t *testing.T) {
		d := newDesk(t, RecorderConfig{}, session.Config{})
		d.record(at, packet(Start, "A", stamp(at)))
		d.record(at, packet(Stop, "A", append(volumes(60, 10, 10), stamp(at.Add(time.Minute)))...))
		require.Equal(t, Reused, d.record(at2, packet(Start, "A", stamp(at2))))
		require.Len(t, d.tickets(), 3)
		require.Equal(t, New, d.record(at2, packet(Stop, "A", append(volumes(60, 20, 20), stamp(at2.Add(time.Minute)))...)))
		require.Equal(t, uint64(20), d.sessionOf().Usage.InputOctets, "not 30")
		require.Equal(t, Duplicate, d.record(at2, packet(Stop, "A", append(volumes(60, 20, 20), stamp(at2.Add(time.Minute)))...)))
	})
	t.Run("another login by Class, open", func(t *testing.T) {
		codec := testClass(t)
		d := newDesk(t, RecorderConfig{Class: codec}, session.Config{})
		d.record(at, packet(Start, "A"))
		s, err := d.m.Admit(t.Context(), session.Session{IMSI: "001010000000001", Station: "02-00-00-00-00-01"})
		require.NoError(t, err)
		value, err := codec.Append(nil, &class.Facts{Session: s.ID}, at)
		require.NoError(t, err)
		require.Equal(t, Reused, d.record(at, packet(Start, "A", says1{typeClass, value})))
		all := d.tickets()
		require.Len(t, all, 3)
		require.Equal(t, session.ReasonReplaced, all[2].Reason|all[1].Reason)
	})
}

// TestNewAccountOfLogin: the station comes back with the same login, and the NAS counts it as a
// session of its own.
func TestNewAccountOfLogin(t *testing.T) {
	codec := testClass(t)
	d := newDesk(t, RecorderConfig{Class: codec}, session.Config{})
	at := now()
	s, err := d.m.Admit(t.Context(), session.Session{IMSI: "001010000000001", Station: "02-00-00-00-00-01", Service: "gold"})
	require.NoError(t, err)
	value, err := codec.Append(nil, &class.Facts{Session: s.ID}, at)
	require.NoError(t, err)
	cls := says1{typeClass, value}
	d.record(at, packet(Start, "A", stamp(at), cls))
	at2 := at.Add(time.Minute)
	require.Equal(t, New, d.record(at2, packet(Start, "B", stamp(at2), cls)))
	second := d.sessionOf()
	require.NotEqual(t, s.ID, second.ID)
	require.Equal(t, "gold", second.Service)
	require.Equal(t, "001010000000001", second.IMSI)
	// Each goes its way, though both have one Class.
	d.record(at2, packet(Stop, "A", append(volumes(60, 1, 1), stamp(at2), cls)...))
	require.Equal(t, s.ID, d.sessionOf().ID)
	d.record(at2.Add(time.Minute), packet(Interim, "B", append(volumes(60, 2, 2), stamp(at2.Add(time.Minute)), cls)...))
	require.Equal(t, second.ID, d.sessionOf().ID)
}

// TestLoginWithinSession: a station that logs in again in the middle, as another session for the
// server that admits, goes on being counted as one: or what it had used would be
// counted twice.
func TestLoginWithinSession(t *testing.T) {
	codec := testClass(t)
	d := newDesk(t, RecorderConfig{Class: codec}, session.Config{})
	at := now().Add(-20 * time.Minute)
	d.record(at, packet(Start, "A", stamp(at)))
	first := d.sessionOf().ID
	s, err := d.m.Admit(t.Context(), session.Session{IMSI: "001010000000001", Station: "02-00-00-00-00-01"})
	require.NoError(t, err)
	value, err := codec.Append(nil, &class.Facts{Session: s.ID}, now())
	require.NoError(t, err)
	require.Equal(t, New, d.record(now(), packet(Interim, "A", append(volumes(1200, 1000, 1000), stamp(now()), says1{typeClass, value})...)))
	require.Equal(t, first, d.sessionOf().ID)
	require.Len(t, d.tickets(), 2)
}

// TestConcurrentCopies: two copies of a session's first event make one session.
func TestConcurrentCopies(t *testing.T) {
	d := newDesk(t, RecorderConfig{}, session.Config{})
	at := now()
	var wg sync.WaitGroup
	for i := range 8 {
		status := Start
		if i%2 == 1 {
			status = Interim
		}
		e := eventOf(t, at, packet(status, "A", append(volumes(1, 1, 1), stamp(at))...))
		wg.Go(func() {
			_, err := d.r.Record(context.Background(), e)
			require.NoError(t, err)
		})
	}
	wg.Wait()
	require.Len(t, d.tickets(), 2)
	require.Equal(t, session.Counts{Open: 1}, d.m.Counts())
}

// TestOneAtATime: an event waits for another of the same session, which no store has yet; they would
// make two of it.
func TestOneAtATime(t *testing.T) {
	d := newDesk(t, RecorderConfig{}, session.Config{})
	store := &raceStore{Store: d.store}
	d.use(store, RecorderConfig{}, session.Config{})
	at := now()
	interim := eventOf(t, at, packet(Interim, "A", append(volumes(1, 1, 1), stamp(at))...))
	done := make(chan error, 1)
	store.before = func() {
		go func() {
			_, err := d.r.Record(context.Background(), interim)
			done <- err
		}()
		select {
		case <-done:
			t.Error("it did not wait")
		case <-time.After(20 * time.Millisecond):
		}
	}
	d.record(at, packet(Start, "A", stamp(at)))
	require.NoError(t, <-done)
	all := d.tickets()
	require.Len(t, all, 2)
	require.Equal(t, all[0].Session, all[1].Session)
}

// TestTwoServersOneStore: without a lock between them, two servers still can't make
// two sessions of one Start.
func TestTwoServersOneStore(t *testing.T) {
	store := session.NewMemoryStore(session.MemoryConfig{})
	at := now()
	e := eventOf(t, at, packet(Start, "A", stamp(at)))
	require.Equal(t, newSessionID(e, nil), newSessionID(e, nil))
	one, two := &desk{t: t, store: store}, &desk{t: t, store: store}
	racing := &raceStore{Store: store}
	one.use(racing, RecorderConfig{}, session.Config{})
	two.use(store, RecorderConfig{}, session.Config{})
	racing.before = func() { require.Equal(t, New, two.record(at, packet(Start, "A", stamp(at)))) }
	require.Equal(t, Duplicate, one.record(at, packet(Start, "A", stamp(at))))
	require.Len(t, one.tickets(), 1)
}

// raceStore lets something happen before its first commit, and fails as ordered.
type raceStore struct {
	session.Store
	before func()

	mu   sync.Mutex
	err  error // of commits; ErrUncertain of one
	lies bool  // the commit is made all the same
}

func (s *raceStore) fail(err error, lies bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err, s.lies = err, lies
}

func (s *raceStore) failure() (err error, lies bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	err, lies = s.err, s.lies
	if errors.Is(err, session.ErrUncertain) {
		s.err = nil
	}
	return err, lies
}

func (s *raceStore) Commit(ctx context.Context, c *session.Change) (uint64, error) {
	if before := s.before; before != nil {
		s.before = nil
		before()
	}
	failed, lies := s.failure()
	if failed != nil && !lies {
		return 0, failed
	}
	first, err := s.Store.Commit(ctx, c)
	if failed != nil && err == nil {
		return 0, failed
	}
	return first, err
}

// TestUncertain: a store that can't say whether it has committed is asked.
func TestUncertain(t *testing.T) {
	for _, done := range []bool{true, false} {
		d := newDesk(t, RecorderConfig{}, session.Config{})
		store := &raceStore{Store: d.store}
		d.use(store, RecorderConfig{}, session.Config{})
		at := now()
		for _, status := range []Status{Start, Interim, AccountingOn} {
			store.fail(session.ErrUncertain, done)
			require.Equal(t, New, d.record(at, packet(status, "A", stamp(at))), "%v %v", done, status)
			at = at.Add(time.Minute)
		}
		require.Len(t, d.tickets(), 3)
	}
}

func TestStoreFails(t *testing.T) {
	d := newDesk(t, RecorderConfig{}, session.Config{})
	store := &raceStore{Store: d.store, err: session.ErrUnavailable}
	d.use(store, RecorderConfig{}, session.Config{})
	at := now()
	_, err := d.r.Record(t.Context(), eventOf(t, at, packet(Start, "A")))
	require.ErrorIs(t, err, session.ErrUnavailable)
	store.fail(nil, false)
	require.Equal(t, New, d.record(at, packet(Start, "A")))
	require.Len(t, d.tickets(), 1)
}

// TestBadMemory: a session whose memory can't be read keeps its totals.
func TestBadMemory(t *testing.T) {
	d := newDesk(t, RecorderConfig{}, session.Config{})
	at := now()
	d.record(at, packet(Start, "A", stamp(at)))
	en := mustGet(t, d.m, d.sessionOf().ID)
	en.Session.Accounting = []byte{99}
	en.Session.Usage = session.Usage{InputOctets: 1000, Time: time.Minute}
	var txn session.Txn
	txn.Put(en)
	_, err := d.m.Commit(t.Context(), &txn)
	require.NoError(t, err)
	d.record(at.Add(time.Minute), packet(Interim, "A", append(volumes(60, 5, 5), stamp(at.Add(time.Minute)))...))
	require.GreaterOrEqual(t, d.sessionOf().Usage.InputOctets, uint64(1000))
}
