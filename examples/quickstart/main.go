// Quickstart is a AAA server for Wi-Fi: RADIUS to the access points, EAP-AKA'
// and EAP-AKA to the phones, SWx to the HSS.
package main

import (
	"context"
	"log"
	"net/netip"
	"os"
	"os/signal"

	"github.com/opentwag/twag/aka"
	"github.com/opentwag/twag/diameter"
	"github.com/opentwag/twag/eap"
	"github.com/opentwag/twag/eap/eapradius"
	"github.com/opentwag/twag/radius"
	"github.com/opentwag/twag/swx"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := serve(ctx, ":1812", "127.0.0.1:3868"); err != nil {
		log.Fatal(err)
	}
}

// serve answers access points at addr with vectors of the HSS at hssAddr.
func serve(ctx context.Context, addr, hssAddr string) error {
	node, err := diameter.NewNode(diameter.Config{
		OriginHost:   "twag.epc.mnc001.mcc001.3gppnetwork.org",
		OriginRealm:  "epc.mnc001.mcc001.3gppnetwork.org",
		Applications: []diameter.Application{swx.Application},
		Peers:        []diameter.PeerConfig{{Host: "hss1.epc.mnc001.mcc001.3gppnetwork.org", Address: hssAddr}},
	})
	if err != nil {
		return err
	}
	node.Start()
	defer node.Close()

	hss := swx.NewClient(node, swx.Config{})
	auth := eap.NewAuthenticator(aka.NewPrime(hss, aka.Config{}), aka.New(hss, aka.Config{Bidding: true}))
	server := &radius.Server{
		Addr: addr,
		Clients: radius.Subnets{
			{Prefix: netip.MustParsePrefix("127.0.0.0/8"), Secret: "a-secret-of-20-characters-or-more"},
		},
		Handler: eapradius.New(auth, eapradius.Config{}),
	}
	return server.ListenAndServe(ctx)
}
