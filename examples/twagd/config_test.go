package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/diameter/diametertest"
	"github.com/opentwag/twag/examples/internal/homeconfig"
)

// minimal is the shortest configuration that starts.
const minimal = `diameter:
  origin_host: aaa.example.org
  origin_realm: example.org
  peers:
    - host: hss.example.org
      address: 192.0.2.1
radius:
  clients:
    - subnet: 192.0.2.0/24
      secret: twenty-characters-at-least
`

func TestSampleFile(t *testing.T) {
	c, warnings, err := readConfig("twagd.yaml")
	require.NoError(t, err)
	require.Empty(t, warnings)
	require.Len(t, c.Diameter.Peers, 2)
	require.Equal(t, homeconfig.Peer{
		Host: "dra1.epc.mnc001.mcc001.3gppnetwork.org", Realm: "epc.mnc001.mcc001.3gppnetwork.org", Port: 3868, Connect: "wait",
		Transport: "tcp", Priority: 1, Serves: []string{"*"},
	}, c.Diameter.Peers[1])
}

// What the sample file has commented out as the default is the default, and
// every such line is a setting that exists.
func TestSampleFileTellsTheDefaults(t *testing.T) {
	text, err := os.ReadFile("twagd.yaml")
	require.NoError(t, err)
	setting := regexp.MustCompile(`(?m)^(\s*)# ((?:  )*(?:# )?(?:- )?"?\w+"?: ?\S*.*)$`)
	var lines []string
	for line := range strings.Lines(string(text)) {
		lines = append(lines, setting.ReplaceAllString(strings.TrimRight(line, "\n"), "$1$2"))
	}
	all := setting.ReplaceAllString(strings.Join(lines, "\n"), "$1$2")
	require.Contains(t, all, "\n    nai_realm:")

	dir := t.TempDir()
	for i := range 2 {
		writeKey(t, filepath.Join(dir, fmt.Sprintf("twagd-key-%d", i+1)))
		writeRSAKey(t, filepath.Join(dir, fmt.Sprintf("identity-%d.pem", i+1)))
	}
	authority := diametertest.NewAuthority(t)
	writeTLS(t, authority, dir, homeconfig.TLS{CA: "diameter-ca.pem", Certificate: "twag1.pem", Key: "twag1-key.pem"}, "twag1.epc.mnc001.mcc001.3gppnetwork.org")
	writeTLS(t, authority, dir, homeconfig.TLS{CA: "partner-ca.pem", Certificate: "partner.pem", Key: "partner-key.pem"}, "twag1.epc.mnc001.mcc001.3gppnetwork.org")
	all = strings.Replace(all, "64-hexadecimal-digits", newSecret(), 1)
	got, _, err := parseConfig(filepath.Join(dir, "all.yaml"), []byte(all))
	require.ErrorContains(t, err, "swx.profile.nai_realm: means nothing", "the one setting that clashes with its default")
	require.Len(t, strings.Split(err.Error(), "\n"), 1, "%v", err)

	want, _, err := readConfig("twagd.yaml")
	require.NoError(t, err)
	got.SWx.Profile.NAIRealm = ""
	got.SWx.DestinationHost, got.RADIUS.Secret = "", ""
	require.Len(t, got.Keys, 3)
	require.Len(t, got.EAP.IdentityKeys, 2)
	require.Len(t, got.Diameter.Peers, 3)
	require.Equal(t, 5658, got.Diameter.Peers[2].Port)
	require.Len(t, got.SWx.Routes, 1)
	got.Diameter.ListenTLS, got.Diameter.ListenSCTP, got.Diameter.TLS = "", "", homeconfig.TLS{}
	got.Diameter.Peers, got.SWx.Routes = got.Diameter.Peers[:2], nil
	got.Keys, got.EAP.IdentityKeys = nil, nil
	// Examples, not defaults.
	require.Equal(t, roleWords, got.Roles)
	got.Roles, got.Server, got.DataDir = want.Roles, "", ""
	got.Accounting.Interim.Services, got.Accounting.Interim.Troubled, got.Accounting.Tickets.Dir = nil, 0, ""
	got.Charging.DestinationRealm, got.Charging.ContextID = "", ""
	got.Charging.Redirect, got.Charging.Restrict, got.Charging.Pass = nil, nil, nil
	got.EAP.ExtraLeadingDigits, got.EAP.BareIMSI, got.EAP.Realms = nil, "", nil
	require.Equal(t, want, got)
}

