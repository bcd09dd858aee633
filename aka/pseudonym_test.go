package aka

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/eap"
	"github.com/opentwag/twag/keyring"
)

var (
	testIMSI = eap.MustParseIMSI("555444333222111")
	testTime = time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)
)

func ringKey(id, fill byte) keyring.Key {
	k := keyring.Key{ID: id}
	for i := range k.Secret {
		k.Secret[i] = fill
	}
	return k
}

func testRing(t testing.TB, keys ...keyring.Key) *keyring.Ring {
	t.Helper()
	r, err := keyring.New(keys...)
	require.NoError(t, err)
	return r
}

func TestPseudonymOpens(t *testing.T) {
	a := NewPseudonyms(testRing(t, ringKey(1, 1)), PseudonymConfig{})
	b := NewPseudonyms(testRing(t, ringKey(2, 2), ringKey(1, 1)), PseudonymConfig{})
	for _, m := range temporaryMethods {
		for _, digits := range []string{"001010", "00101012345678", "999999999999999"} {
			imsi := eap.MustParseIMSI(digits)
			name := a.Seal(m.method, imsi, testTime)
			require.Len(t, name, pseudonymLen)
			id := (*eap.IdentityRules)(nil).Parse(name + "@wlan.mnc001.mcc001.3gppnetwork.org")
			require.Equal(t, eap.KindPseudonym, id.Kind)
			require.Equal(t, m.method, id.Method)
			require.Equal(t, name, id.NAI.Username)
			for _, p := range []*Pseudonyms{a, b} {
				got, err := p.Open(m.method, name, testTime)
				require.NoError(t, err)
				require.Equal(t, imsi, got)
			}
		}
	}
	require.Empty(t, a.Seal(eap.TypeIdentity, testIMSI, testTime))
	require.Empty(t, a.Seal(eap.TypeAKA, eap.IMSI{}, testTime))
}

// No octet may be another one, the method's included, and no pseudonym has two
// spellings.
func TestPseudonymForged(t *testing.T) {
	p := NewPseudonyms(testRing(t, ringKey(1, 1)), PseudonymConfig{})
	name := p.Seal(eap.TypeAKA, testIMSI, testTime)
	for i := range name {
		for _, c := range []byte("2347AZaz09-_= \x00\xff") {
			if name[i] == c {
				continue
			}
			forged := name[:i] + string([]byte{c}) + name[i+1:]
			for _, m := range temporaryMethods {
				_, err := p.Open(m.method, forged, testTime)
				require.ErrorIs(t, err, ErrPseudonym, "octet %d", i)
			}
		}
	}
	for n := range name {
		_, err := p.Open(eap.TypeAKA, name[:n], testTime)
		require.ErrorIs(t, err, ErrPseudonym)
	}
	// 34 characters of base64 hold four bits more than 25 octets have. None of
	// the other spellings opens.
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	end := len(name) - 1
	last := strings.IndexByte(alphabet, name[end])
	require.Zero(t, last%16)
	for spelling := 1; spelling < 16; spelling++ {
		_, err := p.Open(eap.TypeAKA, name[:end]+alphabet[last+spelling:][:1], testTime)
		require.ErrorIs(t, err, ErrPseudonym, "spelling %d", spelling)
	}
	_, err := p.Open(eap.TypeAKA, name+"A", testTime)
	require.ErrorIs(t, err, ErrPseudonym)
	_, err = p.Open(eap.TypeAKAPrime, "7"+name[1:], testTime)
	require.ErrorIs(t, err, ErrPseudonym, "of another method")
	_, err = p.Open(eap.TypeIdentity, name, testTime)
	require.ErrorIs(t, err, ErrPseudonym)
	_, err = NewPseudonyms(testRing(t, ringKey(1, 2)), PseudonymConfig{}).Open(eap.TypeAKA, name, testTime)
	require.ErrorIs(t, err, ErrPseudonym, "of another operator")
}

func TestPseudonymAge(t *testing.T) {
	ring := testRing(t, ringKey(1, 1))
	at := func(age, after time.Duration) error {
		p := NewPseudonyms(ring, PseudonymConfig{MaxAge: age})
		_, err := p.Open(eap.TypeAKA, p.Seal(eap.TypeAKA, testIMSI, testTime), testTime.Add(after))
		return err
	}
	const day = 24 * time.Hour
	require.NoError(t, at(0, 30*day))
	require.ErrorIs(t, at(0, 30*day+time.Hour), ErrPseudonym)
	require.NoError(t, at(time.Minute, time.Hour), "counted in hours")
	require.ErrorIs(t, at(time.Minute, 2*time.Hour), ErrPseudonym)
	require.NoError(t, at(-1, 1000*day))
	require.NoError(t, at(1<<62, 1000*day))
	require.NoError(t, at(0, -2*time.Hour), "clocks differ")
	require.ErrorIs(t, at(0, -4*time.Hour), ErrPseudonym, "from the future")
	// Times that three octets do not hold are the nearest that they do.
	require.Zero(t, hoursOf(time.Time{}))
	require.EqualValues(t, hoursMax, hoursOf(time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)))
}

