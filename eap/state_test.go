package eap

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestStateSize(t *testing.T) {
	a := newFake(t, Config{})
	c := a.New(Peer{})
	c.Handle(now, identity(7, akaIdentity))
	state, err := c.AppendState(nil)
	require.NoError(t, err)
	// Beside identity and machine there are seven octets: the whole has to fit
	// in one RADIUS attribute.
	require.Len(t, state, 7+len("0001010000000001")+shortDigits+2)
}

func TestRestoreMalformed(t *testing.T) {
	a := newFake(t, Config{})
	const idLen = "\x00\x03"
	for name, s := range map[string]string{
		"empty":                     "",
		"header cut short":          "\x01\x01\x07\x01",
		"another version":           "\x02\x01\x07\x01\x17" + idLen + "bob\x00\x01",
		"unknown flag":              "\x01\x08\x07\x01\x17" + idLen + "bob\x00\x01",
		"no identity":               "\x01\x01\x07\x01\x17",
		"identity's length cut":     "\x01\x01\x07\x01\x17\x00",
		"identity cut short":        "\x01\x01\x07\x01\x17" + idLen + "bo",
		"unknown method":            "\x01\x01\x07\x01\x0d" + idLen + "bob\x00\x01",
		"machine refuses":           "\x01\x01\x07\x01\x17" + idLen + "bob\x00",
		"refused types missing":     "\x01\x05\x07\x01\x17",
		"refused types cut short":   "\x01\x05\x07\x01\x17\x02\x32",
		"refused types, 255":        "\x01\x05\x07\x01\x17\xff" + strings.Repeat("\x32", 254),
		"the method itself refused": "\x01\x05\x07\x01\x17\x01\x17" + idLen + "bob\x00\x01",
		"no method, but identity":   "\x01\x00\x07\x01\x00" + idLen + "bob",
		"no method, but machine":    "\x01\x00\x07\x01\x00\x00\x00\x00\x01",
		"no method, but flags":      "\x01\x01\x07\x01\x00\x00\x00",
	} {
		t.Run(name, func(t *testing.T) {
			c, err := a.Restore(Peer{}, []byte(s))
			require.ErrorIs(t, err, ErrState)
			require.Nil(t, c)
		})
	}
	for _, s := range []string{
		"\x01\x01\x07\x01\x17" + idLen + "bob\x00\x01",
		"\x01\x05\x07\x01\x17\xff" + strings.Repeat("\x32", 255) + idLen + "bob\x00\x01",
		"\x01\x00\x07\x01\x00\x00\x00",
	} {
		_, err := a.Restore(Peer{}, []byte(s))
		require.NoError(t, err)
	}
}

func TestAppendStateOfAMethodThatCannot(t *testing.T) {
	a := newFake(t, Config{})
	c := a.New(Peer{})
	c.Handle(now, identity(7, akaIdentity))
	c.Handle(now, order(8, TypeAKA, orderNoState))
	b, err := c.AppendState([]byte("front"))
	require.ErrorIs(t, err, ErrState)
	require.ErrorIs(t, err, errFake)
	require.Equal(t, "front", string(b))
}

func FuzzRestore(f *testing.F) {
	f.Add([]byte("\x01\x05\x07\x01\x17\x01\x32\x00\x03bob\x00\x01"))
	f.Add([]byte("\x01\x00\x07\x01\x00\x00\x00"))
	a := newFake(f, Config{})
	f.Fuzz(func(t *testing.T, state []byte) {
		c, err := a.Restore(Peer{}, state)
		if err != nil {
			require.ErrorIs(t, err, ErrState)
			return
		}
		again, err := c.AppendState(nil)
		require.NoError(t, err)
		r, err := a.Restore(Peer{}, again)
		require.NoError(t, err)
		require.Equal(t, c, r)
	})
}
