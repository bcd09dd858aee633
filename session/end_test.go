package session

import (
	"context"
	"errors"
	"log/slog"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

const grace = 90 * time.Second

func TestNeverUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var whys notes[Reason]
		m := newTestManager(t, newTestStore(), Config{})
		m.OnEnd(func(ctx context.Context, e *Entry, why Reason) error {
			whys.add(why)
			e.Session.Finish(why, time.Now())
			var txn Txn
			txn.Put(e)
			_, err := m.Commit(ctx, &txn)
			return err
		})
		defer running(t, m)()
		s := admit(t, m, phone(imsi1, "a"))
		pass(5*time.Minute - time.Second)
		require.Equal(t, Admitted, get(t, m, s.ID).State)
		pass(3 * time.Second)
		require.Equal(t, Ended, get(t, m, s.ID).State)
		require.Equal(t, []Reason{ReasonNeverUsed}, whys.all())
		require.Equal(t, Counts{}, m.Counts())
		pass(15 * time.Minute)
		_, err := m.Get(t.Context(), s.ID)
		require.ErrorIs(t, err, ErrNotFound)
	})
}

// When a session is asked to end, and when it is ended, in minutes after its start.
func TestTimeOuts(t *testing.T) {
	interim := func(used bool) func(*Session) {
		return func(s *Session) {
			if used {
				s.Active = time.Now()
			}
		}
	}
	for name, c := range map[string]struct {
		cfg    Config
		login  func(s *Session)
		events map[int]func(*Session) // by minute
		asked  time.Duration          // 0: never
		ended  time.Duration          // 0: not within 30 hours
		why    Reason
	}{
		"session timeout": {
			login:  func(s *Session) { s.Timeout, s.Interim = time.Hour, 0 },
			events: map[int]func(*Session){59: interim(true)},
			asked:  time.Hour + grace, ended: time.Hour + 2*grace, why: ReasonTimeout,
		},
		"idle": { // the interim of minute 20 tells of no use since minute 10
			login:  func(s *Session) { s.Idle = 5 * time.Minute },
			events: map[int]func(*Session){10: interim(true), 20: interim(false)},
			asked:  20*time.Minute + grace, ended: 20*time.Minute + 2*grace, why: ReasonIdle,
		},
		"idle for too short": {
			login:  func(s *Session) { s.Idle = 15 * time.Minute },
			events: map[int]func(*Session){10: interim(true), 20: interim(false), 30: interim(true)},
			ended:  70*time.Minute + grace, why: ReasonSilent,
		},
		"idle cannot be seen without interims": {
			login: func(s *Session) { s.Idle, s.Interim = 5*time.Minute, 0 },
			ended: 25 * time.Hour, why: ReasonSilent,
		},
		"silent":             {login: func(*Session) {}, ended: 40*time.Minute + grace, why: ReasonSilent},
		"silent, two missed": {cfg: Config{Silence: 2}, login: func(*Session) {}, ended: 20*time.Minute + grace, why: ReasonSilent},
		"silent without interims": {
			login: func(s *Session) { s.Interim = 0 }, ended: 25 * time.Hour, why: ReasonSilent,
		},
		"silent for ever": {cfg: Config{MaxSilence: -1}, login: func(s *Session) { s.Interim = 0 }},
		"replaced, and nothing more is heard": {
			login: func(*Session) {},
			events: map[int]func(*Session){10: func(s *Session) {
				s.Closing, s.ClosingAt = ReasonReplaced, time.Now()
			}},
			ended: 10*time.Minute + grace, why: ReasonReplaced,
		},
		"another grace": {
			cfg: Config{Grace: 10 * time.Second}, login: func(s *Session) { s.Timeout = 5 * time.Minute },
			asked: 5*time.Minute + 10*time.Second, ended: 5*time.Minute + 20*time.Second, why: ReasonTimeout,
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				var asked, ended notes[time.Duration]
				cfg := c.cfg
				cfg.Hooks.Changed = func(_ context.Context, before, after *Session) {
					if before.State == Open && after.State == Ended {
						ended.add(time.Since(start))
					}
				}
				m := newTestManager(t, newTestStore(), cfg)
				m.HandleTask(TaskDisconnect, func(context.Context, Task) error {
					asked.add(time.Since(start))
					return nil
				})
				defer running(t, m)()
				login := phone(imsi1, "a")
				c.login(&login)
				s := begin(t, m, login)
				for minute := 1; minute <= 60; minute++ {
					pass(time.Minute)
					if event := c.events[minute]; event != nil {
						account(t, m, s.ID, event)
					}
				}
				pass(29 * time.Hour)
				soon := func(want time.Duration, got []time.Duration) {
					t.Helper()
					if want == 0 {
						require.Empty(t, got)
						return
					}
					require.Len(t, got, 1)
					require.InDelta(t, want.Seconds(), got[0].Seconds(), 2.1)
				}
				soon(c.asked, asked.all())
				soon(c.ended, ended.all())
				if c.ended == 0 {
					require.Zero(t, get(t, m, s.ID).Closing)
				}
			})
		})
	}
}

