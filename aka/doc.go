// Package aka is EAP-AKA (RFC 4187) and EAP-AKA' (RFC 9048): attributes, key
// derivation, and the server's side as machines for package eap.
package aka
