package swxtest_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/opentwag/twag/aka"
	"github.com/opentwag/twag/diameter"
	"github.com/opentwag/twag/eap"
	"github.com/opentwag/twag/swx"
	"github.com/opentwag/twag/swx/swxtest"
)

// An HSS that is too busy once, and then sends its answer twice.
func ExampleHSS_Inject() {
	hss, err := swxtest.New(swxtest.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer hss.Close()
	imsi := eap.MustParseIMSI("001010000000001")
	if err := hss.Add(swxtest.Subscriber{IMSI: imsi, K: [16]byte{1}, OPc: [16]byte{2}}); err != nil {
		log.Fatal(err)
	}
	addr, err := hss.Listen("127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	node, err := diameter.NewNode(diameter.Config{
		OriginHost:   "aaa1.example",
		OriginRealm:  "example",
		Applications: []diameter.Application{swx.Application},
		Peers:        []diameter.PeerConfig{{Host: swxtest.DefaultHost, Address: addr.String()}},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer node.Close()
	node.Start()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := node.WaitOpen(ctx, swxtest.DefaultHost); err != nil {
		log.Fatal(err)
	}
	client := swx.NewClient(node, swx.Config{Realm: swxtest.DefaultRealm})

	hss.Inject(swxtest.Fault{ResultCode: 3004, Times: 1})
	hss.Inject(swxtest.Fault{Rewrite: swxtest.Twice, Times: 1})
	for range 3 {
		vectors, err := client.Vectors(ctx, aka.VectorRequest{IMSI: imsi, Scheme: aka.SchemeAKA})
		fmt.Println(len(vectors), err)
	}
	fmt.Printf("%+v\n", hss.Stats())
	// Output:
	// 0 swx: MAR: Result-Code 3004 (TOO_BUSY) from "hss1.epc.mnc001.mcc001.3gppnetwork.org"
	// 1 <nil>
	// 1 <nil>
	// {Requests:3 Malformed:0 Resyncs:0 Vectors:2 Refusals:1 Faults:2}
}
