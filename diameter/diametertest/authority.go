package diametertest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"testing"
	"time"
)

// Authority issues certificates for a test.
type Authority struct {
	t    testing.TB
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// NewAuthority returns an authority that nobody else knows.
func NewAuthority(t testing.TB) *Authority {
	t.Helper()
	a := &Authority{t: t}
	template := a.template("Diameter test authority")
	template.IsCA, template.BasicConstraintsValid = true, true
	template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature
	c := a.issue(template, template, nil)
	a.cert, a.key = c.Leaf, c.PrivateKey.(*ecdsa.PrivateKey)
	return a
}

func (a *Authority) template(name string) *x509.Certificate {
	now := time.Now()
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		a.t.Fatal(err)
	}
	return &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature,
	}
}

// issue has the template signed by the parent's key; nil: by its own.
func (a *Authority) issue(template, parent *x509.Certificate, key *ecdsa.PrivateKey) tls.Certificate {
	a.t.Helper()
	own, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	if key == nil {
		key = own
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, own.Public(), key)
	if err != nil {
		a.t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: own, Leaf: leaf}
}

func (a *Authority) named(host string) *x509.Certificate {
	c := a.template(host)
	c.DNSNames = []string{host}
	c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	return c
}

// Certificate returns a certificate for a node, as server and as client.
func (a *Authority) Certificate(host string) tls.Certificate {
	return a.issue(a.named(host), a.cert, a.key)
}

// Expired returns a certificate that was good until an hour ago.
func (a *Authority) Expired(host string) tls.Certificate {
	c := a.named(host)
	c.NotBefore, c.NotAfter = time.Now().Add(-48*time.Hour), time.Now().Add(-time.Hour)
	return a.issue(c, a.cert, a.key)
}

// SelfSigned returns a certificate that only itself has signed.
func (a *Authority) SelfSigned(host string) tls.Certificate {
	c := a.named(host)
	return a.issue(c, c, nil)
}

// OtherUse returns a certificate that is for signing code.
func (a *Authority) OtherUse(host string) tls.Certificate {
	c := a.named(host)
	c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning}
	return a.issue(c, a.cert, a.key)
}

// Pool has the authority's own certificate.
func (a *Authority) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return pool
}

// Config returns a configuration for both sides that shows the certificates,
// wants one, and trusts the authority. For a Peer that dials, set ServerName.
func (a *Authority) Config(certificates ...tls.Certificate) *tls.Config {
	return &tls.Config{RootCAs: a.Pool(), ClientCAs: a.Pool(), Certificates: certificates, ClientAuth: tls.RequireAndVerifyClientCert}
}

// PEM returns the authority's certificate as programs read it from files.
func (a *Authority) PEM() []byte { return certificatePEM(a.cert.Raw) }

// PEM returns a certificate and its key as programs read them from files.
func PEM(c tls.Certificate) (certificate, key []byte, err error) {
	der, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	if err != nil {
		return nil, nil, err
	}
	return certificatePEM(c.Certificate[0]), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

func certificatePEM(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}
