package swxtest

import (
	"context"
	"crypto/rand"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/aka"
	"github.com/opentwag/twag/diameter"
	"github.com/opentwag/twag/eap"
	"github.com/opentwag/twag/milenage"
	"github.com/opentwag/twag/swx"
)

var (
	testIMSI = eap.MustParseIMSI("001010000000001")
	testK    = [16]byte{0x46, 0x5b, 0x5c, 0xe8, 0xb1, 0x99, 0xb4, 0x9f, 0xaa, 0x5f, 0x0a, 0x2e, 0xe2, 0x38, 0xa6, 0xbc}
	testOPc  = [16]byte{0xcd, 0x63, 0xcb, 0x71, 0x95, 0x4a, 0x9f, 0x4e, 0x48, 0xa5, 0x99, 0x4e, 0x37, 0xa0, 0x2b, 0xaf}
)

// newHSS returns an HSS with the test's subscriber, listening on loopback.
func newHSS(t testing.TB, cfg Config) (h *HSS, addr string) {
	t.Helper()
	h, err := New(cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, h.Close()) })
	add(t, h, Subscriber{})
	a, err := h.Listen("127.0.0.1:0")
	require.NoError(t, err)
	return h, a.String()
}

// add adds the test's subscriber as s has it.
func add(t testing.TB, h *HSS, s Subscriber) {
	t.Helper()
	s.IMSI, s.K, s.OPc = testIMSI, testK, testOPc
	require.NoError(t, h.Add(s))
}

// newNode returns an AAA server's node that is connected to the HSS.
func newNode(t testing.TB, host, addr string, hooks diameter.Hooks) *diameter.Node {
	t.Helper()
	node, err := diameter.NewNode(diameter.Config{
		OriginHost:   host,
		OriginRealm:  DefaultRealm,
		Applications: []diameter.Application{swx.Application},
		Peers:        []diameter.PeerConfig{{Host: DefaultHost, Address: addr}},
		Hooks:        hooks,
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, node.Close()) })
	node.Start()
	waitOpen(t, node)
	return node
}

func waitOpen(t testing.TB, node *diameter.Node) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	require.NoError(t, node.WaitOpen(ctx, ""))
}

// newClient returns an HSS and a client that is connected to it.
func newClient(t testing.TB, cfg Config) (*HSS, *swx.Client) {
	t.Helper()
	h, addr := newHSS(t, cfg)
	return h, swx.NewClient(newNode(t, "aaa1.example", addr, diameter.Hooks{}), swx.Config{Realm: DefaultRealm})
}

func request(scheme aka.Scheme) aka.VectorRequest {
	req := aka.VectorRequest{IMSI: testIMSI, Scheme: scheme}
	if scheme == aka.SchemeAKAPrime {
		req.NetworkName = "WLAN"
	}
	return req
}

// usim is the test's USIM, which computes what it is asked as the network
// does, and takes any SQN.
type usim struct{ c *milenage.Cipher }

func newUSIM(t testing.TB) usim {
	t.Helper()
	c, err := milenage.New(testK, testOPc)
	require.NoError(t, err)
	return usim{c}
}

// verify requires that the vector is the subscriber's, with CK' and IK' bound
// to the network name if that is not empty, and returns its SQN.
func (u usim) verify(t testing.TB, v aka.Vector, networkName string) uint64 {
	t.Helper()
	res, ck, ik, ak := u.c.F2345(v.RAND)
	var sqn [6]byte
	var number uint64
	for i := range sqn {
		sqn[i] = v.AUTN[i] ^ ak[i]
		number = number<<8 | uint64(sqn[i])
	}
	mac := u.c.F1(v.RAND, sqn, [2]byte(v.AUTN[6:8]))
	require.Equal(t, mac[:], v.AUTN[8:])
	require.Equal(t, res[:], v.XRES[:v.XRESLen])
	if networkName != "" {
		require.True(t, aka.Separated(v.AUTN))
		ck, ik = aka.PrimeKeys(ck, ik, networkName, v.AUTN)
	}
	require.Equal(t, ck, v.CK)
	require.Equal(t, ik, v.IK)
	return number
}

// auts is what the USIM answers to a challenge when it has seen sqn already.
func (u usim) auts(sqn uint64) *aka.Resync {
	var r aka.Resync
	_, _ = rand.Read(r.RAND[:])
	ak := u.c.F5Star(r.RAND)
	var b [6]byte
	for i := range b {
		b[i] = byte(sqn >> (40 - 8*i))
		r.AUTS[i] = b[i] ^ ak[i]
	}
	mac := u.c.F1Star(r.RAND, b, [2]byte{})
	copy(r.AUTS[6:], mac[:])
	return &r
}
