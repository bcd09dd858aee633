package eapradius

import (
	"encoding/binary"
	"net"
	"net/netip"

	layeh "layeh.com/radius"
	"layeh.com/radius/rfc2865"
	"layeh.com/radius/rfc2869"
	"layeh.com/radius/rfc3162"
	"layeh.com/radius/rfc4072"

	"github.com/opentwag/twag/eap"
)

// request is what the handler has to know of an Access-Request. Its octets are
// parts of the packet.
type request struct {
	r      *layeh.Request
	client netip.Addr

	hasEAP bool
	eap    []byte // the EAP-Message attributes joined; empty: EAP-Start

	states int // how many State attributes there are
	state  []byte

	hasUserName bool
	userName    []byte
	nasID       []byte
	nasIP       []byte // NAS-IP-Address, else NAS-IPv6-Address
	station     []byte
	accessPoint []byte
	portType    uint32
	framedMTU   uint32
	wantKeyName bool
}

// read collects the attributes in one walk. Of those that should come once the first counts.
func (q *request) read(r *layeh.Request) {
	q.r, q.client = r, clientAddr(r.RemoteAddr)
	joined := false
	for _, a := range r.Attributes {
		v := []byte(a.Attribute)
		switch a.Type {
		case rfc2869.EAPMessage_Type:
			// RFC 3579, section 3.1: the packet is all of them in order.
			switch {
			case len(q.eap) == 0:
				q.eap = v
			case !joined:
				q.eap = append(append(make([]byte, 0, eap.MaxPacketLen), q.eap...), v...)
				joined = true
			default:
				q.eap = append(q.eap, v...)
			}
			q.hasEAP = true
		case rfc2865.State_Type:
			q.states++
			q.state = v
		case rfc2865.UserName_Type:
			first(&q.userName, v)
			q.hasUserName = true
		case rfc2865.NASIdentifier_Type:
			first(&q.nasID, v)
		case rfc2865.NASIPAddress_Type:
			if len(v) == 4 {
				q.nasIP = v
			}
		case rfc3162.NASIPv6Address_Type:
			if len(v) == 16 {
				first(&q.nasIP, v)
			}
		case rfc2865.CallingStationID_Type:
			first(&q.station, v)
		case rfc2865.CalledStationID_Type:
			first(&q.accessPoint, v)
		case rfc2865.NASPortType_Type:
			q.portType = integer(v)
		case rfc2865.FramedMTU_Type:
			q.framedMTU = integer(v)
		case rfc4072.EAPKeyName_Type:
			// RFC 7268, section 2.2: one NUL; what is anything else is left
			// alone. Some NASes send it empty.
			q.wantKeyName = len(v) == 0 || len(v) == 1 && v[0] == 0
		}
	}
}

func first(dst *[]byte, v []byte) {
	if *dst == nil {
		*dst = v
	}
}

// integer returns the value of an attribute of type integer, 0 if it is none.
func integer(v []byte) uint32 {
	if len(v) != 4 {
		return 0
	}
	return binary.BigEndian.Uint32(v)
}

// peer returns the peer as the request shows it, and the names of the NAS and
// of the station that the login is bound to.
func (q *request) peer() (peer eap.Peer, nas, station string) {
	if len(q.nasID) == 0 {
		nas, station = q.nas(), string(q.station)
		return eap.Peer{StationID: station, AccessPointID: string(q.accessPoint), NASID: nas}, nas, station
	}
	// The usual case, as parts of one string.
	var room [3 * maxAttributeLen]byte
	b := append(append(append(room[:0], q.station...), q.accessPoint...), q.nasID...)
	s, ap, end := string(b), len(q.station), len(q.station)+len(q.accessPoint)
	nas, station = s[end:], s[:ap]
	return eap.Peer{StationID: station, AccessPointID: s[ap:end], NASID: nas}, nas, station
}

// complete has the peer completed by f, which may be nil.
func (q *request) complete(f func(*layeh.Request, *eap.Peer), peer *eap.Peer) {
	if f != nil {
		// A copy, lest every peer is allocated for the sake of f.
		p := *peer
		f(q.r, &p)
		*peer = p
	}
}

// nas returns the NAS's name: NAS-Identifier, else its own address, else the
// one that it sends from.
func (q *request) nas() string {
	if len(q.nasID) > 0 {
		return string(q.nasID)
	}
	if addr, ok := netip.AddrFromSlice(q.nasIP); ok {
		return addr.String()
	}
	if q.client.IsValid() {
		return q.client.String()
	}
	return ""
}

// isNAS reports whether the NAS is the one of the given name.
func (q *request) isNAS(name string) bool {
	if len(q.nasID) > 0 {
		return string(q.nasID) == name // without making a string
	}
	return q.nas() == name
}

// Framed-MTU below the least that RFC 2865, section 5.12, allows is no limit.
const minFramedMTU = 64

// NAS-Port-Types whose Framed-MTU counts the 802.1X header too (RFC 3580,
// section 3.10; RFC 3579, section 2.4).
const (
	portEthernet  = 15
	portIEEE80211 = 19
	eapolOverhead = 4
)

// maxEAP returns how long an EAP packet to the peer may be, 0 if the request
// does not say.
func (q *request) maxEAP() int {
	n := int(min(q.framedMTU, 1<<16))
	if n < minFramedMTU {
		return 0
	}
	if q.portType == portEthernet || q.portType == portIEEE80211 {
		n -= eapolOverhead
	}
	return n
}

// clientAddr returns the IP address of addr, invalid if it has none.
func clientAddr(addr net.Addr) netip.Addr {
	switch a := addr.(type) {
	case *net.UDPAddr:
		return a.AddrPort().Addr().Unmap()
	case nil:
		return netip.Addr{}
	case interface{ AddrPort() netip.AddrPort }:
		return a.AddrPort().Addr().Unmap()
	default:
		ap, _ := netip.ParseAddrPort(addr.String())
		return ap.Addr().Unmap()
	}
}
