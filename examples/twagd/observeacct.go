package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"

	layeh "layeh.com/radius"

	"github.com/opentwag/twag/accounting"
	"github.com/opentwag/twag/radius"
	"github.com/opentwag/twag/session"
)

// accountingCounters are what twagd counts of accounting. No label has anything of a
// subscriber.
type accountingCounters struct {
	request  [accounting.AccountingOff + 1]atomic.Uint64
	verdict  [accounting.Reused + 1]atomic.Uint64
	refused  [accounting.RefusedNoSessionID + 1]atomic.Uint64
	dropped  atomic.Uint64 // by the engine, before any handler
	failed   atomic.Uint64 // not stored
	overload atomic.Uint64 // not even tried
	archival atomic.Uint64
	badClass atomic.Uint64
	restarts atomic.Uint64
	active   atomic.Int64
}

// statusNames are the names that metrics have for Acct-Status-Types.
var statusNames = map[accounting.Status]string{
	accounting.Start: "start", accounting.Stop: "stop", accounting.Interim: "interim_update",
	accounting.AccountingOn: "accounting_on", accounting.AccountingOff: "accounting_off",
}

// samples returns the counters that are not zero.
func (c *accountingCounters) samples() []sample {
	var list []sample
	add := func(n uint64, format string, args ...any) {
		if n > 0 {
			list = append(list, sample{fmt.Sprintf(format, args...), n})
		}
	}
	for s := range c.request {
		add(c.request[s].Load(), "radius_accounting_request_count{status_type=%q}", statusNames[accounting.Status(s)])
	}
	for v := range c.verdict {
		add(c.verdict[v].Load(), "accounting_event_count{verdict=%q}", accounting.Verdict(v).String())
	}
	for r := range c.refused {
		add(c.refused[r].Load(), "accounting_refused_count{reason=%q}", accounting.Refusal(r).String())
	}
	add(c.dropped.Load(), "radius_accounting_dropped_count")
	add(c.failed.Load(), "accounting_store_failure_count")
	add(c.overload.Load(), "accounting_overload_count")
	add(c.archival.Load(), "accounting_archival_count")
	add(c.badClass.Load(), "accounting_bad_class_count")
	add(c.restarts.Load(), "accounting_nas_restart_count")
	add(uint64(max(0, c.active.Load())), "radius_active_clients_count")
	return list
}

func (o *observer) sessionHooks() session.Hooks {
	c := &o.count.accounting
	return session.Hooks{
		Changed: func(_ context.Context, before, after *session.Session) {
			switch was, is := before.State == session.Open, after.State == session.Open; {
			case is && !was:
				c.active.Add(1)
			case was && !is:
				c.active.Add(-1)
			}
		},
	}
}

func (o *observer) recorderHooks() accounting.RecorderHooks {
	c := &o.count.accounting
	return accounting.RecorderHooks{
		Recorded: func(r accounting.RecordInfo) {
			c.verdict[r.Verdict].Add(1)
			if r.Archival {
				c.archival.Add(1)
				o.log.Info("Session ended from its last interim", "session", r.Session, "nas", r.NAS.Name(), "reason", r.Reason.String())
			}
		},
		BadClass: func(error) { c.badClass.Add(1) },
		Restart: func(nas session.NAS, silent bool) {
			c.restarts.Add(1)
			o.log.Warn("NAS has restarted", "nas", nas.Name(), "silent", silent)
		},
	}
}

func (o *observer) accountingHooks() accounting.HandlerHooks {
	c := &o.count.accounting
	return accounting.HandlerHooks{Request: func(r accounting.RequestInfo) {
		if r.Refusal != 0 {
			c.refused[r.Refusal].Add(1)
			return
		}
		c.request[r.Status].Add(1)
		switch {
		case errors.Is(r.Err, accounting.ErrOverload):
			c.overload.Add(1)
		case r.Err != nil:
			c.failed.Add(1)
		}
		if o.debug {
			o.log.LogAttrs(context.Background(), slog.LevelDebug, "Accounting-Request", slog.Any("from", r.Source),
				slog.String("status", r.Status.String()), slog.String("verdict", r.Verdict.String()), slog.Duration("elapsed", r.Elapsed), slog.Any("error", r.Err))
		}
	}}
}

func (o *observer) accountingRadiusHooks() radius.Hooks {
	return radius.Hooks{
		Received: func(r radius.RequestInfo) {
			if addr := r.Remote.Addr(); r.Code == layeh.CodeAccountingRequest && o.count.points.add(addr) {
				o.log.Info(fmt.Sprintf("Registered AP: %v", addr), "client", r.Client.Name())
			}
		},
		Dropped: func(radius.DropInfo) { o.count.accounting.dropped.Add(1) },
	}
}
