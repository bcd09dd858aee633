package extsim

import (
	"sync"

	"github.com/opentwag/twag/eap/eaptest"
)

// NewCard returns usim as a Card that several sockets may share.
func NewCard(usim *eaptest.USIM) Card {
	var mu sync.Mutex
	return func(rand, autn [16]byte) Answer {
		mu.Lock()
		defer mu.Unlock()
		verdict, out, auts := usim.Authenticate(rand, autn)
		switch verdict {
		case eaptest.Accepted:
			return Answer{RES: out.RES[:out.RESLen], CK: out.CK, IK: out.IK}
		case eaptest.NotFresh:
			return Answer{AUTS: auts[:]}
		default:
			return Answer{}
		}
	}
}
