package main

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
)

// Acct-Status-Type (RFC 2866, section 5.1), as far as access points here use it.
const (
	statusStart   = 1
	statusStop    = 2
	statusInterim = 3
)

// Acct-Terminate-Cause (RFC 2866, section 5.10).
const (
	causeUserRequest = 1
	causeAdminReset  = 6
)

// volume is what a session has used since it began.
type volume struct {
	in, out               uint64
	inPackets, outPackets uint32
}

// acctEvent is what one Accounting-Request tells, however often it is sent.
type acctEvent struct {
	session uint64 // its number; none is used twice in a run
	number  uint32 // of the event in its session; the Start is 0
	status  byte
	cause   uint32 // of a Stop
	volume  volume
	start   int64 // of the session, in seconds since 1970
	at      int64 // when it happened, likewise
}

// sessionTime is Acct-Session-Time.
func (e *acctEvent) sessionTime() uint32 { return uint32(e.at - e.start) }

// acctFleet says who the access points and the stations are. All follows from
// numbers, so that a million sessions need no names in memory.
type acctFleet struct {
	// run is in every Acct-Session-Id: a NAS must not use one again after it
	// has restarted (RFC 2866, section 5.5).
	run      uint32
	nases    int
	sessions int // at a time; session n is in place n % sessions
	stations int // a multiple of sessions; session n is of station n % stations
	class    []byte
	imsi     bool // stations have a 3GPP-IMSI
	secret   []byte

	fixed [][]byte // by NAS: the attributes that all its requests have
}

// Attribute types of RFC 2865, 2866 and 2869.
const (
	attrUserName         = 1
	attrNASIPAddress     = 4
	attrFramedIPAddress  = 8
	attrClass            = 25
	attrVendorSpecific   = 26
	attrCalledStationID  = 30
	attrCallingStationID = 31
	attrNASIdentifier    = 32
	attrStatusType       = 40
	attrDelayTime        = 41
	attrInputOctets      = 42
	attrOutputOctets     = 43
	attrSessionID        = 44
	attrAuthentic        = 45
	attrSessionTime      = 46
	attrInputPackets     = 47
	attrOutputPackets    = 48
	attrTerminateCause   = 49
	attrInputGigawords   = 52
	attrOutputGigawords  = 53
	attrEventTimestamp   = 55
	attrNASPortType      = 61
	attrConnectInfo      = 77
	attrMessageAuth      = 80
)

const radiusHeader = 20

func newAcctFleet(run uint32, nases, sessions, stations int, class, secret string) *acctFleet {
	f := &acctFleet{run: run, nases: nases, sessions: sessions, stations: stations, class: []byte(class), secret: []byte(secret)}
	for nas := range nases {
		var b []byte
		b = appendText(b, attrNASIdentifier, nasIdentifier(nas))
		address := nasAddress(nas)
		b = append(append(b, attrNASIPAddress, 6), address[:]...)
		b = appendText(b, attrCalledStationID, calledStation(nas))
		b = appendNumber(b, attrNASPortType, 19) // IEEE 802.11
		b = appendNumber(b, attrAuthentic, 1)    // RADIUS
		b = appendText(b, attrConnectInfo, "CONNECT 54Mbps 802.11g")
		if len(f.class) > 0 {
			b = appendText(b, attrClass, class)
		}
		f.fixed = append(f.fixed, b)
	}
	return f
}

func (f *acctFleet) place(session uint64) uint32   { return uint32(session % uint64(f.sessions)) }
func (f *acctFleet) station(session uint64) uint64 { return session % uint64(f.stations) }
func (f *acctFleet) nas(session uint64) int        { return int(f.place(session)) % f.nases }

// repeats tells the access points that send an unanswered request again octet by
// octet. The others make a new request of it, with a higher Acct-Delay-Time
// (RFC 2866, section 5.2), and so another Identifier.
func (f *acctFleet) repeats(nas int) bool { return nas%2 == 0 }

