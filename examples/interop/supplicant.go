package interop

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/opentwag/twag/examples/internal/extsim"
)

// Supplicant is one run of eapol_test: wpa_supplicant with a RADIUS client
// where the radio would be. EAP, keys, encryption and RADIUS are its own; only
// the card's algorithms are ours.
type Supplicant struct {
	// Methods is as in a network block: "AKA", "AKA'", "AKA' AKA".
	Methods string
	// Identity is that of EAP-Response/Identity.
	Identity string
	// Card answers the challenges.
	Card extsim.Card
	// Server and Secret are those of the RADIUS server.
	Server netip.AddrPort
	Secret string
	// Global are more lines before the network block, Network more lines in
	// it.
	Global, Network []string
	// Again is how many more authentications follow the first.
	Again int
	// Timeout is how long all of it may take; 0 means a minute.
	Timeout time.Duration
}

// SupplicantResult is how a run ended.
type SupplicantResult struct {
	// ExitCode is 0 for success, 252 for a rejection.
	ExitCode int
	// KeysOK and KeysMismatch count the keys in Access-Accepts that were, and
	// were not, those that the supplicant computed.
	KeysOK, KeysMismatch int
	// Log is what it said.
	Log string
}

// Exit codes of eapol_test.
const (
	ExitSuccess  = 0
	ExitRejected = 252
)

// Succeeded tells whether everything went as in a good login: the exit code,
// the last line, and keys that match, as many as there were authentications.
func (r SupplicantResult) Succeeded(authentications int) bool {
	return r.ExitCode == ExitSuccess && strings.HasSuffix(strings.TrimSpace(r.Log), "\nSUCCESS") &&
		r.KeysOK == authentications && r.KeysMismatch == 0
}

// Rejected tells whether the login was refused, in so many words.
func (r SupplicantResult) Rejected() bool {
	return r.ExitCode == ExitRejected && r.KeysOK == 0 && strings.Contains(r.Log, "Access-Reject")
}

// Tail is the end of the log, for a failed test.
func (r SupplicantResult) Tail() string { return tail(r.Log) }

var keysLine = regexp.MustCompile(`MPPE keys OK: (\d+)  mismatch: (\d+)`)

// Run runs eapol_test once. The error is about the run itself; how the login
// ended is in the result.
func (s Supplicant) Run(ctx context.Context) (SupplicantResult, error) {
	timeout := s.Timeout
	if timeout == 0 {
		timeout = time.Minute
	}
	// Not a test's own folder: the path of a unix socket has 108 octets.
	dir, err := os.MkdirTemp("", "eapol-")
	if err != nil {
		return SupplicantResult{}, err
	}
	defer os.RemoveAll(dir)
	config := filepath.Join(dir, "network.conf")
	if err := os.WriteFile(config, []byte(s.config(dir)), 0o600); err != nil {
		return SupplicantResult{}, err
	}
	// eapol_test's own limit is for each authentication; ours is for all.
	ctx, cancel := context.WithTimeout(ctx, timeout+5*time.Second)
	defer cancel()
	const name = "ue"
	p, err := Start("eapol_test", "-c", config, "-i", name, "-W",
		"-a", s.Server.Addr().String(), "-p", strconv.Itoa(int(s.Server.Port())), "-s", s.Secret,
		"-t", strconv.Itoa(int(timeout.Seconds())), "-r", strconv.Itoa(s.Again))
	if err != nil {
		return SupplicantResult{}, err
	}
	var card sync.WaitGroup
	card.Go(func() { extsim.Watch(ctx, filepath.Join(dir, name), s.Card, func(string) {}) })
	code, err := p.Wait(ctx)
	cancel()
	card.Wait()
	if err != nil {
		return SupplicantResult{}, err
	}
	return supplicantResult(code, p.Output()), nil
}

// supplicantResult reads what eapol_test has said.
func supplicantResult(code int, log string) SupplicantResult {
	r := SupplicantResult{ExitCode: code, Log: log}
	if m := keysLine.FindStringSubmatch(log); m != nil {
		r.KeysOK, _ = strconv.Atoi(m[1])
		r.KeysMismatch, _ = strconv.Atoi(m[2])
	}
	return r
}

func (s Supplicant) config(dir string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "ctrl_interface=%s\nexternal_sim=1\n", dir)
	for _, line := range s.Global {
		fmt.Fprintln(&b, line)
	}
	fmt.Fprintf(&b, "network={\n\tkey_mgmt=WPA-EAP\n\teap=%s\n\tidentity=%q\n", s.Methods, s.Identity)
	for _, line := range s.Network {
		fmt.Fprintf(&b, "\t%s\n", line)
	}
	b.WriteString("}\n")
	return b.String()
}
