package eaptest

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"hash"

	"github.com/opentwag/twag/aka"
	"github.com/opentwag/twag/eap"
)

// Draft is a response that is about to be sent, open to changes.
type Draft struct {
	Code       eap.Code
	Identifier uint8
	Type       eap.Type
	Subtype    aka.Subtype
	Reserved   [2]byte
	// Attrs are the attributes, encoded. Nothing checks them.
	Attrs []byte
	// Sign fills in the first AT_MAC that a receiver would find in Attrs.
	Sign bool
}

const (
	eapHeaderLen = 5 // with Type
	akaHeaderLen = 8
	macLen       = 16
)

// Add appends an attribute; value is all that follows its type and length, a
// multiple of 4 octets with these two.
func (d *Draft) Add(t aka.AttrType, value ...byte) {
	d.Attrs = append(d.Attrs, byte(t), byte((2+len(value))/4))
	d.Attrs = append(d.Attrs, value...)
}

// AddFirst puts an attribute in front of the others.
func (d *Draft) AddFirst(t aka.AttrType, value ...byte) {
	rest := d.Attrs
	d.Attrs = nil
	d.Add(t, value...)
	d.Attrs = append(d.Attrs, rest...)
}

// Remove takes the first attribute of type t away, and returns what followed
// its type and length.
func (d *Draft) Remove(t aka.AttrType) (value []byte) {
	at, n := findAttr(d.Attrs, t)
	if n == 0 {
		return nil
	}
	value = append(value, d.Attrs[at+2:at+n]...)
	d.Attrs = append(d.Attrs[:at:at], d.Attrs[at+n:]...)
	return value
}

// Value returns what follows type and length of the first attribute of type t,
// to be changed in place; nil if there is none.
func (d *Draft) Value(t aka.AttrType) []byte {
	at, n := findAttr(d.Attrs, t)
	if n == 0 {
		return nil
	}
	return d.Attrs[at+2 : at+n]
}

// Become makes the draft another message, without attributes and MAC.
func (d *Draft) Become(s aka.Subtype) {
	d.Subtype, d.Attrs, d.Sign = s, nil, false
}

func findAttr(attrs []byte, t aka.AttrType) (at, n int) {
	for len(attrs)-at >= 4 {
		n = int(attrs[at+1]) * 4
		if n == 0 || n > len(attrs)-at {
			return 0, 0
		}
		if aka.AttrType(attrs[at]) == t {
			return at, n
		}
		at += n
	}
	return 0, 0
}

// encode returns the draft as a packet.
func (d *Draft) encode(k *aka.Keys) []byte {
	pkt := eap.AppendHeader(nil, d.Code, d.Identifier, d.Type)
	pkt = append(pkt, byte(d.Subtype), d.Reserved[0], d.Reserved[1])
	pkt = append(pkt, d.Attrs...)
	eap.EndPacket(pkt, 0)
	if at, n := findAttr(d.Attrs, aka.AttrMAC); d.Sign && n == 4+macLen {
		sign(pkt, pkt[akaHeaderLen+at+4:akaHeaderLen+at+n], k)
	}
	return pkt
}

// sign fills in mac, a part of pkt. It has nothing in common with the code
// that servers use for it.
func sign(pkt, mac []byte, k *aka.Keys) {
	var h hash.Hash
	if k.Method == eap.TypeAKAPrime {
		h = hmac.New(sha256.New, k.KAut[:])
	} else {
		h = hmac.New(sha1.New, k.KAut[:16])
	}
	clear(mac)
	h.Write(pkt)
	copy(mac, h.Sum(nil))
}
