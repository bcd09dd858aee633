package tuak

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// ErrConfig is wrapped by the errors of [New], [NewFromTOP] and [TOPc].
var ErrConfig = errors.New("tuak: invalid configuration")

// Config is an operator's choice of lengths, in octets. A zero field is its
// default.
type Config struct {
	// MACLen is the length of MAC-A and MAC-S: 8 (default), 16 or 32.
	MACLen int
	// RESLen is the length of RES: 4, 8 (default), 16 or 32.
	RESLen int
	// CKLen is the length of CK: 16 (default) or 32.
	CKLen int
	// IKLen is the length of IK: 16 (default) or 32.
	IKLen int
	// Iterations is how many times the permutation runs: 1 (default) to
	// MaxIterations.
	Iterations int
}

// MaxIterations bounds Config.Iterations. The standard recommends 1 and names
// no bound; ours keeps a slip in a configuration from stopping an
// authentication centre.
const MaxIterations = 255

func (c Config) withDefaults() Config {
	for _, f := range []struct {
		field *int
		def   int
	}{{&c.MACLen, 8}, {&c.RESLen, 8}, {&c.CKLen, 16}, {&c.IKLen, 16}, {&c.Iterations, 1}} {
		if *f.field == 0 {
			*f.field = f.def
		}
	}
	return c
}

// Validate returns an error that names the first field with a value that the
// standard does not have.
func (c Config) Validate() error {
	c = c.withDefaults()
	switch {
	case c.MACLen != 8 && c.MACLen != 16 && c.MACLen != 32:
		return fmt.Errorf("%w: MACLen %d", ErrConfig, c.MACLen)
	case c.RESLen != 4 && c.RESLen != 8 && c.RESLen != 16 && c.RESLen != 32:
		return fmt.Errorf("%w: RESLen %d", ErrConfig, c.RESLen)
	case c.CKLen != 16 && c.CKLen != 32:
		return fmt.Errorf("%w: CKLen %d", ErrConfig, c.CKLen)
	case c.IKLen != 16 && c.IKLen != 32:
		return fmt.Errorf("%w: IKLen %d", ErrConfig, c.IKLen)
	case c.Iterations < 1 || c.Iterations > MaxIterations:
		return fmt.Errorf("%w: Iterations %d", ErrConfig, c.Iterations)
	}
	return nil
}

// Bits of INSTANCE (TS 35.231, clause 6). The first bit of the standard's
// numbering is the highest here. The three bits from 0x20 to 0x08 are the
// length of MAC or RES in octets, with none set for a RES of 4.
const (
	instanceF1Star = 0x80
	instanceF2345  = 0x40
	instanceF5Star = 0xc0
	instanceCK256  = 0x04
	instanceIK256  = 0x02
	instanceK256   = 0x01
)

// Cipher is TUAK with the K and TOPc of one subscriber. It is immutable, safe
// for concurrent use, and prints as "tuak.Cipher[redacted]".
type Cipher struct {
	cfg  Config
	k256 byte
	// start is the state with all that does not change from call to call.
	start state
}

// New returns the Cipher of a subscriber with key k, of 16 or 32 octets, and
// operator variant topc.
func New(k []byte, topc [32]byte, cfg Config) (*Cipher, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if len(k) != 16 && len(k) != 32 {
		return nil, fmt.Errorf("%w: K of %d octets", ErrConfig, len(k))
	}
	c := &Cipher{cfg: cfg.withDefaults()}
	if len(k) == 32 {
		c.k256 = instanceK256
	}
	// The standard writes every input last octet first, so a lane is eight
	// octets of it in big-endian order.
	for i := range 4 {
		c.start[i] = binary.BigEndian.Uint64(topc[24-8*i:])
	}
	for i := range len(k) / 8 {
		c.start[8+i] = binary.BigEndian.Uint64(k[len(k)-8-8*i:])
	}
	c.start[4] = 0x5455414b312e30 << 8 // ALGONAME "TUAK1.0", then INSTANCE
	c.start[12] = 0x1f                 // padding from bit 768 on
	c.start[16] = 0x80 << 56           // to bit 1087
	return c, nil
}

// NewFromTOP is New for a subscriber of whom the operator's TOP is known
// instead of the TOPc made of it.
func NewFromTOP(k []byte, top [32]byte, cfg Config) (*Cipher, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	topc, err := TOPc(k, top, cfg.withDefaults().Iterations)
	if err != nil {
		return nil, err
	}
	return New(k, topc, cfg)
}

