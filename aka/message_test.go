package aka

import (
	"fmt"
	"math/bits"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/eap"
)

// Hex of what follows the EAP header: type, subtype, reserved, attributes.
// The code is 1 for requests, 2 for responses.
var badMessages = []struct {
	name string
	code eap.Code
	hex  string
	attr AttrType
	at   int
	err  error
}{
	{"no subtype", 2, "17", 0, 0, ErrTruncated},
	{"no reserved octets", 2, "1705", 0, 0, ErrTruncated},
	{"half the reserved octets", 2, "170500", 0, 0, ErrTruncated},
	{"subtype 0", 2, "17000000", 0, 0, ErrSubtype},
	{"EAP-SIM's start in EAP-AKA", 1, "170a0000", 0, 0, ErrSubtype},
	{"EAP-AKA's challenge in EAP-SIM", 1, "12010000", 0, 0, ErrSubtype},
	{"a client error as a request", 1, "170e0000 16010000", 0, 0, ErrSubtype},
	{"a synchronization failure as a request", 1, "17040000", 0, 0, ErrSubtype},
	{"an authentication reject as a request", 1, "17020000", 0, 0, ErrSubtype},
	{"one octet of an attribute", 2, "17050000 0e", AttrIdentity, 8, ErrTruncated},
	{"three octets of an attribute", 2, "17050000 0e0100", AttrIdentity, 8, ErrTruncated},
	{"length 0", 2, "17050000 0e000000", AttrIdentity, 8, ErrTruncated},
	{"length 0 of an unknown skippable one", 2, "17050000 0e010000 fe000000", 0xfe, 12, ErrTruncated},
	{"longer than the packet", 2, "17050000 0e020000", AttrIdentity, 8, ErrTruncated},
	{"unknown, 0", 2, "17050000 00010000", 0, 8, ErrUnknownAttr},
	{"unknown, 5", 2, "17050000 05010000", 5, 8, ErrUnknownAttr},
	{"unknown, 8", 2, "17050000 08010000", 8, 8, ErrUnknownAttr},
	{"unknown, 9", 2, "17050000 09010000", 9, 8, ErrUnknownAttr},
	{"unknown, 127", 2, "17050000 7f010000", 127, 8, ErrUnknownAttr},
	{"AT_KDF in EAP-AKA", 2, "17010000 18010001", AttrKDF, 8, ErrUnknownAttr},
	{"AT_KDF_INPUT in EAP-AKA", 1, "17010000 17020004574c414e", AttrKDFInput, 8, ErrUnknownAttr},
	{"AT_RES in EAP-SIM", 2, "120b0000 0303004028d7b0f2a2ec3de5", AttrRES, 8, ErrUnknownAttr},
	{"AT_NONCE_MT in EAP-AKA", 2, "17050000 0705000000000000000000000000000000000000", AttrNonceMT, 8, ErrUnknownAttr},

	{"identity of two", 2, "17050000 0e0200013000 0000 0e0200013000 0000", AttrIdentity, 16, ErrDuplicate},
	{"identity shorter than said", 2, "17050000 0e0200053000 0000", AttrIdentity, 8, ErrLength},
	{"identity with four octets of padding", 2, "17050000 0e02000000000000", AttrIdentity, 8, ErrLength},
	{"identity missing", 2, "17050000", AttrIdentity, 0, ErrMissing},
	{"no identity asked for", 1, "17050000", AttrAnyIDReq, 0, ErrMissing},
	{"two identities asked for", 1, "17050000 0d010000 11010000", AttrFullauthIDReq, 0, ErrNotAllowed},
	{"identity asked for twice", 1, "17050000 0d010000 0d010000", AttrAnyIDReq, 12, ErrDuplicate},
	{"identity asked for in eight octets", 1, "17050000 0d020000 00000000", AttrAnyIDReq, 8, ErrLength},
	{"identity in a request", 1, "17050000 0e010000", AttrIdentity, 8, ErrNotAllowed},
	{"RAND in an identity request", 1, "17050000 010500000000000000000000000000000000 0000", AttrRAND, 8, ErrNotAllowed},

	{"RAND of two", 1, "17010000 01090000" + zeros(32), AttrRAND, 8, ErrLength},
	{"RAND of one in EAP-SIM", 1, "120b0000 01050000" + zeros(16), AttrRAND, 8, ErrLength},
	{"RAND of two and a half in EAP-SIM", 1, "120b0000 010b0000" + zeros(40), AttrRAND, 8, ErrLength},
	{"AUTN of 12", 1, "17010000 02040000" + zeros(12), AttrAUTN, 8, ErrLength},
	{"RES missing", 2, "17010000", AttrRES, 0, ErrMissing},
	{"RES without MAC", 2, "17010000 0303004028d7b0f2a2ec3de5", AttrMAC, 0, ErrMissing},
	{"RES of 24 bits", 2, "17010000 0302001828d7b000", AttrRES, 8, ErrLength},
	{"RES of 33 bits", 2, "17010000 0303002128d7b0f280000000", AttrRES, 8, ErrLength},
	{"RES of 136 bits", 2, "17010000 03060088" + zeros(20), AttrRES, 8, ErrLength},
	{"RES of 64 bits in 4 octets", 2, "17010000 0302004028d7b0f2", AttrRES, 8, ErrLength},
	{"RES of 32 bits in 8 octets", 2, "17010000 0303002028d7b0f200000000", AttrRES, 8, ErrLength},
	{"RES of length 1", 2, "17010000 03010000", AttrRES, 8, ErrLength},
	{"AUTS with a reserved field", 2, "17040000 04050000" + zeros(16), AttrAUTS, 8, ErrLength},
	{"AUTS missing", 2, "17040000", AttrAUTS, 0, ErrMissing},
	{"MAC of 20", 2, "17010000 0b060000" + zeros(20), AttrMAC, 8, ErrLength},
	{"MAC of two", 2, "17010000 0b050000" + zeros(16) + "0b050000" + zeros(16), AttrMAC, 28, ErrDuplicate},
	{"MAC in an identity response", 2, "17050000 0b050000" + zeros(16), AttrMAC, 8, ErrNotAllowed},
	{"check code of 32 in EAP-AKA", 2, "17010000 86090000" + zeros(32), AttrCheckcode, 8, ErrLength},
	{"check code of 20 in EAP-AKA'", 2, "32010000 86060000" + zeros(20), AttrCheckcode, 8, ErrLength},
	{"check code of 4", 2, "17010000 86020000" + zeros(4), AttrCheckcode, 8, ErrLength},
	{"IV without ENCR_DATA", 2, "17010000 0303004028d7b0f2a2ec3de5 0b050000" + zeros(16) + "81050000" + zeros(16), AttrEncrData, 0, ErrMissing},
	{"ENCR_DATA without IV", 2, "17010000 0303004028d7b0f2a2ec3de5 0b050000" + zeros(16) + "82050000" + zeros(16), AttrIV, 0, ErrMissing},
	{"ENCR_DATA of 20", 2, "17010000 82060000" + zeros(20), AttrEncrData, 8, ErrLength},
	{"empty ENCR_DATA", 2, "17010000 82010000", AttrEncrData, 8, ErrLength},
	{"padding outside", 2, "17010000 06010000", AttrPadding, 8, ErrNotAllowed},
	{"counter outside", 2, "170d0000 13010001", AttrCounter, 8, ErrNotAllowed},
	{"pseudonym outside", 1, "17010000 84020001 32000000", AttrNextPseudonym, 8, ErrNotAllowed},
	{"notification missing", 1, "170c0000", AttrNotification, 0, ErrMissing},
	{"notification of two", 1, "170c0000 0c014000 0c014000", AttrNotification, 12, ErrDuplicate},
	{"client error code missing", 2, "170e0000", AttrClientErrorCode, 0, ErrMissing},
	{"client error code of 6 octets", 2, "170e0000 160200000000 0000", AttrClientErrorCode, 8, ErrLength},
	{"bidding in a response", 2, "17010000 88018000", AttrBidding, 8, ErrNotAllowed},
	{"nine AT_KDF", 1, "32010000 180100011801000218010003180100041801000518010006180100071801000818010009", AttrKDF, 40, ErrDuplicate},
	{"two AT_KDF alone", 2, "32010000 18010001 18010002", AttrRES, 0, ErrMissing},
	{"version list of three octets", 1, "120a0000 0f0300030001 000000000000", AttrVersionList, 8, ErrLength},
	{"version list empty", 1, "120a0000 0f010000", AttrVersionList, 8, ErrLength},
	{"version list missing", 1, "120a0000 0d010000", AttrVersionList, 0, ErrMissing},
}

