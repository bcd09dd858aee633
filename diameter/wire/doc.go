// Package wire is the Diameter message format (RFC 6733, sections 3 and 4):
// a reader that walks AVPs in place and a builder that appends them. It knows
// no dictionary and allocates nothing but what the caller appends to.
//
// A [Message] is the octets of one whole message whose framing has been
// checked. Readers check every length before they use it, so they can be used
// on whatever the network brings.
package wire
