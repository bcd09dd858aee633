package wire

import "crypto/md5"

// maxHidden bounds the octets that Reveal works on: a value of RADIUS.
const maxHidden = MaxValueLen

// Reveal appends to b the clear text of a salted value: the salt of two
// octets, then the cipher text, in blocks of 16 (RFC 2548, section 2.4.2;
// RFC 2868, section 3.5). auth is the authenticator of the request. ok is
// false when the value's shape is wrong.
func Reveal(b, value, secret []byte, auth *[AuthenticatorLen]byte) (clearText []byte, ok bool) {
	if len(value) < 2+md5.Size || len(value) > maxHidden || (len(value)-2)%md5.Size != 0 {
		return b, false
	}
	var (
		buf   [512]byte
		plain [256]byte
	)
	in := append(buf[:0], secret...)
	in = append(in, auth[:]...)
	in = append(in, value[:2]...)
	n := 0
	for c := value[2:]; len(c) > 0; c = c[md5.Size:] {
		pad := md5.Sum(in)
		for i := range pad {
			plain[n+i] = pad[i] ^ c[i]
		}
		n += md5.Size
		in = append(append(in[:0], secret...), c[:md5.Size]...)
	}
	size := int(plain[0])
	if size > n-1 {
		return b, false
	}
	return append(b, plain[1:1+size]...), true
}
