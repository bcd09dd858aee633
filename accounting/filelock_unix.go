//go:build unix

package accounting

import (
	"fmt"
	"os"
	"syscall"
)

// lockFile makes sure that no other process writes what f stands for, until f is
// closed.
func lockFile(f *os.File) error {
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return fmt.Errorf("%s: in use: %w", f.Name(), err)
	}
	return nil
}

// syncDir makes the names in a directory durable.
func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
