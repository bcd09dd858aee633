package simulator

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"

	"github.com/opentwag/twag/diameter"
)

// Options are who a simulator is, and where it is reached.
type Options struct {
	Listen      string
	Peers       []diameter.PeerConfig
	Host, Realm string
	Level       slog.Level
	Commands    bool
}

// Define adds the flags to fs. The names are the defaults.
func (o *Options) Define(fs *flag.FlagSet, host, realm string) {
	fs.StringVar(&o.Listen, "listen", "127.0.0.1:3868", `where peers connect to us; "" for nowhere`)
	fs.Func("connect", "HOST=ADDRESS:PORT of a peer that we connect to, such as a relay;\nmay be given again", o.addPeer)
	fs.StringVar(&o.Host, "host", host, "our Origin-Host")
	fs.StringVar(&o.Realm, "realm", realm, "our Origin-Realm")
	fs.TextVar(&o.Level, "log", slog.LevelWarn, "log level")
	fs.BoolVar(&o.Commands, "commands", false, "read commands from the standard input")
}

func (o *Options) addPeer(s string) error {
	host, address, ok := strings.Cut(s, "=")
	if _, _, err := net.SplitHostPort(address); !ok || host == "" || err != nil {
		return errors.New("want HOST=ADDRESS:PORT")
	}
	o.Peers = append(o.Peers, diameter.PeerConfig{Host: host, Address: address})
	return nil
}

// Parse reads the command line. It returns flag.ErrHelp if help was asked for; help and
// mistakes, those that check finds among them, are written to w.
func (o *Options) Parse(fs *flag.FlagSet, args []string, w io.Writer, check func() error) error {
	if err := fs.Parse(args); err != nil {
		return err
	}
	var err error
	switch {
	case fs.NArg() > 0:
		err = fmt.Errorf("%q is not a flag", fs.Arg(0))
	case o.Listen == "" && len(o.Peers) == 0:
		err = errors.New("-listen, -connect: nobody can reach us")
	default:
		err = check()
	}
	if err != nil {
		fmt.Fprintf(w, "%s: %v\n", fs.Name(), err)
	}
	return err
}

// Node is the simulator's Diameter node, whose log goes to w.
func (o *Options) Node(product string, w io.Writer) diameter.Config {
	return diameter.Config{
		OriginHost: o.Host, OriginRealm: o.Realm, ProductName: product, Peers: o.Peers,
		Logger: slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: o.Level})),
	}
}
