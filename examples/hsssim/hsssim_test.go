package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/aka"
	"github.com/opentwag/twag/diameter"
	"github.com/opentwag/twag/eap"
	"github.com/opentwag/twag/eap/eaptest"
	"github.com/opentwag/twag/examples/internal/provision"
	"github.com/opentwag/twag/examples/internal/simulator"
	"github.com/opentwag/twag/examples/internal/simulator/simulatortest"
	"github.com/opentwag/twag/examples/internal/ue"
	"github.com/opentwag/twag/swx"
	"github.com/opentwag/twag/swx/swxtest"
)

// TestServesVectors runs the program and asks it, over TCP, for vectors of
// subscribers that it has and of one that it has not.
func TestServesVectors(t *testing.T) {
	client := start(t, "-subscribers", "2")
	for _, tc := range []struct {
		name   string
		number int
		scheme aka.Scheme
		want   error
	}{
		{"first", 0, aka.SchemeAKA, nil},
		{"last", 1, aka.SchemeAKAPrime, nil},
		{"one more", 2, aka.SchemeAKA, aka.ErrUnknownSubscriber},
	} {
		t.Run(tc.name, func(t *testing.T) {
			imsi, err := provision.IMSI(eap.MustParseIMSI(provision.FirstIMSI), tc.number)
			require.NoError(t, err)
			vectors, err := client.Vectors(t.Context(), aka.VectorRequest{IMSI: imsi, Scheme: tc.scheme, NetworkName: "WLAN"})
			require.ErrorIs(t, err, tc.want)
			if tc.want == nil {
				require.Len(t, vectors, 1)
			}
		})
	}
}

func TestFaults(t *testing.T) {
	client := start(t, "-subscribers", "1", "-experimental", "5450", "-times", "1")
	req := aka.VectorRequest{IMSI: eap.MustParseIMSI(provision.FirstIMSI), Scheme: aka.SchemeAKA}
	_, err := client.Vectors(t.Context(), req)
	require.ErrorIs(t, err, aka.ErrNoSubscription)
	_, err = client.Vectors(t.Context(), req)
	require.NoError(t, err)
}

// running is the program while a test uses it, and a node that is connected to it.
type running struct {
	*simulatortest.Running
	node   *diameter.Node
	client *swx.Client
}

// start runs the program with more arguments until the test ends, and returns
// a client of it.
func start(t *testing.T, args ...string) *swx.Client {
	t.Helper()
	return run(t, swxtest.DefaultHost, args...).client
}

// run is start for an HSS with the name.
func run(t *testing.T, host string, args ...string) running {
	t.Helper()
	r := simulatortest.Run(t, hsssim, append([]string{"-host", host}, args...)...)
	node, err := diameter.NewNode(diameter.Config{
		OriginHost: "aaa.example.org", OriginRealm: swxtest.DefaultRealm,
		Applications: []diameter.Application{swx.Application},
		Peers:        []diameter.PeerConfig{{Host: host, Address: r.Address}},
	})
	require.NoError(t, err)
	node.Start()
	t.Cleanup(func() { require.NoError(t, node.Close()) })
	require.Eventually(t, func() bool { return node.Peers()[0].State == diameter.PeerOpen }, time.Minute, time.Millisecond)
	return running{r, node, swx.NewClient(node, swx.Config{Realm: swxtest.DefaultRealm})}
}

// TestCommands: lines on the standard input make the HSS send RTRs and PPRs.
func TestCommands(t *testing.T) {
	p := run(t, swxtest.DefaultHost, "-subscribers", "1", "-commands")
	var told []string
	(&swx.Handler{
		Terminate: func(_ context.Context, m swx.Termination) error {
			told = append(told, m.Reason.String())
			return nil
		},
		Update: func(_ context.Context, u swx.ProfileUpdate) error {
			if u.UserData == nil {
				told = append(told, u.Flags.String())
				return aka.ErrUnknownSubscriber
			}
			told = append(told, u.UserData.Access.String())
			return nil
		},
	}).Register(p.node)
	imsi := eap.MustParseIMSI(provision.FirstIMSI)
	login := func() {
		_, err := p.client.Vectors(t.Context(), aka.VectorRequest{IMSI: imsi, Scheme: aka.SchemeAKA})
		require.NoError(t, err)
	}
	const who = " " + provision.FirstIMSI
	p.Say("rtr"+who, "swxtest: no such subscriber")
	p.Say("state"+who, `sqn=0 aaa="" registered=false requests=0`)
	login()
	_, err := p.client.Assign(t.Context(), swx.AssignmentRequest{IMSI: imsi, Type: swx.Registration})
	require.NoError(t, err)
	p.Say("state"+who, `sqn=32 aaa="aaa.example.org" registered=true requests=2`)
	p.Say("bar"+who, "2001")
	p.Say("allow"+who, "2001")
	p.Say("\n ppr"+who, "2001")
	p.Say("reset"+who, "5001")
	p.Say("moved"+who, "2001")
	login()
	p.Say("rtr"+who, "2001")
	require.Equal(t, []string{"barred", "allowed", "allowed", "reset", "NEW_SERVER_ASSIGNED", "PERMANENT_TERMINATION"}, told)
	p.Say("dance"+who, "no such command")
	p.Say("rtr", "want a command and an IMSI")
	p.Say("rtr x", "want 6 to 15 digits")
	p.Say("state 001019999999999", "swxtest: no such subscriber")
}

