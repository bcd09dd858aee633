package aka

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/eap"
)

// What the peer sees of every kind of response to a re-authentication request.
var reauthTable = []struct {
	name  string
	input func(r *reauth) []byte
	sees  string
}{
	{"right answer", (*reauth).goodAnswer, "need re-authentication context: swap"},
	{"right answer, nothing optional", func(r *reauth) []byte {
		return r.answer(func(b *Builder) { b.Number(AttrCounter, r.counter) }, nil)
	}, "need re-authentication context: swap"},
	{"right answer with skippable attributes inside and outside", func(r *reauth) []byte {
		return r.answer(func(b *Builder) {
			b.Raw([]byte{200, 1, 0, 0})
			b.Number(AttrCounter, r.counter)
		}, func(b *Builder) { b.Raw([]byte{255, 1, 0, 0}) })
	}, "need re-authentication context: swap"},
	{"counter too small", (*reauth).tooSmall, "need vectors"},
	{"counter too small, another counter", func(r *reauth) []byte {
		return r.answer(func(b *Builder) {
			b.Number(AttrCounter, r.counter+1)
			b.Flag(AttrCounterTooSmall)
		}, nil)
	}, "notify 16384"},
	{"counter going back", func(r *reauth) []byte {
		return r.answer(func(b *Builder) { b.Number(AttrCounter, r.counter-1) }, nil)
	}, "notify 16384"},
	{"counter going on", func(r *reauth) []byte {
		return r.answer(func(b *Builder) { b.Number(AttrCounter, r.counter+1) }, nil)
	}, "notify 16384"},
	{"no counter", func(r *reauth) []byte {
		return r.answer(func(b *Builder) { b.Raw([]byte{200, 1, 0, 0}) }, nil)
	}, "notify 16384"},
	{"counter too small alone", func(r *reauth) []byte {
		return r.answer(func(b *Builder) { b.Flag(AttrCounterTooSmall) }, nil)
	}, "notify 16384"},
	{"counter twice", func(r *reauth) []byte {
		return r.answer(func(b *Builder) {
			b.Number(AttrCounter, r.counter)
			b.Number(AttrCounter, r.counter)
		}, nil)
	}, "notify 16384"},
	{"counter in the clear", func(r *reauth) []byte {
		return r.answer(func(b *Builder) { b.Number(AttrCounter, r.counter) }, func(b *Builder) { b.Number(AttrCounter, r.counter) })
	}, "notify 16384"},
	{"what only a request has", func(r *reauth) []byte {
		return r.answer(func(b *Builder) {
			b.Number(AttrCounter, r.counter)
			b.Octets(AttrNonceS, r.nonceS[:])
		}, nil)
	}, "notify 16384"},
	{"padding not zero", func(r *reauth) []byte {
		return r.answer(func(b *Builder) {
			b.Number(AttrCounter, r.counter)
			b.Raw([]byte{byte(AttrPadding), 3, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0})
		}, nil)
	}, "notify 16384"},
	{"padding in front", func(r *reauth) []byte {
		return r.answer(func(b *Builder) {
			b.Raw([]byte{byte(AttrPadding), 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})
			b.Number(AttrCounter, r.counter)
		}, nil)
	}, "notify 16384"},
	{"encrypted with another key", func(r *reauth) []byte {
		return r.response(SubtypeReauthentication, func(b *Builder) {
			other := r.phone.keys
			other.KEncr[0]++
			b.Encrypt(&other, [16]byte{9}, func(b *Builder) { b.Number(AttrCounter, r.counter) })
			b.MAC(&r.phone.keys, r.nonceS[:])
		})
	}, "notify 16384"},
	{"nothing encrypted", func(r *reauth) []byte {
		return r.response(SubtypeReauthentication, func(b *Builder) { b.MAC(&r.phone.keys, r.nonceS[:]) })
	}, "notify 16384"},
	{"no IV", func(r *reauth) []byte {
		return r.response(SubtypeReauthentication, func(b *Builder) {
			b.Octets(AttrEncrData, make([]byte, 16))
			b.MAC(&r.phone.keys, r.nonceS[:])
		})
	}, "notify 16384"},
	{"MAC without NONCE_S", func(r *reauth) []byte {
		return r.response(SubtypeReauthentication, func(b *Builder) {
			b.Encrypt(&r.phone.keys, [16]byte{9}, func(b *Builder) { b.Number(AttrCounter, r.counter) })
			b.MAC(&r.phone.keys, nil)
		})
	}, "notify 16384"},
	{"wrong MAC", func(r *reauth) []byte {
		p := r.goodAnswer()
		p[len(p)-1] ^= 1
		return p
	}, "notify 16384"},
	{"no MAC", func(r *reauth) []byte {
		return r.response(SubtypeReauthentication, func(b *Builder) {
			b.Encrypt(&r.phone.keys, [16]byte{9}, func(b *Builder) { b.Number(AttrCounter, r.counter) })
		})
	}, "notify 16384"},
	{"wrong check code", func(r *reauth) []byte {
		return r.answer(func(b *Builder) { b.Number(AttrCounter, r.counter) }, func(b *Builder) {
			b.Octets(AttrCheckcode, make([]byte, checkcodeLen(r.method.typ)))
		})
	}, "notify 16384"},
	{"result indication unasked", func(r *reauth) []byte {
		return r.answer(func(b *Builder) { b.Number(AttrCounter, r.counter) }, func(b *Builder) { b.Flag(AttrResultInd) })
	}, "notify 16384"},
	{"nothing", func(r *reauth) []byte { return r.response(SubtypeReauthentication, nil) }, "notify 16384"},
	{"identity", func(r *reauth) []byte { return r.identityResponse(r.identity) }, "notify 16384"},
	{"challenge", func(r *reauth) []byte { return r.conv.goodAnswer() }, "notify 16384"},
	{"synchronization failure", func(r *reauth) []byte { return r.syncFailure(r.method.kdfs) }, "notify 16384"},
	{"Authentication-Reject", func(r *reauth) []byte { return r.response(SubtypeAuthReject, nil) }, "notify 16384"},
	{"Notification", func(r *reauth) []byte { return r.response(SubtypeNotification, nil) }, "notify 16384"},
	{"Client-Error", func(r *reauth) []byte {
		return r.response(SubtypeClientError, func(b *Builder) { b.Number(AttrClientErrorCode, 0) })
	}, "failure"},
	{"unknown subtype", func(r *reauth) []byte { return r.response(99, nil) }, "notify 16384"},
	{"no subtype", func(r *reauth) []byte { return []byte{2, r.last.Identifier, 0, 5, byte(r.method.typ)} }, "notify 16384"},
}