// The reason stays with the session, which stays to be recognised by.
func TestEndedLingers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newTestManager(t, newTestStore(), Config{Linger: time.Hour, ArchivalLinger: time.Minute})
		s := begin(t, m, phone(imsi1, "a"))
		updated := time.Now()
		pass(time.Minute)
		e, err := m.Get(t.Context(), s.ID)
		require.NoError(t, err)
		require.NoError(t, m.End(t.Context(), e, ReasonIdle))
		got := get(t, m, s.ID)
		require.Equal(t, ReasonIdle, got.Closing)
		require.WithinDuration(t, updated, got.Stopped, time.Millisecond, "as of the latest event")
		pass(time.Hour - time.Minute)
		require.Equal(t, Ended, get(t, m, s.ID).State)
		pass(time.Minute + time.Second)
		_, err = m.Get(t.Context(), s.ID)
		require.ErrorIs(t, err, ErrNotFound)
		// One that never was seen lingers too.
		never := NewEntry(Session{ID: NewID(), State: Ended})
		var txn Txn
		txn.Put(never)
		_, err = m.Commit(t.Context(), &txn)
		require.NoError(t, err)
		pass(time.Minute)
		require.Equal(t, Ended, get(t, m, never.Session.ID).State)
	})
}

// A session that its NAS did not end is remembered for longer than one that it ended, or that
// it can't go on with.
func TestArchivalLinger(t *testing.T) {
	for name, c := range map[string]struct {
		end  func(t *testing.T, m *Manager, id ID)
		want time.Duration
	}{
		"Stop": {func(t *testing.T, m *Manager, id ID) {
			account(t, m, id, func(s *Session) { s.State, s.Seen = Ended, time.Now() })
		}, 15 * time.Minute},
		"Stop when asked": {func(t *testing.T, m *Manager, id ID) {
			require.NoError(t, m.Disconnect(t.Context(), id, ReasonCredit))
			time.Sleep(time.Second)
			account(t, m, id, func(s *Session) { s.State, s.Seen = Ended, time.Now() })
		}, 15 * time.Minute},
		"silent":   {endFor(ReasonSilent), 24 * time.Hour},
		"replaced": {endFor(ReasonReplaced), 24 * time.Hour},
		"restart":  {endFor(ReasonRestart), 15 * time.Minute},
		"Stop after all": {func(t *testing.T, m *Manager, id ID) {
			endFor(ReasonSilent)(t, m, id)
			time.Sleep(time.Hour)
			account(t, m, id, func(s *Session) { s.Seen = time.Now() })
		}, 15 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := newTestManager(t, newTestStore(), Config{})
				s := begin(t, m, phone(imsi1, "a"))
				c.end(t, m, s.ID)
				require.Equal(t, Ended, get(t, m, s.ID).State)
				time.Sleep(c.want - 2*time.Second)
				get(t, m, s.ID)
				time.Sleep(4 * time.Second)
				_, err := m.Get(t.Context(), s.ID)
				require.ErrorIs(t, err, ErrNotFound)
			})
		})
	}
}

func endFor(why Reason) func(t *testing.T, m *Manager, id ID) {
	return func(t *testing.T, m *Manager, id ID) {
		e, err := m.Get(t.Context(), id)
		require.NoError(t, err)
		require.NoError(t, m.End(t.Context(), e, why))
	}
}

// The Stop of a NAS that was asked, or that was faster, is the end.
func TestStopWhileClosing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ends atomic.Int64
		m := newTestManager(t, newTestStore(), Config{End: func(context.Context, *Entry, Reason) error { ends.Add(1); return nil }})
		defer running(t, m)()
		s := begin(t, m, phone(imsi1, "a"))
		require.NoError(t, m.Disconnect(t.Context(), s.ID, ReasonNetwork))
		pass(time.Minute)
		account(t, m, s.ID, func(s *Session) { s.State, s.Stopped, s.Cause = Ended, time.Now(), 6 })
		pass(10 * time.Minute)
		require.Zero(t, ends.Load())
	})
}

