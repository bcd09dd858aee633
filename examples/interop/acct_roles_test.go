package interop

import (
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	layeh "layeh.com/radius"

	"github.com/opentwag/twag/eap"
	"github.com/opentwag/twag/examples/internal/ue"
	"github.com/opentwag/twag/radius/radiustest"
)

const typeClass = 25

// TestRolesApart: one process authenticates, another one accounts, and all they have in common is
// a key. What the login has found out is on the tickets; with another key it is not, and the
// event is recorded all the same.
func TestRolesApart(t *testing.T) {
	Need(t, Radclient)
	facts := "accounting:\n  area: north\n  package: gold\n"
	auth := startServer(t, hssHost, startHSS(t).addr, facts, "keys:\n"+clusterKey(1))
	ap, err := radiustest.NewAP(radiustest.Config{Server: auth.addr.String(), Secret: secret})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, ap.Close()) })
	phone, err := ue.New(ue.Config{IMSI: imsi(1), Methods: []eap.Type{eap.TypeAKAPrime}})
	require.NoError(t, err)
	login, err := phone.Login(t.Context(), ap)
	require.NoError(t, err)
	accept, err := layeh.Parse(login.Reply, []byte(secret))
	require.NoError(t, err)
	class := accept.Get(typeClass)
	require.NotEmpty(t, class)
	require.NotContains(t, string(class), "gold", "it is not sealed")
	require.NotContains(t, string(class), imsi(1).Digits())

	for _, c := range []struct {
		name, key string
		opens     bool
	}{{"same key", clusterKey(1), true}, {"another key", clusterKey(2), false}} {
		t.Run(c.name, func(t *testing.T) {
			server := startBookkeeper(t, "twag2", filepath.Join(t.TempDir(), "data"), "keys:\n"+c.key)
			for _, status := range []string{"Start", "Stop"} {
				event := eventOf(status, "0001", "Acct-Session-Time = 1", "Class = 0x"+hex.EncodeToString(class))
				out, err := radclient(t, server.radiusServer, "acct", event)
				require.NoError(t, err, out)
			}
			said := server.ended()
			b, err := os.ReadFile(server.ticketFiles()[0])
			require.NoError(t, err)
			want := 0
			if c.opens {
				want = 2
			}
			for _, fact := range []string{
				`Server = "` + serverHost + `"`, `Area = "north"`, `Package = "gold"`, `Method = "AKA'"`, fmt.Sprintf("IMSI = %q", imsi(1).Digits()),
			} {
				require.Equal(t, want, strings.Count(string(b), fact), "%s in\n%s", fact, b)
			}
			require.Equal(t, 2, strings.Count(string(b), "Acct-Status-Type"), "%s", b)
			require.Equal(t, !c.opens, strings.Contains(said, "accounting_bad_class_count=2"), "%s", tail(said))
		})
	}
	require.Eventually(t, func() bool { return strings.Contains(auth.Output(), accepted) }, time.Minute, 20*time.Millisecond)
}
