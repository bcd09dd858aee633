package session

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTermsOfNAS(t *testing.T) {
	for _, n := range []NAS{
		{Source: netip.MustParseAddr("192.0.2.1"), Identifier: "ap"},
		{Source: netip.MustParseAddr("192.0.2.1")},
		{Source: netip.MustParseAddr("fe80::1%eth0"), Addr: netip.MustParseAddr("2001:db8::7")},
		{Source: netip.MustParseAddr("::ffff:192.0.2.1"), Addr: netip.MustParseAddr("192.0.2.9")},
		{Identifier: "ap"},
		{},
	} {
		// What is in stores and must not change.
		require.Equal(t, NewTerm(IndexNAS, n.Source.String(), n.Name()), NASTerm(n), n)
		require.Equal(t, NewTerm(IndexAccount, n.Source.String(), n.Name(), "5"), AccountTerm(n, "5"), n)
	}
}

func TestDecodeSetsAll(t *testing.T) {
	s := phone("001010000000001", "02-00-00-00-00-01")
	s.ID, s.State, s.Home, s.Class, s.Accounting, s.Charging = NewID(), Open, "hss.example", "c", []byte{1}, []byte{2}
	empty := Session{ID: NewID(), State: Admitted}
	require.NoError(t, s.decode(empty.Append(nil)))
	require.Equal(t, empty, s)
}

func TestByAccountIn(t *testing.T) {
	m := newTestManager(t, newTestStore(), Config{})
	ctx := t.Context()
	var room Entries
	var sessions []Session
	for i := range 2 * keepEntries {
		s := phone("001010000000001", "02-00-00-00-00-01")
		s.ID, s.State, s.AccountID, s.Accounting = NewID(), Open, "7", []byte{byte(i), 1}
		if i%2 == 0 {
			s.AccountID = "8"
		}
		var txn Txn
		txn.Put(NewEntry(s))
		_, err := m.Commit(ctx, &txn)
		require.NoError(t, err)
		sessions = append(sessions, s)
	}
	for _, want := range []string{"8", "7", "9", "7"} {
		room.Reset()
		found, err := m.ByAccountIn(ctx, &room, sessions[0].NAS, want)
		require.NoError(t, err)
		n := 0
		for _, s := range sessions {
			if s.AccountID == want {
				n++
			}
		}
		require.Len(t, found, n)
		for _, e := range found {
			require.Equal(t, want, e.Session.AccountID)
			again, err := m.Get(ctx, e.Session.ID)
			require.NoError(t, err)
			require.Equal(t, again, e)
		}
	}
	room.Reset()
	require.LessOrEqual(t, len(room.entries), keepEntries)
	found, err := m.ByAccountIn(ctx, &room, sessions[0].NAS, "9")
	require.NoError(t, err)
	require.Empty(t, found)
}

func TestGetIn(t *testing.T) {
	m := newTestManager(t, newTestStore(), Config{})
	ctx := t.Context()
	var room Entries
	for i := range 3 {
		s := phone("001010000000001", "02-00-00-00-00-01")
		s.ID, s.State, s.Charging = NewID(), Open, []byte{byte(i), 1}
		var txn Txn
		txn.Put(NewEntry(s))
		_, err := m.Commit(ctx, &txn)
		require.NoError(t, err)
		room.Reset()
		e, err := m.GetIn(ctx, &room, s.ID)
		require.NoError(t, err)
		again, err := m.Get(ctx, s.ID)
		require.NoError(t, err)
		require.Equal(t, again, e)
		_, err = m.GetIn(ctx, &room, NewID())
		require.ErrorIs(t, err, ErrNotFound)
	}
	require.Len(t, room.entries, 1)
}
