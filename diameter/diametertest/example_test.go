package diametertest_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/opentwag/twag/diameter"
	"github.com/opentwag/twag/diameter/diametertest"
	"github.com/opentwag/twag/diameter/wire"
)

// A test of what a node makes of answers that nobody asked for. (In a real
// test t is the test's own.)
func Example() {
	var t testing.T
	peer := diametertest.NewPeer(&t, diametertest.Config{Host: "hss.example.net"})
	defer peer.Close()
	node, err := diameter.NewNode(diameter.Config{
		OriginHost: "aaa.example.org", OriginRealm: "example.org",
		Applications: []diameter.Application{{ID: 16777265, Vendor: 10415}},
		Peers:        []diameter.PeerConfig{{Host: peer.Host(), Address: peer.Listen()}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	node.Start()
	defer node.Close()
	link := peer.Accept() // the capabilities are exchanged

	result := make(chan uint32)
	go func() {
		if err := node.WaitOpen(context.Background(), peer.Host()); err != nil {
			fmt.Println(err)
		}
		request := diametertest.Build(wire.Header{Flags: wire.FlagRequest, Command: 303, Application: 16777265})
		answer, err := node.Exchange(context.Background(), request)
		if err != nil {
			fmt.Println(err)
		}
		result <- diametertest.ResultOf(answer)
	}()
	request := link.Want(303, true)
	answer := link.Reply(request, diametertest.Result(5012))
	answer.SetHopByHop(answer.Header().HopByHop + 1)
	link.Send(answer)
	link.Answer(request, 2001)
	fmt.Println(<-result)
	link.Answer(request, 5012) // again
	link.Ping()
	// Output: 2001
}
