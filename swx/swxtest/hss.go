package swxtest

import (
	"context"
	"net"
	"sync"
	"time"

	"github.com/opentwag/twag/aka/auc"
	"github.com/opentwag/twag/diameter"
	"github.com/opentwag/twag/diameter/wire"
	"github.com/opentwag/twag/internal/faulttest"
	"github.com/opentwag/twag/swx"
)

// HSS is a home subscriber server. It is safe for concurrent use.
type HSS struct {
	cfg         Config
	node        *diameter.Node
	dir         *directory
	host, realm []byte
	faults      faulttest.Queue[Fault]
	line        faulttest.Line
	stats       stats
	serving     sync.WaitGroup
}

// New returns an HSS without subscribers that nobody can reach yet: call
// Listen, Serve or Start, and Close in the end.
func New(cfg Config) (*HSS, error) {
	if cfg.Node.OriginHost == "" {
		cfg.Node.OriginHost = DefaultHost
	}
	if cfg.Node.OriginRealm == "" {
		cfg.Node.OriginRealm = DefaultRealm
	}
	if len(cfg.Node.Applications) == 0 {
		cfg.Node.Applications = []diameter.Application{swx.Application}
	}
	if cfg.Node.AllowPeer == nil {
		cfg.Node.AllowPeer = func(diameter.PeerInfo) bool { return true }
	}
	if cfg.Node.MaxHandlers == 0 {
		cfg.Node.MaxHandlers = 4096
	}
	h := &HSS{
		cfg:   cfg,
		host:  []byte(cfg.Node.OriginHost),
		realm: []byte(cfg.Node.OriginRealm),
	}
	switch {
	case cfg.Twin != nil:
		h.dir = cfg.Twin.dir
	default:
		if cfg.AuC == nil {
			cfg.AuC = auc.New(auc.Config{})
		}
		h.dir = &directory{auc: cfg.AuC, subscribers: make(map[string]*subscriber)}
	}
	h.line.WrapDials(&cfg.Node)
	node, err := diameter.NewNode(cfg.Node)
	if err != nil {
		return nil, err
	}
	h.node = node
	node.Handle(swx.ApplicationID, swx.CommandMultimediaAuth, diameter.HandlerFunc(h.serve))
	node.Handle(swx.ApplicationID, swx.CommandServerAssignment, diameter.HandlerFunc(h.serve))
	return h, nil
}

// Start connects to the peers of the configuration.
func (h *HSS) Start() { h.node.Start() }

// Serve lets peers connect through l, until Close.
func (h *HSS) Serve(l net.Listener) error {
	return h.node.Serve(h.line.Listener(l))
}

// Listen lets peers connect to the TCP address, until Close. It returns the
// address, which may be one that the system picked for port 0.
func (h *HSS) Listen(address string) (net.Addr, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	h.serving.Go(func() { _ = h.Serve(l) })
	return l.Addr(), nil
}

// Node is the Diameter node that the HSS is.
func (h *HSS) Node() *diameter.Node { return h.node }

// Shutdown answers what has been asked, takes leave of the peers, and closes.
func (h *HSS) Shutdown(ctx context.Context) error {
	err := h.node.Shutdown(ctx)
	h.serving.Wait()
	return err
}

// Close closes all connections. Nothing of the HSS runs afterwards.
func (h *HSS) Close() error {
	err := h.node.Close()
	h.serving.Wait()
	return err
}

// serve answers a MAR or SAR, or does what a fault says.
func (h *HSS) serve(ctx context.Context, r *diameter.Request) (wire.Message, error) {
	req := r.Message
	h.stats.requests.Add(1)
	f, struck := h.fault(req)
	if !struck {
		return h.answer(ctx, req)
	}
	h.stats.faults.Add(1)
	if f.Delay > 0 {
		select {
		case <-time.After(f.Delay):
		case <-ctx.Done():
			return nil, diameter.ErrNoAnswer
		}
	}
	switch {
	case f.Silent:
		return nil, diameter.ErrNoAnswer
	case f.ResultCode != 0, f.Experimental.Code != 0:
		return h.refusal(req, f)
	}
	ans, err := h.answer(ctx, req)
	switch {
	case err != nil:
		return nil, err
	case f.Disconnect:
		return h.line.Disconnect(ans), nil
	case f.Rewrite != nil:
		return h.line.Rewrite(ans, f.Rewrite), nil
	default:
		return ans, nil
	}
}

// answer answers a MAR or SAR.
func (h *HSS) answer(ctx context.Context, req wire.Message) (wire.Message, error) {
	if req.Header().Command == swx.CommandServerAssignment {
		return h.answerSAR(req)
	}
	return h.answerMAR(ctx, req)
}

// fault returns the fault that strikes the request, if there is one.
func (h *HSS) fault(req wire.Message) (Fault, bool) {
	command := req.Header().Command
	matches := func(f Fault) bool { return f.Command == 0 || f.Command == command }
	if user, ok := req.Find(codeUserName, 0); ok {
		if s := h.find(h.imsiOf(user.Data)); s != nil {
			if f, ok := s.faults.Next(matches); ok {
				return f, true
			}
		}
	}
	return h.faults.Next(matches)
}

// refusal answers as the fault says.
func (h *HSS) refusal(req wire.Message, f Fault) (wire.Message, error) {
	ans := swx.SAA{OriginHost: h.host, OriginRealm: h.realm, ResultCode: f.ResultCode, Experimental: f.Experimental}
	if f.AAAServerName != "" {
		ans.AAAServerName = []byte(f.AAAServerName)
	}
	if f.ResultCode/1000 == 3 {
		ans.Flags = wire.FlagError
	}
	if sid, ok := req.Find(codeSessionID, 0); ok {
		ans.SessionID = sid.Data
	}
	h.stats.refusals.Add(1)
	return ans.Encode(nil, req.Header())
}
