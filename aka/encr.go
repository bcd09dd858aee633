package aka

import (
	"crypto/aes"
	"crypto/subtle"
)

// Decrypt appends to b the plaintext of m's AT_ENCR_DATA, decrypted with k's
// K_encr and AT_IV. DecodeNested reads it.
//
// AES-128 in CBC mode without padding of its own: AT_PADDING does that. The
// caller has verified AT_MAC first, and there is no oracle in the padding.
//
// RFC 4187, section 10.12.
func (m *Message) Decrypt(b []byte, k *Keys) ([]byte, error) {
	if !m.Has(AttrEncrData) || !m.Has(AttrIV) {
		return b, &AttrError{Subtype: m.Subtype, Attr: AttrEncrData, Err: ErrMissing}
	}
	c, err := aes.NewCipher(k.KEncr[:])
	if err != nil {
		return b, err
	}
	start := len(b)
	b = append(b, m.EncrData...)
	plain, prev := b[start:], m.IV
	for i := 0; i < len(plain); i += aes.BlockSize {
		block := plain[i : i+aes.BlockSize]
		c.Decrypt(block, block)
		subtle.XORBytes(block, block, prev)
		prev = m.EncrData[i : i+aes.BlockSize]
	}
	return b, nil
}

// Encrypt appends AT_IV and an AT_ENCR_DATA with the attributes that nested
// appends, padded with AT_PADDING and encrypted with k's K_encr. The iv is
// fresh and random for every message.
//
// RFC 4187, section 10.12.
func (m *Builder) Encrypt(k *Keys, iv [16]byte, nested func(*Builder)) {
	at := m.beginEncr(&iv)
	nested(m)
	m.endEncr(k, &iv, at)
}

// beginEncr appends AT_IV and the head of AT_ENCR_DATA, and returns where that
// is. With what is appended from there to endEncr it does what Encrypt does,
// which moves the Builder to the heap for the sake of nested.
func (m *Builder) beginEncr(iv *[16]byte) int {
	m.Octets(AttrIV, iv[:])
	at := len(m.b)
	m.b = append(m.b, byte(AttrEncrData), 0, 0, 0)
	return at
}

func (m *Builder) endEncr(k *Keys, iv *[16]byte, at int) {
	if m.err != nil {
		return
	}
	plainAt := at + attrUnit
	if n := (len(m.b) - plainAt) % aes.BlockSize; n != 0 {
		n = aes.BlockSize - n
		if n%attrUnit != 0 {
			m.fail(AttrEncrData, ErrLength)
			return
		}
		m.b = append(m.b, byte(AttrPadding), byte(n/attrUnit))
		for range n - attrHeaderLen {
			m.b = append(m.b, 0)
		}
	}
	units := (len(m.b) - at) / attrUnit
	if units < 5 || units > 255 {
		m.fail(AttrEncrData, ErrLength)
		return
	}
	m.b[at+1] = byte(units)
	c, err := aes.NewCipher(k.KEncr[:])
	if err != nil {
		m.fail(AttrEncrData, err)
		return
	}
	plain, prev := m.b[plainAt:], iv[:]
	for i := 0; i < len(plain); i += aes.BlockSize {
		block := plain[i : i+aes.BlockSize]
		subtle.XORBytes(block, block, prev)
		c.Encrypt(block, block)
		prev = block
	}
}
