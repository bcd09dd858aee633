package eapradius

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"golang.org/x/crypto/cryptobyte"
	layeh "layeh.com/radius"

	"github.com/opentwag/twag/eap"
	"github.com/opentwag/twag/keyring"
)

// sealed is a room that is in no process at all: the conversation travels,
// sealed, in the State attribute, so that every server with the same keys
// can answer every round of it. What does not fit in an attribute, or must not
// leave the process (eap.Confined), waits in a table.
//
// A State that is all the server knows can be sent twice. The window for that
// is the conversation's timeout, and within it this process remembers the
// logins whose States it has used ([replays]), so that an old State neither
// resumes a login that is over nor takes back what has been counted since.
// Another process knows nothing of that; there, only the timeout helps.
type sealed struct {
	auth    *eap.Authenticator
	sealer  *keyring.Sealer
	timeout time.Duration
	rand    io.Reader
	used    *replays
	table   *table

	completePeer func(*layeh.Request, *eap.Peer)
}

var _ room = (*sealed)(nil)

// Kept of a session, in front of the conversation's own state:
//
//	version and flags (1), login (8), turn (2), began in ms (8), issued in ms
//	after that (4), requests (1), invalid (1), longest EAP packet (2),
//	if flagAnswered: refusal (1), grant with a length octet
//
// Client, NAS and station are not in it: they are what the seal is bound to.
const (
	sealedVersion = 1 << 4
	flagAnswered  = 1 << 0
	flagsSealed   = flagAnswered

	// clockSkew is how far ahead the clock of the server that sealed may be.
	clockSkew = 5 * time.Second
	// maxTurns bounds the challenges of one login, far above what
	// authenticators allow.
	maxTurns = 1<<16 - 1
)

func newSealed(auth *eap.Authenticator, cfg *Config) *sealed {
	return &sealed{
		auth:    auth,
		sealer:  cfg.StateKeys.Sealer("eapradius State"),
		timeout: cfg.ConversationTimeout,
		rand:    cfg.Rand,
		used:    newReplays(cfg.MaxReplays, cfg.ConversationTimeout+clockSkew),
		table:   newTable(cfg),

		completePeer: cfg.CompletePeer,
	}
}

func (r *sealed) begin(s *session, _ time.Time) error {
	if _, err := io.ReadFull(r.rand, s.login[:]); err != nil {
		return fmt.Errorf("eapradius: State: %w", err)
	}
	return nil
}

func (r *sealed) take(q *request, now time.Time) (*session, bool, error) {
	if len(q.state) == stateLen {
		// Shorter than any seal: a name in the table.
		return r.table.take(q, now)
	}
	if q.states != 1 {
		return nil, false, ErrUnknownState
	}
	buf := sealBuffers.Get().(*sealBuffer)
	defer buf.free()
	plain, err := r.sealer.Open(buf.plain[:0], q.state, q.appendOrigin(buf.origin[:0]), now)
	if err != nil {
		return nil, false, fmt.Errorf("%w: %w", ErrUnknownState, err)
	}
	s, state, ok := r.decode(plain, now)
	if !ok {
		return nil, false, ErrUnknownState
	}
	peer, nas, station := q.peer()
	q.complete(r.completePeer, &peer)
	if s.conv, err = r.auth.Restore(peer, state); err != nil {
		// Sealed by a server of another version, or with other methods.
		return nil, false, fmt.Errorf("%w: %w", ErrUnknownState, err)
	}
	s.client, s.nas, s.station = q.client, nas, station
	before, err := r.used.claim(s.login, s.turn, now)
	if err != nil {
		return nil, false, err
	}
	s.invalid += before
	return s, false, nil
}

// decode reads what park wrote. state is the conversation's.
func (r *sealed) decode(plain []byte, now time.Time) (s *session, state []byte, ok bool) {
	s = &session{stateless: true}
	in := cryptobyte.String(plain)
	var head, requests, invalid uint8
	var began uint64
	var issued uint32
	var maxEAP uint16
	if !in.ReadUint8(&head) || head&^flagsSealed != sealedVersion ||
		!in.CopyBytes(s.login[:]) || !in.ReadUint16(&s.turn) || !in.ReadUint64(&began) || !in.ReadUint32(&issued) ||
		!in.ReadUint8(&requests) || !in.ReadUint8(&invalid) || !in.ReadUint16(&maxEAP) {
		return nil, nil, false
	}
	s.began = time.UnixMilli(int64(began))
	at := s.began.Add(time.Duration(issued) * time.Millisecond)
	if now.After(at.Add(r.timeout)) || now.Before(at.Add(-clockSkew)) {
		return nil, nil, false
	}
	s.requests, s.invalid, s.maxEAP = int(requests), int(invalid), int(maxEAP)
	if head&flagAnswered != 0 {
		var refusal uint8
		var grant cryptobyte.String
		if !in.ReadUint8(&refusal) || !in.ReadUint8LengthPrefixed(&grant) {
			return nil, nil, false
		}
		attrs, err := layeh.ParseAttributes(grant)
		if err != nil {
			return nil, nil, false
		}
		s.authorized, s.grant = true, attrs
		s.answered(Grant{Refusal: eap.Refusal(refusal)})
	}
	return s, in, true
}

