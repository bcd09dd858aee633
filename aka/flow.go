package aka

import "github.com/opentwag/twag/eap"

// flow is what sets EAP-SIM apart from EAP-AKA and EAP-AKA' in a machine: how
// it asks for identities, what it makes of vectors, its challenge and its keys.
// All the rest, from the worth of identities to notifications, is one. Who
// handles a response, and what is stored, is said in Handle and in the encoding
// of states: by way of function values it would cost allocations.
type flow struct {
	// askIdentity makes the request that m.asked says; it depends on nothing
	// but that and the Identifier.
	askIdentity func(m *machine, id uint8) Builder
	// full begins the full authentication of the subscriber, now known.
	full func(m *machine, t eap.Turn) eap.Step
	// wanted is how many vectors to ask for.
	wanted func(m *machine) int
	// onVectors takes what came, one at least, and challenges.
	onVectors func(m *machine, t eap.Turn, v []Vector) eap.Step
	// sessionID appends that of a full authentication.
	sessionID func(m *machine, b []byte) []byte
}

var flowAKA = flow{
	askIdentity: (*machine).identityRequest,
	full:        (*machine).fullAKA,
	wanted:      func(*machine) int { return 1 },
	onVectors:   (*machine).onVector,
	sessionID: func(m *machine, b []byte) []byte {
		return appendSessionID(b, m.method.typ, &m.vector.RAND, &m.vector.AUTN)
	},
}

var flowSIM = flow{
	askIdentity: func(m *machine, id uint8) Builder {
		return m.startRequest(eap.Turn{Identifier: id}, true)
	},
	full:      (*machine).fullSIM,
	wanted:    func(m *machine) int { return m.method.cfg.Triplets - m.sim.n },
	onVectors: (*machine).onTriplets,
	sessionID: func(m *machine, b []byte) []byte {
		return appendSIMSessionID(b, m.sim.allRAND(), &m.sim.nonceMT)
	},
}
