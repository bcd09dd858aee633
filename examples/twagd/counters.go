package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"
)

// counters are what twagd counts, by the names that its metrics have. The zero
// value counts from zero. It is safe for concurrent use.
type counters struct {
	accessRequest, accessAccept, accessReject, accessChallenge atomic.Uint64

	identity, challenge, syncFailure, reauthentication, authSuccess, authReject atomic.Uint64

	diameter [len(diameterApplications) + 1][len(diameterCommands) + 1][2]atomic.Uint64

	points accessPoints

	accounting accountingCounters
	charging   chargingCounters
}

// named is a number and its name in diameter_message_count. Numbers that are
// not listed count as "other": a peer must not be able to make up names.
type named struct {
	number uint32
	name   string
}

var (
	diameterApplications = [...]named{{0, "base"}, {16777265, "swx"}, {4, "gy"}}
	diameterCommands     = [...]named{
		{257, "capabilities_exchange"}, {280, "device_watchdog"}, {282, "disconnect_peer"},
		{303, "multimedia_auth"}, {301, "server_assignment"}, {304, "registration_termination"}, {305, "push_profile"},
		{272, "credit_control"}, {258, "re_auth"}, {274, "abort_session"},
	}
	directions = [...]string{"received", "sent"}
)

// message counts a Diameter message.
func (c *counters) message(application, command uint32, sent bool) {
	direction := 0
	if sent {
		direction = 1
	}
	c.diameter[index(diameterApplications[:], application)][index(diameterCommands[:], command)][direction].Add(1)
}

// index returns where number is, or the place after the last.
func index(list []named, number uint32) int {
	for i := range list {
		if list[i].number == number {
			return i
		}
	}
	return len(list)
}

func nameAt(list []named, i int) string {
	if i < len(list) {
		return list[i].name
	}
	return "other"
}

// sample is a counter's name, with its labels, and value.
type sample struct {
	name  string
	value uint64
}

// samples returns the counters; those of Diameter only where there is
// anything.
func (c *counters) samples() []sample {
	list := []sample{
		{"radius_access_request_count", c.accessRequest.Load()},
		{"radius_access_accept_count", c.accessAccept.Load()},
		{"radius_access_reject_count", c.accessReject.Load()},
		{"radius_access_challenge_count", c.accessChallenge.Load()},
		{"radius_access_points_count", uint64(c.points.count())},
		{"eap_aka_identity_count", c.identity.Load()},
		{"eap_aka_challenge_count", c.challenge.Load()},
		{"eap_aka_sync_failure_count", c.syncFailure.Load()},
		{"eap_aka_reauthentication_count", c.reauthentication.Load()},
		{"eap_aka_auth_success_count", c.authSuccess.Load()},
		{"eap_aka_auth_reject_count", c.authReject.Load()},
	}
	list = append(list, c.accounting.samples()...)
	list = append(list, c.charging.samples()...)
	for a := range c.diameter {
		for m := range c.diameter[a] {
			for d := range directions {
				if n := c.diameter[a][m][d].Load(); n > 0 {
					list = append(list, sample{fmt.Sprintf("diameter_message_count{application=%q,command=%q,direction=%q}",
						nameAt(diameterApplications[:], a), nameAt(diameterCommands[:], m), directions[d]), n})
				}
			}
		}
	}
	return list
}

// write prints the counters, one a line.
func (c *counters) write(w io.Writer) {
	for _, s := range c.samples() {
		fmt.Fprintf(w, "%-34s %d\n", s.name, s.value)
	}
}

// log writes the counters as one line of the log.
func (c *counters) log(log *slog.Logger) {
	var attrs []slog.Attr
	for _, s := range c.samples() {
		attrs = append(attrs, slog.Uint64(s.name, s.value))
	}
	log.LogAttrs(context.Background(), slog.LevelInfo, "Server ended", attrs...)
}

// accessPoints is the set of access points that have sent something.
type accessPoints struct {
	mu    sync.RWMutex
	known map[netip.Addr]struct{}
}

// maxAccessPoints bounds the set; later ones are served all the same, but not
// counted.
const maxAccessPoints = 1 << 17

// add reports whether addr is new.
func (p *accessPoints) add(addr netip.Addr) bool {
	p.mu.RLock()
	_, known := p.known[addr]
	p.mu.RUnlock()
	if known {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, known := p.known[addr]; known || len(p.known) >= maxAccessPoints {
		return false
	}
	if p.known == nil {
		p.known = make(map[netip.Addr]struct{})
	}
	p.known[addr] = struct{}{}
	return true
}

func (p *accessPoints) count() int {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return len(p.known)
}