func TestDisconnect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newTestManager(t, newTestStore(), Config{})
		var asked notes[Task]
		m.HandleTask(TaskDisconnect, func(_ context.Context, t Task) error { asked.add(t); return nil })
		defer running(t, m)()
		open := begin(t, m, phone(imsi1, "a"))
		waiting := admit(t, m, phone("001010000000002", "b"))
		for range 2 { // again does nothing
			require.NoError(t, m.Disconnect(t.Context(), open.ID, ReasonCredit))
			require.NoError(t, m.Disconnect(t.Context(), waiting.ID, ReasonNetwork))
		}
		pass(2 * time.Second)
		require.Len(t, asked.all(), 2)
		require.Equal(t, ReasonCredit, get(t, m, open.ID).Closing)
		require.Equal(t, Open, get(t, m, open.ID).State)
		require.Equal(t, Ended, get(t, m, waiting.ID).State, "there is nothing to wait for")
		pass(grace)
		require.Equal(t, Ended, get(t, m, open.ID).State)
		require.NoError(t, m.Disconnect(t.Context(), open.ID, ReasonCredit))
		require.Len(t, asked.all(), 2)
		require.ErrorIs(t, m.Disconnect(t.Context(), NewID(), ReasonCredit), ErrNotFound)
	})
}

// Where nobody can ask a NAS, no task is left that says so for a day.
func TestDisconnectWithoutHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newTestStore()
		m := newTestManager(t, store, Config{})
		defer running(t, m)()
		s := begin(t, m, phone(imsi1, "a"))
		require.NoError(t, m.Disconnect(t.Context(), s.ID, ReasonNetwork))
		require.Zero(t, count(t, store, KindTask))
		pass(grace + 2*time.Second)
		require.Equal(t, Ended, get(t, m, s.ID).State)
	})
}

// A NAS counts the session's time from its latest login.
func TestTimeoutFromLatestLogin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newTestManager(t, newTestStore(), Config{})
		defer running(t, m)()
		login := phone(imsi1, "a")
		login.Timeout, login.Interim = time.Hour, 0
		s := begin(t, m, login)
		pass(50 * time.Minute)
		require.Equal(t, s.ID, admit(t, m, login).ID)
		pass(50 * time.Minute)
		require.Zero(t, get(t, m, s.ID).Closing)
		pass(13 * time.Minute)
		require.Equal(t, ReasonTimeout, get(t, m, s.ID).Closing)
	})
}

func TestWake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newTestManager(t, newTestStore(), Config{})
		start := time.Now()
		var woken notes[time.Duration]
		m.OnWake(func(ctx context.Context, e *Entry) error {
			e.Session.Wake = time.Time{}
			if woken.add(time.Since(start).Round(time.Second)) < 3 {
				e.Session.Wake = time.Now().Add(20 * time.Minute)
			}
			var txn Txn
			txn.Put(e)
			_, err := m.Commit(ctx, &txn)
			return err
		})
		defer running(t, m)()
		login := phone(imsi1, "a")
		login.Wake = start.Add(time.Minute)
		s := begin(t, m, login)
		pass(5 * time.Minute)
		account(t, m, s.ID, func(s *Session) { s.State, s.Stopped = Ended, time.Now() })
		pass(35*time.Minute + 2*time.Second) // linger is long over
		require.Equal(t, []time.Duration{time.Minute, 21 * time.Minute}, woken.all())
		require.Equal(t, Ended, get(t, m, s.ID).State, "it is kept while Wake is set")
		pass(time.Minute + time.Second)
		require.Len(t, woken.all(), 3)
		_, err := m.Get(t.Context(), s.ID)
		require.ErrorIs(t, err, ErrNotFound)
	})
}

// Who charges may fail for hours: it is tried more and more seldom, and the session's own
// time goes on.
func TestWakeFails(t *testing.T) {
	for name, failure := range map[string]error{"error": errors.New("no OCS"), "leaves it": nil} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var calls atomic.Int64
				var log output
				m := newTestManager(t, newTestStore(), Config{Logger: slog.New(slog.NewTextHandler(&log, nil)),
					Wake: func(context.Context, *Entry) error { calls.Add(1); return failure }})
				defer running(t, m)()
				login := phone(imsi1, "a")
				login.Wake, login.Timeout = time.Now().Add(time.Minute), 10*time.Minute
				s := begin(t, m, login)
				pass(9 * time.Minute)
				require.Greater(t, calls.Load(), int64(5))
				require.Less(t, calls.Load(), int64(20))
				require.LessOrEqual(t, strings.Count(log.String(), logSweepFailed), 9)
				require.Contains(t, log.String(), s.ID.String())
				pass(4 * time.Minute)
				require.Equal(t, ReasonTimeout, get(t, m, s.ID).Closing)
				pass(4 * time.Minute)
				require.Equal(t, Ended, get(t, m, s.ID).State)
			})
		})
	}
}

