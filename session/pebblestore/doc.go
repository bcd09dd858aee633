// Package pebblestore keeps sessions, and the journal of tickets, on the disk
// of one machine: a [session.Store] over Pebble.
//
// A change is durable when Commit returns: it has been written to Pebble's
// write-ahead log and synced. Changes that come at the same time share one write
// and one sync; under load the store waits up to [Config.CommitDelay] for more of them,
// while a lone change never waits. All records are in memory as well
// ([session.Projection]) and are read from there; the journal is read from
// the disk.
//
//	store, err := pebblestore.Open("data", pebblestore.Config{Logger: logger})
//	if err != nil {
//		return err
//	}
//	defer store.Close()
//	manager, err := session.NewManager(store, session.Config{})
//
// On the disk, records are a log of their changes. It is cleared up when it has more than three changes
// for each record that there is, and what is beyond that takes more than twice [Config.MemTableOctets]: that, and three times
// what the records have, is about the room that they need.
//
// # When the disk fails
//
// Before each write the store looks how much room there is. Below
// [Config.ReserveOctets] it refuses changes with session.ErrUnavailable and goes on
// reading; the reserve is for what Pebble has to write in the background. It takes changes again
// when there is room. Trimming the journal is allowed to use half of the
// reserve, so that a journal that filled the disk can be freed.
//
// A failed write or sync, or one that takes longer than [Config.CommitTimeout],
// ends the life of the open database. From that moment nothing that it does reaches the
// disk, as if the machine had stopped. Changes under way get
// session.ErrUncertain; everything else, reading included, gets
// session.ErrUnavailable until the store has opened the database anew, which
// it tries at growing intervals. The records are then what the disk has.
//
// # What it is not
//
// One process has one directory: a second one gets [ErrLocked]. The store does
// not replicate. What it keeps is not encrypted: the directory holds identities and
// belongs on an encrypted volume, readable by nobody else.
package pebblestore