func zeros(n int) string { return fmt.Sprintf("%0*d", 2*n, 0) }

func packet(t testing.TB, code eap.Code, hex string) eap.Packet {
	var clean []byte
	for _, c := range []byte(hex) {
		if c != ' ' {
			clean = append(clean, c)
		}
	}
	b := append([]byte{byte(code), 9, 0, 0}, unhex(t, string(clean))...)
	eap.EndPacket(b, 0)
	p, err := eap.Decode(b)
	require.NoError(t, err)
	return p
}

func TestDecodeRefuses(t *testing.T) {
	require.Len(t, badMessages, 70)
	for _, c := range badMessages {
		t.Run(c.name, func(t *testing.T) {
			m, err := Decode(packet(t, c.code, c.hex))
			var e *AttrError
			require.ErrorAs(t, err, &e)
			require.ErrorIs(t, err, c.err)
			require.Equal(t, AttrError{Subtype: m.Subtype, Attr: c.attr, Offset: c.at, Err: c.err}, *e)
			require.Equal(t, ActionNotify, e.Action())
			require.Contains(t, err.Error(), "aka: ")
		})
	}
}

func TestDecodeNestedRefuses(t *testing.T) {
	req := packet(t, 1, "170d0000 0b050000"+zeros(16)+"81050000"+zeros(16)+"82050000"+zeros(16))
	m, err := Decode(req)
	require.NoError(t, err)
	good := "13010001" + "15050000" + zeros(16)
	for name, c := range map[string]struct {
		hex  string
		attr AttrType
		err  error
	}{
		"nothing":             {"", AttrCounter, ErrMissing},
		"no nonce":            {"13010001", AttrNonceS, ErrMissing},
		"padding not zero":    {good + "06010001", AttrPadding, ErrPadding},
		"padding not last":    {"06010000" + good, AttrPadding, ErrPadding},
		"padding too long":    {good + "06040000" + zeros(12), AttrPadding, ErrLength},
		"padding of length 0": {good + "06000000", AttrPadding, ErrTruncated},
		"two counters":        {good + "13010001", AttrCounter, ErrDuplicate},
		"encrypted twice":     {good + "82050000" + zeros(16), AttrEncrData, ErrNotAllowed},
		"an IV":               {good + "81050000" + zeros(16), AttrIV, ErrNotAllowed},
		"a MAC":               {good + "0b050000" + zeros(16), AttrMAC, ErrNotAllowed},
		"another's":           {good + "14010000", AttrCounterTooSmall, ErrNotAllowed},
		"unknown":             {good + "7f010000", 127, ErrUnknownAttr},
		"cut off":             {good + "0601", AttrPadding, ErrTruncated},
	} {
		_, err := m.DecodeNested(unhex(t, c.hex))
		var e *AttrError
		require.ErrorAs(t, err, &e, name)
		require.ErrorIs(t, err, c.err, name)
		require.Equal(t, c.attr, e.Attr, name)
	}
	a, err := m.DecodeNested(unhex(t, good+"85020001 34000000"[:8]+"34000000"+"060300000000000000000000"))
	require.NoError(t, err)
	require.EqualValues(t, 1, a.Counter)
	require.Equal(t, "4", string(a.NextReauthID))
	require.Len(t, a.NonceS, 16)
}