func TestReauthTable(t *testing.T) {
	require.Len(t, reauthTable, 31)
	bothMethods(t, func(t *testing.T, typ eap.Type) {
		for _, always := range []bool{false, true} {
			for _, storing := range []bool{false, true} {
				for _, row := range reauthTable {
					cfg := reauthConfig()
					cfg.AlwaysRequestIdentity = always
					m := newTest(typ, cfg)
					p := fullLogin(t, m, false)
					r := toReauth(t, m, p, storing)
					require.Equal(t, row.sees, r.handle(row.input(r)), row.name)
					if row.sees == "notify 16384" {
						require.False(t, r.last.Has(AttrEncrData), "before authentication")
						require.Equal(t, "failure", r.handle(r.response(SubtypeNotification, nil)))
						// Nothing was proved, so the context still serves.
						r = toReauth(t, m, p, storing)
						require.Equal(t, "need re-authentication context: swap", r.handle(r.goodAnswer()))
					}
				}
			}
		}
	})
}

// The states in which the server waits for somebody else ignore the peer, and
// after a notification of success everything is success.
func TestReauthOutOfTurn(t *testing.T) {
	bothMethods(t, func(t *testing.T, typ eap.Type) {
		for _, row := range reauthTable {
			cfg := reauthConfig()
			cfg.ResultIndications = true
			m := newTest(typ, cfg)
			p := fullLogin(t, m, false)
			ignored := func(r *reauth, want state) {
				require.Equal(t, want, r.m.(*machine).state)
				keep := r.step
				require.Equal(t, "ignore", r.handle(row.input(r)), "%v: %s", want, row.name)
				require.Equal(t, want, r.m.(*machine).state)
				r.step = keep
			}
			c := newConv(t, m, p.reauthID)
			c.turn.Now = testTime
			c.start()
			r := &reauth{conv: c, phone: p, counter: 1}
			ignored(r, stateLookup)
			require.Equal(t, "request Reauthentication", r.resolve())
			r.took()
			require.Equal(t, "need re-authentication context: swap", r.handle(r.goodAnswer()))
			ignored(r, stateCommit)
			require.Equal(t, "need authorization", r.resolve())
			ignored(r, stateAuthorization)
			require.Equal(t, "notify 32768 with MAC", r.resume(eap.Authorization{}))
			r.store()
			require.Equal(t, "success", r.handle(row.input(r)))
			ignored(r, stateDone)

			// And while a context of a full authentication is being stored.
			c = newConv(t, m, idFor(typ)).toAuthorization()
			c.resume(eap.Authorization{})
			ignored(&reauth{conv: c, phone: p}, stateKeep)
		}
	})
}

