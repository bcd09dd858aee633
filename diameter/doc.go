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
// # Several peers
//
// Requests go to the Destination-Host, its realm, or a relay, by priority and
// weight; what a lost, suspect or silent peer leaves unanswered is sent to
// another (see [Node.Exchange]), and that peer is used again when it is back.
// Duplicates of a peer's request get the answer of the first copy. A node
// relays nothing itself: a request for another host is answered 3002.
//
// # Transports
//
// TCP; TLS over TCP from the first octet ([Node.ServeTLS],
// [PeerConfig].Transport), which 5658 is the port for; SCTP on Linux where the
// kernel has it, which was never run: there was no such kernel. TLS that begins
// after the capabilities exchange (Inband-Security-Id) and DTLS are not here.
// The Dial function of a [PeerConfig] can return any other net.Conn.
//
// # Security
//
// With TLS both sides are verified, always, and the certificate has to name the
// Origin-Host; why one was refused is a [*TLSError] in log and peer table.
// Without TLS peers are known by the Origin-Host they claim, and on an open
// network the connection has to be protected below (RFC 6733, section 2.2). No
// table, queue or message grows without bound: see [Config].
//
// Package diametertest is a peer for tests that misbehaves on command.
//
// Sources: RFC 6733; RFC 3539 section 3.4; spec clauses at each declaration.
package diameter
