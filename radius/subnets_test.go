package radius

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSubnets(t *testing.T) {
	s := Subnets{
		{Name: "ten", Prefix: netip.MustParsePrefix("10.1.2.3/8"), Secret: "a"},
		{Name: "ten-one", Prefix: netip.MustParsePrefix("10.1.0.0/16"), Secret: "b"},
		{Name: "host", Prefix: netip.MustParsePrefix("10.1.2.3/32"), Secret: "c"},
		{Name: "mapped", Prefix: netip.MustParsePrefix("::ffff:172.16.0.0/108"), Secret: "d"},
		{Name: "six", Prefix: netip.MustParsePrefix("2001:db8::/32"), Secret: "e"},
		{Name: "local", Prefix: netip.MustParsePrefix("fe80::/10"), Secret: "f"},
	}
	check := func(s ClientSource, addr, want string) {
		t.Helper()
		c := s.Client(netip.MustParseAddr(addr))
		if want == "" {
			require.Nil(t, c, addr)
			return
		}
		require.NotNil(t, c, addr)
		require.Equal(t, want, c.Name(), addr)
	}
	table, err := NewClientTable(s)
	require.NoError(t, err)
	for _, src := range []ClientSource{s, table} {
		check(src, "10.9.9.9", "ten")
		check(src, "10.1.9.9", "ten-one")
		check(src, "10.1.2.3", "host")
		check(src, "172.16.1.1", "mapped")
		check(src, "172.32.0.1", "")
		check(src, "11.0.0.1", "")
		check(src, "2001:db8::1", "six")
		check(src, "2001:db9::1", "")
		check(src, "fe80::1%eth0", "local")
		require.Nil(t, src.Client(netip.Addr{}))
	}
	require.Same(t, table.Client(netip.MustParseAddr("10.0.0.1")), table.Client(netip.MustParseAddr("10.0.0.2")))

	any := Subnets{{Secret: "x"}, s[0]}
	check(any, "8.8.8.8", "any")
	check(any, "::1", "any")
	check(any, "10.0.0.1", "ten")
}

func TestSubnetsErrors(t *testing.T) {
	p := netip.MustParsePrefix("10.0.0.0/8")
	for _, c := range []struct {
		s    Subnets
		want string
	}{
		{Subnets{{Prefix: p}}, "Subnets[0]: radius: client 10.0.0.0/8: no secret"},
		{Subnets{{Prefix: p, Secret: "a"}, {Prefix: netip.MustParsePrefix("10.1.1.1/8"), Secret: "b"}}, "Subnets[1]: prefix occurs twice"},
		{Subnets{{Secret: "a"}, {Secret: "b"}}, "Subnets[1]: prefix occurs twice"},
		{Subnets{{Prefix: netip.PrefixFrom(netip.MustParseAddr("10.0.0.0"), 99), Secret: "a"}}, "invalid prefix"},
	} {
		_, err := NewClientTable(c.s)
		require.ErrorContains(t, err, c.want)
		require.Nil(t, c.s.Client(netip.MustParseAddr("10.0.0.1")))
	}
}

func TestWarnings(t *testing.T) {
	require.Empty(t, Subnets{{Prefix: testPrefix, Secret: testSecret}}.Warnings())
	w := Subnets{
		{Name: "lab", Secret: "short"},
		{Prefix: netip.MustParsePrefix("0.0.0.0/0"), Secret: testSecret, AllowMissingMessageAuthenticator: true},
	}.Warnings()
	require.Len(t, w, 4)
	require.Contains(t, w[0], `"lab": any source`)
	require.Contains(t, w[1], `"lab": the secret has fewer than 20`)
	require.Contains(t, w[2], `"0.0.0.0/0": any source`)
	require.Contains(t, w[3], `CVE-2024-3596`)
	require.NotContains(t, fmt.Sprint(w), "short")
}

// TestSecretsDoNotPrint: whatever way a configuration is printed.
func TestSecretsDoNotPrint(t *testing.T) {
	cfg := ClientConfig{Prefix: testPrefix, Secret: "hush-hush"}
	c, err := NewClient(cfg)
	require.NoError(t, err)
	asJSON, err := json.Marshal(cfg)
	require.NoError(t, err)
	for _, out := range []string{
		fmt.Sprint(cfg), fmt.Sprintf("%+v %#v %s %q %x", cfg, cfg, cfg.Secret, cfg.Secret, cfg.Secret),
		fmt.Sprintf("%v %+v %#v %s", c, c, c, c), fmt.Sprint(Subnets{cfg}), string(asJSON),
		cfg.Secret.LogValue().String(), fmt.Sprintf("%v", RequestInfo{Client: c}),
	} {
		require.NotContains(t, out, "hush")
		require.NotContains(t, out, fmt.Sprintf("%x", "hush-hush"))
	}
}
