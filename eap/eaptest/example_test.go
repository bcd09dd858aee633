package eaptest_test

import (
	"context"
	"fmt"
	"time"

	"github.com/opentwag/twag/aka"
	"github.com/opentwag/twag/aka/auc"
	"github.com/opentwag/twag/eap"
	"github.com/opentwag/twag/eap/eaptest"
	"github.com/opentwag/twag/milenage"
)

// A phone logs in at an authenticator in the same process.
func Example() {
	cipher, err := milenage.New([16]byte{1}, [16]byte{2})
	if err != nil {
		panic(err)
	}
	imsi := eap.MustParseIMSI("001010000000001")

	// The network.
	centre := auc.New(auc.Config{})
	if err := centre.Put(auc.Subscriber{IMSI: imsi, Algorithm: cipher.Algorithm()}); err != nil {
		panic(err)
	}
	conversation := eap.NewAuthenticator(aka.NewPrime(centre, aka.Config{})).New(eap.Peer{})

	// The phone.
	usim, err := eaptest.NewUSIM(eaptest.USIMConfig{Algorithm: cipher.Algorithm()})
	if err != nil {
		panic(err)
	}
	phone, err := eaptest.NewPeer(eaptest.PeerConfig{USIM: usim, IMSI: imsi, NetworkName: "WLAN"})
	if err != nil {
		panic(err)
	}

	now := time.Now()
	outcome := conversation.Start(now)
	for phone.Status() == eaptest.Running {
		switch outcome.Kind {
		case eap.OutcomeNeed:
			var answer eap.Answer = eap.Authorization{}
			if r, ok := outcome.Need.(eap.Resolver); ok {
				answer = r.Resolve(context.Background())
			}
			outcome = conversation.Resume(now, answer)
		case eap.OutcomeDiscard:
			panic(outcome.Err)
		default:
			response, err := phone.Handle(outcome.Packet)
			if err != nil {
				panic(err)
			}
			if response != nil {
				outcome = conversation.Handle(now, response)
			}
		}
	}
	result, _ := phone.Result()
	fmt.Println(phone.Status(), result.Method, result.MSK == outcome.Result.MSK)
	// Output: succeeded EAP-AKA' true
}
