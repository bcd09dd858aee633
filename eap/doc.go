// Package eap is the authenticator's side of the Extensible Authentication
// Protocol (RFC 3748): packets, network access identifiers, and the
// conversation that picks a method and runs it.
//
// It does no I/O. A lower layer, such as package eapradius, hands it the
// packets of a peer and sends what it returns.
package eap
