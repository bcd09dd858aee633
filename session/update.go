package session

import (
	"context"
	"errors"
)

// updateAttempts bounds how often a change is decided again because somebody
// else was faster.
const updateAttempts = 16

// Update changes one session: change is called with it as it is in the store, may change it
// and add to txn, and returns whether there is anything to commit. After a conflict
// it is called again. The error is change's, the store's, or ErrNotFound.
func (m *Manager) Update(ctx context.Context, id ID, change func(txn *Txn, s *Session) (bool, error)) error {
	var txn Txn
	for range updateAttempts {
		e, err := m.Get(ctx, id)
		if err != nil {
			return err
		}
		txn.Reset()
		ok, err := change(&txn, &e.Session)
		if err != nil || !ok {
			return err
		}
		txn.Put(e)
		if _, err = m.Commit(ctx, &txn); !errors.Is(err, ErrConflict) {
			return err
		}
	}
	return ErrConflict
}
