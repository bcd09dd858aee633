package accounting

import (
	"crypto/sha256"
	"encoding/binary"
	"net/netip"
	"strconv"
	"time"

	layeh "layeh.com/radius"

	"github.com/opentwag/twag/session"
)

// Event is an Accounting-Request, understood: what [ParseEvent] made of it.
type Event struct {
	Status  Status
	NAS     session.NAS
	Arrived time.Time

	AccountID string // Acct-Session-Id; may be empty for Accounting-On and -Off
	MultiID   string // Acct-Multi-Session-Id
	User      string // User-Name, else Chargeable-User-Identity
	IMSI      string // 3GPP-IMSI
	Station   string // Calling-Station-Id in normal form
	AP, SSID  string // of Called-Station-Id
	Port      string // NAS-Port-Id, else NAS-Port
	PortType  uint32
	Address   netip.Addr // Framed-IP-Address, else Framed-IPv6-Address
	Cause     uint32     // Acct-Terminate-Cause

	// Stamp is Event-Timestamp; zero if there is none, or if it is from before the
	// year 2000: a clock that was never set.
	Stamp time.Time
	// Delay is Acct-Delay-Time.
	Delay time.Duration
	// Counters are what the NAS has counted.
	Counters Counters

	// Attributes are those of the packet, in order, without Message-Authenticator and
	// Proxy-State.
	Attributes []byte

	classes [maxClasses][]byte // alias Attributes
	// print stands for all of the event but when it was sent.
	print fingerprint
}

// maxClasses bounds the Class attributes that are looked at.
const maxClasses = 4

// Clocks that are off by more are wrong, not just inexact.
const maxClockAhead = 5 * time.Minute

var clockNeverSet = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// When returns when the event happened: Event-Timestamp, else arrival less
// Acct-Delay-Time. A timestamp of the future is a wrong clock's and does not count.
func (e *Event) When() time.Time {
	if !e.Stamp.IsZero() && e.Stamp.Sub(e.Arrived) <= maxClockAhead {
		return e.Stamp
	}
	return e.sent()
}

// sent is the event's time by our own clock.
func (e *Event) sent() time.Time { return e.Arrived.Add(-e.Delay) }

// hasSession reports whether the event is about a session, rather than the NAS.
func (e *Event) hasSession() bool {
	return e.Status == Start || e.Status == Stop || e.Status == Interim
}

// Attribute types of RFC 2865, 2866, 2869, 3162, 4372 and 6911.
const (
	typeUserName        = 1
	typeNASIP           = 4
	typeNASPort         = 5
	typeFramedIP        = 8
	typeClass           = 25
	typeCalled          = 30
	typeCalling         = 31
	typeNASIdentifier   = 32
	typeProxyState      = 33
	typeStatus          = 40
	typeDelay           = 41
	typeInputOctets     = 42
	typeOutputOctets    = 43
	typeAccountID       = 44
	typeSessionTime     = 46
	typeInputPackets    = 47
	typeOutputPackets   = 48
	typeCause           = 49
	typeMultiID         = 50
	typeInputGigawords  = 52
	typeOutputGigawords = 53
	typeTimestamp       = 55
	typePortType        = 61
	typeMessageAuth     = 80
	typePortID          = 87
	typeCUI             = 89
	typeNASIPv6         = 95
	typeFramedIPv6      = 168

	vendor3GPP   = 10415
	type3GPPIMSI = 1
)

// ParseEvent makes an event of an Accounting-Request from the address source that arrived
// at the time given. It keeps nothing of p.
//
// The error is an [*EventError]: the request must not be acknowledged. Attributes that the
// package has no use for are not looked into.
func ParseEvent(p *layeh.Packet, source netip.Addr, arrived time.Time) (Event, error) {
	e := Event{Arrived: arrived, NAS: session.NAS{Source: source}}
	size := 0
	for _, avp := range p.Attributes {
		size += 2 + len(avp.Attribute)
	}
	e.Attributes = make([]byte, 0, size)
	var scratch [512]byte
	same := scratch[:0] // what a repetition has as well
	for _, avp := range p.Attributes {
		if avp.Type < 0 || avp.Type > 255 || len(avp.Attribute) > 253 {
			return Event{}, &EventError{Refusal: RefusedMalformed, Attribute: int(avp.Type)}
		}
		if avp.Type == typeMessageAuth || avp.Type == typeProxyState {
			continue
		}
		begin := len(e.Attributes)
		e.Attributes = append(e.Attributes, byte(avp.Type), byte(2+len(avp.Attribute)))
		e.Attributes = append(e.Attributes, avp.Attribute...)
		if avp.Type != typeDelay && avp.Type != typeTimestamp {
			same = append(same, e.Attributes[begin:]...)
		}
	}
	hash := sha256.Sum256(same)
	e.print = fingerprint(hash[:len(fingerprint{})])
	if err := e.read(); err != nil {
		return Event{}, err
	}
	return e, e.check()
}

// check tells what RFC 2866, sections 4.1 and 5, requires of a request.
func (e *Event) check() error {
	switch {
	case e.Status == 0:
		return &EventError{Refusal: RefusedNoStatus, Attribute: typeStatus}
	case e.Status.String() == "invalid":
		return &EventError{Refusal: RefusedStatus, Attribute: typeStatus}
	case e.AccountID == "" && e.hasSession():
		return &EventError{Refusal: RefusedNoSessionID, Attribute: typeAccountID}
	default:
		return nil
	}
}

