package radius_test

import (
	"context"
	"fmt"
	"net"
	"net/netip"

	layeh "layeh.com/radius"
	"layeh.com/radius/rfc2865"

	"github.com/opentwag/twag/radius"
)

// A server that knows one password, and a client that asks it.
func Example() {
	const secret = "a-secret-of-some-length"
	listening := make(chan net.Addr, 1)
	srv := radius.Server{
		Addr:    "127.0.0.1:0",
		Clients: radius.Subnets{{Prefix: netip.MustParsePrefix("127.0.0.0/8"), Secret: secret}},
		Handler: layeh.HandlerFunc(func(w layeh.ResponseWriter, r *layeh.Request) {
			code := layeh.CodeAccessReject
			if rfc2865.UserPassword_GetString(r.Packet) == "arctangent" {
				code = layeh.CodeAccessAccept
			}
			_ = w.Write(r.Response(code))
		}),
		Hooks: radius.Hooks{Listening: func(a net.Addr) { listening <- a }},
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- srv.ListenAndServe(ctx) }()

	conn, err := net.Dial("udp", (<-listening).String())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer conn.Close()
	p := layeh.New(layeh.CodeAccessRequest, []byte(secret))
	_ = rfc2865.UserName_SetString(p, "nemo")
	_ = rfc2865.UserPassword_SetString(p, "arctangent")
	request, err := radius.SignRequest(p)
	if err != nil {
		fmt.Println(err)
		return
	}
	_, _ = conn.Write(request)
	datagram := make([]byte, layeh.MaxPacketLength)
	n, err := conn.Read(datagram)
	if err != nil {
		fmt.Println(err)
		return
	}
	reply, err := radius.CheckReply(datagram[:n], request, []byte(secret))
	fmt.Println(reply.Code, err)

	stop()
	fmt.Println(<-ended)
	// Output:
	// Access-Accept <nil>
	// <nil>
}
