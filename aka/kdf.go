package aka

// KDFDefault is the AT_KDF of CK' and IK' as RFC 9048, section 3.3, has them.
const KDFDefault uint16 = 1

// kdfOffer is the key derivation functions offered in one run, and what the
// peer has made of them (RFC 9048, section 3.2). AT_KDF_FS is negotiated in
// the same way (RFC 9678, section 6.2).
type kdfOffer struct {
	base KDFList
	// chosen is one more than the place in base of the function that the
	// peer chose instead of the first; 0 while it has not. There is one
	// change in a run, as the peer judges any other list as an attack.
	chosen uint8
}

// list is the offer as it goes into a challenge: after a change, the choice in
// front of the whole first list, so that it is there twice.
func (o *kdfOffer) list() KDFList {
	if o.chosen == 0 {
		return o.base
	}
	l := NewKDFList(o.base.At(int(o.chosen) - 1))
	for i := range o.base.Len() {
		l.append(o.base.At(i))
	}
	return l
}

// change takes the peer's choice. It fails for one that was not offered, for
// the first, which needs no asking, and for a second change; all count as a bad
// AT_MAC.
func (o *kdfOffer) change(v uint16) bool {
	if o.chosen != 0 {
		return false
	}
	for i := 1; i < o.base.Len(); i++ {
		if o.base.At(i) == v && v != o.base.At(0) {
			o.chosen = uint8(i + 1)
			return true
		}
	}
	return false
}
