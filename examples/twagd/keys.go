package main

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/opentwag/twag/aka"
	"github.com/opentwag/twag/keyring"
)

// The errors in this file end up in the log and on the terminal, so none of
// them holds what a file or a setting says.

// maxKeyFile bounds a file with a key.
const maxKeyFile = 64 << 10

func readKeyFile(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxKeyFile+1))
	if err == nil && len(data) > maxKeyFile {
		err = fmt.Errorf("larger than %d octets", maxKeyFile)
	}
	return data, err
}

// secret returns the key's octets.
func (k keyConfig) secret() (secret [keyring.SecretLen]byte, err error) {
	text := []byte(k.Secret)
	if k.SecretFile != "" {
		if text, err = readKeyFile(k.SecretFile); err != nil {
			return secret, err
		}
		text = bytes.TrimSpace(text)
	}
	if len(text) != hex.EncodedLen(len(secret)) {
		return secret, errNoSecret
	}
	if _, err := hex.Decode(secret[:], text); err != nil {
		return secret, errNoSecret // hex's own shows a digit
	}
	if secret == [keyring.SecretLen]byte{} {
		return secret, errors.New("is all zero")
	}
	return secret, nil
}

var errNoSecret = fmt.Errorf("must have %d hexadecimal digits, as `openssl rand -hex %d` gives", 2*keyring.SecretLen, keyring.SecretLen)

// end returns when the key opens nothing any more; zero is never.
func (k keyConfig) end() (time.Time, error) {
	if k.NotAfter == "" {
		return time.Time{}, nil
	}
	return time.Parse(time.RFC3339, k.NotAfter)
}

// keyRing returns the ring of the configuration. If there is none, it has one key
// that no other server has: kept in the data directory if there is one, so that pseudonyms and
// Class outlive the process, else made for the process.
func (s *server) keyRing() (*keyring.Ring, error) {
	switch {
	case len(s.cfg.Keys) > 0:
		return configuredRing(s.cfg.Keys)
	case s.cfg.DataDir != "":
		s.log.Info("No keys are configured: using one of this server's own", "file", filepath.Join(s.cfg.DataDir, ownKeyFile))
		return ownRing(s.cfg.DataDir)
	default:
		s.log.Info("No keys are configured: made some that no other server has and that end with this one")
		return keyring.NewRandom(), nil
	}
}

// ownKeyFile is the key that a server without configured ones makes for itself.
const ownKeyFile = "key"

func ownRing(dir string) (*keyring.Ring, error) {
	name := filepath.Join(dir, ownKeyFile)
	k := keyConfig{SecretFile: name}
	secret, err := k.secret()
	if errors.Is(err, os.ErrNotExist) {
		_, _ = rand.Read(secret[:])
		if err = os.MkdirAll(dir, 0o750); err == nil {
			err = writeFileSynced(name, hex.AppendEncode(nil, secret[:]))
		}
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return keyring.New(keyring.Key{ID: 1, Secret: secret})
}

// writeFileSynced writes a file that is there whole or not at all, for its
// owner only.
func writeFileSynced(name string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(name), ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(data)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}

func configuredRing(list []keyConfig) (*keyring.Ring, error) {
	keys := make([]keyring.Key, len(list))
	for i, k := range list {
		secret, err := k.secret()
		if err != nil {
			return nil, fmt.Errorf("keys[%d]: %w", i, err)
		}
		end, err := k.end()
		if err != nil {
			return nil, fmt.Errorf("keys[%d].not_after: %w", i, err)
		}
		keys[i] = keyring.Key{ID: uint8(k.ID), Secret: secret, NotAfter: end}
	}
	return keyring.New(keys...)
}

const (
	maxIdentityKeys = 8
	minRSABits      = 2048
)

// read returns the key that is in the file.
func (k identityKeyConfig) read() (*rsa.PrivateKey, error) {
	data, err := readKeyFile(k.File)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(data)
	if block == nil {
		return nil, errors.New("is no PEM file")
	}
	var parsed any
	switch block.Type {
	case "PRIVATE KEY":
		parsed, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	case "RSA PRIVATE KEY":
		parsed, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	default:
		return nil, errors.New("has no private key in the clear (PKCS #8 or PKCS #1)")
	}
	key, ok := parsed.(*rsa.PrivateKey)
	switch {
	case err != nil || !ok:
		return nil, errors.New("has no RSA key")
	case key.N.BitLen() < minRSABits:
		return nil, fmt.Errorf("has a key of fewer than %d bits", minRSABits)
	}
	return key, nil
}

// identityKeys returns the keys of the configuration.
func identityKeys(list []identityKeyConfig) ([]aka.IdentityKey, error) {
	var keys []aka.IdentityKey
	for i, k := range list {
		key, err := k.read()
		if err != nil {
			return nil, fmt.Errorf("eap.identity_keys[%d]: %w", i, err)
		}
		keys = append(keys, aka.IdentityKey{Key: key, Attribute: k.Attribute, Retired: k.Retired})
	}
	return keys, nil
}
