package interop

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/eap"
	"github.com/opentwag/twag/examples/internal/provision"
	"github.com/opentwag/twag/milenage"
)

var loopback = netip.AddrFrom4([4]byte{127, 0, 0, 1})

// A radiusServer is what the supplicants of a test log in at.
type radiusServer struct {
	addr   netip.AddrPort
	secret string
}

// subscribers is how many there are in the tests' home network. Each login
// below has one of its own, so that no test sees another's sequence numbers.
const subscribers = 100

var realm = "wlan.mnc001.mcc001.3gppnetwork.org"

// imsi returns the n-th subscriber's. From subscribers on nobody has it.
func imsi(n int) eap.IMSI {
	i, err := provision.IMSI(eap.MustParseIMSI(provision.FirstIMSI), n)
	if err != nil {
		panic(err)
	}
	return i
}

// algorithm returns the n-th subscriber's functions and key.
func algorithm(n int) (milenage.Algorithm, error) {
	c, err := milenage.New(provision.Keys{}.Of(imsi(n)))
	if err != nil {
		return nil, err
	}
	return c.Algorithm(), nil
}

// A login is one authentication and what must come of it.
type login struct {
	name    string
	methods string
	// digit is the leading digit of the identity; by default that of the
	// method.
	digit string
	// subscriber is the number of the card.
	subscriber int
	// highSQN makes the card have seen more challenges than the home network
	// has sent.
	highSQN bool
	// wrongKey gives the card another K than the home network has; wrongRES
	// makes it answer good challenges badly.
	wrongKey, wrongRES bool
	rejected           bool
}

// logins are what every server and every way to the HSS has to get right.
var logins = []login{
	{name: "AKA", methods: "AKA", subscriber: 0},
	{name: "AKA'", methods: "AKA'", subscriber: 1},
	{name: "AKA resynchronisation", methods: "AKA", subscriber: 2, highSQN: true},
	{name: "AKA' resynchronisation", methods: "AKA'", subscriber: 3, highSQN: true},
	{name: "AKA wrong RES", methods: "AKA", subscriber: 4, wrongRES: true, rejected: true},
	{name: "AKA' wrong RES", methods: "AKA'", subscriber: 5, wrongRES: true, rejected: true},
	{name: "AKA wrong key", methods: "AKA", subscriber: 6, wrongKey: true, rejected: true},
	{name: "AKA' wrong key", methods: "AKA'", subscriber: 7, wrongKey: true, rejected: true},
	{name: "AKA unknown IMSI", methods: "AKA", subscriber: subscribers, rejected: true},
	{name: "AKA' unknown IMSI", methods: "AKA'", subscriber: subscribers + 1, rejected: true},
}

// negotiations are logins in which the supplicant and the server have to agree
// on a method.
var negotiations = []login{
	{name: "both, server takes AKA'", methods: "AKA' AKA", digit: "6", subscriber: 10},
	// Both prefer AKA' and say so, and yet the identity has led to AKA: the
	// digit may have been changed on the way (RFC 9048, section 4).
	{name: "both, identity of AKA", methods: "AKA' AKA", digit: "0", subscriber: 11, rejected: true},
	{name: "Nak to AKA", methods: "AKA", digit: "6", subscriber: 12},
	{name: "Nak to AKA'", methods: "AKA'", digit: "0", subscriber: 13},
	{name: "no method in common", methods: "TLS", digit: "0", subscriber: 14, rejected: true},
}

// identity is the permanent identity as an NAI (TS 23.003, clause 19.3.2):
// the leading digit is the method's.
func (l login) identity() string {
	digit := l.digit
	switch {
	case digit != "":
	case l.methods == "AKA'":
		digit = "6"
	default:
		digit = "0"
	}
	return digit + imsi(l.subscriber).Digits() + "@" + realm
}

// card returns the subscriber's card, with its faults.
func (l login) card(t *testing.T) *USIM {
	t.Helper()
	k, opc := provision.Keys{}.Of(imsi(l.subscriber))
	if l.wrongKey {
		k[0] ^= 0x80
	}
	var sqn uint64
	if l.highSQN {
		sqn = 1 << 32
	}
	card, err := NewUSIM(k, opc, sqn)
	require.NoError(t, err)
	card.WrongRES = l.wrongRES
	return card
}

// run logs in and checks all that is seen from this end: how the supplicant
// ended, its keys against those in the Access-Accept, what the card was asked.
func (l login) run(t *testing.T, server radiusServer) SupplicantResult {
	t.Helper()
	card := l.card(t)
	r, err := Supplicant{
		Methods: l.methods, Identity: l.identity(), Card: card,
		Server: server.addr, Secret: server.secret,
	}.Run(t.Context())
	require.NoError(t, err)

	accepted, resynced, refused := card.Counts()
	if l.rejected {
		require.True(t, r.Rejected(), "exit code %d, want %d:\n%s", r.ExitCode, ExitRejected, r.Tail())
	} else {
		require.True(t, r.Succeeded(1), "exit code %d, keys OK %d, mismatch %d:\n%s", r.ExitCode, r.KeysOK, r.KeysMismatch, r.Tail())
	}
	switch {
	case l.rejected && !l.wrongRES && !l.wrongKey:
		require.Equal(t, [3]int{}, [3]int{accepted, resynced, refused}, "the card got a challenge")
	case l.wrongKey:
		require.Equal(t, [3]int{0, 0, 1}, [3]int{accepted, resynced, refused})
	case l.highSQN:
		require.Equal(t, [3]int{1, 1, 0}, [3]int{accepted, resynced, refused})
	default:
		require.Equal(t, [3]int{1, 0, 0}, [3]int{accepted, resynced, refused})
	}
	return r
}
