package interop

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
)

// sandbox runs this program again, with the same arguments, as the first
// process of new network, process and mount namespaces, and returns its exit
// code. When it ends the kernel ends all that it has started and mounted.
func sandbox(args []string) (int, error) {
	self, err := os.Executable()
	if err != nil {
		return 0, err
	}
	ip, err := exec.LookPath("ip")
	if err != nil {
		return 0, errors.New("no ip command (package iproute2)")
	}
	// The parent's death is noticed by thread: this one must not end early.
	runtime.LockOSThread()
	// A shell prepares the network, has /proc show the processes that there are
	// here, where that is allowed, and becomes the tests.
	script := `"$0" link set lo up && "$0" address add "$1/32" dev lo && { mount -t proc proc /proc 2>/dev/null; shift; exec "$@"; }`
	cmd := exec.Command("/bin/sh", append([]string{"-c", script, ip, RelayAddress, self}, args[1:]...)...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), envInside+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWPID,
		// In this way its mounts don't show outside.
		Unshareflags: syscall.CLONE_NEWNS,
		Pdeathsig:    syscall.SIGKILL,
	}
	if uid := os.Getuid(); uid != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: uid, Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}}
	}
	if err := cmd.Start(); err != nil {
		return 0, fmt.Errorf("namespaces: %w", err)
	}
	if err := cmd.Wait(); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			return 0, err
		}
		if exit.ExitCode() < 0 {
			return 1, nil // killed
		}
	}
	return cmd.ProcessState.ExitCode(), nil
}
