package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/opentwag/twag/aka"
	"github.com/opentwag/twag/diameter"
	"github.com/opentwag/twag/diameter/wire"
	"github.com/opentwag/twag/eap"
	"github.com/opentwag/twag/examples/internal/homeconfig"
	"github.com/opentwag/twag/examples/internal/strictyaml"
	"github.com/opentwag/twag/swx"
)

// diameterTest is what to ask the HSS.
type diameterTest struct {
	config, originHost, peer  string
	imsi                      eap.IMSI
	sar                       bool
	kind                      swx.AssignmentType
	scheme                    aka.Scheme
	networkName               string
	vectors                   int
	timeout                   time.Duration
	verbose, json, showSecret bool
}

// schemes are the words for what vectors are for.
var schemes = map[string]aka.Scheme{"aka": aka.SchemeAKA, "aka-prime": aka.SchemeAKAPrime}

// assignments are the words for what a SAR is about.
var assignments = map[string]swx.AssignmentType{
	"registration":                  swx.Registration,
	"user-deregistration":           swx.UserDeregistration,
	"administrative-deregistration": swx.AdministrativeDeregistration,
	"authentication-failure":        swx.AuthenticationFailure,
	"authentication-timeout":        swx.AuthenticationTimeout,
	"user-data":                     swx.AAAUserDataRequest,
	"restoration":                   swx.Restoration,
}

// parseDiameterTest reads the options.
func parseDiameterTest(in *invocation) (d diameterTest, err error) {
	fs := in.flags()
	fs.StringVar(&d.config, "config", "twagd.yaml", "configuration `file` of twagd; its sections diameter and swx count")
	imsi := fs.String("imsi", "", "the subscriber, by `digits`")
	command := fs.String("command", "mar", "mar asks for vectors, sar tells the HSS something, or asks for a profile")
	kind := fs.String("type", "user-data", "of a sar: "+strings.Join(sortedKeys(assignments), ", ")+";\nuser-data changes nothing at the HSS")
	scheme := fs.String("scheme", "aka-prime", "of a mar: aka or aka-prime")
	fs.StringVar(&d.networkName, "network-name", "WLAN", "of a mar for aka-prime: the access network, eap.network_name of twagd")
	fs.IntVar(&d.vectors, "vectors", 0, "of a mar: how many vectors to ask for (default: as configured)")
	fs.StringVar(&d.originHost, "origin-host", "", "who we are, in place of diameter.origin_host.\nA peer may cut off a running twagd of the same name; and a mar registers us for the subscriber, where another name would stay in its way")
	fs.StringVar(&d.peer, "peer", "", "ask this `host` of diameter.peers only")
	fs.DurationVar(&d.timeout, "timeout", 10*time.Second, "longest time to connect, and again for the answer")
	fs.BoolVar(&d.verbose, "v", false, "show the request as well, and what becomes of peers")
	fs.BoolVar(&d.json, "json", false, "write JSON")
	fs.BoolVar(&d.showSecret, "show-keys", false, "show keys and expected responses, which let anybody in")
	rest, err := in.parse(fs)
	if err != nil {
		return d, err
	}
	var known bool
	switch {
	case len(rest) > 0:
		return d, in.wrong("%q is not an option", rest[0])
	case *command != "mar" && *command != "sar":
		return d, in.wrong("-command: want mar or sar")
	case d.timeout <= 0:
		return d, in.wrong("-timeout: want more than nothing")
	}
	d.sar = *command == "sar"
	if d.imsi, err = eap.ParseIMSI(*imsi); err != nil {
		return d, in.wrong("-imsi: want 6 to 15 digits")
	}
	if d.kind, known = assignments[*kind]; !known {
		return d, in.wrong("-type: want one of %s", strings.Join(sortedKeys(assignments), ", "))
	}
	if d.scheme, known = schemes[*scheme]; !known {
		return d, in.wrong("-scheme: want aka or aka-prime")
	}
	return d, nil
}

func sortedKeys[V any](m map[string]V) []string {
	var list []string
	for k := range m {
		list = append(list, k)
	}
	slices.Sort(list)
	return list
}