func TestPseudonymKeysRotate(t *testing.T) {
	old := ringKey(1, 1)
	p := NewPseudonyms(testRing(t, old), PseudonymConfig{})
	name := p.Seal(eap.TypeAKA, testIMSI, testTime)
	old.NotAfter = testTime.Add(time.Hour)
	p.Rotate(testRing(t, ringKey(2, 2), old))
	_, err := p.Open(eap.TypeAKA, name, old.NotAfter)
	require.NoError(t, err)
	_, err = p.Open(eap.TypeAKA, name, old.NotAfter.Add(1))
	require.ErrorIs(t, err, ErrPseudonym)
	_, err = p.Open(eap.TypeAKA, p.Seal(eap.TypeAKA, testIMSI, testTime), old.NotAfter.Add(1))
	require.NoError(t, err, "the new key seals")
	p.Rotate(testRing(t, ringKey(3, 3)))
	_, err = p.Open(eap.TypeAKA, name, testTime)
	require.ErrorIs(t, err, ErrPseudonym)
}

// Two pseudonyms of a subscriber have the digit and the key in common, and no
// more than any two have.
func TestPseudonymsUnlinkable(t *testing.T) {
	p := NewPseudonyms(testRing(t, ringKey(1, 1)), PseudonymConfig{})
	seen := map[string]bool{}
	for range 100 {
		name := p.Seal(eap.TypeAKAPrime, testIMSI, testTime)
		require.Equal(t, "7A", name[:2], "digit, key ID")
		require.False(t, seen[name[4:10]] || seen[name[28:]])
		seen[name[4:10]], seen[name[28:]] = true, true
	}
}

func TestPseudonymsPrintNothing(t *testing.T) {
	p := NewPseudonyms(testRing(t, ringKey(1, 1)), PseudonymConfig{})
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x"} {
		require.Equal(t, "aka.Pseudonyms[redacted]", fmt.Sprintf(verb, p))
	}
}

// Identity rounds with pseudonyms: what was asked, said, and follows.
func TestPseudonymLogin(t *testing.T) {
	const realm = "@wlan.mnc044.mcc555.3gppnetwork.org"
	ring := testRing(t, ringKey(1, 1))
	other := NewPseudonyms(testRing(t, ringKey(1, 2)), PseudonymConfig{})
	bothMethods(t, func(t *testing.T, typ eap.Type) {
		cfg := Config{Pseudonyms: NewPseudonyms(ring, PseudonymConfig{})}
		good := cfg.Pseudonyms.Seal(typ, testIMSI, testTime) + realm
		stale := cfg.Pseudonyms.Seal(typ, testIMSI, testTime.AddDate(0, 0, -31)) + realm
		forged := other.Seal(typ, testIMSI, testTime) + realm
		wrong := cfg.Pseudonyms.Seal(eap.TypeAKA+eap.TypeAKAPrime-typ, testIMSI, testTime) + realm
		swapped := good[:1] + wrong[1:]

		leads := map[asked]string{askedAny: "nobody", askedFullauth: strings.Replace("4lost"+realm, "4", string(temporaryMethods[temporaryOf(typ)].reauth), 1), askedPermanent: stale}
		for _, row := range []struct {
			how  asked
			said string
			sees string
		}{
			{askedNone, good, "need vectors"},
			{askedNone, stale, "ask AT_PERMANENT_ID_REQ"},
			{askedNone, forged, "ask AT_PERMANENT_ID_REQ"},
			{askedNone, swapped, "ask AT_PERMANENT_ID_REQ"},
			{askedNone, wrong, "ask AT_ANY_ID_REQ"},
			{askedAny, good, "need vectors"},
			{askedAny, stale, "ask AT_PERMANENT_ID_REQ"},
			{askedAny, wrong, "ask AT_FULLAUTH_ID_REQ"},
			{askedFullauth, good, "need vectors"},
			{askedFullauth, forged, "ask AT_PERMANENT_ID_REQ"},
			{askedFullauth, wrong, "ask AT_PERMANENT_ID_REQ"},
			{askedPermanent, good, "notify 16384"},
			{askedPermanent, stale, "notify 16384"},
			{askedPermanent, wrong, "notify 16384"},
		} {
			run := func(cfg Config) *conv {
				first := row.said
				if row.how != askedNone {
					first = leads[row.how]
				}
				c := newConv(t, newTest(typ, cfg), first)
				c.turn.Now = testTime
				sees := c.start()
				if row.how != askedNone && !cfg.RefusePermanentIdentity {
					require.Equal(t, "ask "+row.how.String(), sees)
					c.answerIdentity(row.said)
				}
				return c
			}
			c := run(cfg)
			require.Equal(t, row.sees, c.sees(), "%v: %q", row.how, row.said)
			if row.sees == "need vectors" {
				require.Equal(t, testIMSI, c.step.Need.(*NeedVectors).Request.IMSI)
				c.identity = row.said
				require.Equal(t, "challenge", c.give(c.vector))
				require.Equal(t, "need authorization", c.handle(c.goodAnswer()))
				require.Equal(t, row.said, c.step.Need.(*eap.NeedAuthorization).Result.Identity)
				require.Equal(t, testIMSI, c.step.Need.(*eap.NeedAuthorization).Result.IMSI)
			}
			refuse := cfg
			refuse.RefusePermanentIdentity = true
			if row.sees == "ask AT_PERMANENT_ID_REQ" && row.how == askedNone {
				c := run(refuse)
				require.Equal(t, "notify 16384", c.sees())
				require.ErrorIs(t, c.step.Err, ErrIdentity)
			}
			none := cfg
			none.NoPseudonyms = true
			if row.said == good && row.how == askedNone {
				require.Equal(t, "ask AT_PERMANENT_ID_REQ", run(none).sees())
			}
		}
	})
}

