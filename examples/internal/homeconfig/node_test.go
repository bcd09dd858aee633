package homeconfig

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/swx"
)

// A word for each value, and the default is the standard's.
func TestWords(t *testing.T) {
	require.Len(t, applicationForms, len(ApplicationWords))
	require.Len(t, sessionStates, len(StateWords))
	for i, word := range ApplicationWords {
		s := DefaultSWx()
		if i > 0 {
			s.Profile.Application = word
		}
		require.Equal(t, applicationForms[i], s.Client().Profile.Application)
	}
	for i, word := range StateWords {
		s := DefaultSWx()
		if i > 0 {
			s.Profile.SessionState = word
		}
		require.Equal(t, sessionStates[i], s.Client().Profile.SessionState)
	}
	s := DefaultSWx()
	require.Equal(t, swx.Profile{}, s.Client().Profile)
}
