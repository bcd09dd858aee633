package radius

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"time"

	layeh "layeh.com/radius"
	"layeh.com/radius/rfc2869"
	"layeh.com/radius/rfc3576"

	"github.com/opentwag/twag/radius/internal/wire"
)

// Defaults of a [DynAuth].
const (
	defaultDynAuthPort = 3799
	// Retransmission times of RFC 5080, section 2.2.1, with fewer attempts: who wants a
	// session to end soon has another chance when the NAS is heard of again.
	initialRetransmit = 2 * time.Second
	maximumRetransmit = 16 * time.Second
	defaultAttempts   = 4
)

// Errors of a [DynAuth].
var (
	// ErrNoAnswer: the NAS has not answered any attempt.
	ErrNoAnswer = errors.New("radius: no answer")
	// ErrTooMany: all 256 Identifiers towards this NAS are in use.
	ErrTooMany = errors.New("radius: too many requests to one NAS")
)

// NAKError is a CoA-NAK or Disconnect-NAK: the NAS has changed nothing (RFC
// 5176, section 2).
type NAKError struct {
	Code  layeh.Code
	Cause rfc3576.ErrorCause // 0 if the NAS gave none
}

// Error implements error.
func (e *NAKError) Error() string {
	if e.Cause == 0 {
		return fmt.Sprintf("radius: %v", e.Code)
	}
	return fmt.Sprintf("radius: %v: %v", e.Code, e.Cause)
}

// DynAuthConfig configures a [DynAuth]. Zero fields have the defaults named.
type DynAuthConfig struct {
	// Clients has the secrets of the NASes, by their addresses: the same as
	// those of the server that they send to. Required.
	Clients ClientSource
	// Port is where NASes listen. Default 3799.
	Port uint16
	// Attempts is how often a request is sent; the first waits 2 s for the answer,
	// each later one twice as long, at most 16 s. Default 4.
	Attempts int
	// OmitMessageAuthenticator is for NASes that refuse requests with a
	// Message-Authenticator (RFC 5176, section 3.6, leaves it to the client). The
	// request is protected by its authenticator all the same.
	OmitMessageAuthenticator bool
	// Conn is the socket to use. Default: one on a free port of all addresses.
	Conn net.PacketConn
}

// DynAuth sends Disconnect- and CoA-Requests to NASes (RFC 5176): it is the Dynamic
// Authorization Client. It is safe for concurrent use.
type DynAuth struct {
	cfg DynAuthConfig
	pc  net.PacketConn
	wg  sync.WaitGroup

	mu      sync.Mutex
	pending map[dynAuthKey]*dynAuthCall
	next    uint8
	closed  bool
}

// dynAuthKey is what an answer is matched by.
type dynAuthKey struct {
	nas        netip.AddrPort
	identifier uint8
}

type dynAuthCall struct {
	client *Client
	auth   [wire.AuthenticatorLen]byte
	code   byte
	answer chan *layeh.Packet
}

// NewDynAuth opens the socket. Call Close when it is not needed any more.
func NewDynAuth(cfg DynAuthConfig) (*DynAuth, error) {
	if cfg.Clients == nil {
		return nil, errors.New("radius: DynAuthConfig.Clients is nil")
	}
	if subnets, ok := cfg.Clients.(Subnets); ok {
		t, err := NewClientTable(subnets)
		if err != nil {
			return nil, err
		}
		cfg.Clients = t
	}
	if cfg.Port == 0 {
		cfg.Port = defaultDynAuthPort
	}
	if cfg.Attempts <= 0 {
		cfg.Attempts = defaultAttempts
	}
	if cfg.Conn == nil {
		pc, err := net.ListenPacket("udp", ":0")
		if err != nil {
			return nil, fmt.Errorf("radius: %w", err)
		}
		cfg.Conn = pc
	}
	d := &DynAuth{cfg: cfg, pc: cfg.Conn, pending: make(map[dynAuthKey]*dynAuthCall)}
	d.wg.Go(d.read)
	return d, nil
}

// Close ends all requests with ErrServerClosed and closes the socket.
func (d *DynAuth) Close() error {
	d.mu.Lock()
	d.closed = true
	for key, call := range d.pending {
		delete(d.pending, key)
		close(call.answer)
	}
	d.mu.Unlock()
	err := d.pc.Close()
	d.wg.Wait()
	return err
}

