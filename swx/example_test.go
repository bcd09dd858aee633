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
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
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

// A subscriber is registered, and the HSS changes its mind about him.
func ExampleHandler() {
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
	client := swx.NewClient(node, swx.Config{HomeRealms: true})
	handler := swx.Handler{
		Client: client,
		Update: func(_ context.Context, u swx.ProfileUpdate) error {
			fmt.Println("HSS:", u.UserData.Check(swx.RATWLAN))
			return nil
		},
		Terminate: func(_ context.Context, t swx.Termination) error {
			fmt.Println("HSS:", t.Reason)
			return nil
		},
	}
	handler.Register(node)
	node.Start()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := node.WaitOpen(ctx, swxtest.DefaultHost); err != nil {
		log.Fatal(err)
	}

	got, err := client.Assign(ctx, swx.AssignmentRequest{IMSI: imsi, Type: swx.Registration})
	if err != nil {
		log.Fatal(err)
	}
	apn := got.UserData.DefaultAPN()
	fmt.Println(got.UserData.Access, apn.APN, apn.PDNType, apn.AMBR.Downlink)

	// What follows is the HSS's doing.
	if err := hss.EditProfile(imsi, func(p *swx.UserData) { p.Access = swx.AccessBarred }); err != nil {
		log.Fatal(err)
	}
	code, err := hss.Push(ctx, imsi)
	fmt.Println(code, err)
	code, err = hss.Terminate(ctx, imsi, swx.ReasonPermanentTermination)
	fmt.Println(code, err)
	// Output:
	// allowed internet IPv4v6 100000000
	// HSS: swx: profile: aka: access barred: Non-3GPP-IP-Access barred
	// 2001 <nil>
	// HSS: PERMANENT_TERMINATION
	// 2001 <nil>
}