// diameterTestCommand asks the HSS one thing and prints its answer.
func diameterTestCommand(ctx context.Context, in *invocation) error {
	d, err := parseDiameterTest(in)
	if err != nil {
		return err
	}
	t := &tap{}
	node, client, err := d.connect(ctx, in, t)
	if err != nil {
		return err
	}
	defer func() {
		leave, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
		defer cancel()
		_ = node.Shutdown(leave)
	}()
	limited, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	if d.sar {
		_, err = client.Assign(limited, swx.AssignmentRequest{IMSI: d.imsi, Type: d.kind})
	} else {
		_, err = client.Vectors(limited, aka.VectorRequest{IMSI: d.imsi, Scheme: d.scheme, NetworkName: d.networkName})
	}
	r := t.report(&d, err)
	write := r.writeText
	if d.json {
		write = r.writeJSON
	}
	if e := write(in.stdout); e != nil {
		return e
	}
	switch {
	case t.answer == nil:
		return &exitError{exitNoAnswer, err}
	case err != nil:
		return fmt.Errorf("refused: %w", err)
	}
	return nil
}

// connect returns a node with an open peer, and a client of it.
func (d *diameterTest) connect(ctx context.Context, in *invocation, t *tap) (*diameter.Node, *swx.Client, error) {
	data, err := os.ReadFile(d.config)
	if err != nil {
		return nil, nil, err
	}
	file := struct {
		Diameter homeconfig.Diameter `yaml:"diameter"`
		SWx      homeconfig.SWx      `yaml:"swx"`
	}{homeconfig.DefaultDiameter(), homeconfig.DefaultSWx()}
	if _, err := strictyaml.DecodeSections(d.config, data, &file); err != nil {
		return nil, nil, err
	}
	if d.originHost != "" {
		file.Diameter.OriginHost = d.originHost
	}
	dir := filepath.Dir(d.config)
	file.Diameter.LocateFiles(func(name *string) {
		if *name != "" && !filepath.IsAbs(*name) {
			*name = filepath.Join(dir, *name)
		}
	})
	homeconfig.ApplyDefaults(&file.Diameter, &file.SWx)
	cfg, err := file.Diameter.Node(nil)
	if err != nil {
		return nil, nil, err
	}
	// Who connects to twagd does not connect to us.
	cfg.Peers = slices.DeleteFunc(cfg.Peers, func(p diameter.PeerConfig) bool {
		return p.Address == "" || d.peer != "" && !strings.EqualFold(p.Host, d.peer)
	})
	if len(cfg.Peers) == 0 {
		return nil, nil, fmt.Errorf("%s: no peer of diameter.peers is one to connect to (connect: initiate)", d.config)
	}
	cfg.Hooks.Message = t.message
	level := slog.LevelError
	if d.verbose {
		level = slog.LevelInfo
	}
	cfg.Logger = slog.New(slog.NewTextHandler(in.stderr, &slog.HandlerOptions{Level: level}))
	node, err := diameter.NewNode(cfg)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", d.config, err)
	}
	ask := file.SWx.Client()
	ask.Timeout = -1 // ours
	if d.vectors != 0 {
		ask.VectorsPerRequest = d.vectors
	}
	if err := ask.Validate(); err != nil {
		_ = node.Close()
		return nil, nil, fmt.Errorf("%s: %w", d.config, err)
	}
	t.Node = node
	node.Start()
	limited, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	if err := node.WaitOpen(limited, ""); err != nil {
		var why []string
		for _, p := range node.Peers() {
			why = append(why, fmt.Sprintf("%s (%s): %s", p.Host, p.Address, p.LastError))
		}
		_ = node.Close()
		return nil, nil, &exitError{exitNoAnswer, fmt.Errorf("no peer after %v: %s", d.timeout, strings.Join(why, "; "))}
	}
	t.peers = node.Peers
	return node, swx.NewClient(t, ask), nil
}

// tap is a node that notes what goes through it.
type tap struct {
	swx.Node // the real one
	peers    func() []diameter.PeerStatus

	request, answer wire.Message
	elapsed         time.Duration

	mu   sync.Mutex
	sent []string // peers that the request went to
	from string   // the peer that answered last
}

