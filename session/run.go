package session

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"
)

// sweepBatch bounds how many sessions and tasks wait for workers. The rest is
// found by later sweeps.
const sweepBatch = 4096

// Load counts what the store has, and reads the access points. Call it once, before
// Run and before the first login.
func (m *Manager) Load(ctx context.Context) error {
	var counts [Ended + 1]int64
	err := m.store.Scan(ctx, KindSession, func(r Record) bool {
		// The state is an encoded session's second octet.
		if len(r.Value) > 1 && r.Value[1] <= byte(Ended) {
			counts[r.Value[1]]++
		}
		return true
	})
	if err != nil {
		return err
	}
	m.admitted.Store(counts[Admitted])
	m.open.Store(counts[Open])
	return m.loadAPs(ctx)
}

// Run ends sessions that are due, and does tasks, until ctx ends; then it
// waits for what it has begun, writes down the access points, and returns nil.
func (m *Manager) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	for range m.cfg.Workers {
		wg.Go(func() { m.ending.work(ctx) })
	}
	m.tasks.start(ctx, &wg)
	for _, lane := range m.apart {
		lane.start(ctx, &wg)
	}
	tick := time.NewTicker(m.cfg.Sweep)
	defer tick.Stop()
	for {
		now := time.Now()
		if err := m.sweep(ctx, now); err != nil {
			m.logFailed(ctx, now, ID{}, err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			wg.Wait()
			// ctx has ended; what is left to write is little, and the store is local.
			return m.saveAPs(context.WithoutCancel(ctx), time.Now(), true)
		}
	}
}

// sweep looks for what is due.
func (m *Manager) sweep(ctx context.Context, now time.Time) error {
	m.ending.forget(now)
	err := m.store.Due(ctx, KindSession, now, func(r Record) bool {
		return m.ending.offer(r.Key.ID, now)
	})
	return errors.Join(err,
		m.store.Due(ctx, KindTask, now, func(r Record) bool {
			t, err := decodeTask(r)
			if err != nil {
				m.logFailed(ctx, now, r.Key.ID, err)
				return true
			}
			return m.lane(t.Kind).offer(t, now) || len(m.apart) > 0
		}),
		m.saveAPs(ctx, now, false))
}

// logEvery is how often failures of what happens by itself are logged: all
// sessions may fail at once, again and again.
const logEvery = time.Minute

// logFailed logs a failure of what happens by itself; id may be zero.
func (m *Manager) logFailed(ctx context.Context, now time.Time, id ID, err error) {
	if ctx.Err() != nil {
		return
	}
	m.logMu.Lock()
	quiet := !m.logged.IsZero() && now.Sub(m.logged) < logEvery
	if quiet {
		m.unlogged++
	} else {
		m.logged = now
	}
	more := m.unlogged
	if !quiet {
		m.unlogged = 0
	}
	m.logMu.Unlock()
	if quiet {
		return
	}
	attrs := []slog.Attr{slog.Any("error", err), slog.Int("more", more)}
	if id.IsValid() {
		attrs = append(attrs, slog.String("record", id.String()))
	}
	m.cfg.Logger.LogAttrs(ctx, slog.LevelWarn, logSweepFailed, attrs...)
}
