package aka

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/eap"
)

// simPhone is what a peer of EAP-SIM keeps, with the method that it talks to.
type simPhone struct {
	phone
	method  *Method
	storing bool
}

// conv begins a conversation in which the peer says identity.
func (p *simPhone) conv(t testing.TB, identity string) *simConv {
	c := newSIMConv(t, Config{})
	c.method, c.storing, c.peer.Identity, c.identity = p.method, p.storing, identity, identity
	c.turn.Now = testTime.Add(time.Minute)
	c.m = p.method.New(c.peer)
	return c
}

// full is a full authentication with the permanent identity.
func (p *simPhone) full(t testing.TB) {
	c := p.conv(t, simID)
	c.toChallenge()
	p.keys = *c.keys()
	require.NoError(t, c.last.VerifyMAC(&p.keys, c.nonce[:]))
	p.learn(t, &c.last, &p.keys)
	p.reauthID = p.next
	require.NotEmpty(t, p.pseudonym)
	require.Equal(t, "need authorization", c.handle(c.goodAnswer()))
	require.Equal(t, "need re-authentication context: put", c.resume(eap.Authorization{}))
	sees := c.resolve()
	if p.method.cfg.ResultIndications {
		require.Equal(t, "notify 32768 with MAC", sees)
		sees = c.handle(c.response(SubtypeNotification, nil))
	}
	require.Equal(t, "success", sees)
}

// onlyIdentity is how a peer asks for fast re-authentication.
func (c *simConv) onlyIdentity(identity string) []byte {
	return c.response(SubtypeSIMStart, func(b *Builder) { b.String(AttrIdentity, identity) })
}

// reauth runs up to the request of a fast re-authentication.
func (p *simPhone) reauth(t testing.TB) (*simConv, *reauth) {
	c := p.conv(t, p.reauthID)
	sees := c.start()
	if p.method.cfg.AlwaysRequestIdentity {
		require.Equal(t, "ask AT_ANY_ID_REQ", sees)
		sees = c.handle(c.onlyIdentity(p.reauthID))
	}
	require.Equal(t, "need re-authentication context: get", sees)
	require.Equal(t, "request Reauthentication", c.resolve())
	r := &reauth{conv: c.conv, phone: &p.phone}
	require.False(t, c.last.Has(AttrCheckcode), "EAP-SIM has none")
	require.NoError(t, c.last.VerifyMAC(&p.keys, nil), "RFC 4186, section 9.5")
	a := p.learn(t, &c.last, &p.keys)
	r.counter, r.nonceS = a.Counter, [16]byte(a.NonceS)
	return c, r
}

func eachSIMPhone(t *testing.T, f func(t *testing.T, p *simPhone)) {
	for _, storing := range []bool{false, true} {
		for _, always := range []bool{false, true} {
			for _, ind := range []bool{false, true} {
				cfg := reauthConfig()
				cfg.AlwaysRequestIdentity, cfg.ResultIndications = always, ind
				cfg.ReauthLimits.Count = 3
				f(t, &simPhone{method: newTest(eap.TypeSIM, cfg), storing: storing})
			}
		}
	}
}

// RFC 4186, section 5.4.
func TestSIMReauthentication(t *testing.T) {
	eachSIMPhone(t, func(t *testing.T, p *simPhone) {
		p.full(t)
		for n := uint16(1); n <= 3; n++ {
			require.Equal(t, byte('5'), p.reauthID[0])
			c, r := p.reauth(t)
			require.Equal(t, n, r.counter)
			mac := [16]byte(c.last.MAC)
			require.Equal(t, "need re-authentication context: swap", c.handle(r.answer(
				func(b *Builder) { b.Number(AttrCounter, r.counter) },
				func(b *Builder) {
					if c.last.Has(AttrResultInd) {
						b.Flag(AttrResultInd)
					}
				})))
			require.Equal(t, "need authorization", c.resolve())
			sees := c.resume(eap.Authorization{})
			if p.method.cfg.ResultIndications {
				require.Equal(t, "notify 32768 with MAC", sees)
				r.checkCounter()
				sees = c.handle(c.response(SubtypeNotification, nil))
			}
			require.Equal(t, "success", sees)
			k := p.keys.Reauth(p.reauthID, n, r.nonceS)
			require.Equal(t, &eap.Result{
				Method: eap.TypeSIM, Identity: p.reauthID, IMSI: testIMSI, MSK: k.MSK, EMSK: k.EMSK,
				SessionID: SessionID(eap.TypeSIM, r.nonceS, mac), Reauthenticated: true,
			}, c.step.Result)
			p.reauthID = p.next
		}
		require.Empty(t, p.reauthID)
	})
}

