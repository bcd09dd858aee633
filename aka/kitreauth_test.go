package aka

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/eap"
)

// phone is what a peer keeps from one login to the next: the keys of its last
// full authentication, and the identities that it was given.
type phone struct {
	keys      Keys
	pseudonym string
	reauthID  string
	next      string // given in a re-authentication that is not over
}

// learn reads the identities in a challenge or re-authentication request.
func (p *phone) learn(t testing.TB, m *Message, k *Keys) Attributes {
	plain, err := m.Decrypt(nil, k)
	require.NoError(t, err)
	a, err := m.DecodeNested(plain)
	require.NoError(t, err)
	if a.Has(AttrNextPseudonym) {
		p.pseudonym = string(a.NextPseudonym)
	}
	p.next = string(a.NextReauthID)
	return a
}

// reauthConfig is a configuration with fast re-authentication and nothing
// random about it but the octets.
func reauthConfig() Config { return Config{Reauth: NewMemoryReauthStore(100)} }

// fullLogin is a full authentication; the phone keeps what it got.
func fullLogin(t testing.TB, m *Method, storing bool) *phone {
	c := newConv(t, m, idFor(m.typ))
	c.storing, c.turn.Now = storing, testTime
	c.toChallenge()
	p := &phone{keys: *c.keys()}
	require.NoError(t, c.last.VerifyMAC(&p.keys, nil))
	p.learn(t, &c.last, &p.keys)
	p.reauthID = p.next
	require.Equal(t, "need authorization", c.handle(c.goodAnswer()))
	sees := c.resume(eap.Authorization{})
	if m.cfg.Reauth != nil {
		require.Equal(t, "need re-authentication context: put", sees)
		sees = c.resolve()
	}
	if m.cfg.ResultIndications {
		require.Equal(t, "notify 32768 with MAC", sees)
		sees = c.handle(c.response(SubtypeNotification, nil))
	}
	require.Equal(t, "success", sees)
	return p
}

// resolve answers a need by what it knows of itself.
func (c *conv) resolve() string {
	return c.resume(c.step.Need.(eap.Resolver).Resolve(c.t.Context()))
}

// reauth is a peer in a fast re-authentication.
type reauth struct {
	*conv
	phone   *phone
	counter uint16
	nonceS  [16]byte
}

// toReauth runs up to the request.
func toReauth(t testing.TB, m *Method, p *phone, storing bool) *reauth {
	c := newConv(t, m, p.reauthID)
	c.storing, c.turn.Now = storing, testTime.Add(time.Minute)
	r := &reauth{conv: c, phone: p}
	sees := c.start()
	if sees == "ask AT_ANY_ID_REQ" {
		sees = c.answerIdentity(p.reauthID)
	}
	require.Equal(t, "need re-authentication context: get", sees)
	require.Equal(t, "request Reauthentication", c.resolve())
	r.took()
	return r
}

// took reads the request and checks AT_CHECKCODE.
func (r *reauth) took() {
	r.read()
	require.Equal(r.t, r.cc.Append([]byte{}, r.method.typ), append([]byte{}, r.last.Checkcode...))
}

func (r *reauth) read() {
	require.NoError(r.t, r.last.VerifyMAC(&r.phone.keys, nil))
	a := r.phone.learn(r.t, &r.last, &r.phone.keys)
	r.counter = a.Counter
	copy(r.nonceS[:], a.NonceS)
}

// answer makes a response with what fill puts inside and outside of
// AT_ENCR_DATA.
func (r *reauth) answer(nested, outer func(b *Builder)) []byte {
	return r.response(SubtypeReauthentication, func(b *Builder) {
		b.Encrypt(&r.phone.keys, [16]byte{9}, nested)
		if outer != nil {
			outer(b)
		}
		b.MAC(&r.phone.keys, r.nonceS[:])
	})
}

func (r *reauth) goodAnswer() []byte {
	return r.answer(func(b *Builder) { b.Number(AttrCounter, r.counter) }, func(b *Builder) {
		b.Octets(AttrCheckcode, r.last.Checkcode)
		if r.last.Has(AttrResultInd) {
			b.Flag(AttrResultInd)
		}
	})
}

func (r *reauth) tooSmall() []byte {
	return r.answer(func(b *Builder) {
		b.Number(AttrCounter, r.counter)
		b.Flag(AttrCounterTooSmall)
	}, nil)
}
