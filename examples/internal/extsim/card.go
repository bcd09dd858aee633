package extsim

import (
	"sync"

	"github.com/opentwag/twag/eap/eaptest"
)

// NewCard returns usim as a Card that several sockets may share.
func NewCard(usim *eaptest.USIM) Card { return &usimCard{usim: usim} }

type usimCard struct {
	mu   sync.Mutex
	usim *eaptest.USIM
}

func (c *usimCard) UMTS(rand, autn [16]byte) Answer {
	c.mu.Lock()
	defer c.mu.Unlock()
	verdict, out, auts := c.usim.Authenticate(rand, autn)
	switch verdict {
	case eaptest.Accepted:
		return Answer{RES: out.RES[:out.RESLen], CK: out.CK, IK: out.IK}
	case eaptest.NotFresh:
		return Answer{AUTS: auts[:]}
	default:
		return Answer{}
	}
}

func (c *usimCard) GSM(rand [16]byte) (sres [4]byte, kc [8]byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.usim.GSM(rand)
	return t.SRES, t.Kc
}
