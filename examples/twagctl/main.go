// Twagctl looks after a gateway from the command line.
//
//	twagctl tickets merge -o OUT FILE...   one ticket file of several servers' files
//	twagctl tickets check FILE...          what is in ticket files, and what is wrong with them
//	twagctl tickets cat FILE...            ticket files in another format
//	twagctl diameter test -imsi DIGITS     the HSS's answer to a request for vectors or a profile
//
// "twagctl COMMAND -h" tells a command's options. It exits with 0 if all is
// well, 1 if something failed or was found wrong, 2 if it was called wrongly, and 3 if
// the HSS could not be asked or did not answer.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
	// exitNoAnswer: who was to be asked could not be reached, or said nothing.
	exitNoAnswer = 3
)

// exitError ends the program with a code of its own.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string { return e.err.Error() }
func (e *exitError) Unwrap() error { return e.err }

// command is one thing that twagctl does. Each has a file of its own, and a line in
// commands.
type command struct {
	name string // one or two words
	args string // what follows
	does string
	run  func(context.Context, *invocation) error
}

var commands = []command{
	{"tickets merge", "-o OUT FILE...", "make one ticket file of several servers' files", ticketsMerge},
	{"tickets check", "FILE...", "tell what is in ticket files, and what is wrong with them", ticketsCheck},
	{"tickets cat", "FILE...", "write ticket files in another format", ticketsCat},
	{"diameter test", "-config FILE -imsi DIGITS", "ask the HSS for vectors or a profile and show what it answers", diameterTestCommand},
}

// invocation is what a command works with.
type invocation struct {
	command
	args           []string // behind the name
	stdin          io.Reader
	stdout, stderr io.Writer
}

// errUsage: the command was called wrongly, and has been told so.
var errUsage = errors.New("usage")

// flags returns a set of options that tells the command's usage.
func (in *invocation) flags() *flag.FlagSet {
	fs := flag.NewFlagSet("twagctl "+in.name, flag.ContinueOnError)
	fs.SetOutput(in.stderr)
	fs.Usage = func() {
		fmt.Fprintf(in.stderr, "usage: twagctl %s %s\n\nTo %s.\n", in.name, in.command.args, in.does)
		fs.PrintDefaults()
	}
	return fs
}

// parse reads the options, and returns what is behind them.
func (in *invocation) parse(fs *flag.FlagSet) ([]string, error) {
	err := fs.Parse(in.args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return nil, err
	case err != nil:
		return nil, errUsage
	}
	return fs.Args(), nil
}

// wrong tells what is wrong with the call.
func (in *invocation) wrong(format string, args ...any) error {
	fmt.Fprintf(in.stderr, "twagctl %s: %s\n", in.name, fmt.Sprintf(format, args...))
	return errUsage
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(twagctl(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// twagctl is the program; it returns its exit code.
func twagctl(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	for _, c := range commands {
		words := strings.Fields(c.name)
		if len(args) < len(words) || strings.Join(args[:len(words)], " ") != c.name {
			continue
		}
		err := c.run(ctx, &invocation{c, args[len(words):], stdin, stdout, stderr})
		switch {
		case err == nil, errors.Is(err, flag.ErrHelp):
			return exitOK
		case errors.Is(err, errUsage):
			return exitUsage
		}
		fmt.Fprintf(stderr, "twagctl %s: %v\n", c.name, err)
		var exit *exitError
		if errors.As(err, &exit) {
			return exit.code
		}
		return exitFailed
	}
	asked := len(args) == 1 && (args[0] == "help" || args[0] == "-h" || args[0] == "--help")
	out, code := stderr, exitUsage
	if asked {
		out, code = stdout, exitOK
	} else if len(args) > 0 {
		fmt.Fprintf(stderr, "twagctl: no command %q\n", strings.Join(args, " "))
	}
	fmt.Fprint(out, "usage:\n")
	for _, c := range commands {
		fmt.Fprintf(out, "  twagctl %s %s\n\t%s\n", c.name, c.args, c.does)
	}
	return code
}
