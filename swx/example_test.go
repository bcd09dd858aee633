package swx_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/opentwag/twag/aka"
	"github.com/opentwag/twag/diameter"
	"github.com/opentwag/twag/eap"
	"github.com/opentwag/twag/swx"
	"github.com/opentwag/twag/swx/swxtest"
)

func Example() {
	hss, err := swxtest.New(swxtest.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer hss.Close()
	addr, err := hss.Listen("127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	imsi := eap.MustParseIMSI("001010000000001")
	if err := hss.Add(swxtest.Subscriber{IMSI: imsi, K: [16]byte{1}, OPc: [16]byte{2}}); err != nil {
		log.Fatal(err)
	}

	node, err := diameter.NewNode(diameter.Config{
		OriginHost:   "aaa1.epc.mnc001.mcc001.3gppnetwork.org",
		OriginRealm:  "epc.mnc001.mcc001.3gppnetwork.org",
		Applications: []diameter.Application{swx.Application},
		Peers:        []diameter.PeerConfig{{Host: swxtest.DefaultHost, Address: addr.String()}},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer node.Close()
	node.Start()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := node.WaitOpen(ctx, swxtest.DefaultHost); err != nil {
		log.Fatal(err)
	}

	client := swx.NewClient(node, swx.Config{Realm: "epc.mnc001.mcc001.3gppnetwork.org"})
	vectors, err := client.Vectors(ctx, aka.VectorRequest{IMSI: imsi, Scheme: aka.SchemeAKAPrime, NetworkName: "WLAN"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(vectors), vectors[0].Primed, vectors[0].NetworkName)

	_, err = client.Vectors(ctx, aka.VectorRequest{IMSI: eap.MustParseIMSI("001010000000002"), Scheme: aka.SchemeAKA})
	fmt.Println(errors.Is(err, aka.ErrUnknownSubscriber))
	fmt.Println(err)
	// Output:
	// 1 true WLAN
	// true
	// swx: MAR: Experimental-Result of vendor 10415, 5001 (USER_UNKNOWN) from "hss1.epc.mnc001.mcc001.3gppnetwork.org"
}
