package swx

import (
	"testing"

	"github.com/fiorix/go-diameter/v4/diam/datatype"
	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/diameter"
	"github.com/opentwag/twag/diameter/wire"
	"github.com/opentwag/twag/internal/dict"
)

func TestTable(t *testing.T) {
	require.NoError(t, dict.Check(avps[:]))
	require.Len(t, avps, 95)
}

// Where the node's dictionary has an AVP, it says the same of its type: a
// group that one of them does not enter would hide what is wrong in it.
func TestTableAgreesWithTheDictionary(t *testing.T) {
	kinds := map[dict.Type]datatype.TypeID{
		dict.OctetString: datatype.OctetStringType, dict.UTF8String: datatype.UTF8StringType, dict.Unsigned32: datatype.Unsigned32Type,
		dict.DiameterIdentity: datatype.DiameterIdentityType, dict.Enumerated: datatype.EnumeratedType,
		dict.Unsigned64: datatype.Unsigned64Type, dict.Address: datatype.AddressType, dict.Grouped: datatype.GroupedType,
	}
	for _, d := range avps {
		known, ok := diameter.DefaultDictionary().Find(ApplicationID, d.Code, d.Vendor)
		require.True(t, ok, d.Name)
		require.Equal(t, d.Name, known.Name)
		require.Equal(t, kinds[d.Type], known.Type, d.Name)
	}
}

// Whatever we send is in the table, with the flags of the table.
func TestSentAVPsAreInTheTable(t *testing.T) {
	mar, maa, sar, ppr, rtr := fullMAR(), fullMAA(), fullSAR(), fullPPR(), RTR{Info: []byte("info")}
	saa := SAA{ResultCode: ResultSuccess, UserData: fullUserData()}
	var sent []wire.Message
	add := func(msg wire.Message, err error) {
		require.NoError(t, err)
		sent = append(sent, msg)
	}
	add(mar.Encode(nil))
	add(maa.Encode(nil, sent[0].Header()))
	add(sar.Encode(nil))
	add(saa.Encode(nil, sent[2].Header()))
	add(ppr.Encode(nil))
	add(rtr.Encode(nil))

	used := make(map[*dict.AVP]bool)
	for _, msg := range sent {
		walk(t, msg.AVPs(),
			func(a wire.AVP) bool {
				d := lookup(a.Code, a.Vendor)
				return d != nil && d.Type == dict.Grouped && a.Code != codeProxyInfo
			},
			func(a wire.AVP) {
				if isOther(a) {
					return
				}
				d := lookup(a.Code, a.Vendor)
				require.NotNil(t, d, "%d/%d", a.Code, a.Vendor)
				used[d] = true
				require.Equal(t, d.Flags, a.Flags, d.Name)
				switch d.Type {
				case dict.Unsigned32, dict.Enumerated:
					require.Len(t, a.Data, 4, d.Name)
				case dict.Unsigned64:
					require.Len(t, a.Data, 8, d.Name)
				case dict.Address:
					require.Contains(t, []int{6, 18}, len(a.Data), d.Name)
				}
			})
	}
	// What is only received: of relays and proxies, and features that we have
	// none of.
	var received []string
	for i := range avps {
		if !used[&avps[i]] {
			received = append(received, avps[i].Name)
		}
	}
	require.ElementsMatch(t, []string{
		"Proxy-State", "Origin-State-Id", "Route-Record", "DRMP", "OC-Supported-Features", "Supported-Features",
	}, received)
}

func TestMessagesBeginAsRFC6733Wants(t *testing.T) {
	mar := fullMAR()
	req, err := mar.Encode(nil)
	require.NoError(t, err)
	require.Equal(t, wire.Header{
		Flags:       wire.FlagRequest | wire.FlagProxiable,
		Command:     303,
		Application: 16777265,
	}, req.Header())
	r := req.AVPs()
	var a wire.AVP
	require.True(t, r.Next(&a))
	require.True(t, a.Is(codeSessionID, 0), "Session-Id is first (RFC 6733, section 8.8)")

	maa := fullMAA()
	h := wire.Header{Flags: wire.FlagRequest | wire.FlagRetransmitted, Command: 303, Application: ApplicationID, HopByHop: 7, EndToEnd: 9}
	ans, err := maa.Encode(make([]byte, 3, 4000), h)
	require.NoError(t, err)
	require.Equal(t, wire.Header{Command: 303, Application: ApplicationID, HopByHop: 7, EndToEnd: 9}, ans.Header())
}
