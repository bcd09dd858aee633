package gytest_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/opentwag/twag/diameter"
	"github.com/opentwag/twag/gy"
	"github.com/opentwag/twag/gy/gytest"
)

// An account of 30 MB that is used in chunks of 10 MB, by a request that is
// lost with the connection and comes again.
func ExampleOCS_Inject() {
	ocs, err := gytest.New(gytest.Config{Plan: gytest.Plan{Chunk: 10_000_000}})
	if err != nil {
		log.Fatal(err)
	}
	defer ocs.Close()
	if err := ocs.Add(gytest.Account{IMSI: "001010000000001", Balance: 30_000_000}); err != nil {
		log.Fatal(err)
	}
	addr, err := ocs.Listen("127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	node, err := diameter.NewNode(diameter.Config{
		OriginHost:   "twag1.example",
		OriginRealm:  "example",
		Applications: []diameter.Application{gy.Application},
		Peers:        []diameter.PeerConfig{{Host: gytest.DefaultHost, Address: addr.String()}},
		Reconnect:    100 * time.Millisecond,
	})
	if err != nil {
		log.Fatal(err)
	}
	defer node.Close()
	node.Start()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := node.WaitOpen(ctx, ""); err != nil {
		log.Fatal(err)
	}
	client := gy.NewClient(node, gy.ClientConfig{})
	machine := gy.NewMachine(gy.Config{OriginHost: "twag1.example", OriginRealm: "example", Realm: gytest.DefaultRealm})
	session := machine.NewSession("twag1.example;1;1", &gy.Info{
		Subscriptions: []gy.Subscription{{Type: gy.SubscriptionIMSI, Data: []byte("001010000000001")}},
	})
	do := func(out gy.Output) {
		for {
			if out.Service == gy.ServiceEnded {
				fmt.Println("cut off:", out.Reason)
			}
			if !out.Send {
				return
			}
			msg, err := session.AppendRequest(nil)
			if err != nil {
				log.Fatal(err)
			}
			var answer gy.CCA
			if err := client.Send(ctx, msg, &answer); err != nil {
				out = session.Fail(time.Now(), out.Seq, gy.FailureOf(err))
				continue
			}
			out = session.Answer(time.Now(), out.Seq, &answer)
		}
	}
	do(session.Start(time.Now()))
	ocs.Inject(gytest.Fault{Disconnect: true, Times: 1})
	var used gy.Counters
	for range 4 {
		used.Seconds += 60
		used.Output += 8_000_000
		do(session.Account(time.Now(), 0, used))
	}
	do(session.Stop(time.Now(), 0, used, gy.CauseLogout))

	audit := ocs.Audit()
	account := audit.Accounts["001010000000001"]
	fmt.Printf("used %d, debited %d, balance %d, requests %d, violations %d\n",
		used.Octets(), account.Debited, account.Balance, audit.Sessions[session.SessionID()].Requests, audit.TotalViolations)
	// Output:
	// cut off: no credit
	// used 32000000, debited 32000000, balance -2000000, requests 5, violations 0
}
