package aka

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/opentwag/twag/eap"
	"github.com/opentwag/twag/keyring"
)

// ErrPseudonym: the username is no pseudonym of ours for this method, or its
// time is over.
var ErrPseudonym = errors.New("aka: not a pseudonym, or a stale one")

// A pseudonym is a leading digit and, in base64url, 25 octets:
//
//	octet 0      key ID
//	octets 1-16  block: AES-256 of IMSI (BCD, 8), hours since the epoch (3),
//	             random (5)
//	octets 17-24 tag: AES-256 of the block under a second key, cut
//
// Both keys belong to the method and the key ID, so that neither can be swapped.
// A block cipher serves since everything fits one block: equal blocks take
// equal random octets, and the tag is a pseudo-random function of one block.
// No nonce or counter is visible, so that two pseudonyms of a subscriber have
// nothing in common but the key ID (RFC 9048, section 5.2). Of 2^64 guesses one
// makes a tag; it leads to a random IMSI and a challenge.
const (
	pseudonymRandom = 5
	pseudonymTag    = 8
	pseudonymSealed = 1 + aes.BlockSize + pseudonymTag
	// pseudonymLen is the length of the whole username.
	pseudonymLen = 1 + (pseudonymSealed*8+5)/6

	hoursMax     = 1<<24 - 1
	clockSkew    = 2 // hours that servers' clocks may differ
	foreverHours = 1 << 24

	defaultPseudonymAge = 30 * 24 * time.Hour
)

// pseudonymEpoch is hour 0, 2020-01-01.
var pseudonymEpoch = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC).Unix()

// base64 of one octet string only: no two spellings of a pseudonym.
var base64url = base64.RawURLEncoding.Strict()

// PseudonymConfig are the settings of [Pseudonyms]. The zero value is the
// default.
type PseudonymConfig struct {
	// MaxAge is how long a pseudonym leads to its subscriber. Default: 30
	// days; negative: as long as its key opens. It counts in hours.
	MaxAge time.Duration
}

// Pseudonyms makes and opens pseudonyms: usernames that stand for a
// subscriber, that nobody without the key ring can tell from another's or
// connect with the one before, and that every server with the ring opens.
// There is no table.
//
// It is safe for concurrent use.
//
// RFC 4187, section 4.1.1.7; RFC 9048, section 5.2; TS 23.003, clause 19.3.5.
type Pseudonyms struct {
	keys   atomic.Pointer[[]pseudonymKey]
	maxAge uint32 // hours
}

// pseudonymKey is what one key of the ring is for pseudonyms.
type pseudonymKey struct {
	id       uint8
	notAfter time.Time
	methods  [len(temporaryMethods)]struct{ seal, tag cipher.Block }
}

// NewPseudonyms returns pseudonyms under the keys of ring, of which the first
// seals.
func NewPseudonyms(ring *keyring.Ring, cfg PseudonymConfig) *Pseudonyms {
	age := cfg.MaxAge
	if age == 0 {
		age = defaultPseudonymAge
	}
	p := &Pseudonyms{maxAge: foreverHours}
	if age > 0 {
		p.maxAge = uint32(min((age+time.Hour-1)/time.Hour, foreverHours))
	}
	p.Rotate(ring)
	return p
}

// Rotate goes over to another ring, which should still hold the keys of
// pseudonyms that are about.
func (p *Pseudonyms) Rotate(ring *keyring.Ring) {
	var keys []pseudonymKey
	for i, t := range temporaryMethods {
		for k, d := range ring.Derive(fmt.Sprintf("pseudonym %d", uint8(t.method)), 64) {
			if i == 0 {
				keys = append(keys, pseudonymKey{id: d.ID, notAfter: d.NotAfter})
			}
			keys[k].methods[i].seal = mustAES(d.Secret[:32])
			keys[k].methods[i].tag = mustAES(d.Secret[32:])
		}
	}
	p.keys.Store(&keys)
}

func mustAES(key []byte) cipher.Block {
	c, err := aes.NewCipher(key)
	if err != nil {
		panic("aka: " + err.Error()) // 32 octets are a key
	}
	return c
}

