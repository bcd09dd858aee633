package eaptest

import (
	"crypto/aes"
	"crypto/cipher"
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
	// Attrs are the attributes, encoded. Nothing checks them. AT_IV and
	// AT_ENCR_DATA are put in front of them if there is something Nested.
	Attrs []byte
	// Nested are the attributes inside of AT_ENCR_DATA. AT_PADDING is added
	// where they do not fill the blocks.
	Nested []byte
	// IV is what encrypts them.
	IV [16]byte
	// Sign fills in the first AT_MAC that a receiver would find in Attrs.
	Sign bool
	// MACExtra is what AT_MAC covers besides the packet.
	MACExtra []byte
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

// AddNested appends an attribute to those in AT_ENCR_DATA.
func (d *Draft) AddNested(t aka.AttrType, value ...byte) {
	d.Nested = append(d.Nested, byte(t), byte((2+len(value))/4))
	d.Nested = append(d.Nested, value...)
}

// Become makes the draft another message, without attributes and MAC.
func (d *Draft) Become(s aka.Subtype) {
	d.Subtype, d.Attrs, d.Nested, d.Sign = s, nil, nil, false
}

// open decrypts AT_ENCR_DATA, so that what is in it can be changed.
func (d *Draft) open(k *aka.Keys) {
	iv, data := d.Remove(aka.AttrIV), d.Remove(aka.AttrEncrData)
	if iv == nil || data == nil {
		return
	}
	d.IV = [16]byte(iv[2:])
	d.Nested = data[2:]
	cipher.NewCBCDecrypter(encrypter(k), d.IV[:]).CryptBlocks(d.Nested, d.Nested)
	if at, n := findAttr(d.Nested, aka.AttrPadding); n > 0 {
		d.Nested = d.Nested[:at]
	}
}

// seal puts AT_IV and AT_ENCR_DATA in front of the attributes.
func (d *Draft) seal(k *aka.Keys) []byte {
	if len(d.Nested) == 0 {
		return d.Attrs
	}
	plain := append([]byte(nil), d.Nested...)
	if n := aes.BlockSize - len(plain)%aes.BlockSize; n < aes.BlockSize {
		padding := make([]byte, n)
		padding[0], padding[1] = byte(aka.AttrPadding), byte(n/4)
		plain = append(plain, padding...)
	}
	cipher.NewCBCEncrypter(encrypter(k), d.IV[:]).CryptBlocks(plain, plain)
	var front Draft
	front.Add(aka.AttrIV, append([]byte{0, 0}, d.IV[:]...)...)
	front.Add(aka.AttrEncrData, append([]byte{0, 0}, plain...)...)
	return append(front.Attrs, d.Attrs...)
}

func encrypter(k *aka.Keys) cipher.Block {
	c, err := aes.NewCipher(k.KEncr[:])
	if err != nil {
		panic(err) // the key has the right length
	}
	return c
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
	attrs := d.seal(k)
	pkt = append(pkt, attrs...)
	eap.EndPacket(pkt, 0)
	if at, n := findAttr(attrs, aka.AttrMAC); d.Sign && n == 4+macLen {
		sign(pkt, pkt[akaHeaderLen+at+4:akaHeaderLen+at+n], d.MACExtra, k)
	}
	return pkt
}

// sign fills in mac, a part of pkt. It has nothing in common with the code
// that servers use for it.
func sign(pkt, mac, extra []byte, k *aka.Keys) {
	var h hash.Hash
	if k.Method == eap.TypeAKAPrime {
		h = hmac.New(sha256.New, k.KAut[:])
	} else {
		h = hmac.New(sha1.New, k.KAut[:16])
	}
	clear(mac)
	h.Write(pkt)
	h.Write(extra)
	copy(mac, h.Sum(nil))
}
