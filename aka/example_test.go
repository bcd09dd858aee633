package aka_test

import (
	"context"
	"fmt"
	"time"

	"github.com/opentwag/twag/aka"
	"github.com/opentwag/twag/aka/auc"
	"github.com/opentwag/twag/eap"
	"github.com/opentwag/twag/eap/eaptest"
	"github.com/opentwag/twag/keyring"
	"github.com/opentwag/twag/milenage"
)

// A login without a network: a phone, an authenticator, and a centre that has
// the phone's key.
func Example() {
	cipher, err := milenage.New(
		[16]byte([]byte("sixteen octets K")),
		[16]byte([]byte("sixteen octs OPc")))
	if err != nil {
		panic(err)
	}
	imsi := eap.MustParseIMSI("001010000000001")
	centre := auc.New(auc.Config{})
	if err := centre.Put(auc.Subscriber{IMSI: imsi, Algorithm: cipher.Algorithm()}); err != nil {
		panic(err)
	}
	usim, err := eaptest.NewUSIM(eaptest.USIMConfig{Algorithm: cipher.Algorithm()})
	if err != nil {
		panic(err)
	}
	phone, err := eaptest.NewPeer(eaptest.PeerConfig{USIM: usim, IMSI: imsi})
	if err != nil {
		panic(err)
	}

	auth := eap.NewAuthenticator(
		aka.NewPrime(centre, aka.Config{ResultIndications: true}),
		aka.New(centre, aka.Config{Bidding: true}))
	login := auth.New(eap.Peer{})
	out := login.Start(time.Now())
	for out.Kind == eap.OutcomeSend || out.Kind == eap.OutcomeNeed {
		switch need := out.Need.(type) {
		case eap.Resolver: // a vector; this may take a while
			out = login.Resume(time.Now(), need.Resolve(context.Background()))
		case *eap.NeedAuthorization:
			out = login.Resume(time.Now(), eap.Authorization{})
		default:
			response, err := phone.Handle(out.Packet)
			if err != nil {
				panic(err)
			}
			out = login.Handle(time.Now(), response)
		}
	}
	if _, err := phone.Handle(out.Packet); err != nil {
		panic(err)
	}
	theirs, _ := phone.Result()
	fmt.Println(out.Result.Method, out.Result.IMSI, phone.Status(), theirs.MSK == out.Result.MSK)
	// Output: EAP-AKA' 00101********** succeeded true
}

// A message made and read.
func ExampleNewMessage() {
	b := aka.NewMessage(nil, eap.CodeResponse, 7, eap.TypeAKA, aka.SubtypeIdentity)
	b.String(aka.AttrIdentity, "0001010000000001")
	octets, err := b.Bytes()
	if err != nil {
		panic(err)
	}
	fmt.Printf("%x\n", octets)

	packet, err := eap.Decode(octets)
	if err != nil {
		panic(err)
	}
	m, err := aka.Decode(packet)
	fmt.Println(m, err, string(m.Identity))
	// Output:
	// 0207001c170500000e05001030303031303130303030303030303031
	// EAP-AKA Response Identity [AT_IDENTITY] <nil> 0001010000000001
}

// A pseudonym of a subscriber, as one server makes it and another one reads it.
func ExampleNewPseudonyms() {
	key := keyring.Key{ID: 1, Secret: [keyring.SecretLen]byte([]byte("32 octets that all servers share"))}
	ring, err := keyring.New(key)
	if err != nil {
		panic(err)
	}
	one := aka.NewPseudonyms(ring, aka.PseudonymConfig{MaxAge: 7 * 24 * time.Hour})
	other := aka.NewPseudonyms(ring, aka.PseudonymConfig{})

	now := time.Now()
	username := one.Seal(eap.TypeAKAPrime, eap.MustParseIMSI("001010000000001"), now)
	imsi, err := other.Open(eap.TypeAKAPrime, username, now)
	fmt.Println(username[:1], len(username), imsi.Digits(), err)

	_, err = other.Open(eap.TypeAKAPrime, username, now.Add(31*24*time.Hour))
	fmt.Println(err)
	// Output:
	// 7 35 001010000000001 <nil>
	// aka: not a pseudonym, or a stale one
}
