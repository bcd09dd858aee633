package eap_test

import (
	"fmt"

	"github.com/opentwag/twag/eap"
)

// What a phone's identity tells, before anything of it is proved.
func ExampleIdentityRules_Parse() {
	rules := &eap.IdentityRules{
		// SIMs of this operator with several IMSIs put a 9 in front.
		Leading: map[byte]eap.Leading{'9': {Kind: eap.KindPermanent, Method: eap.TypeAKA}},
	}
	for _, identity := range []string{
		"6234150999999999@nai.epc.mnc015.mcc234.3gppnetwork.org",
		"9310260123456789@wlan.mnc260.mcc310.3gppnetwork.org",
		"2hUq7bK@wlan.mnc001.mcc001.3gppnetwork.org",
	} {
		id := rules.Parse(identity)
		fmt.Println(id.Kind, id.Method, id.PLMN, id.IMSI)
	}
	// Output:
	// permanent EAP-AKA' 234-15 23415**********
	// permanent EAP-AKA 310-260 31026**********
	// pseudonym EAP-AKA 001-01 invalid IMSI
}
