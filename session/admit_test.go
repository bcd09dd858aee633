package session

import (
	"context"
	"errors"
	"net/netip"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

const imsi1 = "001010000000001"

func TestAdmitSetsWhatIsItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newTestManager(t, newTestStore(), Config{})
		dirt := phone(imsi1, "a")
		dirt.ID, dirt.State, dirt.Usage, dirt.Cause, dirt.Closing = NewID(), Ended, Usage{InputOctets: 1}, 1, ReasonIdle
		dirt.Started, dirt.Seen, dirt.Stopped, dirt.Accounting = time.Now(), time.Now(), time.Now(), []byte{1}
		dirt.Charging, dirt.Wake = []byte{2}, time.Now().Add(time.Hour)
		got := admit(t, m, dirt)
		want := phone(imsi1, "a")
		want.ID, want.State, want.Admitted, want.Charging, want.Wake = got.ID, Admitted, time.Now(), dirt.Charging, dirt.Wake
		require.Equal(t, want, got)
		require.NotEqual(t, dirt.ID, got.ID)
	})
}

// A station that logs in again has the same session, and what the login doesn't know stays.
func TestAdmitAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newTestManager(t, newTestStore(), Config{PerSubscriber: 1})
		first := admit(t, m, phone(imsi1, "a"))
		moved := phone(imsi1, "a")
		moved.AP = "another"
		pass(time.Minute)
		again := admit(t, m, moved)
		require.Equal(t, first.ID, again.ID, "one that waits for accounting moves along")
		require.Equal(t, "another", again.AP)
		require.Equal(t, time.Now(), again.Admitted)

		account(t, m, first.ID, func(s *Session) { s.User, s.Class, s.Usage.InputOctets = "user", "class", 7 })
		login := moved
		login.NAS.Addr, login.SSID = netip.MustParseAddr("203.0.113.1"), "" // said in other words
		login.Service, login.Timeout = "gold", time.Hour
		pass(time.Minute)
		again = admit(t, m, login)
		require.Equal(t, first.ID, again.ID)
		require.Equal(t, Open, again.State)
		require.Equal(t, "user", again.User)
		require.Equal(t, "class", again.Class)
		require.Equal(t, "gold", again.Service)
		require.Equal(t, time.Hour, again.Timeout)
		require.Equal(t, uint64(7), again.Usage.InputOctets)
		require.Equal(t, Counts{Open: 1}, m.Counts())

		// Elsewhere it is another session, which takes the old one's place.
		elsewhere := admit(t, m, phone(imsi1, "a"))
		require.NotEqual(t, first.ID, elsewhere.ID)
		require.Zero(t, get(t, m, first.ID).Closing, "accounting ends it")
		// Another station finds no room.
		_, err := m.Admit(t.Context(), phone(imsi1, "b"))
		require.ErrorIs(t, err, ErrLimit)
	})
}

func TestAdmitByUser(t *testing.T) {
	m := newTestManager(t, newTestStore(), Config{PerSubscriber: 1})
	first := admit(t, m, Session{User: "u", Station: "a"})
	require.Equal(t, first.ID, admit(t, m, Session{User: "u", Station: "a"}).ID)
	_, err := m.Admit(t.Context(), Session{User: "u", Station: "b"})
	require.ErrorIs(t, err, ErrLimit)
	// Of nobody in particular there may be many.
	require.NotEqual(t, admit(t, m, Session{Station: "a"}).ID, admit(t, m, Session{Station: "a"}).ID)
}

func TestLimit(t *testing.T) {
	for name, c := range map[string]struct {
		policy LimitPolicy
		err    error
	}{"refuse": {LimitRefuse, ErrLimit}, "replace": {LimitReplace, nil}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := newTestManager(t, newTestStore(), Config{PerSubscriber: 2, OnLimit: c.policy})
				var asked notes[ID]
				m.HandleTask(TaskDisconnect, func(_ context.Context, t Task) error { asked.add(t.Session); return nil })
				defer running(t, m)()
				oldest := begin(t, m, phone(imsi1, "a"))
				pass(time.Second)
				newer := begin(t, m, phone(imsi1, "b"))
				pass(time.Second)
				_, err := m.Admit(t.Context(), phone(imsi1, "c"))
				require.ErrorIs(t, err, c.err)
				begin(t, m, phone("001010000000002", "d")) // is not concerned
				pass(time.Second)
				if c.policy == LimitRefuse {
					require.Zero(t, get(t, m, oldest.ID).Closing)
					require.Empty(t, asked.all())
					// One that is closing makes room.
					require.NoError(t, m.Disconnect(t.Context(), newer.ID, ReasonNetwork))
					admit(t, m, phone(imsi1, "c"))
					return
				}
				require.Equal(t, ReasonLimit, get(t, m, oldest.ID).Closing)
				require.Equal(t, Open, get(t, m, oldest.ID).State, "its NAS has time to report")
				require.Equal(t, []ID{oldest.ID}, asked.all())
				require.Zero(t, get(t, m, newer.ID).Closing)
				pass(92 * time.Second)
				require.Equal(t, Ended, get(t, m, oldest.ID).State)
				require.Equal(t, Open, get(t, m, newer.ID).State)
			})
		})
	}
}

// A limit that was lowered refuses no session that there is already.
func TestLimitLowered(t *testing.T) {
	store := newTestStore()
	m := newTestManager(t, store, Config{})
	a := begin(t, m, phone(imsi1, "a"))
	begin(t, m, phone(imsi1, "b"))
	m = newTestManager(t, store, Config{PerSubscriber: 1})
	require.Equal(t, a.ID, admit(t, m, phone(imsi1, "a")).ID)
}

