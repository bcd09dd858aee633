package main

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/subtle"
	"encoding/binary"
	"hash"
)

// Codes of RFC 2866, section 3.
const (
	codeAccountingRequest  = 4
	codeAccountingResponse = 5
)

// appendRequest appends the Accounting-Request that tells e, but for Identifier and
// authenticator, which sign sets. delayAt is where the value of Acct-Delay-Time is;
// 0 if it has none: an access point that repeats a request octet by octet
// cannot count its delay.
func (f *acctFleet) appendRequest(b []byte, e *acctEvent) (pkt []byte, delayAt int) {
	nas, station := f.nas(e.session), f.station(e.session)
	begin := len(b)
	b = append(b, codeAccountingRequest, 0, 0, 0)
	b = append(b, make([]byte, 16)...)
	b = appendNumber(b, attrStatusType, uint32(e.status))
	b = f.appendSessionID(append(b, attrSessionID, 2+21), e.session)
	at := len(b)
	b = appendUser(append(b, attrUserName, 0), station)
	b[at+1] = byte(len(b) - at)
	b = append(b, f.fixed[nas]...)
	if f.imsi { // 3GPP-IMSI (TS 29.061, clause 16.4.7)
		b = appendIMSI(append(b, attrVendorSpecific, 6+2+15, 0, 0, 0x28, 0xaf, 1, 2+15), station)
	}
	b = appendStation(append(b, attrCallingStationID, 2+17), station)
	address := stationAddress(station)
	b = append(append(b, attrFramedIPAddress, 6), address[:]...)
	if e.status != statusStart {
		v := &e.volume
		b = appendNumber(b, attrSessionTime, e.sessionTime())
		b = appendNumber(b, attrInputOctets, uint32(v.in))
		b = appendNumber(b, attrOutputOctets, uint32(v.out))
		b = appendNumber(b, attrInputPackets, v.inPackets)
		b = appendNumber(b, attrOutputPackets, v.outPackets)
		always := !f.sparing(nas)
		if high := uint32(v.in >> 32); high > 0 || always {
			b = appendNumber(b, attrInputGigawords, high)
		}
		if high := uint32(v.out >> 32); high > 0 || always {
			b = appendNumber(b, attrOutputGigawords, high)
		}
	}
	if e.status == statusStop {
		b = appendNumber(b, attrTerminateCause, e.cause)
	}
	b = appendNumber(b, attrEventTimestamp, uint32(e.at))
	if !f.repeats(nas) {
		b = appendNumber(b, attrDelayTime, 0)
		delayAt = len(b) - begin - 4
	}
	binary.BigEndian.PutUint16(b[begin+2:], uint16(len(b)-begin))
	return b, delayAt
}

// sign sets the Identifier of a request and its authenticator (RFC 2866,
// section 3). pkt needs room for the secret behind it, or is copied.
func (f *acctFleet) sign(pkt []byte, id byte) {
	pkt[1] = id
	clear(pkt[4:radiusHeader])
	sum := md5.Sum(append(pkt, f.secret...))
	copy(pkt[4:], sum[:])
}

// replyChecker verifies answers. It is not safe for concurrent use.
type replyChecker struct {
	secret  []byte
	mac     hash.Hash
	scratch []byte
	sum     [md5.Size]byte
}

func newReplyChecker(secret []byte) *replyChecker {
	return &replyChecker{secret: secret, mac: hmac.New(md5.New, secret)}
}

// check reports whether b is the answer to request: its code, length, Identifier and
// Response Authenticator (RFC 2866, section 3), and Message-Authenticator if it
// has one (RFC 3579, section 3.2).
func (c *replyChecker) check(b, request []byte) bool {
	if len(b) < radiusHeader || b[0] != codeAccountingResponse || b[1] != request[1] {
		return false
	}
	n := int(binary.BigEndian.Uint16(b[2:]))
	if n < radiusHeader || n > len(b) {
		return false
	}
	b = b[:n]
	c.scratch = append(append(c.scratch[:0], b...), c.secret...)
	copy(c.scratch[4:radiusHeader], request[4:radiusHeader])
	sum := md5.Sum(c.scratch)
	if subtle.ConstantTimeCompare(sum[:], b[4:radiusHeader]) != 1 {
		return false
	}
	mac := 0
	for i := radiusHeader; i < n; {
		if n-i < 2 || int(b[i+1]) < 2 || i+int(b[i+1]) > n {
			return false
		}
		if b[i] == attrMessageAuth {
			if mac > 0 || b[i+1] != 2+md5.Size {
				return false
			}
			mac = i + 2
		}
		i += int(b[i+1])
	}
	if mac == 0 {
		return true
	}
	clear(c.scratch[mac : mac+md5.Size])
	c.mac.Reset()
	c.mac.Write(c.scratch[:n])
	c.mac.Sum(c.sum[:0])
	return subtle.ConstantTimeCompare(c.sum[:], b[mac:mac+md5.Size]) == 1
}
