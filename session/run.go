package session

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"
)

// sweepBatch bounds how many sessions one sweep takes up.
const sweepBatch = 4096

// Load counts what the store has. Call it once, before Run and before the first
// login.
func (m *Manager) Load(ctx context.Context) error {
	err := m.store.Scan(ctx, KindSession, func(r Record) bool {
		if len(r.Value) > 1 { // the state is an encoded session's second octet
			m.count(State(r.Value[1]), 1)
		}
		return true
	})
	if err != nil {
		return err
	}
	return m.loadAPs(ctx)
}

// Run ends sessions that are due, and does tasks, until ctx ends; then it
// waits for what it has begun, writes down the access points, and returns nil.
func (m *Manager) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	ending := make(chan ID, sweepBatch)
	for range m.cfg.Workers {
		wg.Go(func() { m.tasks.work(ctx) })
		wg.Go(func() { m.endWork(ctx, ending) })
	}
	tick := time.NewTicker(m.cfg.Sweep)
	defer tick.Stop()
	failing := false
	for {
		err := m.sweep(ctx, time.Now(), ending)
		if err != nil && !failing {
			m.logSweep(ctx, err)
		}
		failing = err != nil
		select {
		case <-tick.C:
		case <-ctx.Done():
			wg.Wait()
			// ctx has ended; what is left to write is little, and the store is local.
			return m.saveAPs(context.WithoutCancel(ctx), time.Now(), true)
		}
	}
}

// sweep looks for what is due. What is still queued from the last time is
// offered again, which does no harm.
func (m *Manager) sweep(ctx context.Context, now time.Time, ending chan<- ID) error {
	ids := make([]ID, 0, 64)
	err := m.store.Due(ctx, KindSession, now, func(r Record) bool {
		ids = append(ids, r.Key.ID)
		return len(ids) < sweepBatch
	})
	for _, id := range ids {
		select {
		case ending <- id:
		default: // full: the next sweep finds it
		}
	}
	var due []Task
	err = errors.Join(err, m.store.Due(ctx, KindTask, now, func(r Record) bool {
		t, err := decodeTask(r)
		if err != nil {
			m.cfg.Logger.LogAttrs(ctx, slog.LevelWarn, logBadRecord, slog.Any("error", err))
			return true
		}
		due = append(due, t)
		return len(due) < sweepBatch
	}))
	for _, t := range due {
		m.tasks.offer(t, now)
	}
	return errors.Join(err, m.saveAPs(ctx, now, false))
}

func (m *Manager) endWork(ctx context.Context, ending <-chan ID) {
	for {
		select {
		case <-ctx.Done():
			return
		case id := <-ending:
			// A conflict or a failing store: the next sweep tries again.
			if err := m.endDue(ctx, id, time.Now()); err != nil && !errors.Is(err, ErrConflict) && !errors.Is(err, ErrUnavailable) {
				m.logSweep(ctx, err)
			}
		}
	}
}