func TestDecodeTakes(t *testing.T) {
	// Reserved octets and padding mean nothing; unknown skippable attributes
	// and those of other methods are passed over, and kept.
	m, err := Decode(packet(t, 2, "1705ffff 0e0200033031 32ff c0020102 03040506 98010000 90010102"))
	require.NoError(t, err)
	require.Equal(t, "012", string(m.Identity))
	require.False(t, m.Has(0xc0))
	require.False(t, m.Has(AttrPubECDHE), "EAP-AKA' only")
	require.True(t, m.Has(AttrTWANConnMode))
	var types []AttrType
	for typ := range m.All() {
		types = append(types, typ)
	}
	require.Equal(t, []AttrType{AttrIdentity, 0xc0, AttrPubECDHE, AttrTWANConnMode}, types)
	for range m.All() {
		break // may stop early
	}

	// EAP-SIM.
	m, err = Decode(packet(t, 1, "120a0000 0f02000200010000 0d010000"))
	require.NoError(t, err)
	require.Equal(t, []byte{0, 1}, m.VersionList)
	m, err = Decode(packet(t, 2, "120a0000 07050000"+zeros(16)+"10010001 0e020002 31320000"))
	require.NoError(t, err)
	require.EqualValues(t, 1, m.SelectedVersion)
	require.Len(t, m.NonceMT, 16)
	m, err = Decode(packet(t, 1, "120b0000 010d0000"+zeros(48)+"0b050000"+zeros(16)))
	require.NoError(t, err)
	require.Len(t, m.RAND, 48)

	// EAP-AKA': AT_BIDDING is skipped, AT_KDF alone is an answer.
	_, err = Decode(packet(t, 2, "32010000 18010002 88018000"))
	require.NoError(t, err)
	m, err = Decode(packet(t, 2, "32040000 0404"+zeros(14)+"18010001 18010001"))
	require.NoError(t, err)
	require.Equal(t, NewKDFList(1, 1), m.KDFs)

	// RES at its limits.
	for _, res := range []string{"0302002001020304", "0305008000112233445566778899aabbccddeeff", "0303002801020304 05000000"} {
		_, err = Decode(packet(t, 2, "17010000 "+res+"0b050000"+zeros(16)))
		require.NoError(t, err)
	}
	m, err = Decode(packet(t, 2, "170e0000 16010002"))
	require.NoError(t, err)
	require.EqualValues(t, 2, m.ClientErrorCode)
}