// Exchange implements swx.Node.
func (t *tap) Exchange(ctx context.Context, req wire.Message) (wire.Message, error) {
	t.request = slices.Clone(req)
	begun := time.Now()
	answer, err := t.Node.Exchange(ctx, req)
	t.elapsed, t.answer = time.Since(begun), answer
	return answer, err
}

func (t *tap) message(m diameter.MessageInfo) {
	if m.Application != swx.ApplicationID {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case m.Request && m.Sent:
		t.sent = append(t.sent, m.Peer)
	case !m.Request && !m.Sent:
		t.from = m.Peer
	}
}

// report is what the test has come to. Its JSON names are for scripts.
type report struct {
	Command string `json:"command"`
	IMSI    string `json:"imsi"`
	// SentTo are the peers that the request went to, more than one if it was
	// sent again.
	SentTo        []string `json:"sent_to"`
	Via           string   `json:"answered_via,omitempty"`
	OriginHost    string   `json:"origin_host,omitempty"`
	ElapsedMillis float64  `json:"elapsed_ms"`
	Result        *outcome `json:"result,omitempty"`
	Error         string   `json:"error,omitempty"`
	Request       []avp    `json:"request,omitempty"`
	Answer        []avp    `json:"answer,omitempty"`

	via *diameter.PeerStatus
}

// outcome is the answer's result.
type outcome struct {
	Code    uint32 `json:"code"`
	Vendor  uint32 `json:"vendor,omitempty"`
	Name    string `json:"name"`
	Meaning string `json:"meaning,omitempty"`
}

func (t *tap) report(d *diameterTest, err error) *report {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := &report{Command: "MAR " + d.scheme.String(), IMSI: d.imsi.Digits(), SentTo: t.sent, ElapsedMillis: float64(t.elapsed) / float64(time.Millisecond)}
	if d.sar {
		r.Command = "SAR " + d.kind.String()
	}
	if err != nil {
		r.Error = err.Error()
	}
	if d.verbose {
		r.Request = decodeAVPs(t.request, d.showSecret)
	}
	if t.answer == nil {
		return r
	}
	r.Via, r.Answer = t.from, decodeAVPs(t.answer, d.showSecret)
	if a, ok := t.answer.Find(diameter.AVPOriginHost, 0); ok {
		r.OriginHost = printable(a.Data)
	}
	for _, p := range t.peers() {
		if p.Host == t.from {
			r.via = &p
		}
	}
	var refused *swx.ResultError
	switch {
	case errors.As(err, &refused):
		r.Result = &outcome{Code: refused.Code, Vendor: refused.Vendor, Name: refused.Name()}
		for _, e := range refused.Unwrap() {
			r.Result.Meaning = e.Error()
		}
	case err == nil:
		r.Result = &outcome{Code: swx.ResultSuccess, Name: "SUCCESS"}
	}
	return r
}

func (r *report) writeJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(r)
}

func (r *report) writeText(w io.Writer) error {
	var b strings.Builder
	line := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "%-9s %s\n", name, fmt.Sprintf(format, args...))
	}
	line("request", "%s for IMSI %s", r.Command, r.IMSI)
	if len(r.SentTo) > 0 {
		line("sent to", "%s", strings.Join(r.SentTo, ", then "))
	}
	writeAVPs(&b, r.Request, 1)
	if r.Answer != nil {
		line("answer", "after %.1f ms from %s", r.ElapsedMillis, r.OriginHost)
		if p := r.via; p != nil {
			line("via", "%s (%s, %s, %s)", p.Host, p.Address, p.Transport, p.ProductName)
		}
		if o := r.Result; o != nil {
			vendor := ""
			if o.Vendor != 0 {
				vendor = fmt.Sprintf(" of vendor %d", o.Vendor)
			}
			line("result", "%d %s%s", o.Code, o.Name, vendor)
			if o.Meaning != "" {
				line("meaning", "%s", o.Meaning)
			}
		}
		writeAVPs(&b, r.Answer, 1)
	} else {
		line("answer", "none after %.1f ms", r.ElapsedMillis)
	}
	_, err := io.WriteString(w, b.String())
	return err
}
