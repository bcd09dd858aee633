// Package swx is the HSS's side of a 3GPP AAA server: the SWx reference point
// (TS 29.273, clause 8), a Diameter application.
//
// A [Client] asks the HSS for authentication vectors (MAR/MAA) and is an
// aka.VectorSource, so EAP-AKA, EAP-AKA' and EAP-SIM run on it as they are:
//
//	node, err := diameter.NewNode(diameter.Config{
//		OriginHost: "aaa1.epc.mnc001.mcc001.3gppnetwork.org", …
//		Applications: []diameter.Application{swx.Application},
//	})
//	hss := swx.NewClient(node, swx.Config{Realm: "epc.mnc001.mcc001.3gppnetwork.org"})
//	auth := eap.NewAuthenticator(aka.NewPrime(hss, aka.Config{}), aka.New(hss, aka.Config{}))
//
// With [Client.Assign] it registers a subscriber and gets his profile,
// deregisters him, and tells of his gateways (SAR/SAA). What the HSS asks of its
// own accord (RTR, PPR) a [Handler] answers:
//
//	profile, err := hss.Assign(ctx, swx.AssignmentRequest{IMSI: imsi, Type: swx.Registration})
//	handler := swx.Handler{Client: hss, Terminate: …, Update: …}
//	handler.Register(node)
//
// HSSes differ: [Profile] says how, [Route] where they are, and Config what to
// do with vectors that are left over and with subscribers who are registered
// elsewhere.
//
// [MAR], [MAA], [SAR], [SAA], [RTR] and [PPR] are the messages themselves,
// encoded and decoded in place with no dictionary; [UserData] is a profile.
// Package swxtest has an HSS for tests and laboratories.
//
// What is not here: ERP keys, and the answers to what PPR-Flags ask about the
// access network and local time.
//
// # Security
//
// MAA carries the keys of a session in the clear; the link to the HSS must be
// protected by TLS, DTLS or IPsec (TS 33.210). Messages, profiles and errors of
// this package print without keys and without the IMSI. Vectors that are left
// over stay in memory for Config.VectorAge: by default not at all.
//
// # Sources
//
// TS 29.273 clause 8 (SWx), TS 29.229 clause 6 (Cx AVPs that SWx uses), TS
// 29.272 clause 7.3 (RAT-Type and others), TS 33.402 clause 6 (EAP-AKA'
// vectors), RFC 6733.
package swx
