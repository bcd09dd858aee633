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
	Server   string `json:"server"`
	Method   string `json:"method"`
	Stations int    `json:"stations"`
	// The full logins.
	figures
	// Reauth are the fast re-authentications; nil if none were asked for.
	Reauth *figures `json:"reauthentication,omitempty"`
}

// figures are of one kind of login.
type figures struct {
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

func newReport(o options, full, again part) *report {
	r := &report{Server: o.server.String(), Method: string(o.method), Stations: o.stations, figures: newFigures(o, full)}
	if again.tally != nil {
		f := newFigures(o, again)
		r.Reauth = &f
	}
	return r
}

func newFigures(o options, p part) figures {
	t := p.tally
	f := figures{
		Seconds:   t.elapsed.Seconds(),
		Logins:    t.times.total,
		P50Millis: millis(t.times.quantile(0.50)), P95Millis: millis(t.times.quantile(0.95)),
		P99Millis: millis(t.times.quantile(0.99)), MaxMillis: millis(t.times.max),
		Failed:          t.failed(),
		Failures:        t.failures,
		Late:            t.late,
		Retransmissions: t.traffic.Retransmissions,
	}
	if f.Seconds > 0 {
		f.LoginsPerSecond = float64(f.Logins) / f.Seconds
	}
	if all := float64(f.Logins) + float64(f.Failed); all > 0 {
		f.RequestsPer = float64(t.traffic.Requests) / all
	}
	if o.pid > 0 {
		f.ServerCPU = f.perLogin(p.cpu.server)
	}
	if p.cpu.own > 0 {
		f.OwnCPU = f.perLogin(p.cpu.own)
	}
	return f
}

// good tells whether logins, and all of them, have succeeded.
func (r *report) good() bool {
	return r.figures.good() && (r.Reauth == nil || r.Reauth.good())
}

func (f *figures) good() bool { return f.Logins > 0 && f.Failed == 0 }

func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// perLogin spreads processor time over the logins, failed ones too: they cost
// the server as well.
func (f *figures) perLogin(cpu time.Duration) *float64 {
	n := float64(f.Logins) + float64(f.Failed)
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
	r.figures.write(&p)
	if r.Reauth != nil {
		p.line("%d fast re-authentications in %.2f s", r.Reauth.Logins, r.Reauth.Seconds)
		r.Reauth.write(&p)
	}
	return p.err
}

func (f *figures) write(p *printer) {
	p.line("%-24s %.0f", "logins/s", f.LoginsPerSecond)
	p.line("%-24s p50 %.2f  p95 %.2f  p99 %.2f  max %.2f", "time of a login, ms", f.P50Millis, f.P95Millis, f.P99Millis, f.MaxMillis)
	p.line("%-24s %.2f", "Access-Requests a login", f.RequestsPer)
	p.line("%-24s %d", "retransmissions", f.Retransmissions)
	if f.Late > 0 {
		p.line("%-24s %d (no station was free: use more)", "begun late", f.Late)
	}
	if f.ServerCPU != nil {
		p.line("%-24s %.1f", "server CPU µs a login", *f.ServerCPU)
	}
	if f.OwnCPU != nil {
		p.line("%-24s %.1f", "apsim CPU µs a login", *f.OwnCPU)
	}
	p.line("%-24s %d", "failed", f.Failed)
	byCount := slices.SortedFunc(maps.Keys(f.Failures), func(a, b string) int {
		return cmp.Or(cmp.Compare(f.Failures[b], f.Failures[a]), cmp.Compare(a, b))
	})
	for _, reason := range byCount {
		p.line("  %6d  %s", f.Failures[reason], reason)
	}
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
