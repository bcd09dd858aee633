package eapradius

import (
	"crypto/md5"
	"encoding/binary"
)

// MS-MPPE keys (RFC 2548, section 2.4), as they are within the value of a
// Vendor-Specific attribute.
const (
	vendorMicrosoft = 311
	mppeSendKey     = 16
	mppeRecvKey     = 17

	mppeKeyLen = 32
	// mppeValueLen is Vendor-Id, type, length, salt, and the hidden key: its
	// length and 32 octets, padded to a multiple of 16.
	mppeValueLen = 4 + 2 + 2 + 48
)

// appendMPPE appends the value of the Vendor-Specific attribute that carries
// key, hidden with the secret and the request's authenticator. The high bit of
// salt must be set, and salts must differ within a packet.
//
// The key is one of 32 octets: others would need other padding.
func appendMPPE(b []byte, vendorType byte, key *[mppeKeyLen]byte, salt uint16, secret []byte, requestAuth *[16]byte) []byte {
	b = binary.BigEndian.AppendUint32(b, vendorMicrosoft)
	b = append(b, vendorType, mppeValueLen-4)
	b = binary.BigEndian.AppendUint16(b, salt)
	hidden := len(b)
	b = append(b, mppeKeyLen)
	b = append(b, key[:]...)
	b = append(b, make([]byte, 48-1-mppeKeyLen)...)

	var scratch [128]byte // on the stack; a longer secret goes to the heap
	in := append(scratch[:0], secret...)
	in = append(in, requestAuth[:]...)
	in = binary.BigEndian.AppendUint16(in, salt)
	for i := hidden; i < len(b); i += md5.Size {
		pad := md5.Sum(in)
		block := b[i : i+md5.Size]
		for k := range pad {
			block[k] ^= pad[k]
		}
		in = append(in[:len(secret)], block...)
	}
	return b
}
