package pebblestore_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/opentwag/twag/session"
	"github.com/opentwag/twag/session/pebblestore"
)

// A program that keeps records and a journal, stops, and goes on.
func Example() {
	dir, err := os.MkdirTemp("", "sessions")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	ctx := context.Background()
	cfg := pebblestore.Config{
		Hooks: pebblestore.Hooks{
			Committed: func(i pebblestore.CommitInfo) {
				_ = i.Duration // for a histogram
			},
			StateChanged: func(i pebblestore.StateInfo) { fmt.Println(i.Old, "->", i.New) },
		},
	}

	store, err := pebblestore.Open(dir, cfg)
	if err != nil {
		log.Fatal(err)
	}
	key := session.Key{Kind: session.KindMark, ID: session.NamedID("example")}
	first, err := store.Commit(ctx, &session.Change{
		Puts:    []session.Put{{Key: key, Value: []byte("open"), Expires: time.Now().Add(time.Hour)}},
		Journal: [][]byte{[]byte("start")},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("entry", first)
	if err := store.Close(); err != nil {
		log.Fatal(err)
	}

	if store, err = pebblestore.Open(dir, cfg); err != nil {
		log.Fatal(err)
	}
	r, err := store.Get(ctx, key)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("version %d: %s\n", r.Version, r.Value)
	err = store.ReadJournal(ctx, 1, func(seq uint64, entry []byte) bool {
		fmt.Printf("%d: %s\n", seq, entry)
		return true
	})
	if err != nil {
		log.Fatal(err)
	}
	stats := store.Stats()
	fmt.Println(stats.State, stats.Records, stats.JournalLast)
	if err := store.Close(); err != nil {
		log.Fatal(err)
	}
	// Output:
	// entry 1
	// ready -> closed
	// version 1: open
	// 1: start
	// ready 1 1
	// ready -> closed
}
