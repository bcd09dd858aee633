package interop

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A method is an EAP method as the supplicant and the standards spell it.
type method struct {
	name string
	// permanent and pseudonym are the leading digits of its identities (TS
	// 23.003, clauses 14 and 19.3).
	permanent, pseudonym string
	// challenges is how often a login asks the card.
	challenges int
	// requests is how many Access-Requests a full login has.
	requests int
	// number is added to those of the subscribers, so that each has its own.
	number int
}

var methods = []method{
	{"AKA", "0", "2", 1, 2, 20},
	{"AKA'", "6", "7", 1, 2, 40},
	// SIM-Start comes first, and then a challenge of three triplets.
	{"SIM", "1", "3", 3, 3, 60},
}

// allMethods makes the server do them all.
const allMethods = "  methods: [aka-prime, aka, sim]"

// A session is what one supplicant does in one run: a login, and more that
// build on it.
type session struct {
	name string
	// settings are those of the server's EAP.
	settings []string
	// global and network are lines of the supplicant's configuration.
	global, network []string
	// again is how many logins follow the first.
	again int
	// want is what the server's log must say of it, and how often.
	want map[string]int
	// challenged is how many of the logins ask the card, and rounds how many
	// more Access-Requests there are than plain logins have; EAP-SIM does
	// without inStart of them, since SIM-Start asks.
	challenged, rounds, inStart int
	// notified is how many of the logins end with a protected success.
	notified int
}

const (
	accepted        = "Authentication ACCEPTED"
	reauthenticated = "reauthenticated=true"
	asPseudonym     = "identity=pseudonym"
	asReauth        = "identity=re-authentication"
	asPermanent     = "identity=permanent"
	challenge       = "Phase 2: AKA Challenge"
	identity        = "Phase 1: Identity Response"
)

// resultInd makes a supplicant and a server want protected success.
const resultInd = `phase1="result_ind=1"`

func (m method) sessions() []session {
	unknown := fmt.Sprintf("anonymous_identity=\"%sffffffffffffffffffff@%s\"", m.pseudonym, realm)
	return []session{
		{name: "full", want: map[string]int{accepted: 1, asPermanent: 2, challenge: 1}, challenged: 1},
		{
			name: "fast re-authentication", again: 3, challenged: 1,
			want: map[string]int{accepted: 4, reauthenticated: 3, challenge: 1, "Phase 2: Fast re-authentication": 3},
		},
		{
			name: "fast re-authentication, limited", again: 3, challenged: 2,
			settings: []string{"  reauthentication: {count: 1}"},
			want:     map[string]int{accepted: 4, reauthenticated: 2, challenge: 2},
		},
		{
			name: "server without fast re-authentication", again: 2, challenged: 3,
			settings: []string{"  reauthentication: {enabled: false}"},
			want:     map[string]int{accepted: 3, reauthenticated: 0, asPseudonym: 4},
		},
		{
			name: "pseudonym", again: 2, global: []string{"fast_reauth=0"}, challenged: 3,
			want: map[string]int{accepted: 3, asPseudonym: 4, asReauth: 0, reauthenticated: 0, challenge: 3},
		},
		{
			name: "unknown pseudonym", network: []string{unknown}, challenged: 1, rounds: 1, inStart: 1,
			want: map[string]int{accepted: 1, asPseudonym: 1, asPermanent: 2, challenge: 1},
		},
		{
			name: "server without pseudonyms", again: 1, global: []string{"fast_reauth=0"}, challenged: 2,
			settings: []string{"  pseudonyms: {enabled: false}"},
			want:     map[string]int{accepted: 2, asPermanent: 4},
		},
		{
			name: "result indication", network: []string{resultInd}, challenged: 1, rounds: 1, notified: 1,
			settings: []string{"  result_indications: true"}, want: map[string]int{accepted: 1},
		},
		{
			name: "result indication of a fast re-authentication", network: []string{resultInd}, again: 1, challenged: 1, rounds: 2, notified: 2,
			settings: []string{"  result_indications: true"}, want: map[string]int{accepted: 2, reauthenticated: 1},
		},
		{
			name: "result indication that the supplicant does not want", again: 1, challenged: 1,
			settings: []string{"  result_indications: true"}, want: map[string]int{accepted: 2, reauthenticated: 1},
		},
		{
			name: "result indication that the server does not want", network: []string{resultInd}, again: 1, challenged: 1,
			want: map[string]int{accepted: 2, reauthenticated: 1},
		},
		{
			name: "State in the server's memory", again: 1, challenged: 1,
			settings: []string{"  sealed_state: false"}, want: map[string]int{accepted: 2, reauthenticated: 1},
		},
		{
			name: "identity asked for within the method", again: 1, challenged: 1, rounds: 2, inStart: 1,
			settings: []string{"  always_request_identity: true"}, want: map[string]int{accepted: 2, reauthenticated: 1},
		},
	}
}

// TestMethods: what a real supplicant does with each method, from a plain
// login to what it has been given for the next.
func TestMethods(t *testing.T) {
	Need(t, EapolTest)
	home := startHSS(t)
	for _, m := range methods {
		for i, s := range m.sessions() {
			t.Run(m.name+" "+s.name, func(t *testing.T) {
				s.run(t, m, home, login{methods: m.name, digit: m.permanent, subscriber: m.number + i})
			})
		}
	}
}

