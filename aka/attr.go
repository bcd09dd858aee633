package aka

import (
	"fmt"

	"github.com/opentwag/twag/eap"
)

// AttrType is the type of an attribute. EAP-SIM, EAP-AKA and EAP-AKA' share
// one number space. Types below 128 must be understood by who receives them;
// the others are skipped when unknown (RFC 4187, section 8.1).
type AttrType uint8

// Attribute types. Their layouts are in the table of attributes.
const (
	AttrRAND            AttrType = 1
	AttrAUTN            AttrType = 2
	AttrRES             AttrType = 3
	AttrAUTS            AttrType = 4
	AttrPadding         AttrType = 6
	AttrNonceMT         AttrType = 7
	AttrPermanentIDReq  AttrType = 10
	AttrMAC             AttrType = 11
	AttrNotification    AttrType = 12
	AttrAnyIDReq        AttrType = 13
	AttrIdentity        AttrType = 14
	AttrVersionList     AttrType = 15
	AttrSelectedVersion AttrType = 16
	AttrFullauthIDReq   AttrType = 17
	AttrCounter         AttrType = 19
	AttrCounterTooSmall AttrType = 20
	AttrNonceS          AttrType = 21
	AttrClientErrorCode AttrType = 22
	AttrKDFInput        AttrType = 23
	AttrKDF             AttrType = 24

	AttrIV            AttrType = 129
	AttrEncrData      AttrType = 130
	AttrNextPseudonym AttrType = 132
	AttrNextReauthID  AttrType = 133
	AttrCheckcode     AttrType = 134
	AttrResultInd     AttrType = 135
	AttrBidding       AttrType = 136

	AttrIPMSInd             AttrType = 137
	AttrIPMSRes             AttrType = 138
	AttrTrustInd            AttrType = 139
	AttrShortNameForNetwork AttrType = 140
	AttrFullNameForNetwork  AttrType = 141
	AttrRQSIInd             AttrType = 142
	AttrRQSIRes             AttrType = 143
	AttrTWANConnMode        AttrType = 144
	AttrVirtualNetworkID    AttrType = 145
	AttrVirtualNetworkReq   AttrType = 146
	AttrConnectivityType    AttrType = 147
	AttrHandoverIndication  AttrType = 148
	AttrHandoverSessionID   AttrType = 149
	AttrMNSerialID          AttrType = 150
	AttrDeviceIdentity      AttrType = 151
	AttrPubECDHE            AttrType = 152
	AttrKDFFS               AttrType = 153
)

const (
	firstSkippable   AttrType = 128
	attrUnit                  = 4 // the Length field counts these
	attrHeaderLen             = 2
	messageHeaderLen          = 8 // EAP header, Type, Subtype, Reserved
	macLen                    = 16
	maxKDFs                   = 8 // AT_KDF attributes of one message
	biddingD         uint16   = 0x8000
)

// String returns the attribute's name, such as "AT_RAND".
func (t AttrType) String() string {
	if r := ruleOf(t); r != nil {
		return r.name
	}
	return fmt.Sprintf("attribute %d", uint8(t))
}

// Skippable reports whether a receiver that does not know the attribute goes
// on without it.
func (t AttrType) Skippable() bool { return t >= firstSkippable }

// form is the layout of an attribute's value.
type form uint8

const (
	formFlag    form = iota // reserved(2)
	formNumber              // number(2)
	formBlock               // reserved(2), octets
	formBare                // octets, no reserved field
	formCounted             // length in octets(2), octets, zero padding
	formBits                // length in bits(2), octets, zero padding
	formZero                // zero octets, checked
)

// methods is a set of EAP methods.
type methods uint8

const (
	inSIM methods = 1 << iota
	inAKA
	inPrime

	inAll  = inSIM | inAKA | inPrime
	inAKAs = inAKA | inPrime
)

func methodOf(t eap.Type) methods {
	switch t {
	case eap.TypeSIM:
		return inSIM
	case eap.TypeAKA:
		return inAKA
	case eap.TypeAKAPrime:
		return inPrime
	default:
		return 0
	}
}

// rule is a row of the table of attributes.
type rule struct {
	typ      AttrType
	name     string
	form     form
	min, max uint8   // Length field, units of 4 octets
	methods  methods // which know it
	may      columns // messages that may carry it
	must     columns // messages that must carry it
	nested   bool    // inside AT_ENCR_DATA, and only there
	either   bool    // inside AT_ENCR_DATA or outside
	repeat   bool    // may occur more than once
	source   string
}

const (
	withEncr = chalReq | chalRsp | notifReq | notifRsp | reauthReq | reauthRsp | simChalReq | simChalRsp
	withMAC  = chalReq | chalRsp | notifReq | notifRsp | reauthReq | reauthRsp | simChalReq | simChalRsp
	withInd  = chalReq | chalRsp | reauthReq | reauthRsp | simChalReq | simChalRsp
)

