package main

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/diameter"
	"github.com/opentwag/twag/diameter/wire"
	"github.com/opentwag/twag/eap"
	"github.com/opentwag/twag/examples/internal/freeport"
	"github.com/opentwag/twag/examples/internal/provision"
	"github.com/opentwag/twag/swx"
	"github.com/opentwag/twag/swx/swxtest"
)

// startHSS starts an HSS with one subscriber, and returns a configuration file
// of twagd for it.
func startHSS(t *testing.T, cfg swxtest.Config) (hss *swxtest.HSS, config string) {
	t.Helper()
	hss, err := swxtest.New(cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, hss.Close()) })
	imsi := eap.MustParseIMSI(provision.FirstIMSI)
	k, opc := provision.Keys{}.Of(imsi)
	require.NoError(t, hss.Add(swxtest.Subscriber{IMSI: imsi, K: k, OPc: opc, AMF: provision.AMF}))
	addr, err := hss.Listen("127.0.0.1:0")
	require.NoError(t, err)
	return hss, configFor(t, addr)
}

func configFor(t *testing.T, addr net.Addr) string {
	t.Helper()
	return file(t, "twagd.yaml", fmt.Sprintf(`
diameter:
  origin_host: twag1.%[1]s
  origin_realm: %[1]s
  listen: ":3868"
  peers:
    - {host: %[2]s, address: 127.0.0.1, port: %[3]d}
    - {host: dra.example.org, connect: wait}
swx: {vectors: 2}
radius: {whatever: [this, is]}
`, swxtest.DefaultRealm, swxtest.DefaultHost, addr.(*net.TCPAddr).Port))
}

func TestDiameterTestMAR(t *testing.T) {
	hss, config := startHSS(t, swxtest.Config{})
	code, out, errs := call(t, "", "diameter", "test", "-config", config, "-imsi", provision.FirstIMSI)
	require.Equal(t, exitOK, code, errs)
	require.Empty(t, errs)
	for _, want := range []string{
		"request   MAR EAP-AKA' for IMSI " + provision.FirstIMSI,
		"sent to   " + swxtest.DefaultHost + "\n",
		"via       " + swxtest.DefaultHost + " (127.0.0.1:",
		"result    2001 SUCCESS\n",
		"\n  SIP-Number-Auth-Items                    2\n",
		"\n  SIP-Auth-Data-Item\n    SIP-Item-Number                        1\n",
		"\n    SIP-Authorization                      [redacted, 8 octets]\n",
		"\n    Confidentiality-Key                    [redacted, 16 octets]\n",
		"\n    Integrity-Key                          [redacted, 16 octets]\n",
		"\n  Auth-Session-State                       1 NO_STATE_MAINTAINED\n",
	} {
		require.Contains(t, out, want)
	}
	require.NotContains(t, out, "Destination-Realm", "that is the request's")

	code, out, errs = call(t, "", "diameter", "test", "-config", config, "-imsi", provision.FirstIMSI, "-scheme", "aka", "-vectors", "1", "-show-keys", "-v", "-json")
	require.Equal(t, exitOK, code, errs)
	var r report
	require.NoError(t, json.Unmarshal([]byte(out), &r))
	require.Equal(t, outcome{Code: 2001, Name: "SUCCESS"}, *r.Result)
	require.Equal(t, swxtest.DefaultHost, r.OriginHost)
	require.Equal(t, []string{swxtest.DefaultHost}, r.SentTo)
	require.Positive(t, r.ElapsedMillis)
	find := func(list []avp, name string) avp {
		for _, a := range list {
			if a.Name == name {
				return a
			}
		}
		require.FailNow(t, "no "+name)
		return avp{}
	}
	require.Equal(t, swxtest.DefaultRealm, find(r.Request, "Destination-Realm").Value)
	item := find(r.Answer, "SIP-Auth-Data-Item")
	require.Len(t, find(item.AVPs, "Confidentiality-Key").Value, 2+32)
	require.Contains(t, errs, "Diameter peer connected")
	require.Equal(t, uint64(3), hss.Stats().Vectors)
}

func TestDiameterTestSAR(t *testing.T) {
	_, config := startHSS(t, swxtest.Config{})
	test := func(args ...string) (int, string, string) {
		return call(t, "", append([]string{"diameter", "test", "-config", config, "-imsi", provision.FirstIMSI}, args...)...)
	}
	code, out, errs := test("-command", "sar", "-type", "user-deregistration")
	require.Equal(t, exitFailed, code, "nobody is registered")
	require.Contains(t, out, "result    5003 IDENTITY_NOT_REGISTERED of vendor 10415\n")
	require.Contains(t, errs, "refused: ")

	code, _, errs = test()
	require.Equal(t, exitOK, code, errs)
	code, out, errs = test("-command", "sar", "-type", "registration", "-v")
	require.Equal(t, exitOK, code, errs)
	require.Contains(t, out, "request   SAR REGISTRATION for IMSI")
	require.Contains(t, out, "\n  Server-Assignment-Type                   1 REGISTRATION\n")
	require.Contains(t, out, "\n  Non-3GPP-User-Data\n")
	require.Contains(t, out, " NON_3GPP_SUBSCRIPTION_ALLOWED\n")
	require.Contains(t, out, "\n        QoS-Class-Identifier ", "a group in a group")
	code, _, errs = test("-command", "sar", "-type", "user-deregistration")
	require.Equal(t, exitOK, code, errs)
	code, out, errs = test("-command", "sar")
	require.Equal(t, exitOK, code, errs)
	require.Contains(t, out, "request   SAR AAA_USER_DATA_REQUEST for IMSI")
	code, out, _ = test("-command", "sar", "-type", "user-deregistration", "-json")
	require.Equal(t, exitFailed, code)
	require.Contains(t, out, `"name": "IDENTITY_NOT_REGISTERED"`)
}