// sealBuffer is what sealing and opening work in; plain is wiped afterwards,
// since it holds keys.
type sealBuffer struct {
	plain, origin [2*maxAttributeLen + 64]byte
}

var sealBuffers = sync.Pool{New: func() any { return new(sealBuffer) }}

func (b *sealBuffer) free() {
	clear(b.plain[:])
	sealBuffers.Put(b)
}

func (r *sealed) park(b []byte, s *session, repeated bool, now time.Time) ([]byte, error) {
	if s.tabled {
		return r.table.park(b, s, repeated, now)
	}
	if repeated {
		// The State that came in stays the one that is awaited.
		r.used.release(s.login, s.turn, now)
		return b, nil
	}
	if s.turn == maxTurns {
		return b, ErrUnknownState
	}
	buf := sealBuffers.Get().(*sealBuffer)
	defer buf.free()
	plain, err := r.encode(buf.plain[:0], s, now)
	switch {
	case err == nil && len(plain)+keyring.Overhead <= maxAttributeLen:
		r.used.done(s.login, s.turn, now)
		b = slices.Grow(b, len(plain)+keyring.Overhead)
		return r.sealer.Seal(b, plain, s.appendOrigin(buf.origin[:0])), nil
	case err != nil && !errors.Is(err, errStays):
		return b, err
	}
	if err := r.table.begin(s, now); err != nil {
		return b, err
	}
	s.tabled = true
	r.used.done(s.login, s.turn, now)
	return r.table.park(b, s, false, now)
}

// errStays: what waits does not fit in an attribute, or must not leave the
// process.
var errStays = errors.New("eapradius: not for a State")

func (r *sealed) encode(b []byte, s *session, now time.Time) ([]byte, error) {
	if s.conv.Confined() {
		return b, errStays
	}
	// Before it began: at a server whose clock is ahead.
	issued := max(now.Sub(s.began).Milliseconds(), 0)
	if issued > 1<<32-1 || s.requests > 255 || s.invalid > 255 || s.maxEAP > 1<<16-1 {
		return b, errStays
	}
	var flags byte
	if s.authorized {
		flags |= flagAnswered
	}
	b = append(b, sealedVersion|flags)
	b = append(b, s.login[:]...)
	b = binary.BigEndian.AppendUint16(b, s.turn+1)
	b = binary.BigEndian.AppendUint64(b, uint64(s.began.UnixMilli()))
	b = binary.BigEndian.AppendUint32(b, uint32(issued))
	b = append(b, byte(s.requests), byte(s.invalid))
	b = binary.BigEndian.AppendUint16(b, uint16(s.maxEAP))
	if s.authorized {
		b = append(b, byte(s.answer.Refusal), 0)
		at := len(b)
		for _, a := range s.grant {
			if a.Type < 0 || a.Type > 255 || len(a.Attribute) > maxAttributeLen {
				return b, errStays
			}
			b = append(append(b, byte(a.Type), byte(2+len(a.Attribute))), a.Attribute...)
		}
		if len(b)-at > 255 {
			return b, errStays
		}
		b[at-1] = byte(len(b) - at)
	}
	return s.conv.AppendState(b)
}

func (r *sealed) end(s *session, now time.Time) {
	if s.tabled {
		r.table.end(s, now)
	}
	r.used.end(s.login, s.turn, now)
}

func (r *sealed) len() int { return r.table.len() }

// appendOrigin appends what a seal is bound to: client, NAS and station.
func (q *request) appendOrigin(b []byte) []byte {
	return appendOrigin(b, q.client.As16(), q.nas(), string(q.station))
}

func (s *session) appendOrigin(b []byte) []byte {
	return appendOrigin(b, s.client.As16(), s.nas, s.station)
}

func appendOrigin(b []byte, client [16]byte, nas, station string) []byte {
	b = append(append(b, client[:]...), byte(len(nas)))
	return append(append(b, nas...), station...)
}