// Exchange sends p, a Disconnect-Request or CoA-Request, to the NAS at addr, and again
// until it answers or ctx ends. An ACK is returned; a NAK is a [*NAKError].
//
// Event-Timestamp, which keeps recorded requests from being replayed (RFC 5176, section 6.3),
// and Message-Authenticator are added. p's Identifier, Authenticator and Secret
// don't count.
func (d *DynAuth) Exchange(ctx context.Context, addr netip.Addr, p *layeh.Packet) (*layeh.Packet, error) {
	if p.Code != layeh.CodeDisconnectRequest && p.Code != layeh.CodeCoARequest {
		return nil, fmt.Errorf("radius: %v is no dynamic authorization request", p.Code)
	}
	client := d.cfg.Clients.Client(addr)
	if client == nil {
		return nil, fmt.Errorf("radius: %v is no client", addr)
	}
	key, call, err := d.begin(netip.AddrPortFrom(addr.Unmap(), d.cfg.Port), client, byte(p.Code))
	if err != nil {
		return nil, err
	}
	defer d.end(key)
	// The same octets each time: a NAS knows the repetition by its Identifier and
	// authenticator, and gives the same answer.
	pkt, err := d.signed(p, key.identifier, client, time.Now())
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	copy(call.auth[:], pkt[4:wire.HeaderLen])
	d.mu.Unlock()
	to := net.UDPAddrFromAddrPort(key.nas)
	wait := initialRetransmit
	for range d.cfg.Attempts {
		if _, err := d.pc.WriteTo(pkt, to); err != nil && errors.Is(err, net.ErrClosed) {
			return nil, ErrServerClosed
		}
		timer := time.NewTimer(wait - wait/10 + rand.N(wait/5))
		select {
		case a, ok := <-call.answer:
			timer.Stop()
			return result(a, ok)
		case <-ctx.Done():
			timer.Stop()
			return nil, ctx.Err()
		case <-timer.C:
		}
		wait = min(2*wait, maximumRetransmit)
	}
	return nil, fmt.Errorf("%w from %v", ErrNoAnswer, addr)
}

func result(a *layeh.Packet, ok bool) (*layeh.Packet, error) {
	switch {
	case !ok:
		return nil, ErrServerClosed
	case a.Code == layeh.CodeDisconnectNAK || a.Code == layeh.CodeCoANAK:
		return nil, &NAKError{Code: a.Code, Cause: rfc3576.ErrorCause_Get(a)}
	default:
		return a, nil
	}
}

// begin finds an Identifier that no other request to this NAS has.
func (d *DynAuth) begin(nas netip.AddrPort, client *Client, code byte) (dynAuthKey, *dynAuthCall, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return dynAuthKey{}, nil, ErrServerClosed
	}
	for range 256 {
		d.next++
		key := dynAuthKey{nas, d.next}
		if _, used := d.pending[key]; !used {
			call := &dynAuthCall{client: client, code: code, answer: make(chan *layeh.Packet, 1)}
			d.pending[key] = call
			return key, call, nil
		}
	}
	return dynAuthKey{}, nil, ErrTooMany
}

func (d *DynAuth) end(key dynAuthKey) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.pending, key)
}

// signed encodes p with Event-Timestamp and Message-Authenticator (RFC 5176,
// sections 2.3 and 3.6).
func (d *DynAuth) signed(p *layeh.Packet, identifier uint8, client *Client, now time.Time) ([]byte, error) {
	var zero [wire.AuthenticatorLen]byte
	b := wire.AppendHeader(make([]byte, 0, 512), byte(p.Code), identifier, &zero)
	mac := 0
	if !d.cfg.OmitMessageAuthenticator {
		b = wire.AppendMessageAuthenticator(b)
		mac = len(b) - wire.AuthenticatorLen
	}
	b, err := appendAttributes(b, p.Attributes, wire.AttrMessageAuthenticator)
	if err != nil {
		return nil, err
	}
	if _, ok := p.Lookup(rfc2869.EventTimestamp_Type); !ok {
		stamp, err := layeh.NewDate(now)
		if err != nil {
			return nil, err
		}
		b = wire.AppendAttribute(b, byte(rfc2869.EventTimestamp_Type), stamp)
	}
	if !wire.SetLength(b) {
		return nil, packetError("longer than %d octets", wire.MaxLen)
	}
	client.key.SignRequest(b, mac)
	return b, nil
}

// read hands answers to those who wait, until the socket is closed.
func (d *DynAuth) read() {
	buf := make([]byte, wire.MaxLen)
	for {
		n, from, err := d.pc.ReadFrom(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			// An ICMP error belongs to one of the NASes; the others still answer.
			time.Sleep(minPause)
			if d.isClosed() {
				return
			}
			continue
		}
		d.received(buf[:n], addrPortOf(from))
	}
}

func (d *DynAuth) isClosed() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.closed
}

// received looks whose answer this is. What is not authentic is nobody's.
func (d *DynAuth) received(b []byte, from netip.AddrPort) {
	pkt, err := wire.Cut(b)
	if err != nil {
		return
	}
	layout, err := wire.Scan(pkt)
	if err != nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	key := dynAuthKey{from, pkt[1]}
	call := d.pending[key]
	if call == nil || !wire.Answers(call.code, pkt[0]) || !call.client.key.CheckReply(pkt, layout.MessageAuthenticator, &call.auth) {
		return
	}
	p, err := layeh.Parse(append([]byte(nil), pkt...), call.client.key.Secret())
	if err != nil {
		return
	}
	delete(d.pending, key)
	call.answer <- p
}