// attrTable says of every attribute what it looks like and where it belongs.
// AT_MAC and AT_RES are not in must of the challenge's response, for EAP-AKA'
// may answer with AT_KDF alone: see checkComplete. RFC 4187, section 9.4,
// lets a response to a challenge carry AT_ENCR_DATA.
var attrTable = [...]rule{
	{AttrRAND, "AT_RAND", formBlock, 5, 13, inAll, chalReq | simChalReq, chalReq | simChalReq, false, false, false, "RFC 4187 10.6, RFC 4186 10.9"},
	{AttrAUTN, "AT_AUTN", formBlock, 5, 5, inAKAs, chalReq, chalReq, false, false, false, "RFC 4187 10.7"},
	{AttrRES, "AT_RES", formBits, 2, 5, inAKAs, chalRsp, 0, false, false, false, "RFC 4187 10.8"},
	{AttrAUTS, "AT_AUTS", formBare, 4, 4, inAKAs, syncFail, syncFail, false, false, false, "RFC 4187 10.9"},
	{AttrPadding, "AT_PADDING", formZero, 1, 3, inAll, withEncr, 0, true, false, false, "RFC 4187 10.12"},
	{AttrNonceMT, "AT_NONCE_MT", formBlock, 5, 5, inSIM, startRsp, 0, false, false, false, "RFC 4186 10.4"},
	{AttrPermanentIDReq, "AT_PERMANENT_ID_REQ", formFlag, 1, 1, inAll, idReq | startReq, 0, false, false, false, "RFC 4187 10.2"},
	{AttrMAC, "AT_MAC", formBlock, 5, 5, inAll, withMAC, chalReq | reauthReq | reauthRsp | simChalReq | simChalRsp, false, false, false, "RFC 4187 10.15"},
	{AttrNotification, "AT_NOTIFICATION", formNumber, 1, 1, inAll, notifReq, notifReq, false, false, false, "RFC 4187 10.19"},
	{AttrAnyIDReq, "AT_ANY_ID_REQ", formFlag, 1, 1, inAll, idReq | startReq, 0, false, false, false, "RFC 4187 10.3"},
	{AttrIdentity, "AT_IDENTITY", formCounted, 1, 255, inAll, idRsp | startRsp, idRsp, false, false, false, "RFC 4187 10.5, 9.2"},
	{AttrVersionList, "AT_VERSION_LIST", formCounted, 2, 255, inSIM, startReq, startReq, false, false, false, "RFC 4186 10.2"},
	{AttrSelectedVersion, "AT_SELECTED_VERSION", formNumber, 1, 1, inSIM, startRsp, 0, false, false, false, "RFC 4186 10.3"},
	{AttrFullauthIDReq, "AT_FULLAUTH_ID_REQ", formFlag, 1, 1, inAll, idReq | startReq, 0, false, false, false, "RFC 4187 10.4"},
	{AttrCounter, "AT_COUNTER", formNumber, 1, 1, inAll, notifReq | notifRsp | reauthReq | reauthRsp, reauthReq | reauthRsp, true, false, false, "RFC 4187 10.16"},
	{AttrCounterTooSmall, "AT_COUNTER_TOO_SMALL", formFlag, 1, 1, inAll, reauthRsp, 0, true, false, false, "RFC 4187 10.17"},
	{AttrNonceS, "AT_NONCE_S", formBlock, 5, 5, inAll, reauthReq, reauthReq, true, false, false, "RFC 4187 10.18"},
	{AttrClientErrorCode, "AT_CLIENT_ERROR_CODE", formNumber, 1, 1, inAll, clientErr, clientErr, false, false, false, "RFC 4187 10.20"},
	{AttrKDFInput, "AT_KDF_INPUT", formCounted, 1, 255, inPrime, chalReq, 0, false, false, false, "RFC 9048 3.1"},
	{AttrKDF, "AT_KDF", formNumber, 1, 1, inPrime, chalReq | chalRsp | syncFail, 0, false, false, true, "RFC 9048 3.2"},

	{AttrIV, "AT_IV", formBlock, 5, 5, inAll, withEncr, reauthReq | reauthRsp, false, false, false, "RFC 4187 10.12"},
	{AttrEncrData, "AT_ENCR_DATA", formBlock, 5, 253, inAll, withEncr, reauthReq | reauthRsp, false, false, false, "RFC 4187 10.12"},
	{AttrNextPseudonym, "AT_NEXT_PSEUDONYM", formCounted, 1, 255, inAll, chalReq | simChalReq, 0, true, false, false, "RFC 4187 10.10"},
	{AttrNextReauthID, "AT_NEXT_REAUTH_ID", formCounted, 1, 255, inAll, chalReq | simChalReq | reauthReq, 0, true, false, false, "RFC 4187 10.11"},
	{AttrCheckcode, "AT_CHECKCODE", formBlock, 1, 9, inAKAs, chalReq | chalRsp | reauthReq | reauthRsp, 0, false, false, false, "RFC 4187 10.13, RFC 9048 3.4.3"},
	{AttrResultInd, "AT_RESULT_IND", formFlag, 1, 1, inAll, withInd, 0, false, false, false, "RFC 4187 10.14"},
	{AttrBidding, "AT_BIDDING", formNumber, 1, 1, inAKA, chalReq, 0, false, false, false, "RFC 9048 4"},

	// Ignored everywhere else: see stray. How long a public value is depends
	// on the group, of which there may be more one day.
	{AttrPubECDHE, "AT_PUB_ECDHE", formBare, 1, 255, inPrime, chalReq | chalRsp, 0, false, false, false, "RFC 9678 6.1"},
	{AttrKDFFS, "AT_KDF_FS", formNumber, 1, 1, inPrime, chalReq | chalRsp, 0, false, false, true, "RFC 9678 6.2"},

	// Known by name only: kept as received, never acted upon, so their
	// length is not judged; a method that takes one up tightens its row.
	{AttrIPMSInd, "AT_IPMS_IND", formBare, 1, 255, inAKAs, everywhere, 0, false, true, true, "TS 24.302 8.2.1"},
	{AttrIPMSRes, "AT_IPMS_RES", formBare, 1, 255, inAKAs, everywhere, 0, false, true, true, "TS 24.302 8.2.2"},
	{AttrTrustInd, "AT_TRUST_IND", formBare, 1, 255, inAKAs, everywhere, 0, false, true, true, "TS 24.302 8.2.3"},
	{AttrShortNameForNetwork, "AT_SHORT_NAME_FOR_NETWORK", formBare, 1, 255, inAKAs, everywhere, 0, false, true, true, "TS 24.302 8.2.5"},
	{AttrFullNameForNetwork, "AT_FULL_NAME_FOR_NETWORK", formBare, 1, 255, inAKAs, everywhere, 0, false, true, true, "TS 24.302 8.2.5"},
	{AttrRQSIInd, "AT_RQSI_IND", formBare, 1, 255, inAll, everywhere, 0, false, true, true, "IANA eapsimaka-numbers"},
	{AttrRQSIRes, "AT_RQSI_RES", formBare, 1, 255, inAll, everywhere, 0, false, true, true, "IANA eapsimaka-numbers"},
	{AttrTWANConnMode, "AT_TWAN_CONN_MODE", formBare, 1, 255, inAKAs, everywhere, 0, false, true, true, "TS 24.302 8.1.4"},
	{AttrVirtualNetworkID, "AT_VIRTUAL_NETWORK_ID", formBare, 1, 255, inAKAs, everywhere, 0, false, true, true, "RFC 7458 4.1"},
	{AttrVirtualNetworkReq, "AT_VIRTUAL_NETWORK_REQ", formBare, 1, 255, inAKAs, everywhere, 0, false, true, true, "RFC 7458 4.2"},
	{AttrConnectivityType, "AT_CONNECTIVITY_TYPE", formBare, 1, 255, inAKAs, everywhere, 0, false, true, true, "RFC 7458 4.3"},
	{AttrHandoverIndication, "AT_HANDOVER_INDICATION", formBare, 1, 255, inAKAs, everywhere, 0, false, true, true, "RFC 7458 4.4"},
	{AttrHandoverSessionID, "AT_HANDOVER_SESSION_ID", formBare, 1, 255, inAKAs, everywhere, 0, false, true, true, "RFC 7458 4.5"},
	{AttrMNSerialID, "AT_MN_SERIAL_ID", formBare, 1, 255, inAKAs, everywhere, 0, false, true, true, "RFC 7458 4.6"},
	{AttrDeviceIdentity, "AT_DEVICE_IDENTITY", formBare, 1, 255, inAKAs, everywhere, 0, false, true, true, "TS 24.302 8.2.13"},
}

