package session

import (
	"cmp"
	"context"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"time"
)

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

// nasKey tells NASes apart, as NAS.ID does: the address counts where there is no identifier.
type nasKey struct {
	source     netip.Addr
	identifier string
	addr       netip.Addr
}

func (n NAS) tableKey() nasKey {
	k := nasKey{source: n.Source, identifier: n.Identifier}
	if n.Identifier == "" {
		k.addr = n.Addr
	}
	return k
}

// apKey tells access points apart.
type apKey struct {
	nas  nasKey
	name string
}

// apTable is the registry of access points. The rows are in two kinds of lists: all of them in the order
// in which they were seen, and those of each NAS.
type apTable struct {
	saving sync.Mutex // held while rows are written down

	mu    sync.Mutex
	max   int
	known map[apKey]*apRow
	ofNAS map[nasKey]*apRow // one of the NAS's rows
	// newest and oldest are nil if there is no row.
	newest, oldest *apRow
	forgotten      map[apKey]*apRow // whose records are to be removed; at most maxForgotten
	saved          time.Time
}

// maxForgotten bounds what is forgotten between two times that records are removed.
const maxForgotten = 1 << 16

type apRow struct {
	AP
	key     apKey
	version uint64
	dirty   bool

	newer, older *apRow
	next, prev   *apRow // on the same NAS
}

func (t *apTable) init(bound int) {
	t.max = bound
	t.known = make(map[apKey]*apRow)
	t.ofNAS = make(map[nasKey]*apRow)
	t.forgotten = make(map[apKey]*apRow)
}

// SeeAP notes that something came from an access point. Zero fields of a leave
// what is known; its times and restarts don't count. One without a name is left out.
func (m *Manager) SeeAP(ctx context.Context, a AP, now time.Time) {
	if a.Name == "" {
		return
	}
	seen, isNew := m.aps.see(&a, now)
	if !isNew {
		return
	}
	m.cfg.Logger.LogAttrs(ctx, slog.LevelDebug, logNewAP, slog.String("nas", a.NAS.Name()), slog.String("ap", a.Name))
	if h := m.cfg.Hooks.AP; h != nil {
		h(seen)
	}
}

// see returns the access point if it was seen for the first time.
func (t *apTable) see(a *AP, now time.Time) (seen AP, isNew bool) {
	key := apKey{a.NAS.tableKey(), a.Name}
	t.mu.Lock()
	defer t.mu.Unlock()
	row, known := t.known[key]
	if known {
		t.unlinkAge(row)
		t.linkAge(row)
	} else {
		if row = t.forgotten[key]; row != nil {
			delete(t.forgotten, key) // back in time
		} else {
			row = &apRow{AP: AP{NAS: a.NAS, Name: a.Name, FirstSeen: now}, key: key}
			isNew = true
		}
		t.add(row)
	}
	if now.After(row.LastSeen) {
		row.LastSeen = now
	}
	if a.NAS.Addr.IsValid() {
		row.NAS.Addr = a.NAS.Addr
	}
	row.SSID = cmp.Or(a.SSID, row.SSID)
	row.PortType = cmp.Or(a.PortType, row.PortType)
	row.MTU = cmp.Or(a.MTU, row.MTU)
	row.dirty = true
	if isNew {
		seen = row.AP
	}
	return seen, isNew
}

// RestartedNAS notes that a NAS has started again.
func (m *Manager) RestartedNAS(nas NAS, at time.Time) {
	m.aps.mu.Lock()
	defer m.aps.mu.Unlock()
	for row := m.aps.ofNAS[nas.tableKey()]; row != nil; row = row.next {
		row.Restarts++
		row.Restarted, row.dirty = at, true
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
		return s.AP == a.Name && sameNAS(s.NAS, a.NAS) && s.State != Ended
	})
	return len(found), err
}

// add puts a row into the table, as the newest one. The one seen last longest ago makes
// room for it. t.mu is held.
func (t *apTable) add(row *apRow) {
	if len(t.known) >= t.max {
		t.forgetOldest()
	}
	t.known[row.key] = row
	t.linkAge(row)
	if row.next = t.ofNAS[row.key.nas]; row.next != nil {
		row.next.prev = row
	}
	t.ofNAS[row.key.nas] = row
}

// forgetOldest makes room for another. t.mu is held.
func (t *apTable) forgetOldest() {
	row := t.oldest
	t.unlinkAge(row)
	delete(t.known, row.key)
	if row.next != nil {
		row.next.prev = row.prev
	}
	switch {
	case row.prev != nil:
		row.prev.next = row.next
	case row.next != nil:
		t.ofNAS[row.key.nas] = row.next
	default:
		delete(t.ofNAS, row.key.nas)
	}
	row.next, row.prev = nil, nil
	if row.version > 0 && len(t.forgotten) < maxForgotten { // what finds no room is removed by the next Load
		t.forgotten[row.key] = row
	}
}

func (t *apTable) linkAge(row *apRow) {
	if row.older = t.newest; row.older != nil {
		row.older.newer = row
	} else {
		t.oldest = row
	}
	t.newest = row
}

func (t *apTable) unlinkAge(row *apRow) {
	if row.newer != nil {
		row.newer.older = row.older
	} else {
		t.newest = row.older
	}
	if row.older != nil {
		row.older.newer = row.newer
	} else {
		t.oldest = row.newer
	}
	row.newer, row.older = nil, nil
}
