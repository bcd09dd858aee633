package diameter

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNewEndToEndID(t *testing.T) {
	n, err := NewNode(Config{OriginHost: "a.example.net", OriginRealm: "example.net", Applications: []Application{{ID: 4}}})
	require.NoError(t, err)
	defer n.Close()
	seen := make(map[uint32]bool)
	for range 1000 {
		id := n.NewEndToEndID()
		require.NotZero(t, id)
		require.False(t, seen[id])
		seen[id] = true
	}
}
