package interop

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var recipe = regexp.MustCompile(`(?m)^\s*(eapol_test -c .*)$`)

// TestLabRecipes: the laboratory's own subscribers log in, and the commands
// that it prints do what it says, typed as they stand.
func TestLabRecipes(t *testing.T) {
	Need(t, EapolTest)
	lab := start(t, "twagd", "To log in with a real supplicant")
	require.NoError(t, lab.WaitFor("Diameter peer connected", time.Minute))
	require.NoError(t, lab.WaitFor("Authentication ACCEPTED", time.Minute))
	commands := recipe.FindAllStringSubmatch(lab.Output(), -1)
	require.Len(t, commands, 2, "%s", lab.Output())
	for _, c := range commands {
		fields := strings.Fields(c[1])
		p, err := Start(fields[0], fields[1:]...)
		require.NoError(t, err)
		code, err := p.Wait(t.Context())
		require.NoError(t, err)
		r := supplicantResult(code, p.Output())
		require.True(t, r.Succeeded(1), "%s\nexit code %d:\n%s", c[1], code, r.Tail())
	}
}
