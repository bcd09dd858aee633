package session

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"
)

const (
	// apSaveInterval is how long what is learnt of access points may be lost in a
	// crash: when it was seen last is seen again soon.
	apSaveInterval = time.Minute
	// apSaveBatch is how many of them are committed at once.
	apSaveBatch = 128
	// apSaveAttempts bounds how often a batch is tried again because another manager of
	// the store changed one of them.
	apSaveAttempts = 4
)

func (k apKey) id() ID {
	return NamedID("ap\x00" + k.nas.source.String() + "\x00" + k.nas.identifier + "\x00" + k.nas.addr.String() + "\x00" + k.name)
}

// apSave is a row that is being written down, or removed.
type apSave struct {
	row *apRow
	put Put
}

// saveAPs writes down what has been learnt, now and then.
func (m *Manager) saveAPs(ctx context.Context, now time.Time, all bool) error {
	t := &m.aps
	t.saving.Lock()
	defer t.saving.Unlock()
	saves := t.take(now, all)
	for batch := range slices.Chunk(saves, apSaveBatch) {
		if err := m.saveBatch(ctx, batch); err != nil {
			t.later(saves)
			return err
		}
	}
	return nil
}

// take returns what is to be written down, if it is time.
func (t *apTable) take(now time.Time, all bool) []apSave {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !all && now.Sub(t.saved) < apSaveInterval {
		return nil
	}
	t.saved = now
	var saves []apSave
	for _, row := range t.known {
		if row.dirty {
			row.dirty = false
			saves = append(saves, apSave{row, Put{Key: Key{KindAP, row.key.id()}, Expect: row.version, Value: row.append(nil)}})
		}
	}
	for _, row := range t.forgotten {
		saves = append(saves, apSave{row, Put{Key: Key{KindAP, row.key.id()}, Expect: row.version, Delete: true}})
	}
	clear(t.forgotten)
	return saves
}

// saveBatch commits a batch. Its rows are then nil: saves without a row are done.
func (m *Manager) saveBatch(ctx context.Context, batch []apSave) error {
	for range apSaveAttempts {
		c := Change{Puts: make([]Put, 0, len(batch))}
		for i := range batch {
			if batch[i].row != nil {
				c.Puts = append(c.Puts, batch[i].put)
			}
		}
		_, err := m.store.Commit(ctx, &c)
		if err == nil {
			m.aps.done(batch)
			return nil
		}
		if !errors.Is(err, ErrConflict) && !errors.Is(err, ErrUncertain) {
			return err
		}
		// Another manager of the store knows some of them too, or it is not known what
		// was written.
		for i := range batch {
			if batch[i].row == nil {
				continue
			}
			r, err := m.store.Get(ctx, batch[i].put.Key)
			if err != nil && !errors.Is(err, ErrNotFound) {
				return err
			}
			m.aps.meet(&batch[i], r)
		}
	}
	return ErrConflict
}

// done notes what was committed.
func (t *apTable) done(batch []apSave) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := range batch {
		row := batch[i].row
		batch[i].row = nil
		switch {
		case row == nil:
		case batch[i].put.Delete:
			row.version = 0
		default:
			row.version = batch[i].put.Expect + 1
			if t.known[row.key] != row { // forgotten meanwhile
				t.forgetAgain(row)
			}
		}
	}
}

// meet changes a save to go with the record that is there.
func (t *apTable) meet(s *apSave, r Record) {
	if r.Version == s.put.Expect {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if s.put.Delete {
		s.row = nil // it is gone, or somebody else still sees it
		return
	}
	row := s.row
	row.version, s.put.Expect = r.Version, r.Version
	if a, err := decodeAP(r.Value); err == nil {
		if a.FirstSeen.Before(row.FirstSeen) {
			row.FirstSeen = a.FirstSeen
		}
		if a.LastSeen.After(row.LastSeen) {
			row.LastSeen = a.LastSeen
		}
		if a.Restarts > row.Restarts {
			row.Restarts, row.Restarted = a.Restarts, a.Restarted
		}
	}
	s.put.Value = row.append(nil)
}

// later marks what could not be written down for the next time.
func (t *apTable) later(saves []apSave) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := range saves {
		switch row := saves[i].row; {
		case row == nil:
		case saves[i].put.Delete:
			t.forgetAgain(row)
		default:
			row.dirty = true
		}
	}
}

// forgetAgain notes that the record of a row is still to be removed. t.mu is held.
func (t *apTable) forgetAgain(row *apRow) {
	if t.known[row.key] == nil && len(t.forgotten) < maxForgotten {
		t.forgotten[row.key] = row
	}
}

// loadAPs reads the access points. Those that are too many are removed.
func (m *Manager) loadAPs(ctx context.Context) error {
	var rows []*apRow
	err := m.store.Scan(ctx, KindAP, func(r Record) bool {
		a, err := decodeAP(r.Value)
		if err != nil {
			m.cfg.Logger.LogAttrs(ctx, slog.LevelWarn, logBadRecord, slog.String("record", r.Key.ID.String()), slog.Any("error", err))
			return true
		}
		rows = append(rows, &apRow{AP: a, key: apKey{a.NAS.tableKey(), a.Name}, version: r.Version})
		return true
	})
	if err != nil {
		return err
	}
	slices.SortFunc(rows, func(a, b *apRow) int {
		return cmp.Or(a.LastSeen.Compare(b.LastSeen), cmp.Compare(a.Name, b.Name))
	})
	t := &m.aps
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, row := range rows {
		if t.known[row.key] == nil {
			t.add(row)
		}
	}
	return nil
}
