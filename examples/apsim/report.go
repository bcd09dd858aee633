package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"
)

// report is what a run found, in the units that people read. Its JSON names
// are for scripts and stay as they are.
type report struct {
	Server          string         `json:"server"`
	Method          string         `json:"method"`
	Stations        int            `json:"stations"`
	Seconds         float64        `json:"seconds"`
	Logins          uint64         `json:"logins"`
	LoginsPerSecond float64        `json:"logins_per_second"`
	P50Millis       float64        `json:"p50_ms"`
	P95Millis       float64        `json:"p95_ms"`
	P99Millis       float64        `json:"p99_ms"`
	MaxMillis       float64        `json:"max_ms"`
	Failed          int            `json:"failed"`
	Failures        map[string]int `json:"failures"`
	Late            int            `json:"late"`
	RequestsPer     float64        `json:"access_requests_per_login"`
	Retransmissions int            `json:"retransmissions"`
	// ServerCPU is the server's processor time per login, in microseconds;
	// nil when it was not measured.
	ServerCPU *float64 `json:"server_cpu_us_per_login,omitempty"`
	OwnCPU    *float64 `json:"apsim_cpu_us_per_login,omitempty"`
}

func newReport(server, method string, stations int, t *tally) *report {
	r := &report{
		Server:    server,
		Method:    method,
		Stations:  stations,
		Seconds:   t.elapsed.Seconds(),
		Logins:    t.times.total,
		P50Millis: millis(t.times.quantile(0.50)), P95Millis: millis(t.times.quantile(0.95)),
		P99Millis: millis(t.times.quantile(0.99)), MaxMillis: millis(t.times.max),
		Failed:          t.failed(),
		Failures:        t.failures,
		Late:            t.late,
		Retransmissions: t.traffic.Retransmissions,
	}
	if r.Seconds > 0 {
		r.LoginsPerSecond = float64(r.Logins) / r.Seconds
	}
	if all := float64(r.Logins) + float64(r.Failed); all > 0 {
		r.RequestsPer = float64(t.traffic.Requests) / all
	}
	return r
}

func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// perLogin spreads processor time over the logins, failed ones too: they cost
// the server as well.
func (r *report) perLogin(cpu time.Duration) *float64 {
	n := float64(r.Logins) + float64(r.Failed)
	if n == 0 {
		return nil
	}
	us := float64(cpu) / float64(time.Microsecond) / n
	return &us
}

func (r *report) writeJSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(r)
}

func (r *report) writeText(w io.Writer) error {
	p := printer{w: w}
	p.line("%d logins in %.2f s by %d stations, %s, to %s", r.Logins, r.Seconds, r.Stations, r.Method, r.Server)
	p.line("%-24s %.0f", "logins/s", r.LoginsPerSecond)
	p.line("%-24s p50 %.2f  p95 %.2f  p99 %.2f  max %.2f", "time of a login, ms", r.P50Millis, r.P95Millis, r.P99Millis, r.MaxMillis)
	p.line("%-24s %.2f", "Access-Requests a login", r.RequestsPer)
	p.line("%-24s %d", "retransmissions", r.Retransmissions)
	if r.Late > 0 {
		p.line("%-24s %d (no station was free: use more)", "begun late", r.Late)
	}
	if r.ServerCPU != nil {
		p.line("%-24s %.1f", "server CPU µs a login", *r.ServerCPU)
	}
	if r.OwnCPU != nil {
		p.line("%-24s %.1f", "apsim CPU µs a login", *r.OwnCPU)
	}
	p.line("%-24s %d", "failed", r.Failed)
	byCount := slices.SortedFunc(maps.Keys(r.Failures), func(a, b string) int {
		return cmp.Or(cmp.Compare(r.Failures[b], r.Failures[a]), cmp.Compare(a, b))
	})
	for _, reason := range byCount {
		p.line("  %6d  %s", r.Failures[reason], reason)
	}
	return p.err
}

// printer writes lines and keeps the first error.
type printer struct {
	w   io.Writer
	err error
}

func (p *printer) line(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format+"\n", args...)
	}
}