func TestMinimalConfig(t *testing.T) {
	c, warnings, err := parseConfig("f", []byte(minimal))
	require.NoError(t, err)
	require.Empty(t, warnings)
	require.Equal(t, homeconfig.Peer{
		Host: "hss.example.org", Realm: "example.org", Address: "192.0.2.1", Port: 3868, Connect: "initiate", Transport: "tcp",
	}, c.Diameter.Peers[0])
	require.Equal(t, ":1812", c.RADIUS.Listen)
	require.Equal(t, "example.org", c.SWx.DestinationRealm)
	require.Equal(t, "required", c.RADIUS.Clients[0].MessageAuthenticator)
	require.Equal(t, 5*time.Second, c.SWx.Timeout)
}

func TestConfigErrors(t *testing.T) {
	for _, tc := range []struct {
		name string
		// old is replaced by new in the minimal file, or new is added if old
		// is empty.
		old, new string
		want     string
	}{
		{"no origin host", "  origin_host: aaa.example.org\n", "", "f:1: diameter.origin_host: missing"},
		{"origin host is no name", "aaa.example.org", "aaa_example", "f:2: diameter.origin_host: must be a full domain name such as aaa.example.org"},
		{"origin realm with a space", "origin_realm: example.org", "origin_realm: example .org", "f:3: diameter.origin_realm: must be a full domain name such as aaa.example.org"},
		{"misspelt key", "origin_realm:", "orgin_realm:", "f:3: diameter.orgin_realm: unknown key"},
		{"short watchdog", "  peers:", "  watchdog: 5s\n  peers:", "f:4: diameter.watchdog: must be 6s to 10m0s"},
		{"bad listen", "  peers:", "  listen: 3868\n  peers:", `f:4: diameter.listen: must be "address:port" or ":port"`},
		{"peer without host", "    - host: hss.example.org\n      address", "    - address", "f:5: diameter.peers[0].host: missing"},
		{"peer without address", "      address: 192.0.2.1\n", "", "f:5: diameter.peers[0].address: missing: where to connect to (or set connect: wait)"},
		{"peer waits, nobody listens", "address: 192.0.2.1", "connect: wait", "f:6: diameter.peers[0].connect: wait needs diameter.listen"},
		{"peer waits and has an address", "  peers:\n    - host: hss.example.org\n", "  listen: :3868\n  peers:\n    - host: hss.example.org\n      connect: wait\n", "f:8: diameter.peers[0].address: means nothing with connect: wait"},
		{"connect is another word", "address: 192.0.2.1", "connect: maybe", "f:6: diameter.peers[0].connect: must be one of initiate, wait"},
		{"bad TLS listen", "  peers:", "  listen_tls: 5658\n  peers:", "f:4: diameter.listen_tls: must be \"address:port\" or \":port\"\nf:4: diameter.listen_tls: needs diameter.tls"},
		{"bad SCTP listen", "  peers:", "  listen_sctp: 3868\n  peers:", `f:4: diameter.listen_sctp: must be "address:port" or ":port"`},
		{"reconnect", "  peers:", "  reconnect: 0s\n  peers:", "f:4: diameter.reconnect: must be 1s to 10m0s"},
		{"attempt timeout", "  peers:", "  attempt_timeout: 1ms\n  peers:", "f:4: diameter.attempt_timeout: must be 100ms to 1m0s"},
		{"transport is another word", "address: 192.0.2.1", "address: 192.0.2.1\n      transport: udp", "f:7: diameter.peers[0].transport: must be one of tcp, tls, sctp"},
		{"TLS without a certificate", "address: 192.0.2.1", "address: 192.0.2.1\n      transport: tls", "f:7: diameter.peers[0].transport: tls needs a certificate: diameter.tls, or tls of the peer"},
		{"certificate without TLS", "address: 192.0.2.1", "address: 192.0.2.1\n      tls: {ca: x}", "f:7: diameter.peers[0].tls: means nothing without transport: tls"},
		{"certificate for a peer that connects", "  peers:\n    - host: hss.example.org\n      address: 192.0.2.1\n", "  listen: :3868\n  peers:\n    - host: hss.example.org\n      connect: wait\n      transport: tls\n      tls: {ca: x}\n", "f:7: diameter.peers[0].connect: wait with transport tls needs diameter.listen_tls\nf:9: diameter.peers[0].tls: means nothing with connect: wait, for which there is diameter.tls"},
		{"SCTP peer waits", "address: 192.0.2.1", "connect: wait\n      transport: sctp", "f:6: diameter.peers[0].connect: wait with transport sctp needs diameter.listen_sctp"},
		{"peer priority", "address: 192.0.2.1", "address: 192.0.2.1\n      priority: -1", "f:7: diameter.peers[0].priority: must be 0 to 65535"},
		{"peer weight", "address: 192.0.2.1", "address: 192.0.2.1\n      weight: 0", "f:7: diameter.peers[0].weight: must be 1 to 65535"},
		{"peer serves", "address: 192.0.2.1", "address: 192.0.2.1\n      serves: ['*', all]", "f:7: diameter.peers[0].serves[1]: must be a full domain name such as aaa.example.org"},
		{"peer port", "address: 192.0.2.1", "address: 192.0.2.1\n      port: 70000", "f:7: diameter.peers[0].port: must be 1 to 65535"},
		{"peer port in words", "address: 192.0.2.1", "address: 192.0.2.1\n      port: any", "f:7: diameter.peers[0].port: must be a whole number"},
		{"peer twice", "radius:", "    - host: HSS.example.org\n      address: 192.0.2.2\nradius:", "f:7: diameter.peers[1].host: the same as that of another peer"},
		{"peer is ourselves", "host: hss.example.org", "host: AAA.example.org", "f:5: diameter.peers[0].host: is diameter.origin_host, this server itself"},
		{"address with a port", "address: 192.0.2.1", "address: 192.0.2.1:3868", "f:6: diameter.peers[0].address: must be an IP address or a host name, without a port"},
		{"no peers", "  peers:\n    - host: hss.example.org\n      address: 192.0.2.1\n", "", "f:1: diameter.peers: missing: without a peer there is no HSS"},

		{"swx timeout", "", "swx:\n  timeout: 90s\n", "f:12: swx.timeout: must be 100ms to 30s"},
		{"swx timeout without unit", "", "swx:\n  timeout: 5\n", "f:12: swx.timeout: must be a duration with its unit, such as 500ms, 3s or 2m"},
		{"swx vectors", "", "swx:\n  vectors: 6\n", "f:12: swx.vectors: must be 1 to 5"},
		{"swx realm", "", "swx:\n  destination_realm: hss\n", "f:12: swx.destination_realm: must be a full domain name such as aaa.example.org"},
		{"swx host", "", "swx:\n  destination_host: hss\n", "f:12: swx.destination_host: must be a full domain name such as aaa.example.org"},
		{"swx profile", "", "swx:\n  profile: {user_name: msisdn}\n", "f:12: swx.profile.user_name: must be one of imsi, nai"},
		{"swx nai with a bad realm", "", "swx:\n  profile: {user_name: nai, nai_realm: nai}\n", "f:12: swx.profile.nai_realm: must be a full domain name such as aaa.example.org"},
		{"swx application", "", "swx:\n  profile: {application: none}\n", "f:12: swx.profile.application: must be one of vendor-specific, auth-first, auth, both"},
		{"swx session state", "", "swx:\n  profile: {session_state: yes}\n", "f:12: swx.profile.session_state: must be one of none, maintained, absent"},
		{"swx vector age", "", "swx:\n  vector_age: 2h\n", "f:12: swx.vector_age: must be 0s to 1h0m0s"},
		{"swx deregistration in no time", "", "swx:\n  register: true\n  deregister_after: 1ms\nroles: [auth, acct]\nsessions: {store: memory}\naccounting: {tickets: {dir: t}}\n", "f:13: swx.deregister_after: must be 1s to 24h0m0s"},
		{"short memory of archival sessions", "", "roles: [auth, acct]\nsessions: {store: memory, linger: 1h, archival_linger: 30m}\naccounting: {tickets: {dir: t}}\n", "f:12: sessions.archival_linger: must not be less than linger"},
		{"long memory of archival sessions", "", "roles: [auth, acct]\nsessions: {store: memory, archival_linger: 800h}\naccounting: {tickets: {dir: t}}\n", "f:12: sessions.archival_linger: must be 1s to 720h0m0s"},
		{"swx home realms and one realm", "", "swx:\n  home_realms: true\n  destination_realm: example.org\n", "f:13: swx.destination_realm: means nothing with home_realms"},
		{"swx route without prefix", "", "swx:\n  routes: [{realm: example.org}]\n", "f:12: swx.routes[0].prefix: must be the first 3 to 15 digits of IMSIs, in quotes"},
		{"swx route to no realm", "", "swx:\n  routes: [{prefix: '001'}]\n", "f:12: swx.routes[0].realm: missing"},
		{"swx route to a bad host", "", "swx:\n  routes: [{prefix: '001', realm: example.org, host: hss}]\n", "f:12: swx.routes[0].host: must be a full domain name such as aaa.example.org"},
		{"swx route twice", "", "swx:\n  routes: [{prefix: '001', realm: example.org}, {prefix: '001', realm: example.net}]\n", "f:12: swx.routes[1].prefix: the same as that of another route"},

		{"no clients", "  clients:\n    - subnet: 192.0.2.0/24\n      secret: twenty-characters-at-least\n", "", "f:7: radius.clients: missing: without clients or a secret nobody can be answered"},
		{"no subnet", "subnet: 192.0.2.0/24\n      secret", "secret", "f:9: radius.clients[0].subnet: missing"},
		{"no prefix", "192.0.2.0/24", "192.0.2.0/33", "f:9: radius.clients[0].subnet: must be an address or a subnet such as 192.0.2.0/24"},
		{"host bits", "192.0.2.0/24", "192.0.2.1/24", "f:9: radius.clients[0].subnet: has bits set outside of the subnet: 192.0.2.0/24 is meant?"},
		{"subnet twice", "", "    - subnet: 192.0.2.0/24\n      secret: twenty-characters-at-least\n", "f:11: radius.clients[1].subnet: the same as that of another client"},
		{"no secret", "      secret: twenty-characters-at-least\n", "", "f:9: radius.clients[0].secret: missing, and there is no radius.secret either"},
		{"message authenticator", "secret: twenty", "message_authenticator: no\n      secret: twenty", "f:10: radius.clients[0].message_authenticator: must be one of required, with-proxy-state, optional"},
		{"no radius listen", "  clients:", "  listen: ''\n  clients:", "f:8: radius.listen: missing"},
		{"radius listen", "  clients:", "  listen: localhost:1812\n  clients:", `f:8: radius.listen: must be "address:port" or ":port"`},
		{"radius port", "  clients:", "  listen: ':99999'\n  clients:", `f:8: radius.listen: must be "address:port" or ":port"`},

		{"no methods", "", "eap:\n  methods: []\n", "f:12: eap.methods: must name at least one of aka, aka-prime, sim"},
		{"unknown method", "", "eap:\n  methods: [aka, peap]\n", "f:12: eap.methods[1]: must be one of aka, aka-prime, sim"},
		{"method twice", "", "eap:\n  methods: [aka, aka]\n", "f:12: eap.methods[1]: named twice"},
		{"network name", "", "eap:\n  network_name: ''\n", "f:12: eap.network_name: must have 1 to 253 characters"},
		{"leading digit", "", "eap:\n  extra_leading_digits:\n    x: aka\n", "f:13: eap.extra_leading_digits.x: must be one decimal digit"},
		{"leading digit's method", "", "eap:\n  extra_leading_digits:\n    9: peap\n", "f:13: eap.extra_leading_digits.9: must be one of aka, aka-prime, sim"},
		{"bare IMSI", "", "eap:\n  bare_imsi: yes\n", "f:12: eap.bare_imsi: must be one of aka, aka-prime, sim"},
		{"realms", "", "eap:\n  realms: ['*']\n", "f:12: eap.realms[0]: must be a full domain name such as aaa.example.org"},
		{"leading digit of pseudonyms", "", "eap:\n  extra_leading_digits:\n    7: aka\n", "f:13: eap.extra_leading_digits.7: is the digit of temporary identities"},
		{"age of pseudonyms", "", "eap:\n  pseudonyms: {max_age: 1m}\n", "f:12: eap.pseudonyms.max_age: must be 1h0m0s to 87600h0m0s"},
		{"pseudonyms", "", "eap:\n  pseudonyms: off\n", "f:12: eap.pseudonyms: must be a mapping of keys to values"},
		{"re-authentications", "", "eap:\n  reauthentication: {count: 65535}\n", "f:12: eap.reauthentication.count: must be 1 to 65534"},
		{"age of re-authentications", "", "eap:\n  reauthentication: {age: 0s}\n", "f:12: eap.reauthentication.age: must be 1s to 720h0m0s"},
		{"contexts", "", "eap:\n  reauthentication: {max_contexts: 0}\n", "f:12: eap.reauthentication.max_contexts: must be 1 to 10000000"},
		{"forward secrecy", "", "eap:\n  forward_secrecy: {policy: on}\n", "f:12: eap.forward_secrecy.policy: must be one of off, offered, required"},
		{"forward secrecy, but not of all", "", "eap:\n  forward_secrecy: {policy: required}\n", "f:12: eap.forward_secrecy.policy: required needs eap.methods: [aka-prime], and no other"},
		{"forward secrecy of none", "", "eap:\n  methods: [aka]\n  forward_secrecy: {policy: offered}\n", "f:13: eap.forward_secrecy.policy: means nothing without aka-prime in eap.methods"},
		{"no groups", "", "eap:\n  forward_secrecy: {groups: []}\n", "f:12: eap.forward_secrecy.groups: must name at least one of p256, x25519"},
		{"unknown group", "", "eap:\n  forward_secrecy: {groups: [p384]}\n", "f:12: eap.forward_secrecy.groups[0]: must be one of p256, x25519"},
		{"group twice", "", "eap:\n  forward_secrecy: {groups: [p256, p256]}\n", "f:12: eap.forward_secrecy.groups[1]: named twice"},
		{"conversations", "", "eap:\n  max_conversations: 0\n", "f:12: eap.max_conversations: must be 1 to 10000000"},
		{"conversation timeout", "", "eap:\n  conversation_timeout: 1h\n", "f:12: eap.conversation_timeout: must be 1s to 10m0s"},
		{"truth", "", "eap:\n  always_request_identity: maybe\n", "f:12: eap.always_request_identity: must be true or false"},

		{"log level", "", "log:\n  level: loud\n", "f:12: log.level: must be one of debug, info, warn, error"},
		{"log format", "", "log:\n  format: xml\n", "f:12: log.format: must be one of text, json, console"},
		{"not YAML", "", "log: [\n", "f:11: not valid YAML: sequence end token ']' not found"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			text := minimal + tc.new
			if tc.old != "" {
				require.Equal(t, 1, strings.Count(minimal, tc.old))
				text = strings.Replace(minimal, tc.old, tc.new, 1)
			}
			_, _, err := parseConfig("f", []byte(text))
			require.EqualError(t, err, tc.want)
		})
	}
}

