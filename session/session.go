package session

import (
	"net/netip"
	"time"
)

// State is where a session is in its life.
//
//	Admit --> Admitted --Start--> Open --Stop, time-out, NAS restart--> Ended
//	              |                                                       ^
//	              +------------------ never started ----------------------+
type State uint8

// States of a session.
const (
	_ State = iota
	// Admitted: authentication let it in; accounting has not begun.
	Admitted
	// Open: accounting has begun.
	Open
	// Ended: nothing is counted any more. The record stays a while, so that what the
	// NAS repeats is recognised.
	Ended
)

func (s State) String() string {
	switch s {
	case Admitted:
		return "admitted"
	case Open:
		return "open"
	case Ended:
		return "ended"
	default:
		return "invalid"
	}
}

// NAS names the network access server that a session is on, as it names itself
// from the address that its packets come from: two NASes of one name behind two
// clients are two.
type NAS struct {
	Source     netip.Addr // of its packets
	Identifier string     // NAS-Identifier
	Addr       netip.Addr // NAS-IP-Address or NAS-IPv6-Address
}

// Name returns what the NAS is known by: its identifier, else its address, else
// where its packets come from.
func (n NAS) Name() string {
	switch {
	case n.Identifier != "":
		return n.Identifier
	case n.Addr.IsValid():
		return n.Addr.String()
	default:
		return n.Source.String()
	}
}

// ID returns the ID of the NAS's own record.
func (n NAS) ID() ID { return NamedID("nas\x00" + n.Source.String() + "\x00" + n.Name()) }

// Usage is what a session has used, consolidated: it never goes back.
type Usage struct {
	InputOctets, OutputOctets   uint64 // from and to the station, as the NAS sees it
	InputPackets, OutputPackets uint64
	Time                        time.Duration
}

// TotalOctets is the sum of both directions; it stops at the greatest number
// rather than beginning again.
func (u Usage) TotalOctets() uint64 {
	if sum := u.InputOctets + u.OutputOctets; sum >= u.InputOctets {
		return sum
	}
	return 1<<64 - 1
}

// Session is a subscriber's session. It is a value: changing one changes
// nothing until it is committed.
type Session struct {
	ID    ID
	State State

	// The subscriber.
	IMSI string // digits; empty if not known
	User string // as the NAS names it: User-Name, or the CUI
	// Station is the station's address, in the normal form of [NormalStation].
	Station string

	// Where it is.
	NAS      NAS
	AP       string // Called-Station-Id without the SSID, in normal form
	SSID     string
	Port     string     // NAS-Port-Id or NAS-Port
	PortType uint32     // NAS-Port-Type; 19 is 802.11
	Address  netip.Addr // Framed-IP-Address or Framed-IPv6-Address

	// AccountID is the NAS's Acct-Session-Id, MultiID its
	// Acct-Multi-Session-Id.
	AccountID string
	MultiID   string

	// What the login decided.
	Method   string // such as "AKA'"
	Realm    string
	Visited  string // network that the NAS belongs to, if not ours
	Service  string // what the subscriber gets; picks intervals and rating groups
	Group    string // of subscribers
	Home     string // server of the home network that he is registered at for this session; empty: none
	Class    string // the Class attribute that the NAS repeats in its accounting, as it came
	Timeout  time.Duration
	Idle     time.Duration
	Interim  time.Duration // interval of interim updates that the NAS was told
	Admitted time.Time

	// What accounting said.
	Started time.Time // event time of the Start
	Updated time.Time // event time of the latest event
	Seen    time.Time // arrival of the latest event
	Active  time.Time // event time of the latest event that showed any use
	Stopped time.Time // event time of the end
	Usage   Usage
	Cause   uint32 // Acct-Terminate-Cause; 0 while it goes on

	// Closing is why the session is to end: the NAS was asked to end it, or is
	// about to report that it has. If it does not by ClosingAt plus the
	// manager's grace, the session is ended from its latest interim. ClosingAt is the
	// time of that then.
	Closing   Reason
	ClosingAt time.Time

	// Wake is when whoever charges the session wants to be called, of his own
	// accord or because something is pending; zero: never. An ended session is
	// kept while it is set.
	Wake time.Time

	// Accounting and Charging are what package accounting, and whoever charges,
	// remember of the session. Nobody else looks inside.
	Accounting []byte
	Charging   []byte
}

