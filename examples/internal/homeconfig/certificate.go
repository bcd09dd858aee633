package homeconfig

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// recheck is how long a certificate is used at least before its files are looked at again.
const recheck = 5 * time.Second

// certificate is our certificate as its files say at each handshake. If what is new there can't
// be used, the old one goes on.
type certificate struct {
	files TLS
	host  string // that it has to name
	log   *slog.Logger
	every time.Duration

	mu      sync.Mutex
	pair    *tls.Certificate
	stamp   stamp  // of the files when they were last read
	failed  string // what was wrong with them then, if anything
	checked time.Time
}

// stamp tells whether files have been written again.
type stamp [2]struct {
	size int64
	at   time.Time
}

// newCertificate reads the files. Whom the first certificate names is for others to say.
func newCertificate(files TLS, host string, log *slog.Logger) (*certificate, error) {
	c := &certificate{files: files, host: host, log: log, every: recheck, checked: time.Now()}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	var err error
	if c.stamp, err = c.look(); err != nil {
		return nil, err
	}
	c.pair, err = c.read()
	return c, err
}

// get returns the certificate.
func (c *certificate) get() *tls.Certificate {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	if now.Sub(c.checked) < c.every {
		return c.pair
	}
	c.checked = now
	// What is written while it is read has another stamp the next time. What could not be used may be
	// mended without one, by a permission or by the passing of time.
	at, err := c.look()
	if at == c.stamp && c.failed == "" {
		return c.pair
	}
	c.stamp = at
	var pair *tls.Certificate
	if err == nil {
		if pair, err = c.read(); err == nil {
			err = usable(pair.Leaf, c.host, now)
		}
	}
	if err != nil {
		if c.failed != err.Error() {
			c.log.Warn("New TLS certificate cannot be used", "file", c.files.Certificate, "error", err)
		}
		c.failed = err.Error()
		return c.pair
	}
	c.failed = ""
	c.pair = pair
	c.log.Info("New TLS certificate", "file", c.files.Certificate, "until", pair.Leaf.NotAfter)
	return pair
}

// usable returns what is wrong with a new certificate, in whose place there is an old one.
func usable(leaf *x509.Certificate, host string, now time.Time) error {
	switch {
	case leaf.VerifyHostname(host) != nil:
		return fmt.Errorf("has no DNS name %s", host)
	case now.Before(leaf.NotBefore):
		return fmt.Errorf("is not valid before %s", leaf.NotBefore.Format(time.RFC3339))
	case now.After(leaf.NotAfter):
		return fmt.Errorf("has expired on %s", leaf.NotAfter.Format(time.RFC3339))
	}
	return nil
}

// look returns the files' stamp, which is zero for a file that is not there.
func (c *certificate) look() (at stamp, err error) {
	for i, name := range [...]string{c.files.Certificate, c.files.Key} {
		info, e := os.Stat(name)
		if e != nil {
			err = cmp.Or(err, e)
			continue
		}
		at[i].size, at[i].at = info.Size(), info.ModTime()
	}
	return at, err
}

func (c *certificate) read() (*tls.Certificate, error) {
	pair, err := c.files.Pair()
	return &pair, err
}

func (c *certificate) forServer(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.get(), nil }

// forClient shows it also to a server that asks for another authority's: it is the one to say
// why it refuses us.
func (c *certificate) forClient(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
	return c.get(), nil
}
