package wire

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/subtle"
	"hash"
	"sync"
)

// Key is a shared secret with the hashes that it keys, ready to use. It is
// safe for concurrent use.
//
// MD5 is what RADIUS over UDP has; under GODEBUG=fips140=only it panics.
type Key struct {
	secret []byte
	pool   sync.Pool
}

// NewKey returns the Key of a secret, which it copies.
func NewKey(secret []byte) *Key {
	k := &Key{secret: append([]byte(nil), secret...)}
	k.pool.New = func() any {
		return &hashes{mac: hmac.New(md5.New, k.secret), md: md5.New()}
	}
	return k
}

// Secret returns the secret itself. It must not be changed.
func (k *Key) Secret() []byte { return k.secret }

// hashes is the working memory of one computation: a hash.Hash is reached
// through an interface, so all that it touches has to live on the heap.
type hashes struct {
	mac, md hash.Hash
	sum     [md5.Size]byte
}

var zeroes [AuthenticatorLen]byte

// messageAuthenticator leaves in h.sum the HMAC-MD5 over pkt, with auth in
// place of its authenticator, unless it is nil, and zero in place of the value at
// offset at.
func (h *hashes) messageAuthenticator(pkt, auth []byte, at int) {
	h.mac.Reset()
	if auth == nil {
		h.mac.Write(pkt[:at])
	} else {
		h.mac.Write(pkt[:4])
		h.mac.Write(auth)
		h.mac.Write(pkt[HeaderLen:at])
	}
	h.mac.Write(zeroes[:])
	h.mac.Write(pkt[at+AuthenticatorLen:])
	h.mac.Sum(h.sum[:0])
}

// authenticator leaves in h.sum MD5(Code|Identifier|Length|auth|Attributes|Secret).
func (h *hashes) authenticator(pkt, auth, secret []byte) {
	h.md.Reset()
	h.md.Write(pkt[:4])
	h.md.Write(auth)
	h.md.Write(pkt[HeaderLen:])
	h.md.Write(secret)
	h.md.Sum(h.sum[:0])
}

// authForMAC returns what stands in the authenticator field of a request when
// its Message-Authenticator is computed, nil for what is there.
func authForMAC(request []byte) []byte {
	if HashedAuthenticator(request[0]) {
		return zeroes[:]
	}
	return nil
}

// CheckMessageAuthenticator tells whether the Message-Authenticator at offset
// at of a request is right. RFC 3579, section 3.2; RFC 5176, section 3.4.
func (k *Key) CheckMessageAuthenticator(request []byte, at int) bool {
	h := k.pool.Get().(*hashes)
	h.messageAuthenticator(request, authForMAC(request), at)
	ok := hmac.Equal(h.sum[:], request[at:at+AuthenticatorLen])
	k.pool.Put(h)
	return ok
}

// CheckRequestAuthenticator tells whether the hashed authenticator of an
// accounting, CoA or disconnect request is right.
func (k *Key) CheckRequestAuthenticator(request []byte) bool {
	h := k.pool.Get().(*hashes)
	h.authenticator(request, zeroes[:], k.secret)
	ok := subtle.ConstantTimeCompare(h.sum[:], request[4:HeaderLen]) == 1
	k.pool.Put(h)
	return ok
}

// SignRequest completes a request whose Length is set: first the
// Message-Authenticator at offset at (0: none), then the authenticator, if
// its code has a hashed one.
func (k *Key) SignRequest(request []byte, at int) {
	h := k.pool.Get().(*hashes)
	if at != 0 {
		h.messageAuthenticator(request, authForMAC(request), at)
		copy(request[at:], h.sum[:])
	}
	if HashedAuthenticator(request[0]) {
		h.authenticator(request, zeroes[:], k.secret)
		copy(request[4:HeaderLen], h.sum[:])
	}
	k.pool.Put(h)
}

// SignReply completes a reply whose Length is set to a request with this
// authenticator: first the Message-Authenticator at offset at (0: none), then
// the Response Authenticator. RFC 2865, section 3; RFC 3579, section 3.2.
func (k *Key) SignReply(reply []byte, at int, request *[AuthenticatorLen]byte) {
	h := k.pool.Get().(*hashes)
	// With the request's authenticator in its place, both hashes are over
	// the octets as they stand.
	copy(reply[4:HeaderLen], request[:])
	if at != 0 {
		clear(reply[at : at+AuthenticatorLen])
		h.mac.Reset()
		h.mac.Write(reply)
		h.mac.Sum(h.sum[:0])
		copy(reply[at:], h.sum[:])
	}
	h.md.Reset()
	h.md.Write(reply)
	h.md.Write(k.secret)
	h.md.Sum(h.sum[:0])
	copy(reply[4:HeaderLen], h.sum[:])
	k.pool.Put(h)
}

// CheckReply tells whether a reply's Response Authenticator is right, and its
// Message-Authenticator too, if it has one at offset at (0: none).
func (k *Key) CheckReply(reply []byte, at int, request *[AuthenticatorLen]byte) bool {
	h := k.pool.Get().(*hashes)
	defer k.pool.Put(h)
	h.authenticator(reply, request[:], k.secret)
	if subtle.ConstantTimeCompare(h.sum[:], reply[4:HeaderLen]) != 1 {
		return false
	}
	if at == 0 {
		return true
	}
	h.messageAuthenticator(reply, request[:], at)
	return hmac.Equal(h.sum[:], reply[at:at+AuthenticatorLen])
}
