package diameter

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/diameter/wire"
)

// connectAs connects as the host and realm with the application, and is open
// when it returns.
func (s *script) connectAs(host, realm string, app uint32) *far {
	s.t.Helper()
	f := s.connect()
	f.write(f.build(wire.Header{Flags: wire.FlagRequest, Command: CmdCapabilitiesExchange}, func(w *wire.Builder) {
		w.String(AVPOriginHost, 0, wire.FlagMandatory, host)
		w.String(AVPOriginRealm, 0, wire.FlagMandatory, realm)
	}, withCapabilities(app)))
	f.wantResult(CmdCapabilitiesExchange, ResultSuccess)
	synctest.Wait()
	return f
}

// marTo builds a request for a destination; host and realm may be empty.
func marTo(t testing.TB, host, realm string) wire.Message {
	t.Helper()
	w := wire.NewBuilder(nil, wire.Header{Flags: wire.FlagRequest | wire.FlagProxiable, Command: cmdMAR, Application: swxApplication})
	w.String(AVPSessionID, 0, wire.FlagMandatory, clientHost+";1;3")
	w.String(AVPOriginHost, 0, wire.FlagMandatory, clientHost)
	w.String(AVPOriginRealm, 0, wire.FlagMandatory, "example.org")
	if realm != "" {
		w.String(AVPDestinationRealm, 0, wire.FlagMandatory, realm)
	}
	if host != "" {
		w.String(AVPDestinationHost, 0, wire.FlagMandatory, host)
	}
	m, err := w.Message()
	require.NoError(t, err)
	return m
}

// goes sends a request and wants it to come to f, which answers it.
func (s *script) goes(f *far, m wire.Message) {
	s.t.Helper()
	wait := s.exchange(s.t.Context(), m)
	f.answer(f.want(cmdMAR, true), withResult(ResultSuccess))
	_, err := wait()
	require.NoError(s.t, err)
}

// peerTable is a table of peers that only wait, to connect as in a test.
func peerTable(peers ...PeerConfig) func(*Config) {
	return func(c *Config) { c.Peers = peers }
}

func TestRoutingPrefersHostThenRealmThenRelay(t *testing.T) {
	runScript(t, peerTable(
		PeerConfig{Host: "hss.example.net"}, PeerConfig{Host: "hss2.example.net", Priority: 1}, PeerConfig{Host: "dra.example.com"},
	), func(t *testing.T, s *script) {
		hss := s.connectAs("hss.example.net", testRealm, swxApplication)
		hss2 := s.connectAs("hss2.example.net", testRealm, swxApplication)
		relay := s.connectAs("dra.example.com", "example.com", ApplicationRelay)
		for _, c := range []struct {
			host, realm string
			to          *far
		}{
			{"", testRealm, hss},
			{"", "EXAMPLE.NET", hss},
			{"HSS2.example.net", testRealm, hss2},
			{"hss2.example.net", "", hss2},
			{"", "roaming.example", relay},
			{"", "", relay},
			{"dra.example.com", testRealm, relay},
			{"hss9.example.net", testRealm, hss},
		} {
			s.goes(c.to, marTo(t, c.host, c.realm))
		}
	})
}

func TestRoutingByServedRealms(t *testing.T) {
	runScript(t, peerTable(
		PeerConfig{Host: "dra1.example", Serves: []string{"one.example", "Two.Example"}},
		PeerConfig{Host: "dra2.example", Serves: []string{"*"}, Priority: 1},
		PeerConfig{Host: "dra3.example", Serves: []string{"two.example"}, Priority: 1},
	), func(t *testing.T, s *script) {
		dra1 := s.connectAs("dra1.example", "hub.example", ApplicationRelay)
		dra2 := s.connectAs("dra2.example", "hub.example", swxApplication)
		dra3 := s.connectAs("dra3.example", "hub.example", swxApplication)
		s.goes(dra1, marTo(t, "", "one.example"))
		s.goes(dra1, marTo(t, "hss.two.example", "two.example"))
		s.goes(dra2, marTo(t, "", "three.example"))
		s.goes(dra1, marTo(t, "", "hub.example"))
		dra1.close()
		synctest.Wait()
		s.goes(dra2, marTo(t, "", "one.example"))
		s.goes(dra3, marTo(t, "", "two.example"))
		dra2.close()
		synctest.Wait()
		_, err := s.node.Exchange(t.Context(), marTo(t, "", "one.example"))
		require.ErrorIs(t, err, ErrNoPeer, "dra3 serves another realm")
		require.ErrorContains(t, err, "none of 1")
	})
}

// A server of one realm does not get what is for another realm's, only because
// that one is away.
func TestAnotherRealmsServerIsNoSubstitute(t *testing.T) {
	runScript(t, peerTable(
		PeerConfig{Host: "hss.one.example", Realm: "one.example"}, PeerConfig{Host: "hss.two.example", Realm: "two.example"},
	), func(t *testing.T, s *script) {
		one := s.connectAs("hss.one.example", "one.example", swxApplication)
		_, err := s.node.Exchange(t.Context(), marTo(t, "", "two.example"))
		require.ErrorIs(t, err, ErrNoPeer)
		_, err = s.node.Exchange(t.Context(), marTo(t, "hss.two.example", "one.example"))
		require.ErrorIs(t, err, ErrNoPeer, "not by way of another server")
		s.goes(one, marTo(t, "", "three.example"))
		s.goes(one, marTo(t, "", ""))
	})
}

