// Package eap is the authenticator's side of the Extensible Authentication
// Protocol (RFC 3748): packets, network access identifiers, and the
// conversation that picks a method and runs it.
//
// It does no I/O. A lower layer, such as package eapradius, hands it the
// packets of a peer and sends what it returns:
//
//	auth := eap.NewAuthenticator(aka.NewPrime(hss, aka.Config{}), aka.New(hss, aka.Config{}))
//	...
//	c := auth.New(eap.Peer{StationID: station})
//	o := c.Handle(now, packet)
//	for o.Kind == eap.OutcomeNeed {
//		o = c.Resume(now, answer(o.Need)) // vectors from an HSS, say
//	}
//	send(o.Packet)
//
// An [Authenticator] is configuration and safe for concurrent use; a
// [Conversation] is one login and is not. A conversation that waits for the
// peer can be written down and go on elsewhere: see AppendState and Restore.
// Those octets hold keys.
//
// [Method] is what a method has to implement. [IdentityRules] read what phones
// call themselves (TS 23.003, clauses 14 and 19). What a peer says of itself
// is a hint until a method has succeeded: only [Result] is proved.
//
// Not here: timers and retransmission by time, which RADIUS leaves to the NAS
// (RFC 3579, section 2.3); the peer's side, for which see eaptest; Notification
// requests of the authenticator's own.
package eap
