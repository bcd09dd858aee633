package eaptest

import (
	"slices"
	"strings"

	"github.com/opentwag/twag/aka"
	"github.com/opentwag/twag/eap"
)

// kdfDefault is the key derivation function with CK' and IK' (RFC 9048,
// section 3.3).
const kdfDefault = 1

// onChallenge answers EAP-Request/AKA-Challenge.
//
// RFC 4187, section 9.3; for EAP-AKA', RFC 9048, section 3.
func (p *Peer) onChallenge(m *aka.Message) ([]byte, error) {
	if p.phase != phaseIdentity && p.phase != phaseChallenged && !p.startsAgain() {
		return p.clientError(ErrState)
	}
	if p.method == eap.TypeAKAPrime {
		if resp, err := p.negotiate(m); resp != nil || err != nil {
			return resp, err
		}
		if resp, err := p.negotiateFS(m); resp != nil || err != nil {
			return resp, err
		}
		if !m.Has(aka.AttrKDFInput) {
			return p.clientError(&aka.AttrError{Subtype: m.Subtype, Attr: aka.AttrKDFInput, Err: aka.ErrMissing})
		}
		if len(m.KDFInput) == 0 || !sameNetwork(p.cfg.NetworkName, string(m.KDFInput)) {
			return p.authReject(ErrNetworkName)
		}
	}
	p.rand, p.autn = [16]byte(m.RAND), [16]byte(m.AUTN)
	if p.method == eap.TypeAKAPrime && !aka.Separated(p.autn) {
		return p.authReject(ErrAUTN) // RFC 9048, section 3.3
	}
	verdict, out, auts := p.cfg.USIM.Authenticate(p.rand, p.autn)
	switch verdict {
	case WrongMAC:
		return p.authReject(ErrAUTN)
	case NotFresh:
		p.phase = phaseChallenged
		p.resyncs++
		b := p.message(aka.SubtypeSyncFailure)
		b.Octets(aka.AttrAUTS, auts[:])
		b.KDFs(p.kdfs)
		return p.send(&b, false)
	}
	p.out = out
	p.deriveKeys(string(m.KDFInput))
	if err := m.VerifyMAC(&p.keys, nil); err != nil {
		return p.clientError(err)
	}
	if err := p.checkChallenge(m); err != nil {
		return p.clientError(err)
	}
	if m.Bidding && p.prefersPrime() {
		return p.authReject(ErrBiddingDown)
	}
	if err := p.agreeFS(m); err != nil {
		return p.clientError(err)
	}
	p.resultInd = m.Has(aka.AttrResultInd) && p.cfg.ResultIndications
	p.phase = phaseAuthenticated

	b := p.message(aka.SubtypeChallenge)
	b.Octets(aka.AttrRES, out.RES[:out.RESLen])
	p.addPublic(&b)
	if !p.cfg.NoCheckcode {
		b.Octets(aka.AttrCheckcode, p.checkcodeValue())
	}
	if p.resultInd {
		b.Flag(aka.AttrResultInd)
	}
	return p.send(&b, true)
}

func (p *Peer) deriveKeys(networkName string) {
	if p.method == eap.TypeAKAPrime {
		ck, ik := aka.PrimeKeys(p.out.CK, p.out.IK, networkName, p.autn)
		p.keys = aka.AKAPrimeKeys(p.identity, ck, ik)
		return
	}
	p.keys = aka.AKAKeys(p.identity, p.out.CK, p.out.IK)
}

// checkChallenge checks what AT_MAC has shown to be the server's.
func (p *Peer) checkChallenge(m *aka.Message) error {
	if err := p.verifyCheckcode(m); err != nil {
		return err
	}
	p.next, p.counter = temporary{}, 0
	if !m.Has(aka.AttrEncrData) {
		return nil
	}
	nested, err := p.decrypt(m, &p.keys)
	if err != nil {
		return err
	}
	return p.takeTemporary(m, &nested)
}

// checkcodeValue returns the value of AT_CHECKCODE as the peer has it.
func (p *Peer) checkcodeValue() []byte {
	p.scratch = p.checkcode.Append(p.scratch[:0], p.method)
	return p.scratch
}

// prefersPrime reports whether the peer would rather do EAP-AKA' than EAP-AKA.
func (p *Peer) prefersPrime() bool {
	prime := slices.Index(p.cfg.Methods, eap.TypeAKAPrime)
	return prime >= 0 && prime < slices.Index(p.cfg.Methods, eap.TypeAKA)
}

// negotiate judges the AT_KDFs of a challenge. It returns a response when the
// challenge must not be looked into.
//
// RFC 9048, section 3.2.
func (p *Peer) negotiate(m *aka.Message) ([]byte, error) {
	list := m.KDFs
	switch {
	case p.kdfWanted != 0:
		// The change asked for, and nothing else.
		if !isChange(p.kdfs, list, p.kdfWanted) {
			return p.clientError(kdfError(m))
		}
		p.kdfs, p.kdfWanted = list, 0
		return nil, nil
	case p.kdfs.Len() > 0:
		// After a resynchronisation, as before it.
		if list != p.kdfs {
			return p.clientError(kdfError(m))
		}
		return nil, nil
	}
	p.kdfs = list
	if list.Len() == 0 || hasDuplicates(list) {
		return p.authReject(kdfError(m))
	}
	for i := range list.Len() {
		kdf := list.At(i)
		switch {
		case !slices.Contains(p.cfg.KDFs, kdf):
			continue
		case i == 0:
			return nil, nil
		}
		p.kdfWanted = kdf
		p.phase = phaseChallenged
		b := p.message(aka.SubtypeChallenge)
		b.Number(aka.AttrKDF, kdf)
		return p.send(&b, false)
	}
	return p.authReject(kdfError(m))
}

func kdfError(m *aka.Message) error {
	return &aka.AttrError{Subtype: m.Subtype, Attr: aka.AttrKDF, Err: aka.ErrKDF}
}

// isChange reports whether list is old with wanted in front.
func isChange(old, list aka.KDFList, wanted uint16) bool {
	if list.Len() != old.Len()+1 || list.At(0) != wanted {
		return false
	}
	for i := range old.Len() {
		if list.At(i+1) != old.At(i) {
			return false
		}
	}
	return true
}

func hasDuplicates(l aka.KDFList) bool {
	for i := range l.Len() {
		for k := range i {
			if l.At(i) == l.At(k) {
				return true
			}
		}
	}
	return false
}

// sameNetwork compares two network names field by field, as far as both go
// (RFC 9048, section 3.1). An empty name matches all.
func sameNetwork(a, b string) bool {
	for a != "" && b != "" {
		var fieldA, fieldB string
		fieldA, a, _ = strings.Cut(a, ":")
		fieldB, b, _ = strings.Cut(b, ":")
		if fieldA != fieldB {
			return false
		}
	}
	return true
}