// NormalStation returns a station's address in normal form, or s itself if it
// is no MAC address: twelve hexadecimal digits in any of the usual notations become
// upper case with hyphens (RFC 3580, section 3.20).
func NormalStation(s string) string {
	var digits [12]byte
	n := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case '0' <= c && c <= '9', 'A' <= c && c <= 'F':
		case 'a' <= c && c <= 'f':
			c -= 'a' - 'A'
		case c == '-' || c == ':' || c == '.':
			continue
		default:
			return s
		}
		if n == len(digits) {
			return s
		}
		digits[n] = c
		n++
	}
	if n != len(digits) {
		return s
	}
	if isNormal(s) {
		return s
	}
	var out [17]byte
	for i := range 6 {
		copy(out[3*i:], digits[2*i:2*i+2])
		if i < 5 {
			out[3*i+2] = '-'
		}
	}
	return string(out[:])
}

// isNormal reports whether the MAC address s has the normal form already.
func isNormal(s string) bool {
	if len(s) != 17 {
		return false
	}
	for i := 0; i < len(s); i++ {
		if i%3 == 2 && s[i] != '-' || 'a' <= s[i] && s[i] <= 'f' {
			return false
		}
	}
	return true
}

// SplitCalled splits a Called-Station-Id "MAC:SSID" (RFC 3580, section 3.20)
// into the access point in normal form and the SSID.
func SplitCalled(s string) (ap, ssid string) {
	const mac = len("00-10-A4-23-19-C0")
	for _, n := range []int{mac, 14, 12} { // hyphens or colons; Cisco's dots; bare digits
		if len(s) >= n && (len(s) == n || s[n] == ':') {
			if ap = NormalStation(s[:n]); isNormal(ap) {
				if len(s) > n {
					ssid = s[n+1:]
				}
				return ap, ssid
			}
		}
	}
	return s, ""
}

// Terms returns what the session is found by.
func (s *Session) Terms() []Term {
	terms := make([]Term, 0, MaxTerms)
	add := func(i Index, v string) {
		if v != "" {
			terms = append(terms, NewTerm(i, v))
		}
	}
	add(IndexIMSI, s.IMSI)
	add(IndexUser, s.User)
	add(IndexStation, s.Station)
	add(IndexAP, s.AP)
	if s.Address.IsValid() {
		add(IndexAddress, s.Address.String())
	}
	if s.NAS.Source.IsValid() || s.NAS.Name() != "" {
		terms = append(terms, NASTerm(s.NAS))
		if s.AccountID != "" {
			terms = append(terms, AccountTerm(s.NAS, s.AccountID))
		}
	}
	return terms
}

// NASTerm is the term of all sessions on a NAS.
func NASTerm(n NAS) Term {
	var buf [192]byte
	return termOf(n.appendParts(append(buf[:0], byte(IndexNAS))))
}

// AccountTerm is the term of the sessions that a NAS calls accountID. There may
// be several, since NASes use their numbers again.
func AccountTerm(n NAS, accountID string) Term {
	var buf [192]byte
	return termOf(appendString(n.appendParts(append(buf[:0], byte(IndexAccount))), accountID))
}

// appendParts appends the parts of a term that say which NAS it is: Source and Name.
func (n NAS) appendParts(b []byte) []byte {
	var buf [64]byte
	source := appendText(buf[:0], n.Source)
	b = appendString(b, source)
	switch {
	case n.Identifier != "":
		return appendString(b, n.Identifier)
	case n.Addr.IsValid():
		return appendString(b, appendText(buf[:0], n.Addr))
	default:
		return appendString(b, source)
	}
}

// appendText appends what the address's String returns.
func appendText(b []byte, a netip.Addr) []byte {
	if !a.IsValid() {
		return append(b, a.String()...)
	}
	return a.AppendTo(b)
}
