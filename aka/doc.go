// Package aka is EAP-AKA (RFC 4187), EAP-AKA' (RFC 9048) and EAP-SIM (RFC
// 4186): attributes, key derivation, and the server's side as machines for
// package eap.
//
// [New], [NewPrime] and [NewSIM] make the methods for an [eap.Authenticator].
// Their vectors come from a [VectorSource]: an HSS, or a centre in the process.
// The machines do no I/O; when one needs a vector it says so ([NeedVectors])
// and is resumed with it, and after the subscriber has proved who he is it asks
// whether he may be let in ([eap.NeedAuthorization]).
//
//	auth := eap.NewAuthenticator(
//		aka.NewPrime(source, aka.Config{}),
//		aka.New(source, aka.Config{Bidding: true}))
//
// EAP-SIM, the third, is for cards that are no USIM. It takes the same sources:
// a [Triplet] follows from a vector. Have it last, and only where there are
// such cards.
//
// EAP-AKA' can be done with forward secrecy (RFC 9678), if so configured: then
// the long-term key, got hold of later, does not open a recorded session.
//
// # Identities
//
// After its first login a phone goes by a pseudonym ([Pseudonyms]), which every
// server with the operator's key ring opens and nobody else can follow. With a
// [ReauthStore] it may also come back without a vector, by fast
// re-authentication, so often and so long as [ReauthLimits] allow; machines ask
// the store by [NeedReauth]. Phones that encrypt their permanent identity are
// served with [IdentityKey].
//
//	cfg := aka.Config{
//		Pseudonyms: aka.NewPseudonyms(ring, aka.PseudonymConfig{}),
//		Reauth:     aka.NewMemoryReauthStore(0),
//	}
//
// [Decode], [NewMessage], [AKAKeys] and [AKAPrimeKeys] are what the other side,
// or a tool, needs of the protocol; [SIMKeys] for EAP-SIM, whose attributes are
// the same.
//
// # Limits
//
// Network names that begin with "5G:", which bind
// keys to another form of the identity (RFC 9048, section 5.3), are not for
// this package.
//
// # Security
//
// MACs, check codes and RES are compared in constant time. Before the
// challenge all failures look alike to the peer. What machines store
// (AppendState) holds keys and must be sealed or kept; of forward secrecy it
// holds the private key, so that the keys it is sealed with must be thrown away
// in time. A pseudonym hides the subscriber from those
// who listen, not from one who makes the phone believe that its pseudonym was
// lost; RefusePermanentIdentity does, at the price of phones that have none
// left. A re-authentication proves that the phone is there, not the USIM.
// EAP-SIM rests on GSM: with two or three triplets of a subscriber, got over
// the air say, anybody can play the network to his phone (RFC 4186, section
// 12.3), and keys have 64 bits for each at best. EAP-AKA and EAP-SIM rest on
// SHA-1 and do not run under GODEBUG=fips140=only.
package aka