// TestClock: two processes, as it were, number one subscriber's challenges in
// one sequence.
func TestClock(t *testing.T) {
	one := run(t, "hss1.example", "-subscribers", "1", "-sqn-time", "-ind", "1")
	two := run(t, "hss2.example", "-subscribers", "1", "-sqn-time", "-ind", "2")
	imsi := eap.MustParseIMSI(provision.FirstIMSI)
	phone, err := ue.NewUSIM(imsi, provision.Keys{}, 0)
	require.NoError(t, err)
	for i := range 20 {
		client := []*swx.Client{one.client, two.client}[i%3%2]
		vectors, err := client.Vectors(t.Context(), aka.VectorRequest{IMSI: imsi, Scheme: aka.SchemeAKA})
		require.NoError(t, err)
		verdict, _, _ := phone.Authenticate(vectors[0].RAND, vectors[0].AUTN)
		require.Equal(t, eaptest.Accepted, verdict, i)
	}
}

// TestNoSAR: an HSS that knows MAR only.
func TestNoSAR(t *testing.T) {
	p := run(t, swxtest.DefaultHost, "-subscribers", "1", "-no-sar")
	req := swx.AssignmentRequest{IMSI: eap.MustParseIMSI(provision.FirstIMSI), Type: swx.Registration}
	_, err := p.client.Assign(t.Context(), req)
	require.ErrorContains(t, err, "COMMAND_UNSUPPORTED")
	_, err = swx.NewClient(p.node, swx.Config{Profile: swx.Profile{OmitSAR: true}}).Assign(t.Context(), req)
	require.NoError(t, err)
}

func TestReadSubscribers(t *testing.T) {
	const key = "00112233445566778899aabbccddeeff"
	for _, tc := range []struct{ name, text, err string }{
		{"empty", "", ""},
		{"comments", "# nobody\n\n  # here\n", ""},
		{"one", "001010000000001 " + key + " " + key + "\n", ""},
		{"words", "001010000000001 " + key + " " + key + " sqn=32 barred no-roaming # odd\n", ""},
		{"no OPc", "\n001010000000001 " + key + "\n", "file:2: want IMSI, K and OPc"},
		{"IMSI", "00101x " + key + " " + key, "file:1: IMSI: want 6 to 15 digits"},
		{"short key", "001010000000001 0011 " + key, "file:1: keys: want 32 hexadecimal digits each for K and OPc"},
		{"SQN", "001010000000001 " + key + " " + key + " sqn=281474976710656", "file:1: sqn: want a number of 48 bits"},
		{"word", "001010000000001 " + key + " " + key + " bared", "file:1: a word after OPc is none of sqn=, barred, no-non-3gpp, no-roaming, no-wlan, msisdn=, apn=, access-barred"},
		{"twice", "001010000000001 " + key + " " + key + "\n001010000000001 " + key + " " + key, "file:2: IMSI: has been there before"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			list, err := readSubscribers("file", strings.NewReader(tc.text))
			if tc.err != "" {
				require.EqualError(t, err, tc.err)
				require.NotContains(t, err.Error(), "0011")
				return
			}
			require.NoError(t, err)
			require.Len(t, list, strings.Count(tc.text, key)/2)
		})
	}
	list, err := readSubscribers("file", strings.NewReader("001010000000001 "+key+" "+key+" sqn=32 barred no-roaming"))
	require.NoError(t, err)
	require.Equal(t, uint64(32), list[0].SQN)
	require.True(t, list[0].Barred && list[0].NoRoaming)
	require.False(t, list[0].NoWLAN || list[0].NoNon3GPP)
	require.Nil(t, list[0].Profile, "the default one")
	list, err = readSubscribers("file", strings.NewReader("001010000000001 "+key+" "+key+" msisdn=491710000001 apn=ims access-barred"))
	require.NoError(t, err)
	require.Equal(t, "491710000001", list[0].Profile.MSISDN())
	require.Equal(t, "ims", list[0].Profile.DefaultAPN().APN)
	require.Equal(t, swx.AccessBarred, list[0].Profile.Access)
}

func TestCommandLine(t *testing.T) {
	file := filepath.Join(t.TempDir(), "subscribers")
	require.NoError(t, os.WriteFile(file, []byte("nonsense\n"), 0o600))
	for _, tc := range []struct {
		name string
		args []string
		code int
		says string
	}{
		{"help", []string{"-h"}, simulator.ExitOK, "-subscribers"},
		{"help about commands", []string{"-h"}, simulator.ExitOK, "reset IMSI"},
		{"IND without clock", []string{"-ind", "1"}, simulator.ExitUsage, "-ind: want 0 to 31"},
		{"IND too high", []string{"-ind", "32", "-sqn-time"}, simulator.ExitUsage, "-ind: want 0 to 31"},
		{"unknown flag", []string{"-nonsense"}, simulator.ExitUsage, "nonsense"},
		{"argument", []string{"nonsense"}, simulator.ExitUsage, `"nonsense" is not a flag`},
		{"nobody reaches us", []string{"-listen", ""}, simulator.ExitUsage, "nobody can reach us"},
		{"peer", []string{"-connect", "dra.example.org"}, simulator.ExitUsage, "want HOST=ADDRESS:PORT"},
		{"half a key", []string{"-k", "00112233445566778899aabbccddeeff"}, simulator.ExitUsage, "-k, -opc"},
		{"too many", []string{"-subscribers", "10000001"}, simulator.ExitUsage, "-subscribers"},
		{"provisioning", []string{"-listen", "127.0.0.1:0", "-provision", file}, simulator.ExitFailed, "subscribers:1: want IMSI, K and OPc"},
		{"no such address", []string{"-listen", "192.0.2.1:1"}, simulator.ExitFailed, "192.0.2.1:1"},
		{"bad name", []string{"-listen", "127.0.0.1:0", "-host", "a b"}, simulator.ExitFailed, "OriginHost"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var errs bytes.Buffer
			require.Equal(t, tc.code, hsssim(t.Context(), tc.args, nil, io.Discard, &errs))
			require.Contains(t, errs.String(), tc.says)
		})
	}
}
