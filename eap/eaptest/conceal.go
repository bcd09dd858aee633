package eaptest

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
)

// minIdentityKeyLen is 2048 bits; maxIdentityKeyLen keeps AT_IDENTITY within
// its 1020 octets.
const (
	minIdentityKeyLen = 2048 / 8
	maxIdentityKeyLen = 4096 / 8
	maxAttributeLen   = 128
)

func (cfg *PeerConfig) checkIdentityKey() error {
	if cfg.IdentityKey == nil {
		return nil
	}
	if n := cfg.IdentityKey.Size(); n < minIdentityKeyLen || n > maxIdentityKeyLen {
		return fmt.Errorf("%w: IdentityKey of %d bits", ErrPeer, n*8)
	}
	if len(cfg.IdentityKeyAttribute) > maxAttributeLen {
		return fmt.Errorf("%w: IdentityKeyAttribute of %d octets", ErrPeer, len(cfg.IdentityKeyAttribute))
	}
	return nil
}

// conceal encrypts a permanent identity: a NUL octet, which begins no NAI,
// base64 of RSAES-OAEP with SHA-256, and the attribute that names the key.
// (The IMSI privacy scheme of the Wireless Broadband Alliance, as
// wpa_supplicant has it.)
func (p *Peer) conceal(identity string) (string, error) {
	sealed, err := rsa.EncryptOAEP(sha256.New(), rand.Reader, p.cfg.IdentityKey, []byte(identity), nil)
	if err != nil {
		return "", err
	}
	s := "\x00" + base64.StdEncoding.EncodeToString(sealed)
	if p.cfg.IdentityKeyAttribute != "" {
		s += "," + p.cfg.IdentityKeyAttribute
	}
	return s, nil
}
