package gateway

import (
	"encoding/hex"
	"strings"
	"time"

	layeh "layeh.com/radius"
	"layeh.com/radius/rfc2869"

	"github.com/opentwag/twag/gy"
	"github.com/opentwag/twag/session"
)

// ratWLAN is 3GPP-RAT-Type's value for WLAN (TS 29.061, clause 16.4.7.2).
const ratWLAN = 3

// SessionInfo is what an OCS is told of a session: the subscriber's IMSI or, if accounting
// has not told it, his name; the station's address, WLAN and where (TS 32.299, clause 7.2.158; TS 29.061, clause 16.4.7).
func SessionInfo(s *session.Session) *gy.Info {
	info := &gy.Info{
		PS: gy.PSInformation{
			RATType: []byte{ratWLAN}, PDPAddress: s.Address, SGSNAddress: s.NAS.Addr,
			SSID: []byte(s.SSID), BSSID: []byte(s.AP), CalledStationID: []byte(s.SSID),
		},
	}
	switch {
	case s.IMSI != "":
		// User-Name beside it may be a pseudonym, which says nothing to an OCS.
		info.Subscriptions = []gy.Subscription{{Type: gy.SubscriptionIMSI, Data: []byte(s.IMSI)}}
	case strings.Contains(s.User, "@"):
		info.Subscriptions = []gy.Subscription{{Type: gy.SubscriptionNAI, Data: []byte(s.User)}}
	case s.User != "":
		info.Subscriptions = []gy.Subscription{{Type: gy.SubscriptionPrivate, Data: []byte(s.User)}}
	}
	// Departure: six octets, where RFC 8506, section 8.50, has the text of RFC 3580:
	// tshark calls the text malformed. gy.Profile.OmitEquipment leaves it out.
	if mac, err := hex.DecodeString(strings.ReplaceAll(s.Station, "-", "")); err == nil && len(mac) == 6 {
		info.Equipment = gy.Equipment{Type: gy.EquipmentMAC, Value: mac}
	}
	return info
}

// interimAttribute is Acct-Interim-Interval, encoded (RFC 2869, section 5.16).
func interimAttribute(d time.Duration) []byte {
	v := layeh.NewInteger(uint32(d / time.Second))
	return append([]byte{byte(rfc2869.AcctInterimInterval_Type), byte(2 + len(v))}, v...)
}
