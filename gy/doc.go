// Package gy is the charging side of a gateway: online credit control towards
// an OCS (RFC 8506; on 3GPP's Gy reference point TS 32.299 and TS 32.251), a
// Diameter application.
//
// [CCR] and [CCA], [RAR] and [ASR] are the messages themselves, encoded and
// decoded in place on package wire with no dictionary.
//
// # Security
//
// A CCR carries who uses how much; the link to the OCS must be protected by
// TLS, DTLS or IPsec (TS 33.210). Requests print without the subscriber.
//
// # Sources
//
// RFC 8506 (credit control), RFC 6733 (base protocol), TS 32.299 clause 7.2
// (3GPP's AVPs), TS 29.061 clause 16.4.7.2 (those taken over from RADIUS).
package gy
