package interop

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

const (
	// envInside is set for the process that runs in the sandbox.
	envInside = "TWAG_INTEROP_INSIDE"
	// envPrograms is the folder of the built programs.
	envPrograms = "TWAG_INTEROP_PROGRAMS"
)

// RelayAddress is an address inside the sandbox that is not a loopback one:
// freeDiameterd wants one to tell its peers.
const RelayAddress = "10.99.0.1"

// Main is the body of a TestMain: it builds the project's programs (names are
// folders of the examples module), moves the tests into the sandbox, and
// returns the exit code. Where no sandbox is to be had the tests run without,
// and those that need one skip.
func Main(m *testing.M, programs ...string) int {
	flag.Parse()
	if os.Getenv(envInside) != "" {
		return m.Run()
	}
	if testing.Short() || flag.Lookup("test.run").Value.String() == "^$" || flag.Lookup("test.list").Value.String() != "" {
		return m.Run() // every test skips, or none is wanted
	}
	dir, err := os.MkdirTemp("", "twag-interop-")
	if err != nil {
		return fail(err)
	}
	defer os.RemoveAll(dir)
	// The build may want the network, so it comes before the sandbox.
	if err := build(dir, programs); err != nil {
		return fail(err)
	}
	os.Setenv(envPrograms, dir)
	switch code, err := sandbox(os.Args); {
	case err == nil:
		return code
	case os.Getenv(envRequire) != "":
		return fail(err)
	default:
		fmt.Fprintln(os.Stderr, "interop: no sandbox:", err)
		return m.Run()
	}
}

func fail(err error) int {
	fmt.Fprintln(os.Stderr, "interop:", err)
	return 1
}

// build compiles the programs as the tests themselves were compiled, with the
// race detector or without.
func build(dir string, programs []string) error {
	if len(programs) == 0 {
		return nil
	}
	args := []string{"build", "-o", dir + string(filepath.Separator)}
	if raceEnabled {
		args = append(args, "-race")
	}
	for _, p := range programs {
		args = append(args, "github.com/opentwag/twag/examples/"+p)
	}
	cmd := exec.Command("go", args...)
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("go build: %w", err)
	}
	return nil
}

// ProgramPath returns where a program that Main has built is.
func ProgramPath(name string) string { return filepath.Join(os.Getenv(envPrograms), name) }
