package radiustest

import (
	"bytes"
	"crypto/rand"
	"crypto/subtle"
	"fmt"
	mathrand "math/rand/v2"
	"sync"
	"time"

	layeh "layeh.com/radius"

	"github.com/opentwag/twag/eap"
	"github.com/opentwag/twag/radius/internal/wire"
)

// A Phone is a peer that logs in through an AP, such as an eaptest.Peer.
//
// Handle takes an EAP packet and returns the response to it, which is good
// until the next call. An error with a response tells why the phone refuses;
// an error alone, that it has ignored the packet. EAP-Success and EAP-Failure
// have no response.
//
// A Phone with a method Result() (eap.Result, bool) has its keys compared with
// those of the server.
type Phone interface {
	Handle(pkt []byte) ([]byte, error)
}

type keyedPhone interface {
	Result() (eap.Result, bool)
}

// Result is what a login came to.
type Result struct {
	// Code is that of the last answer: Access-Accept, Access-Reject, or
	// Access-Challenge if the login broke off; 0 without any answer.
	Code layeh.Code
	// Requests is the number of Access-Requests, and Retransmissions how
	// often one was sent again.
	Requests, Retransmissions int
	// MSK is the server's, from its MS-MPPE keys. Its first half is the PMK.
	MSK eap.Key
	// SignedFirst tells whether Message-Authenticator was the first attribute
	// of every answer.
	SignedFirst bool
	// Reply is the last answer, for a closer look. Its hidden attributes are
	// bound to RequestAuthenticator.
	Reply                []byte
	RequestAuthenticator [16]byte
	// PhoneErr is why the phone refused a request or the outcome; it may have
	// been told to by the server, so this is no error of the login by itself.
	PhoneErr error
}

// login is one phone's login.
type login struct {
	ap      *AP
	s       *socket
	phone   Phone
	station string
	done    chan struct{} // closed when result and err are final

	mu     sync.Mutex
	over   bool
	result Result
	err    error

	waiting bool // a request is in flight, with what follows
	id      uint8
	auth    [wire.AuthenticatorLen]byte
	request []byte
	tries   int
	sentAt  time.Time
	pause   time.Duration
	again   time.Time

	user     []byte
	state    []byte
	hasState bool
	joined   []byte
}

// begin sends the first request.
func (l *login) begin() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.result.SignedFirst = true
	if l.ap.cfg.EAPStart {
		l.send(nil)
		return
	}
	l.ask([]byte{byte(eap.CodeRequest), 0, 0, 5, byte(eap.TypeIdentity)})
}

// ask hands the phone a request and sends its response to the server.
func (l *login) ask(request []byte) {
	response, err := l.phone.Handle(request)
	if err != nil {
		l.result.PhoneErr = err
	}
	if len(response) == 0 {
		if err != nil {
			l.end(fmt.Errorf("%w: %w", ErrPhone, err))
		} else {
			l.end(ErrPhone)
		}
		return
	}
	if l.user == nil {
		// User-Name is the identity of EAP-Response/Identity in all requests
		// (RFC 3579, section 2.1).
		if p, err := eap.Decode(response); err == nil && p.Type == eap.TypeIdentity {
			l.user = append([]byte{}, p.Data[:min(len(p.Data), wire.MaxValueLen)]...)
		}
	}
	l.send(response)
}

// send sends an EAP packet in a new Access-Request; nil is EAP-Start.
func (l *login) send(packet []byte) {
	if _, err := rand.Read(l.auth[:]); err != nil {
		l.end(err)
		return
	}
	id := l.s.take(l)
	b := wire.AppendHeader(l.request[:0], wire.AccessRequest, id, &l.auth)
	b = wire.AppendMessageAuthenticator(b)
	mac := len(b) - wire.AuthenticatorLen
	if len(l.user) > 0 {
		b = wire.AppendAttribute(b, attrUserName, l.user)
	}
	b = append(b, l.ap.static...)
	if l.station != "" {
		b = append(b, attrCallingStationID, byte(2+len(l.station)))
		b = append(b, l.station...)
	}
	if l.hasState {
		b = wire.AppendAttribute(b, attrState, l.state)
	}
	if len(packet) == 0 {
		b = wire.AppendAttribute(b, wire.AttrEAPMessage, nil)
	}
	for len(packet) > 0 {
		n := min(len(packet), wire.MaxValueLen)
		b = wire.AppendAttribute(b, wire.AttrEAPMessage, packet[:n])
		packet = packet[n:]
	}
	l.request = b
	l.id, l.waiting = id, true
	if !wire.SetLength(b) {
		l.end(fmt.Errorf("radiustest: request of %d octets", len(b)))
		return
	}
	l.ap.key.SignRequest(b, mac)

	now := time.Now()
	l.tries, l.sentAt = 1, now
	l.pause = jitter(l.ap.cfg.FirstRetransmission)
	l.again = now.Add(l.pause)
	l.result.Requests++
	l.ap.stats.requests.Add(1)
	// An error here is a datagram that is lost; it will be sent again.
	_, _ = l.s.conn.Write(b)
}