func TestAdmitRaces(t *testing.T) {
	for name, c := range map[string]struct {
		policy          LimitPolicy
		managers, limit int
		sameStation     bool
		made            int // logins that were admitted
		left            int // sessions that are not closing
	}{
		"refuse":                   {LimitRefuse, 1, 1, false, 1, 1},
		"refuse, three":            {LimitRefuse, 1, 3, false, 3, 3},
		"replace":                  {LimitReplace, 1, 1, false, 10, 1},
		"one station":              {LimitRefuse, 1, 1, true, 10, 1},
		"one station, no limit":    {LimitRefuse, 1, 0, true, 10, 1},
		"two managers, refuse":     {LimitRefuse, 2, 1, false, 1, 1},
		"two managers, replace":    {LimitReplace, 2, 1, false, 10, 1},
		"two managers one station": {LimitRefuse, 2, 1, true, 10, 1},
	} {
		t.Run(name, func(t *testing.T) {
			slowly := func(*Session) error { time.Sleep(100 * time.Microsecond); return nil } // so that they meet
			for round := range 5 {
				store := newTestStore()
				var ms []*Manager
				for range c.managers {
					ms = append(ms, newTestManager(t, store, Config{PerSubscriber: c.limit, OnLimit: c.policy}))
				}
				var made atomic.Int64
				var wg sync.WaitGroup
				for i := range 10 {
					wg.Go(func() {
						station := "a"
						if !c.sameStation {
							station = strconv.Itoa(i)
						}
						switch _, err := ms[i%len(ms)].AdmitWith(t.Context(), phone(imsi1, station), slowly); {
						case err == nil:
							made.Add(1)
						case !errors.Is(err, ErrLimit):
							t.Error(err)
						}
					})
				}
				wg.Wait()
				require.Equal(t, int64(c.made), made.Load(), "round %d", round)
				found, err := ms[0].BySubscriber(t.Context(), imsi1)
				require.NoError(t, err)
				left := 0
				for _, e := range found {
					if e.Session.Closing == 0 {
						left++
					}
				}
				require.Equal(t, c.left, left, "round %d", round)
			}
		})
	}
}

func TestAdmitWith(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &wrapped{Store: newTestStore()}
		m := newTestManager(t, store, Config{PerSubscriber: 1})
		mine := errors.New("mine")
		_, err := m.AdmitWith(t.Context(), phone(imsi1, "a"), func(*Session) error { return mine })
		require.ErrorIs(t, err, mine)
		require.Zero(t, count(t, store, KindSession))

		s, err := m.AdmitWith(t.Context(), phone(imsi1, "a"), func(s *Session) error {
			require.True(t, s.ID.IsValid())
			s.Charging = []byte("c")
			return nil
		})
		require.NoError(t, err)
		require.Equal(t, "c", string(get(t, m, s.ID).Charging))

		// One that took so long that the guard may be gone is decided again.
		calls := 0
		_, err = m.AdmitWith(t.Context(), phone("001010000000002", "b"), func(*Session) error {
			if calls++; calls == 1 {
				time.Sleep(guardLife)
			}
			return nil
		})
		require.NoError(t, err)
		require.Equal(t, 2, calls)
		// Guards are not kept.
		pass(2*guardLife + time.Second)
		require.Zero(t, count(t, store, KindMark))

		store.commit = func(*Change) error { return ErrConflict }
		_, err = m.Admit(t.Context(), phone("001010000000003", "c"))
		require.ErrorIs(t, err, ErrConflict)
		store.commit = func(*Change) error { return ErrUnavailable }
		_, err = m.Admit(t.Context(), phone("001010000000003", "c"))
		require.ErrorIs(t, err, ErrUnavailable)
	})
}

func BenchmarkAdmit(b *testing.B) {
	for _, limit := range []int{0, 1} {
		b.Run("limit="+strconv.Itoa(limit), func(b *testing.B) {
			m := newTestManager(b, NewMemoryStore(MemoryConfig{}), Config{PerSubscriber: limit})
			i := 0
			b.ReportAllocs()
			for b.Loop() {
				i++
				s := phone(strconv.Itoa(100000000000000+i), "02-00-00-00-00-01")
				s.Station += strconv.Itoa(i)
				s.AP = "00-10-A4-23-" + strconv.Itoa(i%1000)
				s.NAS.Identifier = s.AP
				if _, err := m.Admit(b.Context(), s); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// What an interim costs beside its ticket.
func BenchmarkInterim(b *testing.B) {
	m := newTestManager(b, newTestStore(), Config{})
	ids := make([]ID, 10_000)
	for i := range ids {
		s := phone(strconv.Itoa(100000000000000+i), "02-00-00-00-00-"+strconv.Itoa(i))
		s.AccountID = "12345678-" + strconv.Itoa(i)
		admitted, err := m.Admit(b.Context(), s)
		require.NoError(b, err)
		ids[i] = admitted.ID
	}
	var txn Txn
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		i++
		e, err := m.Get(b.Context(), ids[i%len(ids)])
		if err != nil {
			b.Fatal(err)
		}
		e.Session.State, e.Session.Seen = Open, time.Now()
		e.Session.Usage.InputOctets++
		txn.Reset()
		txn.Put(e)
		if _, err := m.Commit(b.Context(), &txn); err != nil {
			b.Fatal(err)
		}
	}
}