// The table of RFC 4187, section 10.1, with RFC 9048, section 3.5, as
// published: its columns in order, and whether nested.
func TestAttributeTable(t *testing.T) {
	cols := []columns{idReq, idRsp, chalReq, chalRsp, notifReq, notifRsp, clientErr, reauthReq, reauthRsp, authRej, syncFail}
	published := map[AttrType]string{
		AttrPermanentIDReq:  "x.......... N",
		AttrAnyIDReq:        "x.......... N",
		AttrFullauthIDReq:   "x.......... N",
		AttrIdentity:        ".x......... N",
		AttrRAND:            "..x........ N",
		AttrAUTN:            "..x........ N",
		AttrRES:             "...x....... N",
		AttrAUTS:            "..........x N",
		AttrNextPseudonym:   "..x........ Y",
		AttrNextReauthID:    "..x....x... Y",
		AttrIV:              "..xxxx.xx.. N",
		AttrEncrData:        "..xxxx.xx.. N",
		AttrPadding:         "..xxxx.xx.. Y",
		AttrCheckcode:       "..xx...xx.. N",
		AttrResultInd:       "..xx...xx.. N",
		AttrMAC:             "..xxxx.xx.. N",
		AttrCounter:         "....xx.xx.. Y",
		AttrCounterTooSmall: "........x.. Y",
		AttrNonceS:          ".......x... Y",
		AttrNotification:    "....x...... N",
		AttrClientErrorCode: "......x.... N",
		AttrKDF:             "..xx......x N",
		AttrKDFInput:        "..x........ N",
		AttrBidding:         "..x........ N",
		AttrPubECDHE:        "..xx....... N",
		AttrKDFFS:           "..xx....... N",
	}
	seen := 0
	for _, r := range attrTable {
		require.NotEmpty(t, r.source)
		require.LessOrEqual(t, r.min, r.max, r.name)
		require.Zero(t, r.must&^r.may, r.name)
		require.Equal(t, r.name, r.typ.String())
		if r.either {
			require.True(t, r.typ.Skippable(), r.name)
			continue
		}
		if r.methods == inSIM {
			continue
		}
		seen++
		got := ""
		for _, c := range cols {
			if r.may&c != 0 {
				got += "x"
			} else {
				got += "."
			}
		}
		if r.nested {
			got += " Y"
		} else {
			got += " N"
		}
		require.Equal(t, published[r.typ], got, r.name)
	}
	require.Equal(t, len(published), seen)
	require.LessOrEqual(t, len(attrTable), 64, "attrSet")
	require.Equal(t, 15, bits.Len16(uint16(everywhere)))
	require.Equal(t, "attribute 9", AttrType(9).String())
}