// processPseudonyms are those of a process that was given no ring.
var processPseudonyms = sync.OnceValue(func() *Pseudonyms {
	return NewPseudonyms(keyring.NewRandom(), PseudonymConfig{})
})

// Format implements fmt.Formatter, so that no verb prints keys.
func (p *Pseudonyms) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("aka.Pseudonyms[redacted]")) }

// Seal returns a new pseudonym username of the subscriber for the method. It
// is the empty string for a method without pseudonyms and for no IMSI.
func (p *Pseudonyms) Seal(method eap.Type, imsi eap.IMSI, now time.Time) string {
	var random [pseudonymRandom]byte
	rand.Read(random[:]) // never fails: crypto/rand ends the process instead
	return string(p.append(nil, method, imsi, now, random))
}

// append appends the pseudonym that has these random octets.
func (p *Pseudonyms) append(b []byte, method eap.Type, imsi eap.IMSI, now time.Time, random [pseudonymRandom]byte) []byte {
	m := temporaryOf(method)
	if m < 0 || !imsi.IsValid() {
		return b
	}
	key := &(*p.keys.Load())[0]
	var sealed [1 + 2*aes.BlockSize]byte // the tag before it is cut
	sealed[0] = key.id
	block := sealed[1 : 1+aes.BlockSize]
	appendBCD(block[:0], imsi.Digits())
	h := hoursOf(now)
	block[8], block[9], block[10] = byte(h>>16), byte(h>>8), byte(h)
	copy(block[11:], random[:])
	key.methods[m].seal.Encrypt(block, block)
	key.methods[m].tag.Encrypt(sealed[1+aes.BlockSize:], block)
	b = append(b, temporaryMethods[m].pseudonym)
	return base64url.AppendEncode(b, sealed[:pseudonymSealed])
}

// Open returns the subscriber whose pseudonym for the method the username is.
// The error is ErrPseudonym, whatever is wrong.
func (p *Pseudonyms) Open(method eap.Type, username string, now time.Time) (eap.IMSI, error) {
	m := temporaryOf(method)
	if m < 0 || len(username) != pseudonymLen || username[0] != temporaryMethods[m].pseudonym {
		return eap.IMSI{}, ErrPseudonym
	}
	var sealed [pseudonymSealed]byte
	var text [pseudonymLen]byte
	copy(text[:], username)
	if n, err := base64url.Decode(sealed[:], text[1:]); err != nil || n != pseudonymSealed {
		return eap.IMSI{}, ErrPseudonym
	}
	keys := *p.keys.Load()
	for i := range keys {
		if keys[i].id == sealed[0] {
			if !keys[i].notAfter.IsZero() && now.After(keys[i].notAfter) {
				break
			}
			return p.open(&keys[i], m, &sealed, now)
		}
	}
	return eap.IMSI{}, ErrPseudonym
}

func (p *Pseudonyms) open(key *pseudonymKey, m int, sealed *[pseudonymSealed]byte, now time.Time) (eap.IMSI, error) {
	block := sealed[1 : 1+aes.BlockSize]
	var tag [aes.BlockSize]byte
	key.methods[m].tag.Encrypt(tag[:], block)
	if !equal(tag[:pseudonymTag], sealed[1+aes.BlockSize:]) {
		return eap.IMSI{}, ErrPseudonym
	}
	key.methods[m].seal.Decrypt(block, block)
	imsi, err := eap.ParseIMSI(parseBCD([8]byte(block[:8])))
	issued, h := uint32(block[8])<<16|uint32(block[9])<<8|uint32(block[10]), hoursOf(now)
	if err != nil || issued > h+clockSkew || h > issued && h-issued > p.maxAge {
		return eap.IMSI{}, ErrPseudonym
	}
	return imsi, nil
}

// hoursOf counts hours from the epoch on, within what three octets hold.
func hoursOf(t time.Time) uint32 {
	return uint32(min(max((t.Unix()-pseudonymEpoch)/3600, 0), hoursMax))
}
