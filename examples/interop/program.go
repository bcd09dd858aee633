package interop

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

// A Program is a process that a test has started, and what it says.
type Program struct {
	// Name is the command's.
	Name string

	cmd  *exec.Cmd
	out  output
	done chan struct{} // closed when the process has ended
}

// Start starts a command. Its standard output and error are kept together.
func Start(name string, args ...string) (*Program, error) { return StartReading(nil, name, args...) }

// StartReading starts a command that reads stdin, if that is not nil.
func StartReading(stdin *os.File, name string, args ...string) (*Program, error) {
	p := &Program{Name: name, cmd: exec.Command(name, args...), done: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = &p.out, &p.out
	if stdin != nil {
		p.cmd.Stdin = stdin
	}
	p.cmd.Env = append(os.Environ(), "LC_ALL=C", "GORACE=halt_on_error=1 exitcode=66")
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		_ = p.cmd.Wait() // the state says how it ended
		close(p.done)
	}()
	return p, nil
}

// Output is what the process has said so far.
func (p *Program) Output() string { return p.out.String() }

// PID is the process's number.
func (p *Program) PID() int { return p.cmd.Process.Pid }

// WaitFor waits until the output holds text, and fails when the process ends
// or the time is over before that.
func (p *Program) WaitFor(text string, within time.Duration) error {
	deadline := time.Now().Add(within)
	for {
		if strings.Contains(p.Output(), text) {
			return nil
		}
		select {
		case <-p.done:
			if strings.Contains(p.Output(), text) {
				return nil
			}
			return fmt.Errorf("%s ended (%v) without %q:\n%s", p.Name, p.cmd.ProcessState, text, tail(p.Output()))
		case <-time.After(20 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%s has not said %q after %v:\n%s", p.Name, text, within, tail(p.Output()))
		}
	}
}

// Wait waits for the end of the process and returns its exit code; it kills
// the process when ctx ends first.
func (p *Program) Wait(ctx context.Context) (int, error) {
	select {
	case <-p.done:
		return p.cmd.ProcessState.ExitCode(), nil
	case <-ctx.Done():
		p.Kill()
		return -1, fmt.Errorf("%s was still running: %w:\n%s", p.Name, ctx.Err(), tail(p.Output()))
	}
}

// Interrupt asks the process to end, as Ctrl-C does, and returns its exit
// code. What has not ended within the time is killed, and that is an error.
func (p *Program) Interrupt(within time.Duration) (int, error) {
	_ = p.cmd.Process.Signal(syscall.SIGINT)
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	return p.Wait(ctx)
}

// Signal sends the process a signal.
func (p *Program) Signal(s os.Signal) error { return p.cmd.Process.Signal(s) }

// Kill ends the process at once. It may be called again.
func (p *Program) Kill() {
	_ = p.cmd.Process.Kill()
	<-p.done
}

// tail returns the last lines of a long text.
func tail(s string) string {
	const lines = 40
	all := strings.Split(strings.TrimRight(s, "\n"), "\n")
	if len(all) > lines {
		all = all[len(all)-lines:]
	}
	return strings.Join(all, "\n")
}

// output is a buffer that a process writes and a test reads.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

var _ io.Writer = (*output)(nil)

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}