func TestBuilderRefuses(t *testing.T) {
	for name, fill := range map[string]func(b *Builder){
		"unknown":              func(b *Builder) { b.Octets(9, nil) },
		"number as octets":     func(b *Builder) { b.Octets(AttrCounter, nil) },
		"octets as number":     func(b *Builder) { b.Number(AttrRAND, 1) },
		"number as flag":       func(b *Builder) { b.Flag(AttrKDF) },
		"block as string":      func(b *Builder) { b.String(AttrRAND, "x") },
		"RAND short":           func(b *Builder) { b.Octets(AttrRAND, make([]byte, 15)) },
		"RAND long":            func(b *Builder) { b.Octets(AttrRAND, make([]byte, 64)) },
		"RAND odd":             func(b *Builder) { b.Octets(AttrRAND, make([]byte, 17)) },
		"RES long":             func(b *Builder) { b.Octets(AttrRES, make([]byte, 17)) },
		"AUTS long":            func(b *Builder) { b.Octets(AttrAUTS, make([]byte, 16)) },
		"AUTS short":           func(b *Builder) { b.Octets(AttrAUTS, make([]byte, 10)) },
		"identity of 1017":     func(b *Builder) { b.String(AttrIdentity, string(make([]byte, 1017))) },
		"packet too long":      func(b *Builder) { b.Raw(make([]byte, 5000)) },
		"nothing to encrypt":   func(b *Builder) { b.Encrypt(&Keys{}, [16]byte{}, func(*Builder) {}) },
		"too much to encrypt":  func(b *Builder) { b.Encrypt(&Keys{}, [16]byte{}, func(b *Builder) { b.Raw(make([]byte, 1040)) }) },
		"odd octets encrypted": func(b *Builder) { b.Encrypt(&Keys{}, [16]byte{}, func(b *Builder) { b.Raw(make([]byte, 5)) }) },
		"failure while nested": func(b *Builder) { b.Encrypt(&Keys{}, [16]byte{}, func(b *Builder) { b.Flag(AttrKDF) }) },
	} {
		b := NewMessage([]byte("keep"), eap.CodeRequest, 1, eap.TypeAKA, SubtypeChallenge)
		fill(&b)
		b.Flag(AttrResultInd) // the first error stays
		out, err := b.Bytes()
		require.Error(t, err, name)
		var e *AttrError
		require.ErrorAs(t, err, &e, name)
		require.Equal(t, "keep", string(out), name)
	}
	b := NewMessage(nil, eap.CodeRequest, 1, eap.TypeAKA, SubtypeIdentity)
	b.String(AttrIdentity, string(make([]byte, 1016)))
	_, err := b.Bytes()
	require.NoError(t, err)
}

func TestVerifyMACMissing(t *testing.T) {
	m, err := Decode(packet(t, 2, "170c0000"))
	require.NoError(t, err)
	require.ErrorIs(t, m.VerifyMAC(&Keys{}, nil), ErrMissing)
	_, err = m.Decrypt(nil, &Keys{})
	require.ErrorIs(t, err, ErrMissing)
}

func TestActions(t *testing.T) {
	require.Equal(t, ActionFail, ActionOf(&ClientError{Code: 1}))
	require.Equal(t, ActionFail, ActionOf(ErrAuthReject))
	require.Equal(t, ActionNotify, ActionOf(fmt.Errorf("anything else")))
	require.Equal(t, "aka: the peer could not process a packet: code 1", (&ClientError{Code: 1}).Error())
	for _, a := range []fmt.Stringer{ActionNotify, ActionFail, stateDone, SubtypeClientError, askedFullauth, answerLostReauth} {
		require.NotContains(t, a.String(), "(")
	}
	for _, a := range []fmt.Stringer{Action(9), state(99), Subtype(99), asked(9), answer(99)} {
		require.Contains(t, a.String(), "(")
	}
	require.True(t, NotifySuccess.Success())
	require.False(t, NotifySuccess.BeforeAuth())
	require.True(t, NotifyFailure.BeforeAuth())
	require.False(t, NotifyTemporarilyDenied.BeforeAuth())
	require.Equal(t, "notification 5", Notification(5).String())
	require.Equal(t, "notification 1026, temporarily denied", NotifyTemporarilyDenied.String())
}
