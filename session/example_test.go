package session_test

import (
	"context"
	"fmt"
	"time"

	"github.com/opentwag/twag/session"
)

// A session from its login to its end, as a server with authentication and accounting
// makes it: package accounting does the second part.
func Example() {
	ctx := context.Background()
	store := session.NewMemoryStore(session.MemoryConfig{})
	defer store.Close()
	m, err := session.NewManager(store, session.Config{PerSubscriber: 2, OnLimit: session.LimitReplace})
	if err != nil {
		panic(err)
	}
	if err := m.Load(ctx); err != nil {
		panic(err)
	}
	// A server also has m.Run in a goroutine, for what happens by itself.

	admitted, err := m.Admit(ctx, session.Session{
		IMSI:    "001010000000001",
		Station: session.NormalStation("02:00:00:00:00:01"),
		Method:  "AKA'",
	})
	if err != nil {
		panic(err)
	}
	fmt.Println(admitted.State)

	e, err := m.Get(ctx, admitted.ID)
	if err != nil {
		panic(err)
	}
	now := time.Now()
	s := &e.Session
	s.State, s.Started, s.Updated, s.Seen, s.Active = session.Open, now, now, now, now
	var txn session.Txn
	txn.Put(e)
	txn.Journal([]byte("the ticket of its start"))
	if _, err := m.Commit(ctx, &txn); err != nil {
		panic(err)
	}

	found, err := m.ByStation(ctx, "0200.0000.0001")
	if err != nil {
		panic(err)
	}
	fmt.Println(len(found), found[0].Session.State, m.Counts().Open)

	if err := m.End(ctx, found[0], session.ReasonNetwork); err != nil {
		panic(err)
	}
	fmt.Println(m.Counts().Open)
	// Output:
	// admitted
	// 1 open 1
	// 0
}
