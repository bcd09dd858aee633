// Package radiustest is the other side of a RADIUS server: a simulated access
// point whose phones log in, and a table of hostile datagrams.
//
// An [AP] carries a phone's EAP packets to the server as a WLAN access point
// does: it signs its requests, follows State, retransmits (RFC 5080, section
// 2.2.1), and is strict about the answers: one that is not authentic is
// counted and ignored, one that breaks RFC 3579 ends the login with an error.
// In the end it compares the MS-MPPE keys with what the phone has.
//
//	ap, err := radiustest.NewAP(radiustest.Config{Server: "127.0.0.1:1812", Secret: secret})
//	...
//	defer ap.Close()
//	result, err := ap.Login(ctx, phone, "02-00-00-00-00-01")
//
// The phone is anything with a Handle method, such as an eaptest.Peer.
//
// It is built for load: some sockets with 256 requests in flight on each, one
// goroutine a socket that also runs the phones, no timer for any request.
//
// [DynAuth] is its side of dynamic authorization (RFC 5176). Accounting is not
// here.
package radiustest
