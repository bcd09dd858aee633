// Package eaptest is the other side of EAP-AKA, EAP-AKA' and EAP-SIM: a soft
// phone for tests and load generators.
//
// A [USIM] answers challenges as a SIM card does, sequence numbers included. A
// [Peer] speaks the methods over it. Like the server's machines it does no
// I/O: it is handed the server's packets and returns its own.
//
//	usim, err := eaptest.NewUSIM(eaptest.USIMConfig{Algorithm: cipher.Algorithm()})
//	...
//	peer, err := eaptest.NewPeer(eaptest.PeerConfig{USIM: usim, IMSI: imsi})
//	...
//	response, err := peer.Handle(request)
//
// A Peer is strict: what a server sends against the standards it refuses in
// the way they say, and returns the reason. So a login that succeeds with it
// says something about the server.
//
// A Peer keeps what one login brings for the next, as a phone does: pseudonyms
// and identities for fast re-authentication. [Peer.Forget] loses them.
//
// A Peer can also be made to lie: see [Lie] and the tables [Lies], told in a
// first login, [StateLies], told in every state, and [FSLies]. They say what a
// right server answers to each.
package eaptest
