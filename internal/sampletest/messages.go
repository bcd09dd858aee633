package sampletest

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/diameter/wire"
)

// number is how many messages there are.
const number = 29

// Messages returns the messages by name. The package under test is in a folder of the module's
// own.
func Messages(t testing.TB) map[string]wire.Message {
	t.Helper()
	b, err := os.ReadFile("../testdata/diameter.json")
	require.NoError(t, err)
	var file struct {
		Messages []struct{ Name, Hex string }
	}
	require.NoError(t, json.Unmarshal(b, &file))
	all := make(map[string]wire.Message)
	for _, m := range file.Messages {
		raw, err := hex.DecodeString(m.Hex)
		require.NoError(t, err, m.Name)
		msg, err := wire.Parse(raw)
		require.NoError(t, err, m.Name)
		all[m.Name] = msg
	}
	require.Len(t, all, number)
	return all
}

// Message returns the message of that name.
func Message(t testing.TB, name string) wire.Message {
	t.Helper()
	msg, ok := Messages(t)[name]
	require.True(t, ok, name)
	return msg
}