// jitter spreads d by a tenth (RAND of RFC 5080, section 2.2.1).
func jitter(d time.Duration) time.Duration {
	return d + time.Duration((mathrand.Float64()-0.5)*0.2*float64(d))
}

// tick sends the request again if it is time, or gives up.
func (l *login) tick(now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	cfg := &l.ap.cfg
	if l.over || !l.waiting || now.Before(l.again) && now.Sub(l.sentAt) < cfg.Patience {
		return
	}
	if l.tries >= cfg.Tries || now.Sub(l.sentAt) >= cfg.Patience {
		l.end(ErrNoAnswer)
		return
	}
	l.tries++
	l.pause = min(l.pause+jitter(l.pause), jitter(cfg.MaxRetransmission))
	l.again = now.Add(l.pause)
	l.result.Retransmissions++
	l.ap.stats.retransmissions.Add(1)
	_, _ = l.s.conn.Write(l.request)
}

// receive takes an answer with the login's Identifier.
func (l *login) receive(pkt []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	stats := &l.ap.stats
	if l.over || !l.waiting || l.id != pkt[1] {
		stats.stray.Add(1)
		return
	}
	layout, err := wire.Scan(pkt)
	if err != nil || !wire.Answers(wire.AccessRequest, pkt[0]) || layout.MessageAuthenticator == 0 ||
		!l.ap.key.CheckReply(pkt, layout.MessageAuthenticator, &l.auth) {
		stats.forged.Add(1)
		return
	}
	l.stopWaiting()
	l.result.Code = layeh.Code(pkt[0])
	if layout.MessageAuthenticator != wire.HeaderLen+2 {
		l.result.SignedFirst = false
	}
	var a answer
	a, l.joined, err = readAnswer(pkt, l.joined)
	switch pkt[0] {
	case wire.AccessChallenge:
		stats.challenges.Add(1)
		if err != nil {
			break
		}
		l.state, l.hasState = append(l.state[:0], a.state...), a.hasState
		l.ask(a.eap)
		if !l.over {
			return
		}
		l.keep(pkt)
		return
	case wire.AccessAccept:
		stats.accepts.Add(1)
		if err == nil {
			err = l.accept(&a)
		}
	case wire.AccessReject:
		stats.rejects.Add(1)
		if err == nil {
			// What the phone said before is why it was rejected.
			if _, err := l.phone.Handle(a.eap); l.result.PhoneErr == nil {
				l.result.PhoneErr = err
			}
			err = ErrRejected
		}
	}
	l.keep(pkt)
	l.end(err)
}

// accept checks what the phone and the server have in the end.
func (l *login) accept(a *answer) error {
	if _, err := l.phone.Handle(a.eap); err != nil {
		l.result.PhoneErr = err
		return fmt.Errorf("%w: %w", ErrPhone, err)
	}
	msk, err := a.keys(l.ap.key, &l.auth)
	if err != nil {
		return err
	}
	l.result.MSK = msk
	if k, ok := l.phone.(keyedPhone); ok {
		r, ok := k.Result()
		if !ok || subtle.ConstantTimeCompare(r.MSK[:], msk[:]) != 1 {
			return ErrKeys
		}
	}
	return nil
}

// keep copies the last answer into the result.
func (l *login) keep(pkt []byte) {
	l.result.Reply = bytes.Clone(pkt)
	l.result.RequestAuthenticator = l.auth
}

func (l *login) stopWaiting() {
	if l.waiting {
		l.waiting = false
		l.s.release(l.id)
	}
}

// end ends the login.
func (l *login) end(err error) {
	l.stopWaiting()
	l.over, l.err = true, err
	close(l.done)
}

// abort ends the login from outside, unless it has ended.
func (l *login) abort(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.over {
		l.end(err)
	}
}