// An unknown subscriber, a pseudonym that leads nowhere and an HSS that is
// down look alike: the identity rounds of the kind of identity, then 16384.
func TestFailuresBeforeChallengeLookAlike(t *testing.T) {
	bothMethods(t, func(t *testing.T, typ eap.Type) {
		lost := idFor(eap.TypeAKAPrime)
		if typ == eap.TypeAKA {
			lost = akaID
		}
		pseudonym := string(temporaryMethods[temporaryOf(typ)].pseudonym) + strings.Repeat("A", pseudonymLen-1)
		var runs [][]string
		for _, err := range []error{ErrUnknownSubscriber, ErrUnavailable, ErrNoSubscription, ErrBarred, ErrRoamingNotAllowed} {
			// Begun with a pseudonym that leads nowhere.
			c := newConv(t, newTest(typ, Config{}), pseudonym)
			said := []string{c.start(), c.answerIdentity(lost)}
			said = append(said, c.resume(VectorsAnswer{Err: err}), string(c.step.Packet[4:]), c.handle(c.response(SubtypeNotification, nil)))
			runs = append(runs, said)
		}
		c := newConv(t, newTest(typ, Config{}), pseudonym)
		said := []string{c.start(), "need vectors", c.answerIdentity(pseudonym)}
		runs = append(runs, append(said, string(c.step.Packet[4:]), c.handle(c.response(SubtypeNotification, nil))))
		for _, r := range runs {
			require.Equal(t, runs[0], r)
			require.Equal(t, "notify 16384", r[2])
		}
	})
}

func FuzzPseudonymOpen(f *testing.F) {
	p := NewPseudonyms(testRing(f, ringKey(1, 1)), PseudonymConfig{})
	good := p.Seal(eap.TypeAKA, testIMSI, testTime)
	f.Add(good)
	f.Add("2")
	f.Add(strings.Repeat("2", pseudonymLen))
	f.Fuzz(func(t *testing.T, name string) {
		// Each worker of the fuzzer has a ring of the same secret: what opens was
		// made by one of them, or is a forgery.
		if imsi, err := p.Open(eap.TypeAKA, name, testTime); err == nil {
			require.Equal(t, testIMSI, imsi)
		}
	})
}

func BenchmarkPseudonym(b *testing.B) {
	p := NewPseudonyms(testRing(b, ringKey(1, 1)), PseudonymConfig{})
	b.ReportAllocs()
	for b.Loop() {
		name := p.Seal(eap.TypeAKA, testIMSI, testTime)
		if _, err := p.Open(eap.TypeAKA, name, testTime); err != nil {
			b.Fatal(err)
		}
	}
}
