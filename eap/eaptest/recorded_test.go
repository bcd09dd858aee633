package eaptest

import (
	"bytes"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/aka"
	"github.com/opentwag/twag/eap"
)

// TestRecordedConversations puts the Peer in the place of the phone in the
// recordings of testdata/eap_aka.json: to the server's octets it must answer
// with the octets that the real supplicant sent, fast re-authentication included.
func TestRecordedConversations(t *testing.T) {
	var file struct {
		Exchanges []struct {
			Name    string
			Derived []struct {
				Kind      string
				Identity  string
				Counter   uint16
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
			var ivs bytes.Buffer // of the supplicant
			c.cfg.Rand = &ivs
			for _, m := range e.Messages {
				q, err := eap.Decode(m.EAP)
				require.NoError(t, err)
				if msg, err := aka.Decode(q); err == nil && m.Dir == "NAS->AAA" {
					ivs.Write(msg.IV)
				}
			}
			p := newPeer(t, c.cfg)
			var answer []byte
			for i, m := range e.Messages {
				var err error
				if m.Dir == "NAS->AAA" {
					responses++
					if answer == nil { // to a request that no server sent
						answer, err = p.Handle([]byte{1, m.EAP[1], 0, 5, 1})
						require.NoError(t, err)
					}
					require.Equal(t, []byte(m.EAP), answer, i)
					continue
				}
				answer, err = p.Handle(m.EAP)
				if e.Name != "autnfail" {
					require.NoError(t, err, i)
				}
			}
			require.Zero(t, ivs.Len())
			require.Equal(t, c.status, p.Status())
			n, told := p.Notification()
			require.Equal(t, c.told != 0, told)
			require.Equal(t, c.told, n)
			r, ok := p.Result()
			require.Equal(t, c.status == Succeeded, ok)
			if ok {
				last := e.Derived[len(e.Derived)-1]
				require.Equal(t, []byte(last.MSK), r.MSK[:])
				require.Equal(t, []byte(last.EMSK), r.EMSK[:])
				require.Equal(t, last.Identity, r.Identity)
				require.Equal(t, last.Kind == "fast-reauth", r.Reauthenticated)
				require.Equal(t, last.Counter, p.Counter())
				_, kept := p.ReauthIdentity()
				require.True(t, kept)
			}
		})
	}
	require.Equal(t, 33, responses)
}
