package radiustest

import (
	"bytes"
	"encoding/binary"

	layeh "layeh.com/radius"

	"github.com/opentwag/twag/radius"
	"github.com/opentwag/twag/radius/internal/wire"
)

// Hostile is a datagram that a server must drop: no answer, no call of a
// handler, and no change to anything but a counter.
type Hostile struct {
	Name   string
	Octets []byte
	// Reason is what the server counts it as.
	Reason radius.DropReason
}

// HostileDatagrams returns datagrams that a server must drop that shares
// secret with their sender and requires Message-Authenticator of all
// Access-Requests, as it should. All but a few are authentic in every way but
// the one that their name says.
func HostileDatagrams(secret radius.Secret) []Hostile {
	key := wire.NewKey([]byte(secret))
	p := layeh.New(layeh.CodeAccessRequest, []byte(secret))
	p.Add(attrUserName, layeh.Attribute("mallory"))
	p.Add(wire.AttrEAPMessage, layeh.Attribute{2, 0, 0, 12, 1, 'm', 'a', 'l', 'l', 'o', 'r', 'y'})
	access := mustSign(p)
	acct := layeh.New(layeh.CodeAccountingRequest, []byte(secret))
	acct.Add(40, layeh.Attribute{0, 0, 0, 1})
	accounting := mustSign(acct)

	// sealed returns b with its Length set and signed again.
	sealed := func(b []byte) []byte {
		wire.SetLength(b)
		key.SignRequest(b, wire.HeaderLen+2)
		return b
	}
	with := func(tail ...byte) []byte { return sealed(append(bytes.Clone(access), tail...)) }
	changed := func(b []byte, at int, to byte) []byte {
		b = bytes.Clone(b)
		b[at] ^= to
		return b
	}
	length := func(n uint16) []byte {
		b := bytes.Clone(access)
		binary.BigEndian.PutUint16(b[2:], n)
		return b
	}
	bare := func(code byte, attrs ...byte) []byte {
		b := append([]byte{code, 1, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}, attrs...)
		wire.SetLength(b)
		return b
	}
	mac := access[wire.HeaderLen : wire.HeaderLen+18]

	return []Hostile{
		{"nothing", nil, radius.DropLength},
		{"one octet", access[:1], radius.DropLength},
		{"half a header", access[:19], radius.DropLength},
		{"truncated", access[:len(access)-1], radius.DropLength},
		{"Length 0", length(0), radius.DropLength},
		{"Length 19", length(19), radius.DropLength},
		{"Length one beyond the end", length(uint16(len(access) + 1)), radius.DropLength},
		{"Length 65535", length(65535), radius.DropLength},
		{"longer than 4096", append(length(4097), make([]byte, 4097)...), radius.DropLength},
		{"code 0", changed(access, 0, 1), radius.DropCode},
		{"an answer", changed(access, 0, 3), radius.DropCode},
		{"code 255", changed(access, 0, 254), radius.DropCode},
		{"attribute of length 0", with(1, 0), radius.DropMalformed},
		{"attribute of length 1", with(1, 1), radius.DropMalformed},
		{"attribute over the end", with(1, 3), radius.DropMalformed},
		{"attribute of length 255 at the end", with(1, 255), radius.DropMalformed},
		{"a lone octet at the end", with(1), radius.DropMalformed},
		{"no attributes", bare(wire.AccessRequest), radius.DropNoMessageAuthenticator},
		{"no Message-Authenticator", bare(wire.AccessRequest, 1, 3, 'x'), radius.DropNoMessageAuthenticator},
		{"EAP without Message-Authenticator", bare(wire.AccessRequest, 79, 7, 2, 0, 0, 5, 1), radius.DropNoMessageAuthenticator},
		{"Status-Server without Message-Authenticator", bare(wire.StatusServer), radius.DropNoMessageAuthenticator},
		{"wrong Message-Authenticator", changed(access, wire.HeaderLen+2, 1), radius.DropBadMessageAuthenticator},
		{"wrong last octet of it", changed(access, wire.HeaderLen+17, 0x80), radius.DropBadMessageAuthenticator},
		{"zero Message-Authenticator", bare(wire.AccessRequest, append([]byte{80, 18}, make([]byte, 16)...)...), radius.DropBadMessageAuthenticator},
		{"two Message-Authenticators", with(mac...), radius.DropBadMessageAuthenticator},
		{"short Message-Authenticator", bare(wire.AccessRequest, 80, 4, 0, 0), radius.DropBadMessageAuthenticator},
		{"empty Message-Authenticator", bare(wire.AccessRequest, 80, 2), radius.DropBadMessageAuthenticator},
		{"another authenticator", changed(access, 4, 1), radius.DropBadMessageAuthenticator},
		{"another Identifier", changed(access, 1, 1), radius.DropBadMessageAuthenticator},
		{"another user", changed(access, wire.HeaderLen+20, 1), radius.DropBadMessageAuthenticator},
		{"accounting with a wrong authenticator", changed(accounting, 4, 1), radius.DropBadAuthenticator},
		{"accounting that was changed", changed(accounting, len(accounting)-1, 1), radius.DropBadAuthenticator},
	}
}

// mustSign signs a packet that has no reason to fail.
func mustSign(p *layeh.Packet) []byte {
	b, err := radius.SignRequest(p)
	if err != nil {
		panic(err)
	}
	return b
}
