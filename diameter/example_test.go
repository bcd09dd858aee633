package diameter_test

import (
	"context"
	"fmt"
	"log"
	"net"
	"time"

	"github.com/opentwag/twag/diameter"
	"github.com/opentwag/twag/diameter/wire"
)

// Two nodes: a server that answers Multimedia-Auth-Requests, and a client that
// sends one.
func Example() {
	swx := diameter.Application{ID: 16777265, Vendor: 10415}
	const multimediaAuth = 303

	hss, err := diameter.NewNode(diameter.Config{
		OriginHost: "hss.example.net", OriginRealm: "example.net",
		Applications: []diameter.Application{swx},
		AllowPeer:    func(p diameter.PeerInfo) bool { return p.Realm == "example.org" },
	})
	if err != nil {
		log.Fatal(err)
	}
	defer hss.Close()
	hss.Handle(swx.ID, multimediaAuth, diameter.HandlerFunc(
		func(_ context.Context, r *diameter.Request) (wire.Message, error) {
			user, ok := r.Message.Find(diameter.AVPUserName, 0)
			if !ok {
				return nil, &diameter.ResultError{Code: diameter.ResultMissingAVP}
			}
			w := r.Answer(diameter.ResultSuccess)
			w.AVP(user)
			return w.Message()
		}))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	go func() { _ = hss.Serve(l) }()

	aaa, err := diameter.NewNode(diameter.Config{
		OriginHost: "aaa.example.org", OriginRealm: "example.org",
		Applications: []diameter.Application{swx},
		Peers:        []diameter.PeerConfig{{Host: "hss.example.net", Address: l.Addr().String()}},
	})
	if err != nil {
		log.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	aaa.Start()
	if err := aaa.WaitOpen(ctx, "hss.example.net"); err != nil {
		log.Fatal(err)
	}

	host, realm := aaa.Origin()
	w := wire.NewBuilder(nil, wire.Header{
		Flags: wire.FlagRequest | wire.FlagProxiable, Command: multimediaAuth, Application: swx.ID,
	})
	w.String(diameter.AVPSessionID, 0, wire.FlagMandatory, aaa.NewSessionID())
	w.String(diameter.AVPOriginHost, 0, wire.FlagMandatory, host)
	w.String(diameter.AVPOriginRealm, 0, wire.FlagMandatory, realm)
	w.String(diameter.AVPDestinationRealm, 0, wire.FlagMandatory, "example.net")
	w.String(diameter.AVPUserName, 0, wire.FlagMandatory, "001010000000001")
	request, err := w.Message()
	if err != nil {
		log.Fatal(err)
	}
	answer, err := aaa.Exchange(ctx, request)
	if err != nil {
		log.Fatal(err)
	}
	a, _ := answer.Find(diameter.AVPResultCode, 0)
	code, err := a.Uint32()
	fmt.Println(code, err)
	for _, p := range aaa.Peers() {
		fmt.Println(p.Host, p.State, p.ProductName)
	}
	fmt.Println(aaa.Shutdown(ctx))
	// Output:
	// 2001 <nil>
	// hss.example.net open twag
	// <nil>
}
