package eaptest

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/aka"
	"github.com/opentwag/twag/eap"
)

// TestRecordedConversations puts the Peer in the place of the phone in the
// recordings of testdata/eap_aka.json: to the server's octets it must answer
// with the octets that the real supplicant sent, as far as the first fast
// re-authentication.
func TestRecordedConversations(t *testing.T) {
	var file struct {
		Exchanges []struct {
			Name    string
			Derived []struct {
				Kind      string
				MSK, EMSK hexBytes
			}
			Messages []struct {
				Dir string
				EAP hexBytes
			}
		}
	}
	load(t, "eap_aka.json", &file)
	require.Len(t, file.Exchanges, 7)
	zeros := slices.IndexFunc(Lies(), func(l Lie) bool { return l.Name == "RES of zeros" })
	wrongRES := &Lies()[zeros]
	// The supplicant's USIM compared whole numbers; the recorded challenge
	// has this one.
	const recorded = 0x16f3b3f70fc2
	usim := func(sqn uint64) *USIM { return newUSIM(t, USIMConfig{SQN: sqn, INDBits: -1}) }
	stranger := newUSIM(t, USIMConfig{Algorithm: testAlgorithm(t)})
	type want struct {
		cfg    PeerConfig
		status Status
		told   aka.Notification
	}
	responses := 0
	for _, e := range file.Exchanges {
		c, ok := map[string]want{
			"aka":      {PeerConfig{USIM: usim(recorded - 1), ResultIndications: true, Methods: []eap.Type{eap.TypeAKA}}, Succeeded, aka.NotifySuccess},
			"akap":     {PeerConfig{USIM: usim(recorded - 1), ResultIndications: true, NetworkName: "WLAN"}, Succeeded, aka.NotifySuccess},
			"sync":     {PeerConfig{USIM: usim(0x16f3b3f80000), Methods: []eap.Type{eap.TypeAKA}}, Succeeded, 0},
			"syncp":    {PeerConfig{USIM: usim(0x16f3b3f80000)}, Succeeded, 0},
			"autnfail": {PeerConfig{USIM: stranger, Methods: []eap.Type{eap.TypeAKA}}, Failed, 0},
			"badres":   {PeerConfig{USIM: usim(recorded - 1), ResultIndications: true, Methods: []eap.Type{eap.TypeAKA}, Lie: wrongRES}, Failed, aka.NotifyFailure},
			"badresp":  {PeerConfig{USIM: usim(recorded - 1), ResultIndications: true, Lie: wrongRES}, Failed, aka.NotifyFailure},
		}[e.Name]
		require.True(t, ok, e.Name)
		t.Run(e.Name, func(t *testing.T) {
			c.cfg.IMSI = eap.MustParseIMSI("555444333222111")
			p := newPeer(t, c.cfg)
			resp, err := p.Handle([]byte{1, e.Messages[0].EAP[1], 0, 5, 1})
			require.NoError(t, err)
			require.Equal(t, []byte(e.Messages[0].EAP), resp)
			for i, m := range e.Messages[1:] {
				if m.Dir == "NAS->AAA" {
					continue // the answer to the one before
				}
				resp, err := p.Handle(m.EAP)
				if e.Name != "autnfail" {
					require.NoError(t, err, i)
				}
				if m.EAP[0] != byte(eap.CodeRequest) {
					require.Nil(t, resp)
					break
				}
				responses++
				require.Equal(t, []byte(e.Messages[i+2].EAP), resp, i)
			}
			require.Equal(t, c.status, p.Status())
			n, told := p.Notification()
			require.Equal(t, c.told != 0, told)
			require.Equal(t, c.told, n)
			r, ok := p.Result()
			require.Equal(t, c.status == Succeeded, ok)
			if ok {
				last := e.Derived[0]
				for _, d := range e.Derived {
					if d.Kind == "full" {
						last = d
					}
				}
				require.Equal(t, []byte(last.MSK), r.MSK[:])
				require.Equal(t, []byte(last.EMSK), r.EMSK[:])
			}
		})
	}
	require.Equal(t, 20, responses)
}
