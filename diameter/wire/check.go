package wire

import (
	"encoding/binary"
	"fmt"
)

// Limits bound what [Check] accepts. Zero fields mean the defaults.
type Limits struct {
	// AVPs is the number of AVPs in a message, those in groups included.
	// Default 4096.
	AVPs int
	// Depth is how deep groups may nest; an AVP of the message has depth 1.
	// Default 16.
	Depth int
	// Grouped tells which AVPs are Grouped. nil: none, only the message's own
	// AVPs are looked at.
	Grouped func(code, vendor uint32) bool
}

// Default limits.
const (
	DefaultMaxAVPs  = 4096
	DefaultMaxDepth = 16
)

// AVPError is an AVP that can't be accepted, with what a Failed-AVP AVP needs
// of it (RFC 6733, section 7.5).
type AVPError struct {
	AVP    AVP // of the header what could be read; Data is nil if the length is wrong
	Offset int // of the AVP in the message, or in the group it was read from
	Err    error
}

func (e *AVPError) Error() string { return e.Err.Error() }

// Unwrap returns Err, which wraps ErrAVPLength or ErrTooMany.
func (e *AVPError) Unwrap() error { return e.Err }

// Check walks m's AVPs, and those of its groups, and returns an [*AVPError] at
// the first one whose length does not fit or that is one too many. It
// allocates nothing when all is well.
func Check(m Message, l Limits) error {
	_, err := Count(m, l)
	return err
}

// Count is Check that also tells how many AVPs there are.
func Count(m Message, l Limits) (int, error) {
	if l.AVPs == 0 {
		l.AVPs = DefaultMaxAVPs
	}
	if l.Depth == 0 {
		l.Depth = DefaultMaxDepth
	}
	c := checker{Limits: l}
	if err := c.walk(m[HeaderLen:], HeaderLen, 1); err != nil {
		return c.n, err
	}
	return c.n, nil
}

type checker struct {
	Limits
	n int
}

func (c *checker) walk(b []byte, base, depth int) error {
	r := NewReader(b)
	var a AVP
	for {
		at := base + r.off
		if !r.Next(&a) {
			if r.err == nil {
				return nil
			}
			return &AVPError{AVP: brokenAVP(r.Rest()), Offset: at, Err: r.err}
		}
		if c.n++; c.n > c.AVPs {
			return &AVPError{AVP: a, Offset: at, Err: fmt.Errorf("%w: more than %d", ErrTooMany, c.AVPs)}
		}
		if c.Grouped == nil || !c.Grouped(a.Code, a.Vendor) {
			continue
		}
		if depth == c.Depth && len(a.Data) > 0 {
			return &AVPError{AVP: a, Offset: at, Err: fmt.Errorf("%w: deeper than %d", ErrTooMany, c.Depth)}
		}
		inner := at + avpHeaderLen
		if a.Flags&FlagVendor != 0 {
			inner = at + avpVendorHeaderLen
		}
		if err := c.walk(a.Data, inner, depth+1); err != nil {
			return err
		}
	}
}

// brokenAVP returns what can be read of the AVP header that b begins with,
// the missing octets taken as zero (RFC 6733, section 7.1.5, 5014).
func brokenAVP(b []byte) AVP {
	var h [avpVendorHeaderLen]byte
	copy(h[:], b)
	a := AVP{Code: binary.BigEndian.Uint32(h[:]), Flags: h[4]}
	if a.Flags&FlagVendor != 0 {
		a.Vendor = binary.BigEndian.Uint32(h[8:])
	}
	return a
}
