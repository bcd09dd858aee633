package gytest

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/opentwag/twag/diameter"
	"github.com/opentwag/twag/diameter/wire"
	"github.com/opentwag/twag/gy"
	"github.com/opentwag/twag/internal/faulttest"
)

// OCS is an online charging system. It is safe for concurrent use.
type OCS struct {
	cfg      Config
	node     *diameter.Node
	book     *book
	faults   faulttest.Queue[Fault]
	line     faulttest.Line
	stats    stats
	running  sync.WaitGroup
	stop     context.CancelFunc
	closing  sync.Once
	closeErr error
}

// New returns an OCS that nobody can reach yet: call Listen, Serve or Start,
// and Close in the end. With a ledger it is as the one was that wrote it; the
// accounts want Add for their plans.
func New(cfg Config) (*OCS, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	o := &OCS{cfg: cfg}
	if cfg.Twin != nil {
		o.book = cfg.Twin.book
	} else {
		var err error
		if o.book, err = openBook(cfg); err != nil {
			return nil, err
		}
		// What was known of sessions is known still: no restart to the peers
		// (RFC 6733, section 8.16).
		if cfg.Ledger != "" && cfg.Node.OriginStateID == 0 {
			cfg.Node.OriginStateID = uint32(o.book.begun.Unix())
		}
	}
	o.line.WrapDials(&cfg.Node)
	node, err := diameter.NewNode(cfg.Node)
	if err != nil {
		return nil, errors.Join(err, o.closeLedger())
	}
	o.node = node
	var ctx context.Context
	ctx, o.stop = context.WithCancel(context.Background())
	if cfg.Twin == nil {
		o.running.Go(func() { o.supervise(ctx) })
	}
	node.Handle(gy.ApplicationID, gy.CommandCreditControl, diameter.HandlerFunc(o.serve))
	return o, nil
}

// superviseEvery is how often sessions are looked at whose time may be over.
// Those that say something are looked at anyway.
const superviseEvery = 200 * time.Millisecond

// supervise closes sessions that were silent for too long.
func (o *OCS) supervise(ctx context.Context) {
	tick := time.NewTicker(superviseEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			// A ledger that fails is told of by Close.
			_ = o.book.sweep(now)
		}
	}
}

// Start connects to the peers of the configuration.
func (o *OCS) Start() { o.node.Start() }

// Serve lets peers connect through l, until Close.
func (o *OCS) Serve(l net.Listener) error {
	return o.node.Serve(o.line.Listener(l))
}

// Listen lets peers connect to the TCP address, until Close. It returns the
// address, which may be one that the system picked for port 0.
func (o *OCS) Listen(address string) (net.Addr, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	o.running.Go(func() { _ = o.Serve(l) })
	return l.Addr(), nil
}

// Node is the Diameter node that the OCS is.
func (o *OCS) Node() *diameter.Node { return o.node }

// Shutdown answers what has been asked, takes leave of the peers, and closes.
func (o *OCS) Shutdown(ctx context.Context) error {
	return errors.Join(o.node.Shutdown(ctx), o.end())
}

// Close closes all connections, and the ledger. Nothing of the OCS runs
// afterwards.
func (o *OCS) Close() error {
	return errors.Join(o.node.Close(), o.end())
}

// end ends what is not the node.
func (o *OCS) end() error {
	o.closing.Do(func() {
		o.stop()
		o.running.Wait()
		o.closeErr = o.closeLedger()
	})
	return o.closeErr
}

// closeLedger closes the ledger, if there is one that is not the twin's.
func (o *OCS) closeLedger() error {
	if o.cfg.Twin != nil || o.book.ledger == nil {
		return nil
	}
	return o.book.ledger.close()
}

// serve answers a CCR, or does what a fault says.
func (o *OCS) serve(ctx context.Context, r *diameter.Request) (wire.Message, error) {
	o.stats.requests.Add(1)
	f, struck := o.fault(r.Message)
	if !struck {
		return o.answer(r)
	}
	o.stats.faults.Add(1)
	var ans wire.Message
	var err error
	switch {
	case f.ResultCode != 0:
		o.stats.refusals.Add(1)
		ans, err = finish(r, refuse(&gy.CCR{}, f.ResultCode, wire.AVP{}))
	case f.Unseen:
		ans, err = finish(r, refuse(&gy.CCR{}, gy.ResultUnableToComply, wire.AVP{}))
	default:
		ans, err = o.answer(r)
	}
	if err == nil {
		err = pause(ctx, f.Delay)
	}
	switch {
	case err != nil:
		return nil, err
	case f.Disconnect:
		return o.line.Disconnect(ans), nil
	case f.Rewrite != nil && !f.Unseen:
		return o.line.Rewrite(ans, f.Rewrite), nil
	case f.Silent, f.Unseen:
		return nil, diameter.ErrNoAnswer
	default:
		return ans, nil
	}
}

func pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return diameter.ErrNoAnswer
	}
}

// answer answers a CCR. What the ledger does not have is not answered.
func (o *OCS) answer(r *diameter.Request) (wire.Message, error) {
	a, err := o.credit(r.Message)
	if err != nil {
		return nil, diameter.ErrNoAnswer
	}
	if a.code != gy.ResultSuccess {
		o.stats.refusals.Add(1)
	}
	return finish(r, a)
}

// finish makes an answer of a reply.
func finish(r *diameter.Request, a reply) (wire.Message, error) {
	w := r.Answer(a.code)
	w.Raw(a.body)
	return w.Message()
}

// fault returns the fault that strikes the request, if there is one.
func (o *OCS) fault(req wire.Message) (Fault, bool) {
	if o.faults.Empty() && !o.book.targeted.Load() {
		return Fault{}, false
	}
	a, _ := req.Find(codeRequestType, 0)
	n, _ := a.Uint32()
	kind := gy.RequestType(n)
	matches := func(f Fault) bool { return f.Type == 0 || f.Type == kind }
	if o.book.targeted.Load() {
		if a := o.book.accountOf(req); a != nil {
			if f, ok := a.faults.Next(matches); ok {
				return f, true
			}
		}
	}
	return o.faults.Next(matches)
}
