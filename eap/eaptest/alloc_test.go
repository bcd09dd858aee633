// The race detector's instrumentation moves buffers to the heap.
//go:build !race

package eaptest

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestNoAllocations: a load generator's phone costs no garbage.
func TestNoAllocations(t *testing.T) {
	for _, method := range bothMethods {
		require.Zero(t, testing.AllocsPerRun(20, replay(t, method)), method)
	}
}
