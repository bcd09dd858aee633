// Package radius is a RADIUS server engine: it takes datagrams from the
// network to handlers, and their answers back, and lets nothing through that
// is malformed, forged, unknown or a repetition.
//
// A handler is a [layeh.com/radius.Handler], and packets are that package's:
// code written for its PacketServer runs here unchanged. Everything between
// the socket and the handler is this package's own. In this order, a
// datagram:
//
//  1. has a sound length, and is cut to the packet's Length;
//  2. comes from a known client ([ClientSource]); from anyone else it is
//     counted, and nothing else happens;
//  3. has a code that this server takes;
//  4. has well-formed attributes;
//  5. is authentic: Message-Authenticator is required of every
//     Access-Request, unless the client's configuration excepts it;
//  6. is not a repetition: one that is being worked on is dropped, one that
//     has been answered gets the identical octets again;
//  7. finds room in a bounded queue, and a worker that calls the handler.
//
// A handler may block: each call has a goroutine of a bounded pool to itself,
// and the readers go on. Its answer goes out with Message-Authenticator as
// the first attribute and with the request's Proxy-State attributes.
//
// # A server
//
//	srv := radius.Server{
//		Clients: radius.Subnets{{Prefix: netip.MustParsePrefix("192.0.2.0/24"), Secret: "…"}},
//		Handler: handler,
//	}
//	err := srv.ListenAndServe(ctx)
//
// Authentication and accounting on two ports are two Servers.
//
// # What it is not (yet)
//
// There is no client, no proxy, no dynamic authorization client (RFC 5176) and
// no TLS (RFC 6614) in this package. It does not read attributes' meanings;
// use layeh's rfc packages. Packets longer than 4096 octets (RFC 7930) are
// dropped.
//
// # Security
//
// RADIUS over UDP rests on MD5 and on the shared secret alone: use secrets of
// 20 random characters or more ([Subnets.Warnings]) and a protected network.
// Requiring Message-Authenticator, which is the default, is what stops the
// forgery of CVE-2024-3596. Under GODEBUG=fips140=only RADIUS cannot run.
//
// Sources: RFC 2865, 2866, 3579, 5080, 5176, 5997 and
// draft-ietf-radext-deprecating-radius.
package radius
