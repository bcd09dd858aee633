package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/opentwag/twag/accounting"
)

// ticketsMerge is "twagctl tickets merge".
func ticketsMerge(ctx context.Context, in *invocation) error {
	var o ticketOptions
	var out string
	var skip bool
	fs := in.flags()
	fs.StringVar(&out, "o", "", "`file` to make, which must not exist; \"-\" is the standard output")
	fs.BoolVar(&skip, "skip-bad", false, "leave out tickets that cannot be read, instead of failing")
	o.zoneFlag(fs)
	o.dedupeFlags(fs)
	names, err := in.parse(fs)
	switch {
	case err != nil:
		return err
	case out == "":
		return in.wrong("-o is missing")
	case len(names) == 0:
		return in.wrong("no files")
	}
	files, err := in.open(&o, names)
	if err != nil {
		return err
	}
	defer files.close()
	if err := files.oneFormat(); err != nil {
		return err
	}
	// A ticket torn at the end of a file is normal: the file is being written, and its
	// server writes the ticket again.
	o.dedupe.Bad = func(name string, bad *accounting.ReadError) error {
		if !skip && !errors.Is(bad, accounting.ErrTorn) {
			return fmt.Errorf("%s: %w (-skip-bad leaves it out)", name, bad)
		}
		fmt.Fprintf(in.stderr, "%s: %v: left out\n", name, bad)
		return nil
	}
	var stats accounting.MergeStats
	err = in.create(out, func(w io.Writer) (err error) {
		stats, err = accounting.Merge(ctx, w, &o.dedupe, files.inputs...)
		return err
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(in.stderr, "%d tickets read, %d written, %d duplicates, %d not readable (%d of them torn)\n",
		stats.Read, stats.Written, stats.Duplicates, stats.Bad, stats.Torn)
	if stats.Crowded > 0 {
		fmt.Fprintf(in.stderr, "-max-window was too small for -window: duplicates may be left, of %d tickets\n", stats.Crowded)
	}
	return nil
}

// create makes a file at once: it is there when it is whole, and on the disk.
func (in *invocation) create(name string, write func(io.Writer) error) (err error) {
	if name == "-" {
		return write(in.stdout)
	}
	if _, err := os.Lstat(name); err == nil {
		return fmt.Errorf("%s exists", name)
	}
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = f.Close()
			_ = os.Remove(f.Name())
		}
	}()
	if err := f.Chmod(0o640); err != nil {
		return err
	}
	if err := write(f); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	// A link, unlike a renaming, never takes the place of another file.
	if err := os.Link(f.Name(), name); err != nil {
		return err
	}
	return os.Remove(f.Name())
}