// TOPc returns the TOPc of key k, of 16 or 32 octets, under the operator's
// TOP. Iterations 0 means 1.
//
// TS 35.231, clause 6.
func TOPc(k []byte, top [32]byte, iterations int) (topc [32]byte, err error) {
	c, err := New(k, top, Config{Iterations: iterations})
	if err != nil {
		return [32]byte{}, err
	}
	s := c.run(0, [16]byte{}, 0)
	s.read(topc[:], 0)
	return topc, nil
}

// Config returns the lengths in use, defaults filled in.
func (c *Cipher) Config() Config { return c.cfg }

// F1 returns MAC-A in the first MACLen octets of mac.
//
// TS 35.231, clause 6.
func (c *Cipher) F1(rand [16]byte, sqn [6]byte, amf [2]byte) (mac [32]byte) {
	return c.mac(0, rand, sqn, amf)
}

// F1Star returns MAC-S in the first MACLen octets of mac. In an AUTS the AMF is
// all zero, whatever that of the challenge was (TS 33.102, clause 6.3.3).
//
// TS 35.231, clause 6.
func (c *Cipher) F1Star(rand [16]byte, sqn [6]byte, amf [2]byte) (mac [32]byte) {
	return c.mac(instanceF1Star, rand, sqn, amf)
}

func (c *Cipher) mac(instance byte, rand [16]byte, sqn [6]byte, amf [2]byte) (mac [32]byte) {
	s := c.run(instance|byte(c.cfg.MACLen), rand,
		uint64(binary.BigEndian.Uint32(sqn[:4]))<<32|
			uint64(binary.BigEndian.Uint16(sqn[4:]))<<16|
			uint64(binary.BigEndian.Uint16(amf[:])))
	s.read(mac[:c.cfg.MACLen], 0)
	return mac
}

// F2345 returns what f2, f3, f4 and f5 make of a challenge: the response, the
// cipher key, the integrity key and the anonymity key, in the first RESLen,
// CKLen and IKLen octets.
//
// TS 35.231, clause 6.
func (c *Cipher) F2345(rand [16]byte) (res, ck, ik [32]byte, ak [6]byte) {
	instance := byte(instanceF2345)
	if c.cfg.RESLen > 4 {
		instance |= byte(c.cfg.RESLen)
	}
	if c.cfg.CKLen == 32 {
		instance |= instanceCK256
	}
	if c.cfg.IKLen == 32 {
		instance |= instanceIK256
	}
	s := c.run(instance, rand, 0)
	s.read(res[:c.cfg.RESLen], 0)
	s.read(ck[:c.cfg.CKLen], 4)
	s.read(ik[:c.cfg.IKLen], 8)
	s.read(ak[:], 12)
	return res, ck, ik, ak
}

// F5Star returns AK*, the anonymity key of f5* that hides SQN_MS in an AUTS.
//
// TS 35.231, clause 6.
func (c *Cipher) F5Star(rand [16]byte) (akStar [6]byte) {
	s := c.run(instanceF5Star, rand, 0)
	s.read(akStar[:], 12)
	return akStar
}

// run fills in what changes and permutes. sqnAMF is SQN and AMF in 64 bits.
func (c *Cipher) run(instance byte, rand [16]byte, sqnAMF uint64) state {
	s := c.start
	s[4] |= uint64(instance | c.k256)
	s[5] = binary.BigEndian.Uint64(rand[8:])
	s[6] = binary.BigEndian.Uint64(rand[:8])
	s[7] = sqnAMF
	for range c.cfg.Iterations {
		s.permute()
	}
	return s
}

// read fills dst with the octets from a lane on, last octet first.
func (a *state) read(dst []byte, lane int) {
	for ; len(dst) >= 8; lane++ {
		binary.BigEndian.PutUint64(dst[len(dst)-8:], a[lane])
		dst = dst[:len(dst)-8]
	}
	for i := range dst {
		dst[len(dst)-1-i] = byte(a[lane] >> (8 * i))
	}
}

// String implements fmt.Stringer without giving the key away.
func (*Cipher) String() string { return "tuak.Cipher[redacted]" }

// GoString implements fmt.GoStringer without giving the key away.
func (c *Cipher) GoString() string { return c.String() }

// Format implements fmt.Formatter, so that no verb prints the key.
func (c *Cipher) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, c.String()) }
