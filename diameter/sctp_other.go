//go:build !linux

package diameter

import (
	"context"
	"net"
	"syscall"
)

var errNoSCTP error = syscall.EPROTONOSUPPORT

func optionsSCTP(int) error { return errNoSCTP }

func dialSCTP(_ context.Context, address string) (net.Conn, error) {
	return nil, sctpError("dial", address, errNoSCTP)
}

func listenStream(int, string) (*net.TCPListener, error) { return nil, errNoSCTP }
