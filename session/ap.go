package session

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"
)

// apSaveInterval is how long what is learnt of access points may be lost in a
// crash: when it was seen last is seen again soon.
const apSaveInterval = time.Minute

// AP is an access point that stations have come from.
type AP struct {
	NAS       NAS
	Name      string // Called-Station-Id without the SSID, in normal form
	SSID      string // the latest
	PortType  uint32 // NAS-Port-Type
	MTU       uint32 // Framed-MTU; 0 if it has not said
	FirstSeen time.Time
	LastSeen  time.Time
	Restarts  uint32    // of its NAS, as far as they were noticed
	Restarted time.Time // the latest; zero if none was noticed
}

// apKey tells access points apart.
type apKey struct {
	nas  NAS
	name string
}

type apTable struct {
	mu    sync.Mutex
	max   int
	known map[apKey]*apRow
	saved time.Time
}

type apRow struct {
	AP
	version uint64
	dirty   bool
}

func (t *apTable) init(max int) {
	t.max = max
	t.known = make(map[apKey]*apRow)
}

// SeeAP notes that something came from an access point. Zero fields of a leave
// what is known; its times and restarts don't count.
func (m *Manager) SeeAP(ctx context.Context, a AP, now time.Time) {
	t := &m.aps
	key := apKey{a.NAS, a.Name}
	t.mu.Lock()
	row, known := t.known[key]
	if !known {
		if len(t.known) >= t.max {
			t.forgetOldest()
		}
		row = &apRow{AP: AP{NAS: a.NAS, Name: a.Name, FirstSeen: now}}
		t.known[key] = row
	}
	if now.After(row.LastSeen) {
		row.LastSeen = now
	}
	row.SSID = cmp.Or(a.SSID, row.SSID)
	row.PortType = cmp.Or(a.PortType, row.PortType)
	row.MTU = cmp.Or(a.MTU, row.MTU)
	row.dirty = true
	seen := row.AP
	t.mu.Unlock()
	if known {
		return
	}
	m.cfg.Logger.LogAttrs(ctx, slog.LevelInfo, logRegistered, slog.String("nas", a.NAS.Name()), slog.String("ap", a.Name))
	if h := m.cfg.Hooks.AP; h != nil {
		h(seen)
	}
}

// RestartedNAS notes that a NAS has started again.
func (m *Manager) RestartedNAS(nas NAS, at time.Time) {
	m.aps.mu.Lock()
	defer m.aps.mu.Unlock()
	for _, row := range m.aps.known {
		if row.NAS.Source == nas.Source && row.NAS.Name() == nas.Name() {
			row.Restarts++
			row.Restarted, row.dirty = at, true
		}
	}
}

// APs returns the access points known, by name.
func (m *Manager) APs() []AP {
	m.aps.mu.Lock()
	out := make([]AP, 0, len(m.aps.known))
	for _, row := range m.aps.known {
		out = append(out, row.AP)
	}
	m.aps.mu.Unlock()
	slices.SortFunc(out, func(a, b AP) int {
		return cmp.Or(cmp.Compare(a.NAS.Name(), b.NAS.Name()), cmp.Compare(a.Name, b.Name), a.NAS.Source.Compare(b.NAS.Source))
	})
	return out
}

// Clients returns how many stations have a session on the access point.
func (m *Manager) Clients(ctx context.Context, a AP) (int, error) {
	found, err := m.find(ctx, NewTerm(IndexAP, a.Name), 0, func(s *Session) bool {
		return s.AP == a.Name && s.NAS == a.NAS && s.State != Ended
	})
	return len(found), err
}

// forgetOldest makes room for another. t.mu is held.
func (t *apTable) forgetOldest() {
	var oldest *apRow
	for _, row := range t.known {
		if oldest == nil || row.LastSeen.Before(oldest.LastSeen) {
			oldest = row
		}
	}
	if oldest != nil {
		delete(t.known, apKey{oldest.NAS, oldest.Name})
	}
}

func (k apKey) id() ID {
	return NamedID("ap\x00" + k.nas.Source.String() + "\x00" + k.nas.Name() + "\x00" + k.name)
}

// saveAPs writes down what has been learnt, now and then.
func (m *Manager) saveAPs(ctx context.Context, now time.Time, all bool) error {
	t := &m.aps
	t.mu.Lock()
	if !all && now.Sub(t.saved) < apSaveInterval {
		t.mu.Unlock()
		return nil
	}
	t.saved = now
	var rows []*apRow
	for _, row := range t.known {
		if row.dirty {
			row.dirty = false
			rows = append(rows, row)
		}
	}
	t.mu.Unlock()
	var failed error
	for _, row := range rows {
		t.mu.Lock()
		p := Put{Key: Key{KindAP, apKey{row.NAS, row.Name}.id()}, Expect: row.version, Value: row.append(nil)}
		t.mu.Unlock()
		_, err := m.store.Commit(ctx, &Change{Puts: []Put{p}})
		t.mu.Lock()
		switch {
		case err == nil:
			row.version++
		case errors.Is(err, ErrConflict):
			// Another server of the same store knows it too, or it was forgotten and
			// seen again: the next time with the version that is there.
			row.dirty = true
			if r, err := m.store.Get(ctx, p.Key); err == nil {
				row.version = r.Version
			}
		default:
			row.dirty, failed = true, err
		}
		t.mu.Unlock()
		if failed != nil {
			break
		}
	}
	return failed
}

func (m *Manager) loadAPs(ctx context.Context) error {
	t := &m.aps
	t.mu.Lock()
	defer t.mu.Unlock()
	return m.store.Scan(ctx, KindAP, func(r Record) bool {
		a, err := decodeAP(r.Value)
		if err != nil {
			m.cfg.Logger.LogAttrs(ctx, slog.LevelWarn, logBadRecord, slog.Any("error", err))
			return true
		}
		if len(t.known) >= t.max {
			t.forgetOldest()
		}
		t.known[apKey{a.NAS, a.Name}] = &apRow{AP: a, version: r.Version}
		return true
	})
}

const apVersion = 1

func (a *AP) append(b []byte) []byte {
	b = append(b, apVersion)
	for _, s := range [...]string{a.NAS.Identifier, a.Name, a.SSID} {
		b = appendString(b, s)
	}
	b = appendAddr(appendAddr(b, a.NAS.Source), a.NAS.Addr)
	for _, v := range [...]uint32{a.PortType, a.MTU, a.Restarts} {
		b = binary.AppendUvarint(b, uint64(v))
	}
	for _, t := range [...]time.Time{a.FirstSeen, a.LastSeen, a.Restarted} {
		b = appendTime(b, t)
	}
	return b
}

func decodeAP(b []byte) (AP, error) {
	if len(b) == 0 || b[0] != apVersion {
		return AP{}, fmt.Errorf("%w: access point", ErrDecode)
	}
	var a AP
	d := decoder{rest: string(b[1:])}
	for _, p := range [...]*string{&a.NAS.Identifier, &a.Name, &a.SSID} {
		*p = d.string()
	}
	a.NAS.Source, a.NAS.Addr = d.addr(), d.addr()
	for _, p := range [...]*uint32{&a.PortType, &a.MTU, &a.Restarts} {
		*p = uint32(d.uvarint())
	}
	for _, p := range [...]*time.Time{&a.FirstSeen, &a.LastSeen, &a.Restarted} {
		*p = d.time()
	}
	if d.failed {
		return AP{}, fmt.Errorf("%w: access point cut short", ErrDecode)
	}
	return a, nil
}
