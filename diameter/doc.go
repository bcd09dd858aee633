// Package diameter is a Diameter node (RFC 6733): one identity, its peers, and
// the applications that share them.
//
// A [Node] connects to the peers it is configured with and accepts those that
// connect to it, exchanges capabilities, watches each connection (RFC 3539),
// reconnects, and matches answers to requests by their Hop-by-Hop identifier
// alone. Requests from peers go to handlers on a bounded pool of workers. What
// a peer sends wrongly is answered with the Result-Code that RFC 6733 names,
// and the connection lives on wherever the framing allows.
//
//	node, err := diameter.NewNode(diameter.Config{
//		OriginHost:   "aaa.example.org",
//		OriginRealm:  "example.org",
//		Applications: []diameter.Application{{ID: 16777265, Vendor: 10415}},
//		Peers:        []diameter.PeerConfig{{Host: "hss.example.org", Address: "192.0.2.1:3868"}},
//	})
//	if err != nil { … }
//	node.Start()
//	defer node.Close()
//	err = node.WaitOpen(ctx, "hss.example.org")
//	answer, err := node.Exchange(ctx, request)
//
// Messages are octets with readers and builders of package wire. Code written
// for github.com/fiorix/go-diameter can go on using its messages ([Node.Do])
// and handlers ([Node.HandleDiam]); they are encoded and decoded here, within
// bounds, and never by that module's own decoder or network engine. Importing
// this package costs some 16 ms at start, which that module's dictionary takes.
//
// # Not in this package yet
//
// Fail-over of pending requests, routing over several peers of one realm, TLS
// and SCTP. The Dial function of a [PeerConfig] can return any net.Conn.
//
// # Security
//
// Peers are known by the Origin-Host they claim; on an open network the
// connection has to be protected below. No table, queue or message grows
// without bound: see [Config].
//
// Sources: RFC 6733; RFC 3539 section 3.4; spec clauses at each declaration.
package diameter
