//go:build !linux || race

package diameter

import "net"

// quick returns a connection that costs less than nc, if there is one.
func quick(nc net.Conn) net.Conn { return nc }