// run starts a server as the session wants it, and has the login done, again
// and again, by one supplicant.
func (s session) run(t *testing.T, m method, home hss, l login) {
	t.Helper()
	eap := append([]string{"eap:", allMethods}, s.settings...)
	server := startServer(t, hssHost, home.addr, strings.Join(eap, "\n"))
	card := l.card(t)
	r, err := Supplicant{
		Methods: l.methods, Identity: l.identity(), Card: card, Global: s.global, Network: s.network, Again: s.again,
		Server: server.addr, Secret: server.secret,
	}.Run(t.Context())
	require.NoError(t, err)
	require.True(t, r.Succeeded(1+s.again), "exit code %d, keys OK %d, mismatch %d:\n%s", r.ExitCode, r.KeysOK, r.KeysMismatch, r.Tail())
	asked, resynced, refused := card.Counts()
	require.Equal(t, [3]int{s.challenged * m.challenges, 0, 0}, [3]int{asked, resynced, refused}, "the card's challenges")

	said := server.ended(t)
	require.Equal(t, s.requests(m), requestsIn(said), "Access-Requests in\n%s", said)
	require.Equal(t, s.notified, strings.Count(r.Log, ": RESULT_SUCCESS -> SUCCESS"), "protected successes")
	for text, n := range s.want {
		require.Equal(t, n, strings.Count(said, text), "%q in\n%s", text, said)
	}
	require.NotContains(t, said, imsi(l.subscriber).Digits(), "the log shows a whole IMSI")
}

// requests is how many Access-Requests the session has.
func (s session) requests(m method) int {
	n := s.challenged*m.requests + (1+s.again-s.challenged)*2 + s.rounds
	if m.name == "SIM" {
		n -= s.inStart
	}
	return n
}

var requestsAttr = regexp.MustCompile(accepted + `.* requests=(\d+) `)

// requestsIn adds up the requests of the logins that the log has.
func requestsIn(said string) int {
	sum := 0
	for _, m := range requestsAttr.FindAllStringSubmatch(said, -1) {
		n, _ := strconv.Atoi(m[1])
		sum += n
	}
	return sum
}

// TestSIMRejections: as in TestLogins, with EAP-SIM. A SIM has no way to tell a
// forged challenge, so it answers it; the supplicant notices.
func TestSIMRejections(t *testing.T) {
	Need(t, EapolTest)
	server := startServer(t, hssHost, startHSS(t).addr, "eap:\n"+allMethods)
	for _, tc := range []struct {
		login
		asked int
		seen  string
	}{
		{login{name: "wrong SRES", subscriber: 80, wrongRES: true}, 3, "EAP-SIM: subtype Notification"},
		{login{name: "wrong key", subscriber: 81, wrongKey: true}, 3, "EAP-SIM: Challenge message used invalid AT_MAC"},
		{login{name: "unknown IMSI", subscriber: subscribers}, 0, "EAP-SIM: subtype Notification"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.methods, tc.digit = "SIM", "1"
			card := tc.card(t)
			r, err := Supplicant{
				Methods: tc.methods, Identity: tc.identity(), Card: card, Server: server.addr, Secret: server.secret,
			}.Run(t.Context())
			require.NoError(t, err)
			require.True(t, r.Rejected(), "exit code %d:\n%s", r.ExitCode, r.Tail())
			asked, _, _ := card.Counts()
			require.Equal(t, tc.asked, asked)
			require.Contains(t, r.Log, tc.seen)
		})
	}
}

// TestNegotiation: a supplicant that knows several methods gets the one that
// its identity is for, and keeps to it when it re-authenticates; one that does
// not know that method gets its own.
func TestNegotiation(t *testing.T) {
	Need(t, EapolTest)
	home := startHSS(t)
	for i, tc := range []struct {
		name, methods, digit string
		method               string
		challenges, requests int
	}{
		{"AKA' and AKA", "AKA' AKA", "6", "EAP-AKA'", 1, 2 + 2},
		{"all", "AKA' AKA SIM", "6", "EAP-AKA'", 1, 2 + 2},
		{"SIM's identity", "AKA' AKA SIM", "1", "EAP-SIM", 3, 3 + 2},
		{"SIM's identity, no SIM", "AKA'", "1", "EAP-AKA'", 1, 4 + 2},
		{"identity of AKA', SIM only", "SIM", "6", "EAP-SIM", 3, 4 + 2},
	} {
		t.Run(tc.name, func(t *testing.T) {
			server := startServer(t, hssHost, home.addr, "eap:\n"+allMethods)
			l := login{methods: tc.methods, digit: tc.digit, subscriber: 85 + i}
			card := l.card(t)
			r, err := Supplicant{
				Methods: l.methods, Identity: l.identity(), Card: card, Again: 1, Server: server.addr, Secret: server.secret,
			}.Run(t.Context())
			require.NoError(t, err)
			require.True(t, r.Succeeded(2), "exit code %d:\n%s", r.ExitCode, r.Tail())
			asked, _, _ := card.Counts()
			require.Equal(t, tc.challenges, asked)
			said := server.ended(t)
			require.Equal(t, 1, strings.Count(said, reauthenticated), "%s", said)
			require.Equal(t, tc.requests, requestsIn(said), "%s", said)
			require.Equal(t, 2, len(regexp.MustCompile(accepted+".* method="+tc.method+" ").FindAllString(said, -1)), "%s", said)
		})
	}
}
