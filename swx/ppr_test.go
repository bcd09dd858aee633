package swx

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/diameter/wire"
)

func fullPPR() PPR {
	return PPR{
		Head:     fullHead("hss1.example", "aaa1.example"),
		UserData: fullUserData(),
		Flags:    PPRReset,
		HasFlags: true,
	}
}

func TestPPRRoundTrip(t *testing.T) {
	for form := range applicationForms {
		want := fullPPR()
		want.Application = form
		msg, err := want.Encode(nil)
		require.NoError(t, err)
		var got PPR
		require.NoError(t, got.Decode(msg))
		require.Equal(t, want, got)
		require.Equal(t, "swx.PPR[redacted]", fmt.Sprintf("%+v", got))
	}
}

func TestPPRDecodeErrors(t *testing.T) {
	full := fullPPR()
	good, err := full.Encode(nil)
	require.NoError(t, err)
	for _, tt := range []struct {
		name         string
		msg          wire.Message
		result       uint32
		code, vendor uint32
	}{
		{"no User-Name", edit(t, good, is(1, 0)), 5005, 1, 0},
		{"neither profile nor flags", edit(t, good, func(a wire.AVP) bool { return a.Vendor == Vendor3GPP }), 5005, 1500, Vendor3GPP},
		{"flags of 1 octet", edit(t, good, is(1508, Vendor3GPP), wire.AVP{Code: 1508, Vendor: Vendor3GPP, Data: []byte{1}}), 5014, 1508, Vendor3GPP},
		{"profile torn", edit(t, good, is(1500, Vendor3GPP), wire.AVP{Code: 1500, Vendor: Vendor3GPP, Data: []byte{1}}), 5014, 1500, Vendor3GPP},
		{"unknown mandatory AVP", edit(t, good, nil, wire.AVP{Code: 4242, Vendor: 99, Flags: wire.FlagMandatory}), 5001, 4242, 99},
		{"stray octets", good[:len(good)-3], 5014, 0, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			wantDecodeError(t, new(PPR), tt.msg, tt.result, tt.code, tt.vendor)
		})
	}
	// What an HSS may leave out, or get wrong.
	var m PPR
	for name, msg := range map[string]wire.Message{
		"no Session-Id":                 edit(t, good, is(263, 0)),
		"no application":                edit(t, good, is(260, 0)),
		"application torn":              edit(t, good, is(260, 0), wire.AVP{Code: 260, Data: []byte{1}}),
		"no Auth-Session-State":         edit(t, good, is(277, 0)),
		"Auth-Session-State of 1 octet": edit(t, good, is(277, 0), wire.AVP{Code: 277, Data: []byte{1}}),
		"no Origin-Host":                edit(t, good, is(264, 0)),
		"no flags":                      edit(t, good, is(1508, Vendor3GPP)),
		"no profile":                    edit(t, good, is(1500, Vendor3GPP)),
	} {
		require.NoError(t, m.Decode(msg), name)
	}
}

func FuzzDecodePPR(f *testing.F) {
	fuzzRequest(f, fullPPR(), func(t *testing.T, m, again *PPR) {
		require.Equal(t, m.UserData, again.UserData)
		require.Equal(t, string(m.UserName), string(again.UserName))
	})
}
