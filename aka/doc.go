// Package aka is EAP-AKA (RFC 4187) and EAP-AKA' (RFC 9048): attributes, key
// derivation, and the server's side as machines for package eap.
//
// [New] and [NewPrime] make the two methods for an [eap.Authenticator]. Their
// vectors come from a [VectorSource]: an HSS, or a centre in the process. The
// machines do no I/O; when one needs a vector it says so ([NeedVectors]) and is
// resumed with it, and after the subscriber has proved who he is it asks
// whether he may be let in ([eap.NeedAuthorization]).
//
//	auth := eap.NewAuthenticator(
//		aka.NewPrime(source, aka.Config{}),
//		aka.New(source, aka.Config{Bidding: true}))
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
// or a tool, needs of the protocol. The codec knows EAP-SIM (RFC 4186), which
// shares the attributes, too.
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
// EAP-AKA rests on SHA-1 and does not run under GODEBUG=fips140=only.
package aka
