package interop

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Capture is what dumpcap has seen on the loopback interface.
type Capture struct {
	// File is where the packets are.
	File string

	dumpcap *Program
	marks   int
}

// markPort is where the packets go that mark the begin and the end of a
// capture. Nobody listens.
const markPort = 9

// StartCapture begins to capture into a file in dir. It returns when packets
// do arrive there.
func StartCapture(dir string) (*Capture, error) {
	c := &Capture{File: filepath.Join(dir, "capture.pcapng")}
	var err error
	if c.dumpcap, err = Start("dumpcap", "-q", "-i", "lo", "-s", "0", "-w", c.File); err != nil {
		return nil, err
	}
	if err := c.mark(); err != nil {
		c.dumpcap.Kill()
		return nil, err
	}
	return c, nil
}

// Stop ends the capture once everything that was sent before is in the file.
func (c *Capture) Stop() error {
	defer c.dumpcap.Kill()
	if err := c.mark(); err != nil {
		return err
	}
	_, err := c.dumpcap.Interrupt(time.Minute)
	return err
}

// mark sends packets that nothing else sends until one is in the file.
func (c *Capture) mark() error {
	conn, err := net.Dial("udp", fmt.Sprintf("127.0.0.1:%d", markPort))
	if err != nil {
		return err
	}
	defer conn.Close()
	c.marks++
	text := fmt.Appendf(nil, "capture mark %d.", c.marks)
	for range 600 {
		_, _ = conn.Write(text) // refused: nobody listens
		time.Sleep(100 * time.Millisecond)
		if data, err := os.ReadFile(c.File); err == nil && bytes.Contains(data, text) {
			return nil
		}
	}
	return fmt.Errorf("dumpcap captures nothing:\n%s", tail(c.dumpcap.Output()))
}

// Decoder is tshark, told what is on which port.
type Decoder struct {
	RADIUSPorts, DiameterPorts []int
	// Secret is that of the RADIUS packets, to verify and decrypt them.
	Secret string
}

// Run runs tshark on a capture and returns the lines that it prints.
func (d Decoder) Run(file string, args ...string) ([]string, error) {
	all := []string{"-n", "-r", file}
	for _, p := range d.RADIUSPorts {
		all = append(all, "-d", fmt.Sprintf("udp.port==%d,radius", p))
	}
	for _, p := range d.DiameterPorts {
		all = append(all, "-d", fmt.Sprintf("tcp.port==%d,diameter", p))
	}
	all = append(all, "-o", "radius.shared_secret:"+d.Secret, "-o", "radius.validate_authenticator:TRUE")
	cmd := exec.Command("tshark", append(all, args...)...)
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	out, err := cmd.Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			err = fmt.Errorf("tshark: %w:\n%s", err, exit.Stderr)
		}
		return nil, err
	}
	text := strings.TrimRight(string(out), "\n")
	if text == "" {
		return nil, nil
	}
	return strings.Split(text, "\n"), nil
}

// complaints are display filters for what a packet of ours must not have:
// malformed parts, expert items of severity Error, AVPs and attributes that
// the dictionaries do not know or cannot read, authenticators that are wrong.
var complaints = []string{
	"_ws.malformed", "_ws.expert.severity >= 0x00800000",
	"diameter.avp.unknown", "diameter.avp.code.unknown", "diameter.avp.invalid-data", "diameter.avp.invalid-len",
	"radius.Unknown_Attribute", "radius.invalid_length", "radius.authenticator.invalid == 1",
}

// Complaints returns the packets that tshark finds fault with: by default in
// full, or with args of tshark's that say otherwise.
func (d Decoder) Complaints(file string, args ...string) ([]string, error) {
	if len(args) == 0 {
		args = []string{"-V", "-O", "radius,eap,diameter"}
	}
	// The refusal of a datagram quotes it; once is enough.
	filter := "(" + strings.Join(complaints, " || ") + ") && !icmp"
	return d.Run(file, append([]string{"-Y", filter}, args...)...)
}

// Count returns how many packets match a display filter.
func (d Decoder) Count(file, filter string) (int, error) {
	lines, err := d.Run(file, "-Y", "("+filter+") && !icmp")
	return len(lines), err
}
