package diametertest

import (
	"github.com/opentwag/twag/diameter"
	"github.com/opentwag/twag/diameter/wire"
)

// Part appends AVPs to a message.
type Part = func(*wire.Builder)

// Result is a Result-Code.
func Result(code uint32) Part {
	return func(w *wire.Builder) { w.Uint32(diameter.AVPResultCode, 0, wire.FlagMandatory, code) }
}

// Raw is octets in the place of AVPs.
func Raw(b ...byte) Part { return func(w *wire.Builder) { w.Raw(b) } }

// Build builds a message. Its length is right whatever the parts are.
func Build(h wire.Header, parts ...Part) wire.Message {
	w := wire.NewBuilder(nil, h)
	for _, p := range parts {
		p(w)
	}
	m, err := w.Message()
	if err != nil {
		panic(err) // a header or AVP beyond 24 bits: the test's mistake
	}
	return m
}

// Origin is the peer's Origin-Host and Origin-Realm.
func (l *Link) Origin() Part {
	return func(w *wire.Builder) {
		w.String(diameter.AVPOriginHost, 0, wire.FlagMandatory, l.peer.cfg.Host)
		w.String(diameter.AVPOriginRealm, 0, wire.FlagMandatory, l.peer.cfg.Realm)
	}
}

// Capabilities is what a CER has, and a CEA behind its Result-Code.
func (l *Link) Capabilities() Part {
	return func(w *wire.Builder) {
		l.Origin()(w)
		w.Octets(diameter.AVPHostIPAddress, 0, wire.FlagMandatory, []byte{0, 1, 127, 0, 0, 1})
		w.Uint32(diameter.AVPVendorID, 0, wire.FlagMandatory, 0)
		w.String(diameter.AVPProductName, 0, 0, "diametertest")
		for _, a := range l.peer.cfg.Applications {
			code := uint32(diameter.AVPAuthApplicationID)
			if a.Acct {
				code = diameter.AVPAcctApplicationID
			}
			if a.Vendor == 0 {
				w.Uint32(code, 0, wire.FlagMandatory, a.ID)
				continue
			}
			g := w.Begin(diameter.AVPVendorSpecificApplicationID, 0, wire.FlagMandatory)
			w.Uint32(diameter.AVPVendorID, 0, wire.FlagMandatory, a.Vendor)
			w.Uint32(code, 0, wire.FlagMandatory, a.ID)
			w.End(g)
		}
	}
}

// CER returns a Capabilities-Exchange-Request of the peer.
func (l *Link) CER() wire.Message {
	return Build(wire.Header{Flags: wire.FlagRequest, Command: diameter.CmdCapabilitiesExchange, HopByHop: 0xce0, EndToEnd: 0xce1}, l.Capabilities())
}

// Request sends a request with the peer's origin and the parts, and returns
// it.
func (l *Link) Request(h wire.Header, parts ...Part) wire.Message {
	l.peer.t.Helper()
	h.Flags |= wire.FlagRequest
	m := Build(h, append([]Part{l.Origin()}, parts...)...)
	l.Send(m)
	return m
}

// reply is Reply with exactly the parts.
func (l *Link) reply(request wire.Message, parts ...Part) wire.Message {
	h := request.Header()
	h.Flags &= wire.FlagProxiable
	return Build(h, parts...)
}

// Reply returns an answer to a request, not sent: its identifiers, Session-Id,
// the peer's origin and the parts.
func (l *Link) Reply(request wire.Message, parts ...Part) wire.Message {
	return l.reply(request, append([]Part{func(w *wire.Builder) {
		if a, ok := request.Find(diameter.AVPSessionID, 0); ok {
			w.AVP(a)
		}
	}, l.Origin()}, parts...)...)
}

// Answer answers a request with a Result-Code, and returns the answer.
func (l *Link) Answer(request wire.Message, code uint32, parts ...Part) wire.Message {
	l.peer.t.Helper()
	m := l.Reply(request, append([]Part{Result(code)}, parts...)...)
	if code/1000 == 3 {
		m.SetFlags(m.Header().Flags | wire.FlagError)
	}
	l.Send(m)
	return m
}