// ruleIndex finds a rule by type: position in attrTable plus one, 0 for none.
var ruleIndex = func() (idx [256]uint8) {
	for i := range attrTable {
		idx[attrTable[i].typ] = uint8(i + 1)
	}
	return idx
}()

func ruleOf(t AttrType) *rule {
	if i := ruleIndex[t]; i != 0 {
		return &attrTable[i-1]
	}
	return nil
}

// stray reports whether the attribute is to be ignored where d reads: those of
// forward secrecy are, outside of the challenge and its response (RFC 9678,
// section 6.5).
func (r *rule) stray(d *decoder) bool {
	return (r.typ == AttrPubECDHE || r.typ == AttrKDFFS) && (d.nested || r.may&d.col == 0)
}

// mandatory is the attributes that each message must carry, made of the must
// column of attrTable; nested ones apart.
var mandatory, mandatoryNested = func() (plain, nested [16]attrSet) {
	for i := range attrTable {
		r := &attrTable[i]
		for c := range plain {
			if r.must&(1<<c) == 0 {
				continue
			}
			if r.nested {
				nested[c].add(r.typ)
			} else {
				plain[c].add(r.typ)
			}
		}
	}
	return plain, nested
}()

// attrSet is a set of known attribute types, by their place in attrTable.
type attrSet uint64

func (s *attrSet) add(t AttrType)     { *s |= bitOf(t) }
func (s attrSet) has(t AttrType) bool { b := bitOf(t); return b != 0 && s&b == b }

func bitOf(t AttrType) attrSet {
	i := ruleIndex[t]
	if i == 0 {
		return 0
	}
	return 1 << (i - 1)
}
