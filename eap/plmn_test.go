package eap

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPLMN(t *testing.T) {
	for _, c := range []struct{ mcc, mnc, text, realm string }{
		{"001", "01", "001-01", "mnc001.mcc001.3gppnetwork.org"},
		{"234", "15", "234-15", "mnc015.mcc234.3gppnetwork.org"},
		{"310", "260", "310-260", "mnc260.mcc310.3gppnetwork.org"},
	} {
		p, err := ParsePLMN(c.mcc, c.mnc)
		require.NoError(t, err)
		require.True(t, p.IsValid())
		require.Equal(t, c.mcc, p.MCC())
		require.Equal(t, c.mnc, p.MNC())
		require.Equal(t, c.text, p.String())
		require.Equal(t, c.realm, p.Realm(""))
		require.Equal(t, "nai.epc."+c.realm, p.Realm("nai.epc"))
	}
	for _, c := range [][2]string{{"", ""}, {"01", "01"}, {"0001", "01"}, {"001", "1"}, {"001", "0001"}, {"00a", "01"}, {"001", "0-"}} {
		p, err := ParsePLMN(c[0], c[1])
		require.ErrorIs(t, err, ErrPLMN)
		require.Zero(t, p)
	}
	require.False(t, PLMN{}.IsValid())
	require.Equal(t, "invalid PLMN", PLMN{}.String())
	require.Empty(t, PLMN{}.Realm("wlan"))
}

// TestPLMNRealmParses reads back the realms that PLMN makes.
func TestPLMNRealmParses(t *testing.T) {
	var rules *IdentityRules
	for _, p := range []PLMN{plmn(t, "001", "01"), plmn(t, "310", "026"), plmn(t, "310", "260"), plmn(t, "234", "00")} {
		for _, label := range []string{"wlan", "nai.epc", "epc", ""} {
			require.Equal(t, p, rules.Parse("2x@"+p.Realm(label)).PLMN)
			require.Equal(t, p, rules.Parse("0"+p.MCC()+p.MNC()+"123456@"+p.Realm(label)).PLMN)
		}
	}
}
