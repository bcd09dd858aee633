package swxtest

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/aka"
	"github.com/opentwag/twag/diameter"
	"github.com/opentwag/twag/swx"
)

// TestDialects: each field of a profile, against an HSS that wants just that: a
// client with the profile gets its vectors and is registered, one without it
// does not.
func TestDialects(t *testing.T) {
	for _, tt := range []struct {
		name    string
		dialect swx.Profile
		keys    string // the network name that keys are bound to; empty: plain keys
		refused error  // what a client of the standard gets
		wrong   bool   // it gets vectors, that it takes for bound ones
	}{
		{name: "standard", keys: "WLAN"},
		{name: "UserName", dialect: swx.Profile{UserName: swx.UserNameNAI}, keys: "WLAN", refused: aka.ErrUnknownSubscriber},
		{name: "NAIRealm", dialect: swx.Profile{UserName: swx.UserNameNAI, NAIRealm: "nai.example"}, keys: "WLAN", refused: aka.ErrUnknownSubscriber},
		{name: "OmitANID", dialect: swx.Profile{OmitANID: true}, keys: "WLAN", refused: aka.ErrUnavailable},
		{name: "OmitANID and PlainKeys", dialect: swx.Profile{OmitANID: true, PlainKeys: true}, refused: aka.ErrUnavailable},
		{name: "PlainKeys", dialect: swx.Profile{PlainKeys: true}, wrong: true},
		{name: "Application: Auth-Application-Id first", dialect: swx.Profile{Application: swx.ApplicationAuthFirst}, keys: "WLAN", refused: aka.ErrUnavailable},
		{name: "Application: Auth-Application-Id alone", dialect: swx.Profile{Application: swx.ApplicationAuth}, keys: "WLAN", refused: aka.ErrUnavailable},
		{name: "Application: both", dialect: swx.Profile{Application: swx.ApplicationBoth}, keys: "WLAN", refused: aka.ErrUnavailable},
		{name: "SessionState: maintained", dialect: swx.Profile{SessionState: swx.StateMaintained}, keys: "WLAN", refused: aka.ErrUnavailable},
		{name: "SessionState: absent", dialect: swx.Profile{SessionState: swx.StateAbsent}, keys: "WLAN", refused: aka.ErrUnavailable},
		{name: "OmitSAR", dialect: swx.Profile{OmitSAR: true}, keys: "WLAN"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h, addr := newHSS(t, Config{Dialect: tt.dialect})
			node := newNode(t, "aaa1.example", addr, diameter.Hooks{})
			c := swx.NewClient(node, swx.Config{Profile: tt.dialect})
			vectors, err := c.Vectors(t.Context(), request(aka.SchemeAKAPrime))
			require.NoError(t, err)
			require.Equal(t, tt.keys != "", vectors[0].Primed)
			newUSIM(t).verify(t, vectors[0], tt.keys)
			vectors, err = c.Vectors(t.Context(), request(aka.SchemeAKA))
			require.NoError(t, err)
			newUSIM(t).verify(t, vectors[0], "")

			got, err := c.Assign(t.Context(), swx.AssignmentRequest{IMSI: testIMSI, Type: swx.Registration})
			require.NoError(t, err)
			state, _ := h.State(testIMSI)
			if tt.dialect.OmitSAR {
				require.Nil(t, got.UserData)
				require.False(t, state.Registered)
			} else {
				require.Equal(t, DefaultProfile(), got.UserData)
				require.True(t, state.Registered)
			}

			standard := swx.NewClient(node, swx.Config{})
			vectors, err = standard.Vectors(t.Context(), request(aka.SchemeAKAPrime))
			if tt.refused != nil {
				require.ErrorIs(t, err, tt.refused)
				return
			}
			require.NoError(t, err)
			require.Equal(t, tt.wrong, vectors[0].Primed && tt.keys == "")
			_, err = standard.Assign(t.Context(), swx.AssignmentRequest{IMSI: testIMSI, Type: swx.Registration})
			require.Equal(t, tt.dialect.OmitSAR, err != nil)
		})
	}
}

// An HSS of the standard takes no other form, and says what is wrong with it.
func TestStandardFormOnly(t *testing.T) {
	for _, tt := range []struct {
		name    string
		profile swx.Profile
		result  uint32
	}{
		{"Auth-Application-Id first", swx.Profile{Application: swx.ApplicationAuthFirst}, 2001}, // any order in the group
		{"Auth-Application-Id alone", swx.Profile{Application: swx.ApplicationAuth}, 5005},
		{"both", swx.Profile{Application: swx.ApplicationBoth}, 2001},
		{"state maintained", swx.Profile{SessionState: swx.StateMaintained}, 5004},
		{"no Auth-Session-State", swx.Profile{SessionState: swx.StateAbsent}, 5005},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, addr := newHSS(t, Config{})
			c := swx.NewClient(newNode(t, "aaa1.example", addr, diameter.Hooks{}), swx.Config{Profile: tt.profile})
			_, errMAR := c.Vectors(t.Context(), request(aka.SchemeAKA))
			_, errSAR := c.Assign(t.Context(), swx.AssignmentRequest{IMSI: testIMSI, Type: swx.Registration})
			for _, err := range []error{errMAR, errSAR} {
				if tt.result == swx.ResultSuccess {
					require.NoError(t, err)
					continue
				}
				var re *swx.ResultError
				require.ErrorAs(t, err, &re)
				require.Equal(t, tt.result, re.Code)
			}
		})
	}
}