func TestConfigTellsAllErrorsAtOnce(t *testing.T) {
	text := strings.Replace(minimal, "hss.example.org", "hss", 1) + "log:\n  level: loud\n"
	_, _, err := parseConfig("f", []byte(text))
	require.EqualError(t, err, "f:5: diameter.peers[0].host: must be a full domain name such as aaa.example.org\n"+
		"f:12: log.level: must be one of debug, info, warn, error")
}

func TestConfigWarnings(t *testing.T) {
	for _, tc := range []struct{ name, old, new, want string }{
		{"weak secret", "twenty-characters-at-least", "testing123", "f:10: radius.clients[0].secret: weak: fewer than 20 characters"},
		{"weak common secret", "  clients:", "  secret: testing123\n  clients:", "f:8: radius.secret: weak: fewer than 20 characters"},
		{"any source", "192.0.2.0/24", "0.0.0.0/0", "f:9: radius.clients[0].subnet: requests are taken from any source address that knows the secret"},
		{"no clients", "  clients:\n    - subnet: 192.0.2.0/24\n      secret", "  secret", "f:7: radius.clients: missing: requests are taken from any source address that knows the secret"},
		{"deregistration of nobody", "diameter:\n", "swx:\n  deregister_after: 1m\ndiameter:\n", "f:2: swx.deregister_after: means nothing without register"},
		{"deregistration without sessions", "diameter:\n", "swx:\n  register: true\n  deregister_after: 1m\ndiameter:\n", "f:3: swx.deregister_after: means nothing without the role acct: nobody knows when a session ends"},
		{"optional Message-Authenticator", "secret: twenty", "message_authenticator: optional\n      secret: twenty", "f:10: radius.clients[0].message_authenticator: optional: answers to this client can be forged (CVE-2024-3596)"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			require.Equal(t, 1, strings.Count(minimal, tc.old))
			_, warnings, err := parseConfig("f", []byte(strings.Replace(minimal, tc.old, tc.new, 1)))
			require.NoError(t, err)
			require.Len(t, warnings, 1)
			require.EqualError(t, warnings[0], tc.want)
		})
	}
}

func TestReadConfigFile(t *testing.T) {
	dir := t.TempDir()
	_, _, err := readConfig(filepath.Join(dir, "absent.yaml"))
	require.ErrorIs(t, err, os.ErrNotExist)

	large := filepath.Join(dir, "large.yaml")
	require.NoError(t, os.WriteFile(large, make([]byte, maxConfigOctets+1), 0o600))
	_, _, err = readConfig(large)
	require.ErrorContains(t, err, "larger than")
}
