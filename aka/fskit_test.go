package aka

import (
	"crypto/ecdh"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/eap"
)

// newFS is a conversation of EAP-AKA' with forward secrecy.
func newFS(t testing.TB, cfg Config) *conv {
	if cfg.ForwardSecrecy == FSOff {
		cfg.ForwardSecrecy = FSOffered
	}
	return newConv(t, newTest(eap.TypeAKAPrime, cfg), primeID)
}

// group is the group of the last challenge.
func (c *conv) group() FSGroup { return FSGroup(c.last.FSKDFs.At(0)) }

// fsKeys is the peer's half: its public value for the last challenge, and the
// keys that follow.
func (c *conv) fsKeys() (public []byte, k Keys) {
	key, value, err := c.group().generate()
	require.NoError(c.t, err)
	return value[:], c.fsKeysOf(key)
}

func (c *conv) fsKeysOf(key *ecdh.PrivateKey) Keys {
	secret, err := c.group().agree(key, c.last.PubECDHE)
	require.NoError(c.t, err)
	ck, ik := PrimeKeys(c.vector.CK, c.vector.IK, c.network, c.vector.AUTN)
	return AKAPrimeFSKeys(c.identity, ck, ik, secret)
}

// fsAnswer is the right answer to the challenge with something put in front of
// AT_MAC.
func (c *conv) fsAnswer(fill func(b *Builder)) []byte {
	return c.response(SubtypeChallenge, func(b *Builder) {
		b.Octets(AttrRES, c.vector.XRES[:c.vector.XRESLen])
		b.Octets(AttrCheckcode, c.cc.Append(nil, c.method.typ))
		if c.last.Has(AttrResultInd) {
			b.Flag(AttrResultInd)
		}
		if fill != nil {
			fill(b)
		}
		b.MAC(c.keys(), nil)
	})
}

// fsPublic is the right answer with this public value.
func (c *conv) fsPublic(public []byte) []byte {
	return c.fsAnswer(func(b *Builder) { b.Octets(AttrPubECDHE, public) })
}

// askGroups asks for other groups.
func (c *conv) askGroups(groups ...FSGroup) []byte {
	return c.response(SubtypeChallenge, func(b *Builder) {
		for _, g := range groups {
			b.Number(AttrKDFFS, uint16(g))
		}
	})
}
