// Package eapradius carries EAP in RADIUS (RFC 3579): it is the RADIUS handler
// over an [eap.Authenticator].
//
//	auth := eap.NewAuthenticator(aka.NewPrime(hss, aka.Config{}), aka.New(hss, aka.Config{}))
//	srv := radius.Server{Clients: subnets, Handler: eapradius.New(auth, eapradius.Config{})}
//
// [Handler] joins and splits EAP-Message attributes, finds the conversation
// that a State names, answers what the method needs (vectors, the leave of an
// [Authorizer]), and sends the keys to the access point as MS-MPPE keys.
//
// It leaves to the RADIUS server what belongs to every packet: the sender's
// secret, Message-Authenticator, Proxy-State, repetitions of the same request.
// It must not be run on a server that does not check Message-Authenticator
// (RFC 3579, section 3.2).
//
// Between two requests a conversation waits in a bounded table in memory. The
// State attribute is 16 random octets that name the conversation and two that
// count its Challenges. Each is good for one request, from the same NAS and
// the same station.
//
// With Config.StateKeys a conversation that is short enough travels in the State
// itself, sealed, and any server with the same keys goes on with it. Such a
// server does not know the request that it sent, so it does not send it again:
// a packet that is discarded gets no answer, nor does a State that was used.
//
// Sources: RFC 2548, 2865, 3579, 3580 and 7268.
package eapradius
