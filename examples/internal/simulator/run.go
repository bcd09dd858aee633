package simulator

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// Exit codes.
const (
	ExitOK     = 0
	ExitFailed = 1
	ExitUsage  = 2
)

// Program is a simulator's main function; it returns the exit code.
type Program func(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int

// Main runs the program until it is interrupted.
func Main(p Program) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(p(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// Run runs serve, unless err says that the command line was wrong, and returns the exit code.
func Run(name string, err error, stderr io.Writer, serve func() error) int {
	switch {
	case errors.Is(err, flag.ErrHelp):
		return ExitOK
	case err != nil:
		return ExitUsage
	}
	if err := serve(); err != nil {
		fmt.Fprintf(stderr, "%s: %v\n", name, err)
		return ExitFailed
	}
	return ExitOK
}

// Simulator is the far end.
type Simulator interface {
	Listen(address string) (net.Addr, error)
	Start()
	Shutdown(ctx context.Context) error
}

// leaveTime is how long peers have to let us go.
const leaveTime = 3 * time.Second

// Serve runs the simulator until ctx ends. what it serves goes to stdout; obey does what it is
// told, if that is wanted.
func (o *Options) Serve(ctx context.Context, s Simulator, stdout io.Writer, what string, obey func()) error {
	if o.Listen != "" {
		addr, err := s.Listen(o.Listen)
		if err != nil {
			return err
		}
		fmt.Fprintf(stdout, "listening on %v\n", addr)
	}
	s.Start()
	fmt.Fprintf(stdout, "%s serves %s\n", o.Host, what)
	if o.Commands {
		// Nobody can end a read from a terminal: it ends with the process.
		go obey()
	}
	<-ctx.Done()
	leave, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaveTime)
	defer cancel()
	return s.Shutdown(leave)
}
