package rules

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestREADMEShowsTheQuickstart: the first code that anybody reads is the
// program that the build compiles, whole, and short.
func TestREADMEShowsTheQuickstart(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join(root(t), "README.md"))
	require.NoError(t, err)
	program, err := os.ReadFile(filepath.Join(root(t), "examples", "quickstart", "main.go"))
	require.NoError(t, err)

	_, rest, found := strings.Cut(string(readme), "\n```go\n")
	require.True(t, found, "README.md has no Go code")
	shown, _, found := strings.Cut(rest, "```\n")
	require.True(t, found)
	require.Equal(t, string(program), shown, "README.md differs from examples/quickstart/main.go")
	require.LessOrEqual(t, strings.Count(shown, "\n"), 60, "the quickstart has more than 60 lines")
}