// RFC 4186, section 5.5: a SIM-Start without an identity request follows, and
// keys that are bound to the re-authentication identity.
func TestSIMCounterTooSmall(t *testing.T) {
	eachSIMPhone(t, func(t *testing.T, p *simPhone) {
		p.full(t)
		c, r := p.reauth(t)
		require.Equal(t, "start", c.handle(r.tooSmall()))
		require.Equal(t, "need vectors", c.handle(c.startAnswer("")))
		require.Equal(t, "challenge", c.serve(3))
		require.NoError(t, c.last.VerifyMAC(c.keys(), c.nonce[:]))
		require.Equal(t, p.reauthID, c.identity)
		require.Equal(t, "need authorization", c.handle(c.goodAnswer()))
		require.Equal(t, "need re-authentication context: put", c.resume(eap.Authorization{}))
		sees := c.resolve()
		if p.method.cfg.ResultIndications {
			sees = c.handle(c.response(SubtypeNotification, nil))
		}
		require.Equal(t, "success", sees)
		require.False(t, c.step.Result.Reauthenticated)
		require.Equal(t, testIMSI, c.step.Result.IMSI)
	})
	// The counter must be the request's in that answer too.
	p := &simPhone{method: newTest(eap.TypeSIM, reauthConfig())}
	p.full(t)
	c, r := p.reauth(t)
	r.counter++
	require.Equal(t, "notify 16384", c.handle(r.tooSmall()))
}

// Re-authentication identities that do not lead to a re-authentication (RFC
// 4186, sections 4.2.4 and 4.2.7).
func TestSIMReauthIdentityOfNoUse(t *testing.T) {
	eachSIMPhone(t, func(t *testing.T, p *simPhone) {
		p.full(t)
		always := p.method.cfg.AlwaysRequestIdentity
		say := func(identity string, later time.Duration) *simConv {
			c := p.conv(t, identity)
			c.turn.Now = testTime.Add(later)
			if sees := c.start(); always {
				require.Equal(t, "ask AT_ANY_ID_REQ", sees)
				c.handle(c.onlyIdentity(identity))
			}
			require.Equal(t, "need re-authentication context: get", c.sees())
			c.resolve()
			return c
		}
		// Too old, but the subscriber is known: only a nonce is wanted.
		c := say(p.reauthID, 2*time.Hour)
		require.Equal(t, "start", c.sees())
		require.Equal(t, "need vectors", c.handle(c.startAnswer("")))
		require.Equal(t, "challenge", c.serve(3))
		require.NoError(t, c.last.VerifyMAC(c.keys(), c.nonce[:]))
		require.Equal(t, "need authorization", c.handle(c.goodAnswer()))

		// Unknown.
		c = say("5"+p.reauthID[2:], time.Minute)
		require.Equal(t, "ask AT_FULLAUTH_ID_REQ", c.sees())
		c.identity = simID
		require.Equal(t, "need vectors", c.handle(c.startAnswer(simID)))

		// With a nonce, which is for full authentications.
		if always {
			c = p.conv(t, p.reauthID)
			c.start()
			require.Equal(t, "need re-authentication context: get", c.handle(c.startAnswer(p.reauthID)))
			require.Equal(t, "notify 16384", c.resolve())
			require.ErrorIs(t, c.step.Err, ErrNotAllowed)
		}
	})
}

// What the peer sees in answer to a response that is no good, after the request
// of a re-authentication.
func TestSIMReauthTable(t *testing.T) {
	for name, row := range map[string]struct {
		input func(c *simConv, r *reauth) []byte
		want  string
	}{
		"right answer": {func(_ *simConv, r *reauth) []byte {
			return r.answer(func(b *Builder) { b.Number(AttrCounter, r.counter) }, nil)
		}, "need re-authentication context: swap"},
		"other counter": {func(_ *simConv, r *reauth) []byte {
			return r.answer(func(b *Builder) { b.Number(AttrCounter, r.counter+1) }, nil)
		}, "notify 16384"},
		"MAC without NONCE_S": {func(_ *simConv, r *reauth) []byte {
			r.nonceS = [16]byte{}
			return r.answer(func(b *Builder) { b.Number(AttrCounter, r.counter) }, nil)
		}, "notify 16384"},
		"result indication unasked": {func(_ *simConv, r *reauth) []byte {
			return r.answer(func(b *Builder) { b.Number(AttrCounter, r.counter) }, func(b *Builder) { b.Flag(AttrResultInd) })
		}, "notify 16384"},
		"counter not encrypted": {func(_ *simConv, r *reauth) []byte {
			return r.answer(func(b *Builder) { b.Number(AttrCounter, r.counter) }, func(b *Builder) { b.Number(AttrCounter, r.counter) })
		}, "notify 16384"},
		"start":         {func(c *simConv, _ *reauth) []byte { return c.startAnswer("") }, "notify 16384"},
		"challenge":     {func(c *simConv, _ *reauth) []byte { return c.goodAnswer() }, "notify 16384"},
		"AKA-Identity":  {func(c *simConv, _ *reauth) []byte { return c.identityResponse(simID) }, "notify 16384"},
		"client error":  {func(c *simConv, _ *reauth) []byte { return c.clientError(0) }, "failure"},
		"nothing in it": {func(c *simConv, _ *reauth) []byte { return c.response(SubtypeReauthentication, nil) }, "notify 16384"},
	} {
		for _, storing := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				p := &simPhone{method: newTest(eap.TypeSIM, reauthConfig()), storing: storing}
				p.full(t)
				c, r := p.reauth(t)
				require.Equal(t, row.want, c.handle(row.input(c, r)))
			})
		}
	}
}

// A re-authentication that waits is short as well.
func TestSIMReauthStateIsShort(t *testing.T) {
	p := &simPhone{method: newTest(eap.TypeSIM, reauthConfig())}
	p.full(t)
	c, _ := p.reauth(t)
	b, err := c.m.AppendState(nil)
	require.NoError(t, err)
	require.Len(t, b, 8+8+12+2+4+16+16+16+16+20)
}
