package main

import (
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/accounting"
	"github.com/opentwag/twag/session"
)

// A request that nobody had time for is no failure of the store.
func TestOverloadIsCountedApart(t *testing.T) {
	var c counters
	o := observer{log: slog.New(slog.DiscardHandler), count: &c}
	request := o.accountingHooks().Request
	request(accounting.RequestInfo{Status: accounting.Start, Err: accounting.ErrOverload})
	request(accounting.RequestInfo{Status: accounting.Start, Err: errors.New("disk full")})
	request(accounting.RequestInfo{Status: accounting.Start, Err: errors.New("disk full")})
	require.Equal(t, []sample{
		{`radius_accounting_request_count{status_type="start"}`, 3},
		{"accounting_store_failure_count", 2},
		{"accounting_overload_count", 1},
	}, c.accounting.samples())
}

func TestArchivalLinger(t *testing.T) {
	cfg, _, err := parseConfig("f", []byte(minimal+"roles: [auth, acct]\nsessions: {store: memory, archival_linger: 48h}\naccounting: {tickets: {dir: t}}\n"))
	require.NoError(t, err)
	b, err := openBooks(&cfg, &observer{log: slog.New(slog.DiscardHandler), count: new(counters)})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, b.close()) })
	e := session.NewEntry(session.Session{ID: session.NewID(), State: session.Open, AccountID: "7"})
	var txn session.Txn
	txn.Put(e)
	_, err = b.manager.Commit(t.Context(), &txn)
	require.NoError(t, err)
	require.NoError(t, b.manager.End(t.Context(), e, session.ReasonSilent))
	r, err := b.manager.Record(t.Context(), session.Key{Kind: session.KindSession, ID: e.Session.ID})
	require.NoError(t, err)
	require.WithinDuration(t, time.Now().Add(48*time.Hour), r.Expires, time.Minute)
}
