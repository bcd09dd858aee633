package diameter

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"time"
)

// TLSReason is why a connection could not be secured.
type TLSReason uint8

// Reasons of a TLSError.
const (
	// TLSFailed: none of the others; the wrapped error says more.
	TLSFailed TLSReason = iota
	// TLSWrongName: the certificate is good, and another node's.
	TLSWrongName
	// TLSExpired: the certificate, or its issuer's, is expired or not yet valid.
	TLSExpired
	// TLSSelfSigned: the certificate is signed by itself alone.
	TLSSelfSigned
	// TLSUnknownAuthority: no root that we trust has signed the certificate.
	TLSUnknownAuthority
	// TLSBadCertificate: the certificate can't be used for something else, as
	// for a key usage that leaves this out.
	TLSBadCertificate
	// TLSNoCertificate: the other side showed none.
	TLSNoCertificate
	// TLSTimeout: the handshake was not finished within HandshakeTimeout.
	TLSTimeout
	// TLSPlain: one side speaks TLS and the other does not.
	TLSPlain
	// TLSRefused: the other side refused, mostly our certificate; its alert is
	// in the wrapped error, unless it closed without.
	TLSRefused
)

func (r TLSReason) String() string {
	switch r {
	case TLSWrongName:
		return "certificate of another name"
	case TLSExpired:
		return "certificate expired or not yet valid"
	case TLSSelfSigned:
		return "self-signed certificate"
	case TLSUnknownAuthority:
		return "certificate of an unknown authority"
	case TLSBadCertificate:
		return "unusable certificate"
	case TLSNoCertificate:
		return "no certificate"
	case TLSTimeout:
		return "handshake timeout"
	case TLSPlain:
		return "TLS on one side only"
	case TLSRefused:
		return "refused by the peer"
	default:
		return "handshake failed"
	}
}

// TLSError is why a connection could not be secured. It is what ended an
// attempt to connect ([PeerChange], [PeerStatus], log), or why an accepted
// connection was refused (log; and PeerStatus, if the certificate names a
// configured peer that is not connected).
type TLSError struct {
	Reason TLSReason
	Err    error
}

func (e *TLSError) Error() string {
	if e.Err == nil {
		return "TLS: " + e.Reason.String()
	}
	return fmt.Sprintf("TLS: %v: %v", e.Reason, e.Err)
}

// Unwrap returns Err, the error of the TLS library.
func (e *TLSError) Unwrap() error { return e.Err }

// tlsError finds the reason in an error of crypto/tls.
func tlsError(err error) *TLSError {
	var ours *TLSError
	if errors.As(err, &ours) {
		return ours
	}
	var (
		name    x509.HostnameError
		unknown x509.UnknownAuthorityError
		invalid x509.CertificateInvalidError
		record  tls.RecordHeaderError
		op      *net.OpError
		reason  = TLSFailed
	)
	switch {
	case errors.As(err, &name):
		reason = TLSWrongName
	case errors.As(err, &unknown):
		reason = TLSUnknownAuthority
		if c := unverified(err); c != nil && bytes.Equal(c.RawIssuer, c.RawSubject) {
			reason = TLSSelfSigned
		}
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		reason = TLSExpired
	case unverified(err) != nil:
		reason = TLSBadCertificate
	case errors.As(err, &record):
		reason = TLSPlain
	case errors.As(err, &op) && op.Op == "remote error": // so crypto/tls marks alerts
		reason = TLSRefused
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		reason = TLSTimeout
	}
	return &TLSError{Reason: reason, Err: err}
}

// unverified returns the certificate that did not pass, nil if that is not
// what went wrong.
func unverified(err error) *x509.Certificate {
	var ve *tls.CertificateVerificationError
	if errors.As(err, &ve) && len(ve.UnverifiedCertificates) > 0 {
		return ve.UnverifiedCertificates[0]
	}
	return nil
}

// validTLS says what is wrong with a configuration. It has to authenticate
// both sides (RFC 6733, section 13.1), and name its authorities: those of the
// Web are others (section 13.2).
func validTLS(c *tls.Config) error {
	switch {
	case c.InsecureSkipVerify:
		return fieldError("InsecureSkipVerify", "peers are always verified")
	case c.RootCAs == nil:
		return fieldError("RootCAs", "missing")
	case len(c.Certificates) == 0 && c.GetCertificate == nil && c.GetClientCertificate == nil:
		return fieldError("Certificates", "missing")
	case c.MaxVersion != 0 && c.MaxVersion < tls.VersionTLS12:
		return fieldError("MaxVersion", "below TLS 1.2")
	}
	return nil
}

