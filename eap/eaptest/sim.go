package eaptest

import (
	"crypto/rand"
	"errors"
	"io"
	"slices"

	"github.com/opentwag/twag/aka"
	"github.com/opentwag/twag/eap"
)

// What a Peer finds wrong with a server of EAP-SIM, beside what it finds in the
// other methods. Each has a code of its own in Client-Error but ErrSameRAND,
// which has the general one (RFC 4186, sections 6.3.1 and 10.19).
var (
	// ErrVersions: version 1 is not offered (code 1).
	ErrVersions = errors.New("eaptest: no common version of EAP-SIM")
	// ErrTriplets: fewer RANDs than the peer wants (code 2).
	ErrTriplets = errors.New("eaptest: too few challenges")
	// ErrOldRAND: a RAND that an earlier login had (code 3).
	ErrOldRAND = errors.New("eaptest: RANDs are not fresh")
	// ErrSameRAND: a RAND comes twice in one challenge.
	ErrSameRAND = errors.New("eaptest: RAND repeated")
)

const (
	minTriplets = 2
	maxTriplets = 3

	codeVersions = 1
	codeTriplets = 2
	codeOldRAND  = 3
)

// simLogin is what a login has of EAP-SIM.
type simLogin struct {
	last     bool // no other SIM-Start may come
	nonced   bool // the last response had NONCE_MT: a challenge may come
	nonceMT  [16]byte
	versions [8]byte // the server's list in the last SIM-Start
	versLen  int
	triplets [maxTriplets]aka.Triplet
	n        int
	buf      [maxTriplets * 4]byte
}

// sres returns all SRES in order.
func (s *simLogin) sres() []byte {
	b := s.buf[:0]
	for i := range s.n {
		b = append(b, s.triplets[i].SRES[:]...)
	}
	return b
}

// sessionID returns the Session-Id of a full authentication (RFC 5247,
// appendix A).
func (s *simLogin) sessionID() []byte {
	id := []byte{byte(eap.TypeSIM)}
	for i := range s.n {
		id = append(id, s.triplets[i].RAND[:]...)
	}
	return append(id, s.nonceMT[:]...)
}

// randMemory is the RANDs of the last challenge that the peer has answered. An
// old SIM card has no sequence numbers: memory is all there is.
type randMemory struct {
	rands [maxTriplets][16]byte
	n     int
}

func (r *randMemory) has(rand [16]byte) bool { return slices.Contains(r.rands[:r.n], rand) }

// GSM returns the triplet that a USIM makes of a RAND when it is asked as a SIM
// card: SRES by c2, Kc by c3 (TS 33.102, clause 6.8.1.2). There is neither
// network authentication nor a sequence number.
func (u *USIM) GSM(rand [16]byte) aka.Triplet {
	out := u.alg.F2345(rand)
	v := aka.Vector{RAND: rand, XRES: out.RES, XRESLen: out.RESLen, CK: out.CK, IK: out.IK}
	return v.Triplet()
}

// onSIMStart answers EAP-Request/SIM/Start.
//
// RFC 4186, sections 4.1, 4.2.5, 9.1 and 9.2.
func (p *Peer) onSIMStart(m *aka.Message) ([]byte, error) {
	asking := m.Has(aka.AttrAnyIDReq) || m.Has(aka.AttrFullauthIDReq) || m.Has(aka.AttrPermanentIDReq)
	round := idRoundOf(m)
	switch {
	case p.phase != phaseIdentity && p.phase != phaseChallenged:
		return p.clientError(ErrState)
	case p.phase == phaseChallenged && asking:
		// After "counter too small" the server knows whom it has (section 5.5).
		return p.clientError(ErrIdentityRound)
	case p.sim.last, asking && round <= p.idRound:
		return p.clientError(ErrIdentityRound)
	}
	p.sim.last = !asking || round == idPermanent
	if !p.sim.choose(m.VersionList) {
		return p.clientErrorCode(codeVersions, ErrVersions)
	}
	kind := eap.KindUnknown
	var sent string
	if asking {
		var err error
		if sent, kind, err = p.identify(round); err != nil {
			return p.clientError(err)
		}
	}
	b := p.message(aka.SubtypeSIMStart)
	if asking {
		b.String(aka.AttrIdentity, sent)
	}
	if p.sim.nonced = kind != eap.KindReauth; p.sim.nonced {
		r := p.cfg.Rand
		if r == nil {
			r = rand.Reader
		}
		if _, err := io.ReadFull(r, p.sim.nonceMT[:]); err != nil {
			return nil, err
		}
		b.Octets(aka.AttrNonceMT, p.sim.nonceMT[:])
		b.Number(aka.AttrSelectedVersion, aka.SIMVersion)
	}
	return p.send(&b, false)
}

// choose keeps the version list, and reports whether it has our version.
func (s *simLogin) choose(list []byte) bool {
	if len(list) > len(s.versions) {
		return false // none of the lists that there can be today
	}
	s.versLen = copy(s.versions[:], list)
	for v := list; len(v) >= 2; v = v[2:] {
		if uint16(v[0])<<8|uint16(v[1]) == aka.SIMVersion {
			return true
		}
	}
	return false
}

// onSIMChallenge answers EAP-Request/SIM/Challenge.
//
// RFC 4186, sections 9.3, 9.4 and 10.9.
func (p *Peer) onSIMChallenge(m *aka.Message) ([]byte, error) {
	if p.phase != phaseIdentity && p.phase != phaseChallenged || !p.sim.nonced {
		return p.clientError(ErrState)
	}
	s := &p.sim
	s.n = len(m.RAND) / 16
	if s.n < max(p.cfg.Triplets, minTriplets) {
		return p.clientErrorCode(codeTriplets, ErrTriplets)
	}
	fresh := randMemory{}
	for i := range s.n {
		rand := [16]byte(m.RAND[16*i:])
		switch {
		case fresh.has(rand):
			return p.clientError(ErrSameRAND)
		case p.usedRANDs.has(rand):
			return p.clientErrorCode(codeOldRAND, ErrOldRAND)
		}
		fresh.rands[fresh.n] = rand
		fresh.n++
		s.triplets[i] = p.cfg.USIM.GSM(rand)
	}
	p.keys = aka.SIMKeys(p.identity, s.triplets[:s.n], s.nonceMT, s.versions[:s.versLen], aka.SIMVersion)
	if err := m.VerifyMAC(&p.keys, s.nonceMT[:]); err != nil {
		return p.clientError(err)
	}
	if err := p.checkChallenge(m); err != nil {
		return p.clientError(err)
	}
	p.usedRANDs = fresh
	p.resultInd = m.Has(aka.AttrResultInd) && p.cfg.ResultIndications
	p.phase = phaseAuthenticated

	b := p.message(aka.SubtypeSIMChallenge)
	if p.resultInd {
		b.Flag(aka.AttrResultInd)
	}
	return p.finish(&b, true, s.sres())
}
