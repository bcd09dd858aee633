// The race detector's instrumentation moves buffers to the heap.
//go:build !race

package eaptest

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestAllocations: a load generator's phone costs little garbage. A full
// authentication allocates the cipher for AT_ENCR_DATA and the two identities
// to keep; a fast re-authentication two ciphers, one identity, and a copy of
// what AT_MAC covers.
func TestAllocations(t *testing.T) {
	for _, method := range bothMethods {
		require.LessOrEqual(t, testing.AllocsPerRun(20, replay(t, method, false)), 3.0, method)
		require.LessOrEqual(t, testing.AllocsPerRun(20, replay(t, method, true)), 4.0, method)
	}
}
