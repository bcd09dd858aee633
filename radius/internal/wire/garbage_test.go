//go:build !race

// Under the race detector sync.Pool forgets at random, on purpose.

package wire

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestNoGarbage: what is done for each packet allocates nothing.
func TestNoGarbage(t *testing.T) {
	k := NewKey([]byte("secret"))
	pkt := AppendMessageAuthenticator(AppendHeader(make([]byte, 0, 4096), AccessRequest, 7, new([16]byte)))
	SetLength(pkt)
	var auth [16]byte
	require.Zero(t, testing.AllocsPerRun(100, func() {
		k.SignRequest(pkt, 22)
		if !k.CheckMessageAuthenticator(pkt, 22) {
			t.Error("not authentic")
		}
		k.SignReply(pkt, 22, &auth)
		if !k.CheckReply(pkt, 22, &auth) {
			t.Error("not authentic")
		}
	}))
}