// AT_COUNTER_TOO_SMALL: a full authentication at once, its keys bound to the
// re-authentication identity; it gives out new identities.
func TestCounterTooSmall(t *testing.T) {
	bothMethods(t, func(t *testing.T, typ eap.Type) {
		for _, always := range []bool{false, true} {
			for _, storing := range []bool{false, true} {
				cfg := reauthConfig()
				cfg.AlwaysRequestIdentity = always
				m := newTest(typ, cfg)
				p := fullLogin(t, m, false)
				r := toReauth(t, m, p, storing)
				require.Equal(t, "need vectors", r.handle(r.tooSmall()))
				require.Equal(t, testIMSI, r.step.Need.(*NeedVectors).Request.IMSI)
				r.vector.RAND[0]++
				require.Equal(t, "challenge", r.give(r.vector))
				require.NoError(t, r.last.VerifyMAC(r.keys(), nil))
				require.Equal(t, r.cc.Append([]byte{}, typ), append([]byte{}, r.last.Checkcode...))
				p.learn(t, &r.last, r.keys())
				require.NotEqual(t, p.reauthID, p.next)
				require.Equal(t, "need authorization", r.handle(r.conv.goodAnswer()))
				require.Equal(t, "need re-authentication context: put", r.resume(eap.Authorization{}))
				require.Equal(t, "success", r.resolve())
				require.False(t, r.step.Result.Reauthenticated)
				require.Equal(t, p.reauthID, r.step.Result.Identity)
				k := r.keys()
				require.Equal(t, k.MSK, r.step.Result.MSK)
				// The counter begins again.
				p.keys, p.reauthID = *k, p.next
				require.EqualValues(t, 1, toReauth(t, m, p, storing).counter)
			}
		}
	})
}

// Of two runs with one context the first to prove itself wins; the other one is
// told of a failure after authentication.
func TestReauthOvertaken(t *testing.T) {
	bothMethods(t, func(t *testing.T, typ eap.Type) {
		for _, storing := range []bool{false, true} {
			m := newTest(typ, reauthConfig())
			p := fullLogin(t, m, false)
			one, other := toReauth(t, m, p, storing), toReauth(t, m, p, storing)
			require.NotEqual(t, one.nonceS, other.nonceS)
			require.Equal(t, "need re-authentication context: swap", one.handle(one.goodAnswer()))
			require.Equal(t, "need re-authentication context: swap", other.handle(other.goodAnswer()))
			require.Equal(t, "need authorization", other.resolve())
			require.Equal(t, "notify 0 with MAC", one.resolve())
			require.ErrorIs(t, one.step.Err, ErrReauthUsed)
			one.checkCounter()
			require.Equal(t, "success", other.resume(eap.Authorization{}))
			require.Equal(t, "failure", one.handle(one.response(SubtypeNotification, nil)))
			require.ErrorIs(t, one.step.Err, ErrReauthUsed)
		}
	})
}

