package session

import "context"

// Entries is room for sessions that are read one after the other: an [Entry] is large, and is
// made for each of them where there is none. The zero value is empty.
//
// What was read into it is the caller's until Reset; then nobody may use it.
type Entries struct {
	entries []*Entry
	octets  [][]byte // of the entries' records
	used    int

	// Of the search that is under way:
	found     []*Entry
	bad       error
	nas       NAS
	accountID string
	show      func(Record) bool // look; made once
}

// keepEntries is how many entries are kept from one use to the next.
const keepEntries = 8

// Reset takes all that was read back.
func (r *Entries) Reset() {
	if len(r.entries) > keepEntries {
		*r = Entries{}
	}
	r.used = 0
}

// next returns an entry for a record, whose value it copies.
func (r *Entries) next(rec Record) (*Entry, error) {
	r.grow()
	r.octets[r.used] = append(r.octets[r.used][:0], rec.Value...)
	rec.Value = r.octets[r.used]
	return r.keep(rec)
}

func (r *Entries) grow() {
	if r.used == len(r.entries) {
		r.entries, r.octets = append(r.entries, new(Entry)), append(r.octets, nil)
	}
}

// keep returns an entry for a record, whose value it keeps.
func (r *Entries) keep(rec Record) (*Entry, error) {
	r.grow()
	e := r.entries[r.used]
	if err := e.read(rec); err != nil {
		return nil, err
	}
	r.used++
	return e, nil
}

// look takes a record if it is a session that the NAS calls so.
func (r *Entries) look(rec Record) bool {
	if rec.Key.Kind != KindSession {
		return true
	}
	e, err := r.next(rec)
	switch {
	case err != nil:
		r.bad = err
	case e.Session.AccountID == r.accountID && sameNAS(e.Session.NAS, r.nas):
		r.found = append(r.found, e)
	}
	return true
}

// GetIn is [Manager.Get] into room.
func (m *Manager) GetIn(ctx context.Context, room *Entries, id ID) (*Entry, error) {
	r, err := m.store.Get(ctx, Key{KindSession, id})
	if err != nil {
		return nil, err
	}
	return room.keep(r)
}

// ByAccountIn is [Manager.ByAccount] into room. The result holds until the next call.
func (m *Manager) ByAccountIn(ctx context.Context, room *Entries, nas NAS, accountID string) ([]*Entry, error) {
	if room.show == nil {
		room.show = room.look
	}
	room.found, room.bad, room.nas, room.accountID = room.found[:0], nil, nas, accountID
	if err := m.store.Find(ctx, AccountTerm(nas, accountID), room.show); err != nil {
		return nil, err
	}
	return room.found, room.bad
}
