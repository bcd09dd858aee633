package aka

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/eap"
)

// 33 octets more than without; it fits into a sealed State with an identity of
// up to 41 octets behind a round of AKA-Identity.
func TestForwardSecrecyStateIsShort(t *testing.T) {
	c := newFS(t, Config{AlwaysRequestIdentity: true}).toChallenge()
	b, err := c.m.AppendState(nil)
	require.NoError(t, err)
	require.Len(t, b, 8+8+4+64+9+32+33)
	plain, err := newConv(t, newTest(eap.TypeAKAPrime, Config{}), primeID).toChallenge().m.AppendState(nil)
	require.NoError(t, err)
	require.Len(t, plain, 8+8+4+64+9)
}

// A state is for the policy that it came from, and for what that would accept.
func TestForwardSecrecyStateAndPolicy(t *testing.T) {
	type config struct {
		policy ForwardSecrecy
		groups []FSGroup
	}
	off, both := config{}, config{FSOffered, nil}
	turned := config{FSOffered, []FSGroup{FSX25519, FSP256}}
	one := config{FSOffered, []FSGroup{FSP256}}
	must := config{FSRequired, nil}
	cfg := func(c config) Config {
		return Config{ForwardSecrecy: c.policy, FSGroups: c.groups, ResultIndications: true}
	}
	challenge := func(c config) *conv {
		return newConv(t, newTest(eap.TypeAKAPrime, cfg(c)), primeID).toChallenge()
	}
	changed := func(c config) *conv {
		conv := challenge(c)
		require.Equal(t, "challenge", conv.handle(conv.askGroups(FSX25519)))
		return conv
	}
	confirmed := func(c config) *conv {
		conv := challenge(c)
		require.Equal(t, "need authorization", conv.handle(conv.goodAnswer()))
		require.Equal(t, "notify 32768 with MAC", conv.resume(eap.Authorization{}))
		return conv
	}
	used := func(c config) *conv {
		conv := challenge(c)
		value, _ := conv.fsKeys()
		require.Equal(t, "need authorization", conv.handle(conv.fsPublic(value)))
		require.Equal(t, "notify 32768 with MAC", conv.resume(eap.Authorization{}))
		return conv
	}
	for _, c := range []struct {
		name string
		from *conv
		to   config
		ok   bool
	}{
		{"the same", challenge(both), both, true},
		{"off", challenge(both), off, false},
		{"on", challenge(off), both, false},
		{"required now", challenge(both), must, true},
		{"other order", challenge(both), turned, false},
		{"fewer groups", challenge(both), one, true},
		{"changed, the same", changed(both), both, true},
		{"changed, other order", changed(both), turned, false},
		{"changed, fewer groups", changed(both), one, false},
		{"without, the same", confirmed(both), both, true},
		{"without, off", confirmed(both), off, true},
		{"without, required now", confirmed(both), must, false},
		{"off, on now", confirmed(off), both, true},
		{"used, the same", used(both), both, true},
		{"used, required", used(must), must, true},
		{"used, off", used(both), off, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, err := c.from.m.AppendState(nil)
			require.NoError(t, err)
			m, err := newTest(eap.TypeAKAPrime, cfg(c.to)).Restore(c.from.peer, b)
			if !c.ok {
				require.ErrorIs(t, err, ErrState)
				return
			}
			require.NoError(t, err)
			again, err := m.AppendState(nil)
			require.NoError(t, err)
			require.Equal(t, b, again)
		})
	}
}

// Every octet of it counts, and none is missing without notice.
func TestForwardSecrecyStateCut(t *testing.T) {
	c := newFS(t, Config{}).toChallenge()
	b, err := c.m.AppendState(nil)
	require.NoError(t, err)
	for n := range b {
		_, err := c.method.Restore(c.peer, b[:n])
		require.ErrorIs(t, err, ErrState)
	}
	at := len(b) - 33
	require.Equal(t, byte(FSP256), b[at])
	for _, x := range []byte{0, 1, 3, 0x12, 0x21 | 0x40, 0x32, 0x72, 0xff} {
		bad := slices.Clone(b)
		bad[at] = x
		_, err := c.method.Restore(c.peer, bad)
		require.ErrorIs(t, err, ErrState, "%x", x)
	}
	for _, x := range []byte{2, 0x82, 0x21} {
		good := slices.Clone(b)
		good[at] = x
		_, err := c.method.Restore(c.peer, good)
		require.NoError(t, err, "%x", x)
	}
	// No private key of P-256 is zero; whoever could make such a state could
	// make any, so that it is found late.
	clear(b[at+1:])
	m, err := c.method.Restore(c.peer, b)
	require.NoError(t, err)
	c.m = m
	require.Equal(t, "notify 16384", c.handle(c.fsPublic(make([]byte, 34))))
	require.ErrorIs(t, c.step.Err, ErrState)
	// EAP-AKA has no forward secrecy.
	a := newConv(t, newTest(eap.TypeAKA, Config{}), akaID).toChallenge()
	b, err = a.m.AppendState(nil)
	require.NoError(t, err)
	b[3] |= flagFS
	_, err = a.method.Restore(a.peer, append(b, make([]byte, 33)...))
	require.ErrorIs(t, err, ErrState)
}