// A refusal after re-authentication is a notification with the counter.
func TestReauthRefused(t *testing.T) {
	for refusal, want := range map[eap.Refusal]string{
		eap.RefusalGeneral:       "notify 0 with MAC",
		eap.RefusalTemporary:     "notify 1026 with MAC",
		eap.RefusalNotSubscribed: "notify 1031 with MAC",
	} {
		bothMethods(t, func(t *testing.T, typ eap.Type) {
			m := newTest(typ, reauthConfig())
			p := fullLogin(t, m, false)
			r := toReauth(t, m, p, true)
			r.handle(r.goodAnswer())
			require.Equal(t, "need authorization", r.resolve())
			require.True(t, r.step.Need.(*eap.NeedAuthorization).Result.Reauthenticated)
			require.Equal(t, want, r.resume(eap.Authorization{Refusal: refusal}))
			r.checkCounter()
			require.Equal(t, "failure", r.handle(r.response(SubtypeNotification, nil)))
			require.ErrorIs(t, r.step.Err, ErrRefused)
		})
	}
}

// A context leads on only while it is in time, in number, of this method and
// of this network.
func TestReauthContextJudged(t *testing.T) {
	bothMethods(t, func(t *testing.T, typ eap.Type) {
		network := ""
		if typ == eap.TypeAKAPrime {
			network = "WLAN"
		}
		digit := string(temporaryMethods[temporaryOf(typ)].reauth)
		good := ReauthContext{
			Username: digit + "name", Method: typ, IMSI: testIMSI, NetworkName: network,
			Counter: 16, Expires: testTime.Add(time.Second),
		}
		for name, row := range map[string]struct {
			change func(c *ReauthContext)
			err    error
			sees   string
			told   bool
		}{
			"good":           {func(*ReauthContext) {}, nil, "request Reauthentication", false},
			"expired":        {func(c *ReauthContext) { c.Expires = testTime }, nil, "need vectors", false},
			"too many":       {func(c *ReauthContext) { c.Counter = 17 }, nil, "need vectors", false},
			"other network":  {func(c *ReauthContext) { c.NetworkName = "HRPD" }, nil, "need vectors", false},
			"other name":     {func(c *ReauthContext) { c.Username = digit + "Name" }, nil, "ask AT_FULLAUTH_ID_REQ", true},
			"other method":   {func(c *ReauthContext) { c.Method = eap.TypeSIM }, nil, "ask AT_FULLAUTH_ID_REQ", true},
			"no subscriber":  {func(c *ReauthContext) { c.IMSI = eap.IMSI{} }, nil, "ask AT_FULLAUTH_ID_REQ", true},
			"no counter":     {func(c *ReauthContext) { c.Counter = 0 }, nil, "ask AT_FULLAUTH_ID_REQ", true},
			"lost":           {func(*ReauthContext) {}, ErrNoReauth, "ask AT_FULLAUTH_ID_REQ", false},
			"store is down":  {func(*ReauthContext) {}, context.DeadlineExceeded, "ask AT_FULLAUTH_ID_REQ", true},
			"nothing at all": {func(c *ReauthContext) { *c = ReauthContext{} }, nil, "ask AT_FULLAUTH_ID_REQ", true},
		} {
			var told error
			cfg := reauthConfig()
			cfg.Hooks.StoreFailed = func(e Event) { told = e.Err }
			c := newConv(t, newTest(typ, cfg), digit+"name@example.org")
			c.turn.Now = testTime
			require.Equal(t, "need re-authentication context: get", c.start())
			require.Equal(t, good.Username, c.step.Need.(*NeedReauth).Username)
			ctx := good
			row.change(&ctx)
			require.Equal(t, row.sees, c.resume(ReauthAnswer{Context: ctx, Err: row.err}), name)
			require.Equal(t, row.told, told != nil, name)
			if row.sees == "need vectors" {
				// Full authentication, bound to the re-authentication identity.
				require.Equal(t, testIMSI, c.step.Need.(*NeedVectors).Request.IMSI)
				require.Equal(t, "challenge", c.give(c.vector))
				require.Equal(t, "need authorization", c.handle(c.goodAnswer()))
			}
		}
	})
}

