package homeconfig

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
)

// TLS is a certificate of ours, and whom we trust.
type TLS struct {
	// CA are the authorities, Certificate is ours and what leads up to them, Key
	// is its key: all in PEM.
	CA          string `yaml:"ca"`
	Certificate string `yaml:"certificate"`
	Key         string `yaml:"key"`
}

// IsZero reports whether nothing is configured.
func (c *TLS) IsZero() bool { return *c == TLS{} }

func (c *TLS) locateFiles(locate func(*string)) {
	locate(&c.CA)
	locate(&c.Certificate)
	locate(&c.Key)
}

// MaxPEMOctets bounds a file of certificates.
const MaxPEMOctets = 1 << 20

// readPEM reads a file. Its error has no name: the caller says which key it is.
func readPEM(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, MaxPEMOctets+1))
	if err == nil && len(b) > MaxPEMOctets {
		err = fmt.Errorf("larger than %d octets", MaxPEMOctets)
	}
	return b, err
}

// Roots reads the authorities.
func (c *TLS) Roots() (*x509.CertPool, error) {
	b, err := readPEM(c.CA)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(b) {
		return nil, errors.New("has no certificate in PEM")
	}
	return pool, nil
}

// Pair reads our certificate and its key.
func (c *TLS) Pair() (tls.Certificate, error) {
	cert, err := readPEM(c.Certificate)
	if err != nil {
		return tls.Certificate{}, err
	}
	key, err := readPEM(c.Key)
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.X509KeyPair(cert, key) // with Leaf
}

// load returns what a Diameter node of that name wants; nil if nothing is configured. The
// certificate is read again when its files change.
func (c *TLS) load(host string, log *slog.Logger) (*tls.Config, error) {
	if c.IsZero() {
		return nil, nil
	}
	cfg, _, err := c.reloading(host, log)
	return cfg, err
}

func (c *TLS) reloading(host string, log *slog.Logger) (*tls.Config, *certificate, error) {
	roots, err := c.Roots()
	if err != nil {
		return nil, nil, err
	}
	own, err := newCertificate(*c, host, log)
	if err != nil {
		return nil, nil, err
	}
	return &tls.Config{RootCAs: roots, GetCertificate: own.forServer, GetClientCertificate: own.forClient}, own, nil
}