// What can go wrong, and how a script knows.
func TestDiameterTestFails(t *testing.T) {
	hss, config := startHSS(t, swxtest.Config{})
	test := func(args ...string) (int, string, string) {
		return call(t, "", append([]string{"diameter", "test", "-config", config}, args...)...)
	}
	code, out, errs := test("-imsi", "001019999999999")
	require.Equal(t, exitFailed, code)
	require.Contains(t, out, "result    5001 USER_UNKNOWN of vendor 10415\nmeaning   ")
	require.Contains(t, errs, "refused: ")

	hss.Inject(swxtest.Fault{Silent: true, Times: 1})
	code, out, errs = test("-imsi", provision.FirstIMSI, "-timeout", "2s")
	require.Equal(t, exitNoAnswer, code)
	require.Contains(t, out, "answer    none after ")
	require.Contains(t, errs, "deadline exceeded")

	code, out, _ = test("-imsi", provision.FirstIMSI, "-origin-host", "other.example.org")
	require.Equal(t, exitOK, code, "the first to ask is registered")
	require.NotContains(t, out, "Experimental-Result")
	code, out, _ = test("-imsi", provision.FirstIMSI)
	require.Equal(t, exitFailed, code)
	require.Contains(t, out, "\n  3GPP-AAA-Server-Name                     other.example.org\n")

	free, err := freeport.Loopback()
	require.NoError(t, err)
	begun := time.Now()
	code, _, errs = call(t, "", "diameter", "test", "-config", configFor(t, net.TCPAddrFromAddrPort(free)), "-imsi", provision.FirstIMSI, "-timeout", "2s")
	require.Equal(t, exitNoAnswer, code)
	require.Contains(t, errs, "no peer after 2s: "+swxtest.DefaultHost)
	require.Contains(t, errs, "connection refused")
	require.Less(t, time.Since(begun), time.Minute)

	for _, args := range [][]string{
		{}, {"-imsi", "12"}, {"-imsi", provision.FirstIMSI, "more"}, {"-imsi", provision.FirstIMSI, "-command", "ulr"},
		{"-imsi", provision.FirstIMSI, "-type", "none"}, {"-imsi", provision.FirstIMSI, "-scheme", "sim"}, {"-imsi", provision.FirstIMSI, "-timeout", "0s"},
	} {
		code, out, errs = test(args...)
		require.Equal(t, exitUsage, code, args)
		require.Empty(t, out)
		require.NotEmpty(t, errs)
	}
	for _, args := range [][]string{
		{"-peer", "dra.example.org"}, {"-origin-host", "two words"}, {"-vectors", "9"}, {"-config", "nobody.yaml"},
		{"-config", file(t, "bad", "diameter: {x: 1}\n")}, {"-config", file(t, "none", "radius: {}\n")},
	} {
		code, _, errs = test(append([]string{"-imsi", provision.FirstIMSI}, args...)...)
		require.Equal(t, exitFailed, code, args)
		require.NotEmpty(t, errs)
	}
}

func TestAVPsAsPeopleReadThem(t *testing.T) {
	const app = swx.ApplicationID
	w := wire.NewBuilder(nil, wire.Header{Command: 303, Application: app})
	w.Octets(diameter.AVPHostIPAddress, 0, 0, []byte{0, 1, 192, 0, 2, 1})
	w.Octets(diameter.AVPHostIPAddress, 0, 0, []byte{0, 1, 192})
	w.Uint32(55, 0, 0, 2208988800+86400)
	w.String(diameter.AVPOriginHost, 0, 0, "a\nb")
	w.Octets(diameter.AVPResultCode, 0, 0, []byte{1})
	w.Octets(25, 0, 0, []byte("text"))
	w.Octets(25, 0, 0, []byte{0, 255})
	w.Octets(9999, 1, 0, []byte{7})
	w.Uint64(124, 0, 0, 1<<40)
	w.Octets(612, vendor3GPP, 0, []byte{1, 2, 3})
	m, err := w.Message()
	require.NoError(t, err)
	var got []string
	for _, a := range decodeAVPs(m, false) {
		got = append(got, a.Value)
	}
	require.Equal(t, []string{"192.0.2.1", "0x0001c0", "1970-01-02T00:00:00Z", `"a\nb"`, "0x01", "text", "0x00ff", "0x07", "1099511627776", ""}, got)
	require.Equal(t, []avp{{Name: "not an AVP", Value: hex.EncodeToString([]byte{1, 2, 3})}}, decodeAVPs(m, false)[9].AVPs)
	require.Nil(t, decodeAVPs(nil, false))

	// A group in a group, for ever.
	b := []byte{}
	for range 100 {
		w := wire.NewBuilder(nil, wire.Header{})
		w.Octets(612, vendor3GPP, 0, b)
		m, err := w.Message()
		require.NoError(t, err)
		b = m[wire.HeaderLen:]
	}
	w = wire.NewBuilder(nil, wire.Header{Application: app})
	w.Raw(b)
	m, err = w.Message()
	require.NoError(t, err)
	deep := decodeAVPs(m, false)
	for n := 0; len(deep) > 0; n++ {
		require.LessOrEqual(t, n, maxNesting)
		deep = deep[0].AVPs
	}
}
