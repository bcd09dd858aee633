// Package class makes the Class attribute that an Access-Accept carries, and opens it when
// the NAS repeats it in its accounting (RFC 2865, section 5.25).
//
// Class takes [Facts] from the server that admitted a session to the one that counts it: a
// server that only does accounting knows nothing else of the login. So it decides
// who pays, and must not be forged. A [Codec] seals it; or it signs it and leaves it
// readable, for those whose other systems read Class too.
//
//	codec, err := class.New(ring, class.Config{})
//	...
//	value, err := codec.Append(nil, &facts, now)   // into the Access-Accept
//	facts, err := codec.Open(value, now)           // out of the Accounting-Request
//
// A Class fits in one attribute of 253 octets.
//
// # Readable form
//
// The facts stand in the order of [Facts], joined by "_", the key's number and a tag at the end:
//
//	PAENRAS01_SC_OK_DEF_CLF_0_…_07_5be0cd19137e2179a1b2c3d4
//
// What is no printable ASCII, "_" and "%" are written as "%" and two hexadecimal digits. The
// tag is HMAC-SHA-256 over all that stands before it, cut to 96 bits.
package class