// sparing tells the access points that leave gigawords out while they are zero.
func (f *acctFleet) sparing(nas int) bool { return nas/2%2 == 0 }

func nasIdentifier(nas int) string { return fmt.Sprintf("ap-%05d.apsim.example", nas) }

// calledStation is Called-Station-Id: the access point's address and its SSID.
func calledStation(nas int) string {
	return fmt.Sprintf("02-A9-00-00-%02X-%02X:apsim", byte(nas>>8), byte(nas))
}

// nasAddress is NAS-IP-Address.
func nasAddress(nas int) [4]byte { return [4]byte{10, 200, byte(nas >> 8), byte(nas)} }

// appendSessionID appends the Acct-Session-Id of a session.
func (f *acctFleet) appendSessionID(b []byte, session uint64) []byte {
	b = appendHex(b, uint64(f.run), 8)
	return appendHex(append(b, '-'), session, 12)
}

// parseSessionID is the opposite; false: it is no session of this run.
func (f *acctFleet) parseSessionID(s string) (uint64, bool) {
	run, number, ok := strings.Cut(s, "-")
	if !ok || run != fmt.Sprintf("%08x", f.run) || len(number) != 12 {
		return 0, false
	}
	n, err := strconv.ParseUint(number, 16, 48)
	return n, err == nil
}

// appendStation appends a Calling-Station-Id.
func appendStation(b []byte, station uint64) []byte {
	const digits = "0123456789ABCDEF"
	b = append(b, '0', '2')
	for shift := 32; shift >= 0; shift -= 8 {
		o := byte(station >> shift)
		b = append(b, '-', digits[o>>4], digits[o&15])
	}
	return b
}

// parseStation is the opposite, however the address is written.
func parseStation(s string) (uint64, bool) {
	s = strings.Map(func(r rune) rune {
		if r == '-' || r == ':' || r == '.' {
			return -1
		}
		return r
	}, s)
	n, err := strconv.ParseUint(s, 16, 64)
	return n & (1<<40 - 1), err == nil && len(s) == 12 && n>>40 == 2
}

// appendUser appends the User-Name that a phone sends in EAP-AKA (TS 23.003,
// clause 14.3), of the test network 001/01.
func appendUser(b []byte, station uint64) []byte {
	return append(appendIMSI(append(b, '0'), station), "@wlan.mnc001.mcc001.3gppnetwork.org"...)
}

// appendIMSI appends the station's IMSI.
func appendIMSI(b []byte, station uint64) []byte {
	b = append(b, "00101"...)
	for unit := uint64(1e9); unit > 0; unit /= 10 {
		b = append(b, '0'+byte(station/unit%10))
	}
	return b
}

// parseUser is the opposite.
func parseUser(s string) (uint64, bool) {
	rest, ok1 := strings.CutPrefix(s, "000101")
	digits, ok2 := strings.CutSuffix(rest, "@wlan.mnc001.mcc001.3gppnetwork.org")
	n, err := strconv.ParseUint(digits, 10, 64)
	return n, ok1 && ok2 && err == nil && len(digits) == 10
}

// stationAddress is Framed-IP-Address, of the range that operators share.
func stationAddress(station uint64) [4]byte {
	return [4]byte{100, 64 | byte(station>>16)&63, byte(station >> 8), byte(station)}
}

const hexDigits = "0123456789abcdef"

func appendHex(b []byte, n uint64, digits int) []byte {
	for shift := 4 * (digits - 1); shift >= 0; shift -= 4 {
		b = append(b, hexDigits[n>>shift&15])
	}
	return b
}

func appendNumber(b []byte, typ byte, v uint32) []byte {
	return binary.BigEndian.AppendUint32(append(b, typ, 6), v)
}

func appendText(b []byte, typ byte, s string) []byte {
	return append(append(b, typ, byte(2+len(s))), s...)
}
