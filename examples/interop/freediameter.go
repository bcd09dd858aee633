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
	// SecurePort is where peers connect to it by TLS, and then only so; 0:
	// nowhere.
	SecurePort int
	// Credentials are for TLS; nil: a self-signed certificate of its own.
	Credentials *RelayCredentials
	// Accept are the identities of the peers that connect to it.
	Accept []string
	// Connect are the peers that it connects to.
	Connect []RelayPeer
	// Watchdog and Reconnect are Tw of RFC 3539 and Tc of RFC 6733, in whole
	// seconds; 0: its own, 30 s.
	Watchdog, Reconnect time.Duration
	// Extensions are loaded beside acl_wl: dictionaries such as "dict_dcca".
	Extensions []string
}

// RelayPeer is a peer that the relay connects to.
type RelayPeer struct {
	Identity, Address string
	Port              int
	TLS               bool
}

// RelayCredentials is a certificate of the relay's name, its key, and the
// authority it trusts, in PEM.
type RelayCredentials struct{ Certificate, Key, Authority []byte }

// Start starts the relay in dir, where it keeps its files.
func (r Relay) Start(dir string) (*Program, error) {
	// Its TLS wants a certificate of its name even where it speaks plain TCP.
	cert, key, ca := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"), filepath.Join(dir, "ca.pem")
	files := make(map[string]string)
	if c := r.Credentials; c != nil {
		files[cert], files[key], files[ca] = string(c.Certificate), string(c.Key), string(c.Authority)
	} else {
		out, err := exec.Command("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
			"-subj", "/CN="+r.Identity, "-addext", "subjectAltName=DNS:"+r.Identity, "-keyout", key, "-out", cert).CombinedOutput()
		if err != nil {
			return nil, fmt.Errorf("openssl: %w:\n%s", err, out)
		}
		ca = cert
	}
	var accept, config strings.Builder
	for _, id := range r.Accept {
		if r.SecurePort != 0 {
			fmt.Fprintln(&accept, id)
			continue
		}
		// Without TLS: with an Inband-Security-Id of 0, or with none (RFC 6733,
		// section 6.10), which it takes for protection by IPsec.
		fmt.Fprintf(&accept, "ALLOW_OLD_TLS ALLOW_IPSEC %s\n", id)
	}
	list := filepath.Join(dir, "accept")
	fmt.Fprintf(&config, "Identity = %q;\nRealm = %q;\nPort = %d;\nSecPort = %d;\nNo_SCTP;\nNo_IPv6;\nListenOn = %q;\n",
		r.Identity, r.Realm, r.Port, r.SecurePort, RelayAddress)
	fmt.Fprintf(&config, "TLS_Cred = %q, %q;\nTLS_CA = %q;\n", cert, key, ca)
	fmt.Fprintf(&config, "LoadExtension = \"acl_wl.fdx\" : %q;\n", list)
	if r.Watchdog > 0 {
		fmt.Fprintf(&config, "TwTimer = %d;\n", r.Watchdog/time.Second)
	}
	if r.Reconnect > 0 {
		fmt.Fprintf(&config, "TcTimer = %d;\n", r.Reconnect/time.Second)
	}
	for _, e := range r.Extensions {
		fmt.Fprintf(&config, "LoadExtension = %q;\n", e+".fdx")
	}
	for _, p := range r.Connect {
		plain := "No_TLS; "
		if p.TLS {
			plain = ""
		}
		fmt.Fprintf(&config, "ConnectPeer = %q { %sConnectTo = %q; Port = %d; };\n", p.Identity, plain, p.Address, p.Port)
	}
	file := filepath.Join(dir, "relay.conf")
	files[list], files[file] = accept.String(), config.String()
	for name, text := range files {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			return nil, err
		}
	}
	p, err := Start("freeDiameterd", "-c", file)
	if err != nil {
		return nil, err
	}
	if err := p.WaitFor("freeDiameterd daemon initialized", time.Minute); err != nil {
		p.Kill()
		return nil, err
	}
	return p, nil
}
