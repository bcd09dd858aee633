package eap

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNewAuthenticator(t *testing.T) {
	aka, prime := fakeMethod{typ: TypeAKA}, fakeMethod{typ: TypeAKAPrime}
	require.NotNil(t, NewAuthenticator(aka, prime))
	for name, methods := range map[string][]Method{
		"none":             nil,
		"nil":              {aka, nil},
		"second EAP-AKA":   {aka, prime, aka},
		"Nak is no method": {fakeMethod{typ: TypeNak}},
	} {
		require.Panics(t, func() { NewAuthenticator(methods...) })
		_, err := NewAuthenticatorWith(Config{Methods: methods})
		require.ErrorContains(t, err, "Config.Methods")
		require.ErrorContains(t, err, name)
	}
	for _, n := range []int{-1, 256} {
		_, err := NewAuthenticatorWith(Config{Methods: []Method{aka}, MaxRounds: n})
		require.ErrorContains(t, err, "Config.MaxRounds")
	}
	// What the caller does with his slice afterwards is his business.
	methods := []Method{aka}
	a, err := NewAuthenticatorWith(Config{Methods: methods})
	require.NoError(t, err)
	methods[0] = nil
	require.Equal(t, OutcomeSend, a.New(Peer{}).Handle(now, identity(1, akaIdentity)).Kind)
}

// TestMethodChoice: the identity's digit, then the order of configuration.
func TestMethodChoice(t *testing.T) {
	aka, prime, sim := fakeMethod{typ: TypeAKA}, fakeMethod{typ: TypeAKAPrime}, fakeMethod{typ: TypeSIM}
	const imsi, realm = "001010000000001", "@wlan.mnc001.mcc001.3gppnetwork.org"
	for _, c := range []struct {
		identity string
		methods  []Method
		want     Type
	}{
		{"0" + imsi + realm, []Method{prime, aka}, TypeAKA},
		{"2xyz" + realm, []Method{prime, aka}, TypeAKA},
		{"4xyz" + realm, []Method{prime, aka}, TypeAKA},
		{"6" + imsi + realm, []Method{aka, prime}, TypeAKAPrime},
		{"7xyz" + realm, []Method{aka, prime}, TypeAKAPrime},
		{"8xyz" + realm, []Method{aka, prime}, TypeAKAPrime},
		{"1" + imsi + realm, []Method{aka, prime, sim}, TypeSIM},
		{"1" + imsi + realm, []Method{aka, prime}, TypeAKA},
		{"1" + imsi + realm, []Method{prime, aka}, TypeAKAPrime},
		{"6" + imsi + realm, []Method{aka}, TypeAKA},
		{"fred@example.com", []Method{prime, aka}, TypeAKAPrime},
		{"0anonymous" + realm, []Method{prime, aka}, TypeAKA},
		{"anonymous" + realm, []Method{prime, aka}, TypeAKAPrime},
		{"\x00not an NAI", []Method{prime, aka}, TypeAKAPrime},
		{"", []Method{sim}, TypeSIM},
	} {
		a := NewAuthenticator(c.methods...)
		conv := a.New(Peer{})
		o := conv.Handle(now, identity(1, c.identity))
		require.Equal(t, OutcomeSend, o.Kind)
		require.Equal(t, c.want, Type(o.Packet[4]), c.identity)
		require.Equal(t, c.want, conv.Method())
		require.Equal(t, c.identity, conv.Peer().Identity, "exactly as sent")
	}
}
