package aka

import (
	"fmt"

	"github.com/opentwag/twag/eap"
)

// enterVectors asks for a vector, after a synchronisation failure with what
// the USIM said.
func (m *machine) enterVectors(resync *Resync) eap.Step {
	m.setState(stateVectors)
	n := &NeedVectors{
		Request: VectorRequest{
			IMSI:   m.imsi,
			Scheme: m.method.scheme,
			Count:  m.method.flow.wanted(m),
			Resync: resync,
			Peer:   m.peer,
		},
		source: m.method.source,
	}
	if m.method.typ == eap.TypeAKAPrime {
		n.Request.NetworkName = m.network
	}
	return eap.Step{Kind: eap.StepNeed, Need: n}
}

// onVectors takes the vector. Whatever is wrong, the peer sees the same.
func (m *machine) onVectors(t eap.Turn, a VectorsAnswer) eap.Step {
	if a.Err != nil {
		return m.fail(t, fmt.Errorf("%w: %w", errVectors, a.Err))
	}
	if len(a.Vectors) == 0 {
		return m.fail(t, fmt.Errorf("%w: %w: none", errVectors, ErrUnavailable))
	}
	return m.method.flow.onVectors(m, t, a.Vectors)
}

// onVector challenges with the first of them.
func (m *machine) onVector(t eap.Turn, vectors []Vector) eap.Step {
	v := vectors[0]
	if err := m.usable(&v); err != nil {
		return m.fail(t, fmt.Errorf("%w: %w: %w", errVectors, ErrUnavailable, err))
	}
	switch {
	case m.method.typ == eap.TypeAKA:
		m.mk = akaMasterKey(m.identity, v.CK, v.IK)
		v.CK, v.IK = [16]byte{}, [16]byte{}
	case !v.Primed:
		v.CK, v.IK = PrimeKeys(v.CK, v.IK, m.network, v.AUTN)
		v.Primed, v.NetworkName = true, m.network
	}
	m.vector, m.haveKeys = v, false
	return m.enterChallenge(t)
}

// usable says why a vector is of no use in this run.
func (m *machine) usable(v *Vector) error {
	prime := m.method.typ == eap.TypeAKAPrime
	switch {
	case v.XRESLen < 4 || v.XRESLen > 16:
		return fmt.Errorf("%w: XRES of %d octets", errBadVector, v.XRESLen)
	case (m.resyncs > 0 || m.fs.restarted) && v.RAND == m.vector.RAND:
		return fmt.Errorf("%w: RAND repeated", errBadVector)
	case m.sim.has(v.RAND):
		return fmt.Errorf("%w: RAND repeated", errBadVector)
	case !prime && v.Primed:
		return fmt.Errorf("%w: CK' and IK' in %v", errBadVector, m.method.typ)
	case prime && !Separated(v.AUTN):
		// RFC 9048, section 3.3: the peer would refuse it.
		return fmt.Errorf("%w: AMF separation bit not set", errBadVector)
	case prime && v.Primed && v.NetworkName != m.network:
		return fmt.Errorf("%w: bound to network %q, not %q", errBadVector, v.NetworkName, m.network)
	default:
		return nil
	}
}
