package main

import (
	"encoding/json"
	"fmt"
	"io"
	"time"
)

// acctReport is what a run of "apsim acct" found. Its JSON names are for scripts and stay as they
// are.
type acctReport struct {
	Server   string  `json:"server"`
	NASes    int     `json:"nases"`
	Sessions int     `json:"sessions"`
	Seconds  float64 `json:"seconds"`

	// Of the time until no more sessions came (with -open: until all were
	// open).
	Requests        uint64  `json:"requests"` // events, each once
	Acknowledged    uint64  `json:"acknowledged"`
	PerSecond       float64 `json:"acknowledged_per_second"`
	Retransmissions uint64  `json:"retransmissions"`
	P50Millis       float64 `json:"p50_ms"`
	P95Millis       float64 `json:"p95_ms"`
	P99Millis       float64 `json:"p99_ms"`
	MaxMillis       float64 `json:"max_ms"`
	OctetsPer       float64 `json:"octets_per_request"`
	HeldBack        uint64  `json:"held_back"`
	// Processor times are per acknowledged request, in microseconds; nil when they were not measured.
	ServerCPU *float64 `json:"server_cpu_us_per_request,omitempty"`
	OwnCPU    *float64 `json:"apsim_cpu_us_per_request,omitempty"`

	// Of the whole run, with its end.
	TotalSeconds         float64 `json:"total_seconds"`
	TotalRequests        uint64  `json:"total_requests"`
	TotalAcknowledged    uint64  `json:"total_acknowledged"`
	TotalRetransmissions uint64  `json:"total_retransmissions"`
	TotalMaxMillis       float64 `json:"total_max_ms"`
	Unacknowledged       int     `json:"unacknowledged"`
	Started              uint64  `json:"sessions_started"`
	Stopped              uint64  `json:"sessions_stopped"`
	Disconnected         uint64  `json:"sessions_disconnected"`
	MostWaiting          int     `json:"most_unacknowledged"`
	Stray                uint64  `json:"late_answers"`
	Forged               uint64  `json:"forged_answers"`

	Memory *memoryReport `json:"server_memory,omitempty"`
}

// memoryReport is how much memory of the server was resident, in octets.
type memoryReport struct {
	Before uint64 `json:"before"`
	// First, Last and Peak are of the samples after the warm-up, which is the first fifth of
	// them.
	First uint64 `json:"first"`
	Last  uint64 `json:"last"`
	Peak  uint64 `json:"peak"`
	// Open is with the sessions of -open, and PerSession what each of them has added to Before.
	Open       uint64           `json:"open,omitempty"`
	PerSession *float64         `json:"octets_per_session,omitempty"`
	Samples    []residentSample `json:"samples"`
}

// measured fills in what was measured until now.
func (r *acctReport) measured(o *acctOptions, l *acctLoad, now time.Duration, used cpu) {
	t := &l.tally
	r.Server, r.NASes, r.Sessions = o.server.String(), o.nases, o.sessions
	r.Seconds = now.Seconds()
	r.Requests, r.Acknowledged, r.Retransmissions, r.HeldBack = t.sent, t.acknowledged, t.retransmitted, t.heldBack
	r.P50Millis, r.P95Millis = millis(t.times.quantile(0.50)), millis(t.times.quantile(0.95))
	r.P99Millis, r.MaxMillis = millis(t.times.quantile(0.99)), millis(t.times.max)
	if r.Seconds > 0 {
		r.PerSecond = float64(r.Acknowledged) / r.Seconds
	}
	if r.Requests > 0 {
		r.OctetsPer = float64(t.octets) / float64(r.Requests)
	}
	if r.Acknowledged == 0 {
		return
	}
	per := func(d time.Duration) *float64 {
		if d <= 0 {
			return nil
		}
		us := float64(d) / float64(time.Microsecond) / float64(r.Acknowledged)
		return &us
	}
	r.ServerCPU, r.OwnCPU = per(used.server), per(used.own)
}

// opened fills in what open sessions cost.
func (r *acctReport) opened(m *residentLog, open int) {
	r.Memory = &memoryReport{Before: m.before}
	if n := len(m.samples); n > 0 && open > 0 {
		r.Memory.Open = m.samples[n-1].Octets
		per := (float64(r.Memory.Open) - float64(m.before)) / float64(open)
		r.Memory.PerSession = &per
	}
}

