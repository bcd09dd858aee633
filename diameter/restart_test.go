package diameter

import (
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/diameter/wire"
)

func withState(id uint32) func(*wire.Builder) {
	return func(w *wire.Builder) { w.Uint32(AVPOriginStateID, 0, wire.FlagMandatory, id) }
}

// sendState sends a DWR with an Origin-State-Id.
func (f *far) sendState(id uint32) {
	f.t.Helper()
	f.request(wire.Header{Command: CmdDeviceWatchdog}, withState(id))
	f.wantResult(CmdDeviceWatchdog, ResultSuccess)
	synctest.Wait()
}

func TestRestartIsNoticed(t *testing.T) {
	var got []PeerRestart
	runScript(t, func(c *Config) {
		c.Hooks.PeerRestarted = func(r PeerRestart) { got = append(got, r) }
	}, func(t *testing.T, s *script) {
		f := s.open() // 77
		require.EqualValues(t, 77, s.status(serverHost).OriginStateID)
		require.Empty(t, got)
		for _, id := range []uint32{77, 0, 5} {
			f.sendState(id)
		}
		require.Empty(t, got, "none of these is a restart")

		// Ordinary answers don't count, nor do ordinary requests.
		wait := s.exchange(t.Context(), mar(t, "x"))
		f.answer(f.want(cmdMAR, true), withResult(ResultSuccess), originOf(serverHost), withState(1000))
		_, err := wait()
		require.NoError(t, err)
		s.node.Handle(swxApplication, cmdRTR, echo)
		f.request(rtr(), withState(1001))
		f.wantResult(cmdRTR, ResultSuccess)
		synctest.Wait()
		require.Empty(t, got)

		f.sendState(78)
		require.Equal(t, []PeerRestart{{serverHost, 77, 78}}, got)
		require.True(t, s.log.has(logRestarted, serverHost, "78"), s.log.all())
		f.answer(f.want(CmdDeviceWatchdog, true), withResult(ResultSuccess), originOf(serverHost), withState(79))
		synctest.Wait()
		f.close()
		f = s.accept()
		f.answer(f.want(CmdCapabilitiesExchange, true), withResult(ResultSuccess), originOf(serverHost), func(w *wire.Builder) {
			withState(80)(w)
			w.Uint32(AVPAuthApplicationID, 0, wire.FlagMandatory, swxApplication)
		})
		synctest.Wait()
		require.Equal(t, []PeerRestart{{serverHost, 77, 78}, {serverHost, 78, 79}, {serverHost, 79, 80}}, got)
		st := s.status(serverHost)
		require.EqualValues(t, 3, st.Restarts)
		require.EqualValues(t, 80, st.OriginStateID)
	})
}

func TestStatusShowsHowAPeerIsUsed(t *testing.T) {
	runScript(t, peerTable(
		PeerConfig{Host: "dra.example", Priority: 3, Weight: 7, Serves: []string{"*"}}, PeerConfig{Host: "hss.example"},
	), func(t *testing.T, s *script) {
		s.connectAs("dra.example", "hub.example", ApplicationRelay)
		st := s.status("dra.example")
		require.Equal(t, []any{3, 7, []string{"*"}, true, false, "hub.example", "script"},
			[]any{st.Priority, st.Weight, st.Serves, st.Relay, st.Initiator, st.Realm, st.ProductName})
		require.True(t, st.State.Connected())
		require.Len(t, st.Applications, 1)
		st = s.status("hss.example")
		require.Equal(t, []any{0, 1, false}, []any{st.Priority, st.Weight, st.Relay})
		require.False(t, st.State.Connected())
	})
}
