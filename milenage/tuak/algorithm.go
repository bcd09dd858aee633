package tuak

import (
	"fmt"

	"github.com/opentwag/twag/milenage"
)

// Algorithm returns the cipher as a milenage.Algorithm. Its MAC must have 8
// octets, CK and IK 16, RES at most 16: EAP has no room for more (RFC 4187,
// sections 10.7 and 10.8; TS 33.102, clause 6.3.2). The error wraps
// [ErrConfig].
func (c *Cipher) Algorithm() (milenage.Algorithm, error) {
	if c.cfg.MACLen != 8 || c.cfg.CKLen != 16 || c.cfg.IKLen != 16 || c.cfg.RESLen > 16 {
		return nil, fmt.Errorf("%w: MAC, RES, CK, IK of %d, %d, %d, %d octets do not fit EAP",
			ErrConfig, c.cfg.MACLen, c.cfg.RESLen, c.cfg.CKLen, c.cfg.IKLen)
	}
	return algorithm{c}, nil
}

type algorithm struct{ *Cipher }

func (a algorithm) F1(rand [16]byte, sqn [6]byte, amf [2]byte) [8]byte {
	mac := a.Cipher.F1(rand, sqn, amf)
	return [8]byte(mac[:8])
}

func (a algorithm) F1Star(rand [16]byte, sqn [6]byte, amf [2]byte) [8]byte {
	mac := a.Cipher.F1Star(rand, sqn, amf)
	return [8]byte(mac[:8])
}

func (a algorithm) F2345(rand [16]byte) milenage.Output {
	res, ck, ik, ak := a.Cipher.F2345(rand)
	return milenage.Output{
		RES: [16]byte(res[:16]), RESLen: uint8(a.cfg.RESLen),
		CK: [16]byte(ck[:16]), IK: [16]byte(ik[:16]), AK: ak,
	}
}
