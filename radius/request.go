package radius

import (
	"context"
	"net"
	"sync/atomic"
	"time"

	layeh "layeh.com/radius"

	"github.com/opentwag/twag/radius/internal/wire"
)

// slabAttributes is how many attributes a request holds without another
// allocation. A WLAN access point sends 12 to 20.
const slabAttributes = 20

// request is one accepted request on its way through the engine, and the
// ResponseWriter of its handler. It is the handler's own memory, together with
// all that the handler is given: handlers may keep it, so it is never reused.
type request struct {
	eng      *engine
	carrier  carrier
	client   *Client
	pkt      []byte // the octets, which attribute values alias
	layout   wire.Layout
	auth     [wire.AuthenticatorLen]byte
	received time.Time
	ref      dupRef
	back     path
	state    atomic.Uint32
	handled  atomic.Bool // the handler has returned

	inline    bool        // a reader called the handler
	handedOff atomic.Bool // rest was given to a worker
	rest      func()      // what is left of the handler's work
	suspended atomic.Bool // the handler goes on later
	ctx       requestContext

	udp    net.UDPAddr
	ip     [16]byte
	packet layeh.Packet
	avps   [slabAttributes]layeh.AVP
	attrs  [slabAttributes]*layeh.AVP
}

// States of a request.
const (
	// reqOpen: Write may come.
	reqOpen = iota
	// reqWriting: a Write is encoding.
	reqWriting
	// reqOver: answered, given up, or panicked.
	reqOver
)

var _ layeh.ResponseWriter = (*request)(nil)

func (r *request) info() RequestInfo { return requestInfo(r.client, r.pkt, &r.back) }

// parse makes the handler's request. Scan has accepted the packet.
func (r *request) parse() *layeh.Request {
	p := &r.packet
	p.Code = layeh.Code(r.pkt[0])
	p.Identifier = r.pkt[1]
	p.Authenticator = r.auth
	p.Secret = r.client.key.Secret()

	n := r.layout.Attributes
	avps, attrs := r.avps[:], r.attrs[:]
	if n > slabAttributes {
		avps, attrs = make([]layeh.AVP, n), make([]*layeh.AVP, n)
	}
	i := wire.HeaderLen
	for k := range n {
		typ, value, next, _ := wire.Next(r.pkt, i)
		avps[k].Type = layeh.Type(typ)
		if len(value) > 0 { // layeh's Parse leaves an empty one nil
			avps[k].Attribute = value
		}
		attrs[k] = &avps[k]
		i = next
	}
	if n > 0 {
		p.Attributes = attrs[:n:n]
	}

	remote := r.back.addr
	if remote == nil {
		remote = r.udpAddr()
	}
	bare := layeh.Request{LocalAddr: r.carrier.localAddr(), RemoteAddr: remote, Packet: p}
	return bare.WithContext(&r.ctx)
}

// udpAddr returns the sender's address in the form that handlers expect.
func (r *request) udpAddr() *net.UDPAddr {
	addr := r.back.remote.Addr()
	if addr.Is4() {
		v4 := addr.As4()
		r.udp.IP = append(r.ip[:0], v4[:]...)
	} else {
		r.ip = addr.As16()
		r.udp.IP = r.ip[:]
		r.udp.Zone = addr.Zone()
	}
	r.udp.Port = int(r.back.remote.Port())
	return &r.udp
}

// Write implements layeh's ResponseWriter: it signs the reply, remembers it
// for repetitions of the request, and sends it.
//
// It may be called once, from any goroutine, until the request's deadline,
// also after the handler has returned. The reply's code must fit the request;
// an unusable reply is an error that wraps [ErrPacket], and Write may be tried
// again. An error of the network is returned too if it is known by then; the
// reply is remembered all the same. The engine puts Message-Authenticator first,
// and copies the request's Proxy-State attributes, in place of any that p has.
func (r *request) Write(p *layeh.Packet) error {
	now := time.Now()
	if !now.Before(r.ctx.deadline) {
		return ErrTooLate
	}
	if !r.state.CompareAndSwap(reqOpen, reqWriting) {
		return ErrAnswered
	}
	buf := replyBuffers.Get().(*[wire.MaxLen]byte)
	reply, err := r.appendReply(buf[:0], p)
	if err != nil {
		replyBuffers.Put(buf)
		r.state.Store(reqOpen)
		return err
	}
	r.state.Store(reqOver)
	err = r.eng.answer(r, buf, len(reply), now)
	r.release()
	return err
}

// Discard tells the engine that a request will get no answer, so that its
// repetition is a new request to the handler. Without it a request that is
// not answered counts as being worked on until its deadline, and repetitions
// are dropped.
//
// An accounting handler that could not store a record calls it, so that the
// client may try again at once. w is the ResponseWriter that the handler was
// given; one that wraps it passes this on if it has a method Discard(). Any
// other is left alone.
func Discard(w layeh.ResponseWriter) {
	if d, ok := w.(interface{ Discard() }); ok {
		d.Discard()
	}
}

// Discard is what the function of that name calls.
func (r *request) Discard() {
	if r.state.CompareAndSwap(reqOpen, reqOver) {
		r.eng.dups.forget(r.ref)
		r.release()
	}
}

// release ends the context when nobody needs it any more: the handler has
// returned, and the answer is not still to come from elsewhere. It is called
// after each of the two.
func (r *request) release() {
	if r.handled.Load() && r.state.Load() == reqOver {
		r.ctx.cancel(context.Canceled)
	}
}