// tlsClient returns the configuration for connections to the peer with that
// Origin-Host, which its certificate has to name.
func tlsClient(c *tls.Config, host string) *tls.Config {
	c = c.Clone()
	c.ServerName = host
	c.MinVersion = max(c.MinVersion, tls.VersionTLS12)
	if list := c.Certificates; len(list) > 0 && c.GetClientCertificate == nil {
		// By itself crypto/tls shows no certificate rather than one of an
		// authority that the server does not ask for, and nobody learns why.
		c.GetClientCertificate = func(r *tls.CertificateRequestInfo) (*tls.Certificate, error) {
			for i := range list {
				if r.SupportsCertificate(&list[i]) == nil {
					return &list[i], nil
				}
			}
			return &list[0], nil
		}
	}
	return c
}

// tlsServer returns the configuration for accepted connections: who connects
// shows a certificate. Its name is compared later, with what the CER says.
func tlsServer(c *tls.Config) *tls.Config {
	c = c.Clone()
	c.MinVersion = max(c.MinVersion, tls.VersionTLS12)
	if c.ClientCAs == nil {
		c.ClientCAs = c.RootCAs
	}
	// With RequireAndVerifyClientCert a missing one is an error without a type.
	c.ClientAuth = tls.VerifyClientCertIfGiven
	own := c.VerifyConnection
	c.VerifyConnection = func(s tls.ConnectionState) error {
		if len(s.PeerCertificates) == 0 {
			return &TLSError{Reason: TLSNoCertificate}
		}
		if own != nil {
			return own(s)
		}
		return nil
	}
	return c
}

// handshake does the handshake, if it is not done yet, and makes sure that the
// peer was verified, whoever made the configuration.
func handshake(ctx context.Context, tc *tls.Conn) error {
	if err := tc.HandshakeContext(ctx); err != nil {
		return tlsError(err)
	}
	s := tc.ConnectionState()
	switch {
	case s.Version < tls.VersionTLS12:
		return &TLSError{Reason: TLSFailed, Err: errors.New(tls.VersionName(s.Version))}
	case len(s.PeerCertificates) == 0:
		return &TLSError{Reason: TLSNoCertificate}
	case len(s.VerifiedChains) == 0:
		return &TLSError{Reason: TLSBadCertificate, Err: errors.New("not verified")}
	}
	return nil
}

// certified reports as an error that the certificate of the other side of tc
// does not name host. RFC 6733 leaves open how the two belong together; here
// the Origin-Host is one of the certificate's DNS names, ASCII case aside.
func certified(tc *tls.Conn, host string) error {
	certs := tc.ConnectionState().PeerCertificates
	if len(certs) == 0 {
		return &TLSError{Reason: TLSNoCertificate}
	}
	if err := certs[0].VerifyHostname(host); err != nil {
		return tlsError(err)
	}
	return nil
}

// secure does the handshake on an accepted connection that speaks TLS. The
// alert that tells the other side why it is refused gets a second to arrive:
// closing at once, with octets unread, would reset the connection.
func (c *conn) secure() error {
	if c.tls == nil || c.initiator {
		return nil
	}
	ctx, cancel := context.WithTimeout(c.ctx, c.node.cfg.HandshakeTimeout)
	defer cancel()
	err := handshake(ctx, c.tls)
	if err == nil {
		return nil
	}
	c.node.unidentified(c, err)
	raw := c.tls.NetConn()
	if hc, ok := raw.(interface{ CloseWrite() error }); ok && hc.CloseWrite() == nil {
		_ = raw.SetReadDeadline(time.Now().Add(lingerTime))
		discard(raw)
	}
	return err
}

// unidentified tells a peer that the certificate of a failed handshake names.
// Nothing about the certificate was proved.
func (n *Node) unidentified(c *conn, err error) {
	cert := unverified(err)
	if cert == nil {
		return
	}
	for _, name := range cert.DNSNames[:min(len(cert.DNSNames), 8)] {
		if n.refused(c, name, err) {
			return
		}
	}
}

// refused lets people find out why a configured peer was refused where they
// look for it. It returns false if there's no such peer.
func (n *Node) refused(c *conn, host string, err error) bool {
	n.mu.Lock()
	p := n.peers[foldIdentity(host)]
	n.mu.Unlock()
	return p != nil && !p.passing &&
		p.post(peerEvent{kind: kindRefused, err: fmt.Errorf("connection from %v refused: %w", c.nc.RemoteAddr(), err)})
}

// explain makes more of an error that ended a connection before it was open:
// got are octets that make no message.
func (c *conn) explain(err error, got []byte) error {
	var op *net.OpError
	switch {
	case err == nil || c.open():
	case c.tls != nil:
		// TLS 1.3 tells a client of its refusal after the handshake, and some
		// just close.
		if errors.As(err, &op) && op.Op == "remote error" {
			return tlsError(err)
		}
		if c.initiator && (errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET)) {
			return &TLSError{Reason: TLSRefused, Err: fmt.Errorf("our certificate or CER is not accepted: %w", err)}
		}
	case len(got) >= 3 && (got[0] == 21 || got[0] == 22) && got[1] == 3 && got[2] <= 4:
		// An alert or a handshake record of TLS.
		return &TLSError{Reason: TLSPlain, Err: errors.New("the other side speaks TLS")}
	}
	return err
}