// Without a handler Wake doesn't count: it keeps nothing and wakes nobody.
func TestWakeWithoutHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newTestStore()
		charging := newTestManager(t, store, Config{Wake: func(context.Context, *Entry) error { return nil }})
		login := phone(imsi1, "a")
		login.Wake = time.Now().Add(time.Minute)
		s := begin(t, charging, login)
		account(t, charging, s.ID, func(s *Session) { s.State = Ended })

		m := newTestManager(t, store, Config{})
		defer running(t, m)()
		pass(time.Minute + 2*time.Second)
		due := 0
		require.NoError(t, store.Due(t.Context(), KindSession, time.Now(), func(Record) bool { due++; return true }))
		require.Zero(t, due, "no sweep finds it again")
		pass(15 * time.Minute)
		_, err := m.Get(t.Context(), s.ID)
		require.ErrorIs(t, err, ErrNotFound)
	})
}

// Sessions that were committed under other settings are written anew once.
func TestSettingsChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newTestStore()
		old := newTestManager(t, store, Config{MaxSilence: time.Hour})
		login := phone(imsi1, "a")
		login.Interim = 0
		s := begin(t, old, login)
		for _, silence := range []time.Duration{5 * time.Hour, -1} {
			var changes atomic.Int64
			m := newTestManager(t, store, Config{MaxSilence: silence, Hooks: Hooks{Changed: func(context.Context, *Session, *Session) { changes.Add(1) }}})
			stop := running(t, m)
			pass(3 * time.Hour)
			stop()
			require.Equal(t, Open, get(t, m, s.ID).State)
			require.Equal(t, int64(1), changes.Load())
		}
	})
}

// failing returns how many failures are remembered.
func failing(m *Manager) int {
	m.ending.mu.Lock()
	defer m.ending.mu.Unlock()
	return len(m.ending.failed)
}

// More sessions than one sweep takes, and many that can't be ended: the others are, and those
// that can't are tried again ever more seldom.
func TestEndingIsFair(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const bad, good = 1000, 2*sweepBatch + 500
		var tries, ended atomic.Int64
		stubborn := atomic.Bool{}
		stubborn.Store(true)
		var log output
		m := newTestManager(t, newTestStore(), Config{Logger: slog.New(slog.NewTextHandler(&log, nil))})
		m.OnEnd(func(ctx context.Context, e *Entry, why Reason) error {
			if e.Session.Group == "bad" && stubborn.Load() {
				tries.Add(1)
				return errors.New("no")
			}
			e.Session.Finish(why, time.Now())
			var txn Txn
			txn.Put(e)
			_, err := m.Commit(ctx, &txn)
			if err == nil {
				ended.Add(1)
			}
			return err
		})
		for i := range bad + good {
			s := Session{IMSI: strconv.Itoa(i), Station: "s"}
			if i < bad {
				s.Group = "bad"
			}
			admit(t, m, s)
		}
		time.Sleep(5*time.Minute + time.Second)
		defer running(t, m)()
		pass(10 * time.Second)
		require.Equal(t, int64(good), ended.Load())
		pass(10 * time.Minute)
		require.Greater(t, tries.Load(), int64(10*bad))
		require.Less(t, tries.Load(), int64(20*bad))
		require.LessOrEqual(t, strings.Count(log.String(), logSweepFailed), 11)
		require.Equal(t, bad, failing(m))

		stubborn.Store(false)
		pass(maxEndWait + 2*time.Second)
		require.Equal(t, int64(good+bad), ended.Load())
		require.Zero(t, failing(m))
	})
}

// What failed and is then ended by others is not remembered.
func TestFailuresAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newTestManager(t, newTestStore(), Config{End: func(context.Context, *Entry, Reason) error { return errors.New("no") }})
		defer running(t, m)()
		s := admit(t, m, phone(imsi1, "a"))
		pass(5*time.Minute + 2*time.Second)
		require.Equal(t, 1, failing(m))
		account(t, m, s.ID, nil)
		pass(maxEndWait + forgetFailure + 2*time.Second)
		require.Zero(t, failing(m))
		require.Equal(t, Open, get(t, m, s.ID).State)
	})
}

// Two managers of one store end each session once.
func TestTwoManagersEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newTestStore()
		var ended atomic.Int64
		cfg := Config{Hooks: Hooks{Changed: func(_ context.Context, before, after *Session) {
			if before.State != Ended && after.State == Ended {
				ended.Add(1)
			}
		}}}
		a, b := newTestManager(t, store, cfg), newTestManager(t, store, cfg)
		for i := range 500 {
			admit(t, a, Session{IMSI: strconv.Itoa(i), Station: "s"})
		}
		defer running(t, a)()
		defer running(t, b)()
		pass(5*time.Minute + 5*time.Second)
		require.Equal(t, int64(500), ended.Load())
	})
}
