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
// [MAR] and [MAA] are the messages themselves, encoded and decoded in place on
// package wire with no dictionary and no allocation. Package swxtest has an
// HSS for tests and laboratories.
//
// What is not here: the profile (SAR/SAA), what the HSS sends on its own
// (RTR, PPR), and keeping surplus vectors for later.
//
// # Security
//
// MAA carries the keys of a session in the clear; the link to the HSS must be
// protected by TLS, DTLS or IPsec (TS 33.210). Messages and errors of this
// package print without keys and without the IMSI.
//
// # Sources
//
// TS 29.273 clause 8 (SWx), TS 29.229 clause 6 (Cx AVPs that SWx uses), TS
// 29.272 clause 7.3 (RAT-Type and others), TS 33.402 clause 6 (EAP-AKA'
// vectors), RFC 6733.
package swx