// read takes e.Attributes apart. The strings are parts of one string. Of an attribute that may
// occur once the first one counts.
func (e *Event) read() error {
	text := string(e.Attributes)
	var port, called, calling, cui string
	var nasPort, status, inputGigawords, outputGigawords, inputOctets, outputOctets uint32
	var address6 netip.Addr
	var seen [256]bool
	c := &e.Counters
	classes := 0
	for at := 0; at < len(text); {
		typ, end := text[at], at+int(text[at+1])
		value := text[at+2 : end]
		at = end
		if seen[typ] && typ != typeClass && typ != vendorSpecific {
			continue
		}
		seen[typ] = true
		ok := true
		switch typ {
		case typeUserName:
			e.User = value
		case typeNASIdentifier:
			e.NAS.Identifier = value
		case typeAccountID:
			e.AccountID = value
		case typeMultiID:
			e.MultiID = value
		case typePortID:
			port = value
		case typeCUI:
			cui = value
		case typeCalled:
			called = value
		case typeCalling:
			calling = value
		case typeClass:
			if classes < maxClasses && value != "" {
				e.classes[classes] = e.Attributes[end-len(value) : end : end]
				classes++
			}
		case vendorSpecific:
			e.readVendor(value)
		case typeNASIP:
			ok = readAddr(&e.NAS.Addr, value, 4)
		case typeNASIPv6:
			if !e.NAS.Addr.IsValid() {
				ok = readAddr(&e.NAS.Addr, value, 16)
			}
		case typeFramedIP:
			ok = readAddr(&e.Address, value, 4)
		case typeFramedIPv6:
			ok = readAddr(&address6, value, 16)
		case typeStatus:
			ok = readNumber(&status, value)
			e.Status = Status(min(status, 255))
		case typeDelay:
			var seconds uint32
			ok = readNumber(&seconds, value)
			e.Delay = time.Duration(seconds) * time.Second
		case typeTimestamp:
			var seconds uint32
			ok = readNumber(&seconds, value)
			if stamp := time.Unix(int64(seconds), 0); !stamp.Before(clockNeverSet) {
				e.Stamp = stamp
			}
		case typeSessionTime:
			var seconds uint32
			ok = readNumber(&seconds, value)
			c.SessionTime = time.Duration(seconds) * time.Second
			c.Has |= HasSessionTime
		case typeInputOctets:
			ok = readNumber(&inputOctets, value)
			c.Has |= HasInputOctets
		case typeOutputOctets:
			ok = readNumber(&outputOctets, value)
			c.Has |= HasOutputOctets
		case typeInputGigawords:
			ok = readNumber(&inputGigawords, value)
			c.Has |= HasGigawords
		case typeOutputGigawords:
			ok = readNumber(&outputGigawords, value)
			c.Has |= HasGigawords
		case typeInputPackets:
			var n uint32
			ok = readNumber(&n, value)
			c.InputPackets = uint64(n)
			c.Has |= HasInputPackets
		case typeOutputPackets:
			var n uint32
			ok = readNumber(&n, value)
			c.OutputPackets = uint64(n)
			c.Has |= HasOutputPackets
		case typeCause:
			ok = readNumber(&e.Cause, value)
		case typeNASPort:
			ok = readNumber(&nasPort, value)
		case typePortType:
			ok = readNumber(&e.PortType, value)
		}
		if !ok {
			return &EventError{Refusal: RefusedMalformed, Attribute: int(typ)}
		}
	}
	// RFC 2869, sections 5.1 and 5.2: how often the counters have begun again.
	c.InputOctets = uint64(inputGigawords)<<32 | uint64(inputOctets)
	c.OutputOctets = uint64(outputGigawords)<<32 | uint64(outputOctets)
	if e.User == "" && cui != "\x00" { // NUL asks for a CUI (RFC 4372, section 2.1)
		e.User = cui
	}
	if e.Port = port; port == "" && seen[typeNASPort] {
		e.Port = strconv.FormatUint(uint64(nasPort), 10)
	}
	e.Station = session.NormalStation(calling)
	e.AP, e.SSID = session.SplitCalled(called)
	if unassigned(e.Address) {
		e.Address = address6
	}
	return nil
}

// readVendor looks for the IMSI (TS 29.061, clause 16.4.7).
func (e *Event) readVendor(value string) {
	if len(value) < 4 || binary.BigEndian.Uint32([]byte(value[:4])) != vendor3GPP {
		return
	}
	for value = value[4:]; len(value) >= 2 && int(value[1]) >= 2 && int(value[1]) <= len(value); value = value[value[1]:] {
		if value[0] == type3GPPIMSI && e.IMSI == "" && isIMSI(value[2:value[1]]) {
			e.IMSI = value[2:value[1]]
		}
	}
}

func isIMSI(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return 6 <= len(s) && len(s) <= 15
}

// unassigned reports whether a is no station's address; RFC 2865, section 5.8, gives two a
// meaning of their own.
func unassigned(a netip.Addr) bool {
	return !a.IsValid() || a.IsUnspecified() || a.Is4() && a.As4()[0] == 255
}

func readNumber(to *uint32, s string) bool {
	if len(s) != 4 {
		return false
	}
	*to = uint32(s[0])<<24 | uint32(s[1])<<16 | uint32(s[2])<<8 | uint32(s[3])
	return true
}

func readAddr(to *netip.Addr, s string, length int) bool {
	if len(s) != length {
		return false
	}
	*to, _ = netip.AddrFromSlice([]byte(s))
	return true
}