// What a peer said of itself counts after it has gone, too.
func TestRoutesOutliveConnections(t *testing.T) {
	runScript(t, peerTable(PeerConfig{Host: "hss.example"}, PeerConfig{Host: "ocs.example"}), func(t *testing.T, s *script) {
		hss := s.connectAs("hss.example", "home.example", swxApplication)
		ocs := s.connectAs("ocs.example", "else.example", swxApplication)
		hss.close()
		synctest.Wait()
		_, err := s.node.Exchange(t.Context(), marTo(t, "", "home.example"))
		require.ErrorIs(t, err, ErrNoPeer)
		s.goes(ocs, marTo(t, "", "other.example"))
	})
}

func TestAnAgentCanTakeARequestForAPeerThatIsAway(t *testing.T) {
	runScript(t, peerTable(
		PeerConfig{Host: "hss.example"}, PeerConfig{Host: "hss2.example"}, PeerConfig{Host: "dra.example"},
	), func(t *testing.T, s *script) {
		s.connectAs("hss2.example", "home.example", swxApplication)
		dra := s.connectAs("dra.example", "hub.example", ApplicationRelay)
		s.goes(dra, marTo(t, "hss.example", "home.example"))
	})
}

func TestPriorityFailOverAndFailBack(t *testing.T) {
	runScript(t, peerTable(PeerConfig{Host: "b.example", Priority: 5}, PeerConfig{Host: "a.example", Priority: 2}), func(t *testing.T, s *script) {
		b := s.connectAs("b.example", testRealm, swxApplication)
		s.goes(b, marTo(t, "", testRealm))
		a := s.connectAs("a.example", testRealm, swxApplication)
		for range 20 {
			s.goes(a, marTo(t, "", testRealm))
		}
		a.close()
		synctest.Wait()
		s.goes(b, marTo(t, "", testRealm))

		a = s.connectAs("a.example", testRealm, swxApplication)
		s.goes(b, marTo(t, "", testRealm)) // until three DWAs have come
		for range 3 {
			a.sendDWA(a.want(CmdDeviceWatchdog, true))
		}
		synctest.Wait()
		s.goes(a, marTo(t, "", testRealm))
	})
}

func TestWeightsShareTheLoad(t *testing.T) {
	runScript(t, peerTable(
		PeerConfig{Host: "a.example", Weight: 3}, PeerConfig{Host: "b.example"}, PeerConfig{Host: "c.example", Weight: 6, Priority: 1},
	), func(t *testing.T, s *script) {
		for _, host := range []string{"a.example", "b.example", "c.example"} {
			s.connectAs(host, testRealm, swxApplication)
		}
		count := map[string]int{}
		m := marTo(t, "", testRealm)
		for range 4000 {
			c, err := s.node.route(m, m.Header(), nil)
			require.NoError(t, err)
			count[c.host()]++
		}
		require.Zero(t, count["c.example"])
		require.InDelta(t, 3000, count["a.example"], 150)
	})
}

func TestRouteKey(t *testing.T) {
	worst := []routeKey{
		{avoid: true, fit: fitRelay, priority: 1},
		{avoid: true, fit: fitHost, priority: 0},
		{fit: fitAny},
		{fit: fitRealm, priority: 7},
		{fit: fitRealm},
		{fit: fitHost, priority: 9},
	}
	sorted := slices.Clone(worst)
	slices.Reverse(sorted)
	slices.SortFunc(sorted, routeKey.compare)
	require.Equal(t, worst, sorted)
}

func TestAvoidedPeerIsTheLastResort(t *testing.T) {
	runScript(t, peerTable(PeerConfig{Host: "a.example"}, PeerConfig{Host: "b.example", Priority: 1}), func(t *testing.T, s *script) {
		a := s.connectAs("a.example", testRealm, swxApplication)
		b := s.connectAs("b.example", testRealm, swxApplication)
		s.node.peerList()[0].usable.Load().avoid.Store(s.node.sinceStart() + int64(time.Second))
		s.goes(b, marTo(t, "", testRealm))
		b.close()
		synctest.Wait()
		s.goes(a, marTo(t, "", testRealm))
		time.Sleep(time.Second)
		s.connectAs("b.example", testRealm, swxApplication)
		s.goes(a, marTo(t, "", testRealm))
	})
}

// A peer of a configured realm can't have the requests of another by saying
// that it is of that one.
func TestConfiguredRealmCountsNotTheClaimedOne(t *testing.T) {
	runBoth(t, peerTable(PeerConfig{Host: "a.example", Realm: "a"}, PeerConfig{Host: "b.example", Realm: "b"}), func(t *testing.T, s *script) {
		a := s.connectAs("a.example", "b", swxApplication)
		b := s.connectAs("b.example", "b", swxApplication)
		for range 20 {
			s.goes(b, marTo(t, "", "b"))
		}
		s.goes(a, marTo(t, "", "a"))
	})
}
