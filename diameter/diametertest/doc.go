// Package diametertest is the other side of a Diameter connection for tests: a
// [Peer] that does what RFC 6733 says until it is told to do something else.
//
// Each connection of a peer is a [Link]. By itself a link answers CER, DWR and
// DPR; everything else that arrives is the test's to expect and to answer, and
// what the test sends is sent as it is, right or wrong:
//
//	peer := diametertest.NewPeer(t, diametertest.Config{Host: "hss.example.net"})
//	node := …                                   // connects to peer.Listen()
//	link := peer.Accept()                       // capabilities are exchanged
//	request := link.Want(303, true)
//	answer := link.Reply(request, diametertest.Result(2001))
//	answer.SetHopByHop(4711)                    // nobody asked for that
//	link.Send(answer)
//	link.Send(link.Reply(request)[:10])         // half a message …
//	link.Reset()                                // … and nothing more
//
// A link can stop reading ([Link.Stall]), close in order or by a reset, and
// leave everything to the test ([Config.Manual]). [Malformed] is a table of
// input that Diameter implementations have died of. An [Authority] issues
// certificates for TLS, good ones and others.
//
// Peers listen and dial on loopback, or are in memory ([Peer.Pipe],
// [Peer.PipeListener]), which is what a testing/synctest bubble needs. A failed
// expectation ends the test; so, as with testing.TB's FailNow, the methods that
// expect something are for the test's own goroutine.
//
// It is a peer for tests of some messages, not for load.
package diametertest
