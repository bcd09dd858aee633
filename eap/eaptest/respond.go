package eaptest

import (
	"github.com/opentwag/twag/aka"
	"github.com/opentwag/twag/eap"
)

// clientError refuses the request (RFC 4187, section 6.3.1).
func (p *Peer) clientError(why error) ([]byte, error) { return p.clientErrorCode(0, why) }

// clientErrorCode is clientError with one of the codes that EAP-SIM has.
func (p *Peer) clientErrorCode(code uint16, why error) ([]byte, error) {
	p.phase = phaseFailing
	b := p.message(aka.SubtypeClientError)
	b.Number(aka.AttrClientErrorCode, code)
	return p.refuse(&b, why)
}

// authReject refuses the network (RFC 4187, section 6.3.1).
func (p *Peer) authReject(why error) ([]byte, error) {
	p.phase = phaseFailing
	b := p.message(aka.SubtypeAuthReject)
	return p.refuse(&b, why)
}

func (p *Peer) refuse(b *aka.Builder, why error) ([]byte, error) {
	resp, err := p.send(b, false)
	if err != nil {
		return nil, err
	}
	return resp, why
}

// message starts the response to the request.
func (p *Peer) message(s aka.Subtype) aka.Builder {
	return aka.NewMessage(p.buf[:0], eap.CodeResponse, p.request.Identifier, p.method, s)
}

// send ends a response, with AT_MAC or without.
func (p *Peer) send(b *aka.Builder, sign bool) ([]byte, error) { return p.finish(b, sign, nil) }

// finish is send with the message-specific data of AT_MAC.
func (p *Peer) finish(b *aka.Builder, sign bool, extra []byte) ([]byte, error) {
	if l := p.cfg.Lie; l != nil && (l.due(p, l.At) || l.leads(p)) {
		pkt, err := b.Bytes()
		if err != nil {
			return nil, err
		}
		return p.reply(l.tell(p, pkt, sign, extra)), nil
	}
	if sign {
		b.MAC(&p.keys, extra)
	}
	pkt, err := b.Bytes()
	if err != nil {
		return nil, err
	}
	return p.reply(pkt), nil
}

// reply keeps a response for the case that the request comes again.
func (p *Peer) reply(pkt []byte) []byte {
	p.buf, p.lastID, p.answered = pkt, p.request.Identifier, true
	return pkt
}
