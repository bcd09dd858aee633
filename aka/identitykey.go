package aka

import (
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/opentwag/twag/eap"
)

const (
	maxIdentityKeys   = 8 // each may cost a decryption per identity response
	minIdentityKeyLen = 2048 / 8
)

// IdentityKey opens permanent identities that phones encrypt, so that no IMSI
// is sent in the clear even where there is no pseudonym yet (the IMSI privacy
// scheme of the Wireless Broadband Alliance, which wpa_supplicant has).
type IdentityKey struct {
	// Key is the RSA key, of 2048 bits or more, whose certificate phones have.
	Key *rsa.PrivateKey
	// Attribute is the key's identifier as phones send it with the identity,
	// "name=value"; such identities are then tried with this key only.
	// May be empty.
	Attribute string
	// Retired keys tell the phone that its certificate has to be replaced
	// (AT_NOTIFICATION 16385), instead of letting it in.
	Retired bool
}

// Format implements fmt.Formatter, so that no verb prints the key.
func (k IdentityKey) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "identity key %q [redacted]", k.Attribute)
}

// MarshalText implements encoding.TextMarshaler, so that logs and JSON do not
// give the key away.
func (k IdentityKey) MarshalText() ([]byte, error) { return fmt.Append(nil, k), nil }

// ErrCertificate: the phone encrypted its identity for a key that has been
// replaced.
var ErrCertificate = errors.New("aka: identity encrypted for a retired key")

func validateIdentityKeys(keys []IdentityKey) error {
	if len(keys) > maxIdentityKeys {
		return fmt.Errorf("aka: Config.IdentityKeys: %d, at most %d", len(keys), maxIdentityKeys)
	}
	for i, k := range keys {
		switch {
		case k.Key == nil:
			return fmt.Errorf("aka: Config.IdentityKeys[%d]: no key", i)
		case k.Key.Size() < minIdentityKeyLen:
			return fmt.Errorf("aka: Config.IdentityKeys[%d]: %d bits", i, k.Key.Size()*8)
		}
		if err := k.Key.Validate(); err != nil {
			return fmt.Errorf("aka: Config.IdentityKeys[%d]: %w", i, err)
		}
	}
	return nil
}

// isEncrypted tells an encrypted identity: a NUL octet, which begins no NAI.
func isEncrypted(identity string) bool { return strings.HasPrefix(identity, "\x00") }

// reveal returns the permanent identity in an encrypted one: behind the NUL
// octet base64 of RSAES-OAEP with SHA-256 over the NAI and, behind a comma, an
// attribute that may name the key. It takes its place for all purposes but
// AT_CHECKCODE, which is about packets.
//
// The error wraps ErrIdentity or ErrCertificate.
func (m *Method) reveal(encrypted string) (string, error) {
	text, attribute, _ := strings.Cut(encrypted[1:], ",")
	sealed, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return "", fmt.Errorf("%w: encrypted: not base64", ErrIdentity)
	}
	named := false
	for i := range m.cfg.IdentityKeys {
		named = named || attribute != "" && m.cfg.IdentityKeys[i].Attribute == attribute
	}
	for i := range m.cfg.IdentityKeys {
		k := &m.cfg.IdentityKeys[i]
		// A length that is not the key's never decrypts (RFC 8017, section
		// 7.1.2), and shall cost nothing.
		if named && k.Attribute != attribute || len(sealed) != k.Key.Size() {
			continue
		}
		plain, err := rsa.DecryptOAEP(sha256.New(), nil, k.Key, sealed, nil)
		if err != nil {
			continue
		}
		if k.Retired {
			return "", ErrCertificate
		}
		identity := string(plain)
		if m.cfg.Rules.Parse(identity).Kind != eap.KindPermanent {
			return "", fmt.Errorf("%w: encrypted: not a permanent one", ErrIdentity)
		}
		return identity, nil
	}
	return "", fmt.Errorf("%w: encrypted for none of our keys", ErrIdentity)
}
