package aka

import (
	"bytes"
	"fmt"

	"github.com/opentwag/twag/eap"
)

// simVersions is our AT_VERSION_LIST.
var simVersions = [2]byte{byte(SIMVersion >> 8), byte(SIMVersion)}

// NewSIM returns EAP-SIM (RFC 4186) with vectors from src: of each the triplet
// that a GSM network would make of it (TS 33.102, clause 6.8.1.2). It panics if
// the configuration is not valid.
//
// EAP-SIM is what phones with an old SIM card can do. Its keys are no stronger
// than GSM's; a phone with a USIM should have another method.
func NewSIM(src VectorSource, cfg Config) *Method {
	return newMethod(eap.TypeSIM, SchemeSIM, src, cfg)
}

// simRun is what EAP-SIM has in place of a vector.
type simRun struct {
	nonceMT   [16]byte
	haveNonce bool // the response to the last SIM-Start had AT_NONCE_MT

	// The triplets of the challenge, in its order.
	n     int
	rands [maxTriplets * 16]byte
	sres  [maxTriplets * 4]byte
	kcs   [maxTriplets * 8]byte // until the master key is made
}

// RANDs, SRES and Kc of the triplets, each kind in one piece.
func (s *simRun) allRAND() []byte { return s.rands[:s.n*16] }
func (s *simRun) allSRES() []byte { return s.sres[:s.n*4] }
func (s *simRun) allKc() []byte   { return s.kcs[:s.n*8] }

// add takes one more triplet.
func (s *simRun) add(t Triplet) {
	i := s.n
	copy(s.rands[i*16:], t.RAND[:])
	copy(s.sres[i*4:], t.SRES[:])
	copy(s.kcs[i*8:], t.Kc[:])
	s.n++
}

// has reports whether the RAND is one of the triplets'.
func (s *simRun) has(rand [16]byte) bool {
	for i := range s.n {
		if bytes.Equal(s.rands[i*16:][:16], rand[:]) {
			return true
		}
	}
	return false
}

// masterKey makes the master key; Kc is forgotten.
func (s *simRun) masterKey(identity string) [masterKeyLen]byte {
	mk := simMasterKey(identity, s.allKc(), s.nonceMT, simVersions[:], SIMVersion)
	clear(s.kcs[:])
	return mk
}

// onTriplets takes triplets, or asks again for those that lack: there are
// sources that give one vector at a time.
func (m *machine) onTriplets(t eap.Turn, vectors []Vector) eap.Step {
	for i := range vectors {
		if m.sim.n == m.method.cfg.Triplets {
			break
		}
		v := &vectors[i]
		if err := m.usable(v); err != nil {
			return m.fail(t, fmt.Errorf("%w: %w: %w", errVectors, ErrUnavailable, err))
		}
		m.sim.add(v.Triplet())
	}
	if m.sim.n < m.method.cfg.Triplets {
		return m.enterVectors(nil)
	}
	m.mk, m.haveKeys = m.sim.masterKey(m.identity), false
	return m.enterSIMChallenge(t)
}