// With a store that is out of order logins go on, but nothing serves twice.
func TestReauthStoreOutOfOrder(t *testing.T) {
	down := errors.New("connection refused")
	bothMethods(t, func(t *testing.T, typ eap.Type) {
		var told []error
		cfg := reauthConfig()
		cfg.Hooks.StoreFailed = func(e Event) { told = append(told, e.Err) }
		m := newTest(typ, cfg)
		c := newConv(t, m, idFor(typ)).toAuthorization()
		require.Equal(t, "need re-authentication context: put", c.resume(eap.Authorization{}))
		require.Equal(t, "success", c.resume(ReauthAnswer{Err: down}))
		require.Equal(t, []error{down}, told)

		p := fullLogin(t, m, false)
		r := toReauth(t, m, p, true)
		require.Equal(t, "need re-authentication context: swap", r.handle(r.goodAnswer()))
		require.Equal(t, "notify 0 with MAC", r.resume(ReauthAnswer{Err: down}))
		require.ErrorIs(t, r.step.Err, ErrUnavailable)
		require.Len(t, told, 2)
	})
}

// Whoever drops a subscriber ends his re-authentications, those under way
// included.
func TestReauthDropped(t *testing.T) {
	cfg := reauthConfig()
	m := newTest(eap.TypeAKAPrime, cfg)
	p := fullLogin(t, m, false)
	r := toReauth(t, m, p, false)
	require.NoError(t, cfg.Reauth.Drop(t.Context(), testIMSI))
	require.Equal(t, "need re-authentication context: swap", r.handle(r.goodAnswer()))
	require.Equal(t, "notify 0 with MAC", r.resolve())
	c := newConv(t, m, p.reauthID)
	c.start()
	require.Equal(t, "ask AT_FULLAUTH_ID_REQ", c.resolve())
}

// Re-authentication identities are for the method's first answers only.
func TestReauthNotAskedFor(t *testing.T) {
	m := newTest(eap.TypeAKA, reauthConfig())
	p := fullLogin(t, m, false)
	c := newConv(t, m, "4lost")
	require.Equal(t, "need re-authentication context: get", c.start())
	require.Equal(t, "ask AT_FULLAUTH_ID_REQ", c.resolve())
	require.Equal(t, "ask AT_PERMANENT_ID_REQ", c.answerIdentity(p.reauthID))
	require.Equal(t, "notify 16384", c.answerIdentity(p.reauthID))
	// That of another method is no use to this one.
	c = newConv(t, newTest(eap.TypeAKAPrime, reauthConfig()), p.reauthID)
	require.Equal(t, "ask AT_ANY_ID_REQ", c.start())
	// Without a store there is none, and none is given out.
	m = newTest(eap.TypeAKA, Config{})
	c = newConv(t, m, p.reauthID)
	require.Equal(t, "ask AT_FULLAUTH_ID_REQ", c.start())
	require.Empty(t, fullLogin(t, m, false).next)
}

// The peer may change the realm of its identity: the context is that of the
// username, the keys are bound to what it sent.
func TestReauthRealmChanged(t *testing.T) {
	bothMethods(t, func(t *testing.T, typ eap.Type) {
		m := newTest(typ, reauthConfig())
		p := fullLogin(t, m, false)
		nai, err := eap.ParseNAI(p.reauthID)
		require.NoError(t, err)
		require.Equal(t, "wlan.mnc044.mcc555.3gppnetwork.org", nai.Realm)
		p.reauthID = "nai.epc.mnc044.mcc555.3gppnetwork.org!" + nai.Username + "@visited.example.org"
		r := toReauth(t, m, p, true)
		require.Contains(t, p.next, "@nai.epc.mnc044.mcc555.3gppnetwork.org")
		r.handle(r.goodAnswer())
		r.resolve()
		require.Equal(t, "success", r.resume(eap.Authorization{}))
		k := p.keys.Reauth(p.reauthID, 1, r.nonceS)
		require.Equal(t, k.MSK, r.step.Result.MSK)
		p.reauthID = p.next
		require.EqualValues(t, 2, toReauth(t, m, p, true).counter)
	})
}
