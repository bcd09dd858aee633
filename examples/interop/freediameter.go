package interop

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Relay is freeDiameterd as a relay agent between a client that connects to it
// and servers.
type Relay struct {
	// Identity and Realm are the relay's own.
	Identity, Realm string
	// Port is where peers connect to it, on RelayAddress.
	Port int
	// Accept are the identities of the peers that connect to it.
	Accept []string
	// Connect are the peers that it connects to.
	Connect []RelayPeer
}

// RelayPeer is a peer that the relay connects to.
type RelayPeer struct {
	Identity, Address string
	Port              int
}

// Start starts the relay in dir, where it keeps its files.
func (r Relay) Start(dir string) (*Program, error) {
	// Its TLS wants a certificate of its name even where it speaks plain TCP.
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	out, err := exec.Command("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
		"-subj", "/CN="+r.Identity, "-keyout", key, "-out", cert).CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("openssl: %w:\n%s", err, out)
	}
	var accept, config strings.Builder
	for _, id := range r.Accept {
		// Without TLS: with an Inband-Security-Id of 0, or with none (RFC 6733,
		// section 6.10), which it takes for protection by IPsec.
		fmt.Fprintf(&accept, "ALLOW_OLD_TLS ALLOW_IPSEC %s\n", id)
	}
	list := filepath.Join(dir, "accept")
	fmt.Fprintf(&config, "Identity = %q;\nRealm = %q;\nPort = %d;\nSecPort = 0;\nNo_SCTP;\nNo_IPv6;\nListenOn = %q;\n", r.Identity, r.Realm, r.Port, RelayAddress)
	fmt.Fprintf(&config, "TLS_Cred = %q, %q;\nTLS_CA = %q;\n", cert, key, cert)
	fmt.Fprintf(&config, "LoadExtension = \"acl_wl.fdx\" : %q;\n", list)
	for _, p := range r.Connect {
		fmt.Fprintf(&config, "ConnectPeer = %q { No_TLS; ConnectTo = %q; Port = %d; };\n", p.Identity, p.Address, p.Port)
	}
	file := filepath.Join(dir, "relay.conf")
	for name, text := range map[string]string{list: accept.String(), file: config.String()} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			return nil, err
		}
	}
	p, err := Start("freeDiameterd", "-c", file)
	if err != nil {
		return nil, err
	}
	if err := p.WaitFor("freeDiameterd daemon initialized", 20*time.Second); err != nil {
		p.Kill()
		return nil, err
	}
	return p, nil
}
