package main

import (
	"context"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"sync"

	"github.com/opentwag/twag/eap"
	"github.com/opentwag/twag/examples/internal/extsim"
)

// A recipe is how to log in to the lab with a real supplicant: eapol_test of
// wpa_supplicant, which asks for an external USIM; the lab is that USIM, with
// the key of one subscriber.
type recipe struct {
	// name is the method, and the name of the control socket.
	name     string
	eap      string // in wpa_supplicant's spelling
	identity string
	imsi     eap.IMSI
	card     extsim.Card
}

// recipes holds the files of the lab's recipes.
type recipes struct {
	dir  string
	list []recipe
}

// newRecipes writes a configuration file of eapol_test for each recipe to a
// directory of its own.
func newRecipes(list []recipe) (*recipes, error) {
	dir, err := os.MkdirTemp("", "twagd-lab-")
	if err != nil {
		return nil, err
	}
	r := &recipes{dir: dir, list: list}
	for _, rec := range list {
		text := fmt.Sprintf("ctrl_interface=%s\nexternal_sim=1\nnetwork={\n\tkey_mgmt=WPA-EAP\n\teap=%s\n\tidentity=%q\n}\n",
			dir, rec.eap, rec.identity)
		if err := os.WriteFile(r.file(rec), []byte(text), 0o600); err != nil {
			r.remove()
			return nil, err
		}
	}
	return r, nil
}

func (r *recipes) file(rec recipe) string { return filepath.Join(r.dir, rec.name+".conf") }

// command is what to type.
func (r *recipes) command(rec recipe, server netip.AddrPort, secret string) string {
	return fmt.Sprintf("eapol_test -c %s -i %s -W -a %s -p %d -s %s -t 10", r.file(rec), rec.name, server.Addr(), server.Port(), secret)
}

// watch is the USIM of every supplicant that is started, until ctx is done.
func (r *recipes) watch(ctx context.Context, log func(string)) {
	var wg sync.WaitGroup
	for _, rec := range r.list {
		wg.Go(func() { extsim.Watch(ctx, filepath.Join(r.dir, rec.name), rec.card, log) })
	}
	wg.Wait()
}

// print tells people what to type.
func (r *recipes) print(w io.Writer, server netip.AddrPort, secret string) {
	fmt.Fprintln(w, "To log in with a real supplicant, type in another terminal (this lab is its USIM):")
	for _, rec := range r.list {
		fmt.Fprintf(w, "    %s\n", r.command(rec, server, secret))
	}
	if _, err := exec.LookPath("eapol_test"); err != nil {
		fmt.Fprintln(w, "  eapol_test is not installed; on Debian and Ubuntu: apt-get install eapoltest")
	}
}

func (r *recipes) remove() { _ = os.RemoveAll(r.dir) }
