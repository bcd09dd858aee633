// Package wire holds what a RADIUS server and a RADIUS client both do to the
// octets of a packet: cut it to its Length, walk over its attributes, compute
// and check its authenticators.
//
// It works in place and without garbage. It knows no attribute but
// Message-Authenticator, and those whose presence changes how a packet is
// authenticated.
package wire
