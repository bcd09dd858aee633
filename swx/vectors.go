package swx

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/opentwag/twag/aka"
	"github.com/opentwag/twag/diameter/wire"
)

// Lengths of a vector's parts (TS 33.102, clauses 6.3.2 and 6.3.3).
const (
	randOctets    = 16
	autnOctets    = 16
	autsOctets    = 14
	keyOctets     = 16
	minXRESOctets = 4
	maxXRESOctets = 16
)

// Vectors returns the vectors of a successful answer in the order in which to
// use them: by SIP-Item-Number if all items have one, else as they came.
//
// All of them are as scheme says, if they say so, and whole: RAND and AUTN of
// 16 octets each, XRES of 4 to 16, CK and IK of 16. One that is not spoils the
// answer, since its like can't be told from a mix-up in the HSS. How many
// there are is not compared with SIP-Number-Auth-Items, but there is one at
// least.
//
// networkName and primed are set in the vectors as they are: primed is whether
// the HSS derived CK' and IK'.
//
// The error is a [*DecodeError]; with the wrong scheme it wraps
// aka.ErrSchemeNotSupported. The result holds no memory of m.
func (m *MAA) Vectors(scheme aka.Scheme, primed bool, networkName string) ([]aka.Vector, error) {
	if len(m.Items) == 0 {
		return nil, &DecodeError{
			ResultCode: ResultMissingAVP,
			AVP:        wire.AVP{Code: codeAuthDataItem, Vendor: Vendor3GPP},
			Err:        errNoVector,
		}
	}
	numbered := true
	for i := range m.Items {
		numbered = numbered && m.Items[i].Numbered
	}
	if numbered && len(m.Items) > 1 {
		slices.SortStableFunc(m.Items, func(a, b AuthItem) int { return cmp.Compare(a.Number, b.Number) })
	}
	if !primed {
		networkName = ""
	}
	vectors := make([]aka.Vector, len(m.Items))
	for i := range m.Items {
		v := &vectors[i]
		if err := m.Items[i].vector(v, scheme.String()); err != nil {
			clear(vectors)
			return nil, err
		}
		v.Primed, v.NetworkName = primed, networkName
	}
	return vectors, nil
}

// vector copies the item into v.
func (it *AuthItem) vector(v *aka.Vector, scheme string) error {
	if it.Scheme != nil && string(it.Scheme) != scheme {
		return wrongItem(codeAuthenticationScheme, fmt.Errorf("%w: %w", errScheme, aka.ErrSchemeNotSupported))
	}
	n := len(it.Authorization)
	switch {
	case len(it.Authenticate) != randOctets+autnOctets:
		return wrongItem(codeAuthenticate, lengthError(it.Authenticate))
	case n < minXRESOctets || n > maxXRESOctets:
		return wrongItem(codeAuthorization, lengthError(it.Authorization))
	case len(it.CK) != keyOctets:
		return wrongItem(codeConfidentialityKey, lengthError(it.CK))
	case len(it.IK) != keyOctets:
		return wrongItem(codeIntegrityKey, lengthError(it.IK))
	}
	copy(v.RAND[:], it.Authenticate)
	copy(v.AUTN[:], it.Authenticate[randOctets:])
	v.XRESLen = uint8(copy(v.XRES[:], it.Authorization))
	copy(v.CK[:], it.CK)
	copy(v.IK[:], it.IK)
	return nil
}

// wrongItem blames an AVP of an item, without its data: that may be a key.
func wrongItem(code uint32, err error) error {
	return &DecodeError{ResultCode: ResultInvalidAVPValue, AVP: wire.AVP{Code: code, Vendor: Vendor3GPP}, Err: err}
}

func lengthError(b []byte) error {
	if b == nil {
		return errMissing
	}
	return fmt.Errorf("%w: %d octets", errLength, len(b))
}
