package diameter

import (
	"log/slog"

	"github.com/opentwag/twag/diameter/wire"
)

// PeerRestart is a peer that has lost its state.
type PeerRestart struct {
	Host     string
	From, To uint32 // its Origin-State-Id, before and now
}

// originState tells the peer's goroutine of the Origin-State-Id in a base
// message, if it may be news. Only these messages are looked at: there are
// servers whose ordinary answers each have a greater one.
func (c *conn) originState(m wire.Message) {
	p := c.peer.Load()
	if p == nil {
		return
	}
	a, ok := m.Find(AVPOriginStateID, 0)
	if !ok {
		return
	}
	if id, err := a.Uint32(); err == nil && id > p.originState.Load() {
		c.post(peerEvent{kind: kindOriginState, conn: c, cause: id})
	}
}

// sawOriginState takes in an Origin-State-Id. A greater one than before means
// that the peer has restarted; 0 that it does not say; and a smaller one is
// late, or of another node with that name (RFC 6733, section 8.16).
func (p *peer) sawOriginState(id uint32) {
	was := p.originState.Load()
	if id <= was {
		return
	}
	p.originState.Store(id)
	if was == 0 {
		return
	}
	p.restarts.Add(1)
	p.log(slog.LevelWarn, logRestarted, slog.Uint64("was", uint64(was)), slog.Uint64("is", uint64(id)))
	if h := p.node.cfg.Hooks.PeerRestarted; h != nil {
		h(PeerRestart{Host: p.cfg.Host, From: was, To: id})
	}
}