// ended fills in the rest.
func (r *acctReport) ended(l *acctLoad, now time.Duration, m *residentLog) {
	t := &l.tally
	r.TotalSeconds = now.Seconds()
	r.TotalRequests, r.TotalAcknowledged, r.TotalRetransmissions = t.sent, t.acknowledged, t.retransmitted
	r.TotalMaxMillis = millis(t.times.max)
	r.Unacknowledged, r.MostWaiting = len(l.ops), t.maxWaiting
	r.Started, r.Stopped, r.Disconnected = t.starts, t.stops, t.kicked
	r.Stray, r.Forged = t.stray, t.forged
	if m.pid == 0 {
		return
	}
	m.look(now)
	if r.Memory == nil {
		r.Memory = &memoryReport{Before: m.before}
	}
	r.Memory.Samples = m.samples
	warm := m.samples[len(m.samples)/5:]
	for i, s := range warm {
		if i == 0 {
			r.Memory.First = s.Octets
		}
		r.Memory.Last, r.Memory.Peak = s.Octets, max(r.Memory.Peak, s.Octets)
	}
}

// good tells whether all was acknowledged, and by the server alone.
func (r *acctReport) good() bool {
	return r.TotalAcknowledged > 0 && r.Unacknowledged == 0 && r.Forged == 0
}

func mebi(octets uint64) string { return fmt.Sprintf("%.1f MiB", float64(octets)/(1<<20)) }

func (r *acctReport) writeJSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(r)
}

func (r *acctReport) writeText(w io.Writer) error {
	p := printer{w: w}
	p.line("%d accounting requests in %.2f s by %d access points with %d sessions at a time, to %s", r.Requests, r.Seconds, r.NASes, r.Sessions, r.Server)
	p.line("%-28s %.0f", "acknowledged/s", r.PerSecond)
	p.line("%-28s %d", "acknowledged", r.Acknowledged)
	p.line("%-28s %d", "retransmissions", r.Retransmissions)
	p.line("%-28s p50 %.2f  p95 %.2f  p99 %.2f  max %.2f", "time to acknowledgement, ms", r.P50Millis, r.P95Millis, r.P99Millis, r.MaxMillis)
	p.line("%-28s %.0f", "octets a request", r.OctetsPer)
	if r.HeldBack > 0 {
		p.line("%-28s %d (all sessions were waiting: use more)", "held back", r.HeldBack)
	}
	if r.ServerCPU != nil {
		p.line("%-28s %.1f", "server CPU µs a request", *r.ServerCPU)
	}
	if r.OwnCPU != nil {
		p.line("%-28s %.1f", "apsim CPU µs a request", *r.OwnCPU)
	}
	p.line("in all, %.2f s:", r.TotalSeconds)
	p.line("%-28s %d, acknowledged %d, not acknowledged %d", "requests", r.TotalRequests, r.TotalAcknowledged, r.Unacknowledged)
	p.line("%-28s %d", "retransmissions", r.TotalRetransmissions)
	p.line("%-28s %d started, %d stopped", "sessions", r.Started, r.Stopped)
	if r.Disconnected > 0 {
		p.line("%-28s %d", "disconnected by the server", r.Disconnected)
	}
	p.line("%-28s %d unacknowledged at a time, %.2f ms to acknowledgement", "most", r.MostWaiting, r.TotalMaxMillis)
	if r.Stray > 0 {
		p.line("%-28s %d (to requests that had been repeated)", "late answers", r.Stray)
	}
	p.line("%-28s %d", "forged answers", r.Forged)
	if m := r.Memory; m != nil {
		p.line("%-28s %s before; after the warm-up first %s, last %s, peak %s", "server memory, resident",
			mebi(m.Before), mebi(m.First), mebi(m.Last), mebi(m.Peak))
		if m.PerSession != nil {
			p.line("%-28s %s with all sessions open: %.0f octets for each", "", mebi(m.Open), *m.PerSession)
		}
	}
	return p.err
}
