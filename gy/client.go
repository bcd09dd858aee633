package gy

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/opentwag/twag/diameter"
	"github.com/opentwag/twag/diameter/wire"
)

// Application is Diameter Credit-Control as a node advertises it (RFC 8506,
// section 1.3).
var Application = diameter.Application{ID: ApplicationID}

// Node is what a Client needs of a Diameter node. *diameter.Node is one.
type Node interface {
	// Exchange sends the request and returns its answer, or an error when none
	// has come before ctx ends. It picks the peer, sets the Hop-by-Hop
	// identifier, and the End-to-End identifier where it is 0. It has no use
	// for the request's memory when it has returned, and gives that of the
	// answer away.
	Exchange(ctx context.Context, req wire.Message) (wire.Message, error)
}

// AsyncNode is what a [Node] adds that needs no goroutine to wait for an
// answer. *diameter.Node is one.
type AsyncNode interface {
	Node
	// ExchangeFunc is Exchange, but for handing the outcome to done, once and by
	// another goroutine, which done does not block, and for needing the request's
	// memory until then. If it fails at once, done is not called.
	ExchangeFunc(deadline time.Time, req wire.Message, done func(wire.Message, error)) error
}

var _ AsyncNode = (*diameter.Node)(nil)

// Client sends the requests of sessions. It is safe for concurrent use.
type Client struct {
	node  Node
	async AsyncNode // node, if it is one
	cfg   ClientConfig
	log   *slog.Logger
}

// ClientConfig configures a Client.
type ClientConfig struct {
	// Timeout is how long an answer is awaited: Config.RequestTimeout, or
	// less. 0 means 120 s.
	Timeout time.Duration
	// Logger gets one Debug record per exchange; nil is silence. Failures are
	// returned, not logged.
	Logger *slog.Logger
	// Hooks are called as things happen.
	Hooks ClientHooks
}

// ClientHooks are optional functions, called synchronously by the goroutine
// that sends, or by the one that has the answer. They must not block.
type ClientHooks struct {
	// CCR is called when a CCR is answered or given up.
	CCR func(ctx context.Context, info CCRInfo)
}

// CCRInfo is what ClientHooks.CCR is told.
type CCRInfo struct {
	Type       RequestType
	ResultCode uint32 // 0 without an answer
	// Retransmitted is the T bit.
	Retransmitted bool
	Elapsed       time.Duration
	// Err is what the caller is told.
	Err error
}

// logCCR is the message of the record of an exchange: type, result, elapsed,
// error.
const logCCR = "Gy CCR"

// NewClient returns a client that reaches the OCS through node.
func NewClient(node Node, cfg ClientConfig) *Client {
	orDefault(&cfg.Timeout, 120*time.Second)
	c := &Client{node: node, cfg: cfg, log: cfg.Logger}
	c.async, _ = node.(AsyncNode)
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	return c
}

// Send sends a request that [Session.AppendRequest] made and reads the answer
// into a, whose memory is used again. The error, if any, is one that
// [FailureOf] tells apart.
func (c *Client) Send(ctx context.Context, req wire.Message, a *CCA) error {
	start := time.Now()
	within, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	ans, err := c.node.Exchange(within, req)
	err = read(ans, err, a)
	c.tell(ctx, req, a, start, err)
	return err
}

// SendFunc is Send for those who do not want a goroutine to wait, if the node is
// an [AsyncNode]; else one does. done is called once with what Send would
// return, by a goroutine of the node's: it must not block. req and a must be
// left alone until then. The end of ctx need not end the exchange.
//
// If SendFunc returns an error, done is not called.
func (c *Client) SendFunc(ctx context.Context, req wire.Message, a *CCA, done func(error)) error {
	if c.async == nil {
		go func() { done(c.Send(ctx, req, a)) }()
		return nil
	}
	x := &exchange{c: c, ctx: ctx, req: req, a: a, start: time.Now(), done: done}
	err := c.async.ExchangeFunc(x.start.Add(c.cfg.Timeout), req, x.answered)
	if err != nil {
		err = read(nil, err, a)
		c.tell(ctx, req, a, x.start, err)
	}
	return err
}

// exchange is a request that nobody waits for.
type exchange struct {
	c     *Client
	ctx   context.Context
	req   wire.Message
	a     *CCA
	start time.Time
	done  func(error)
}

func (x *exchange) answered(ans wire.Message, err error) {
	err = read(ans, err, x.a)
	x.c.tell(x.ctx, x.req, x.a, x.start, err)
	x.done(err)
}

// tell tells those who want to know what became of a request.
func (c *Client) tell(ctx context.Context, req wire.Message, a *CCA, start time.Time, err error) {
	debug := c.log.Enabled(ctx, slog.LevelDebug)
	if !debug && c.cfg.Hooks.CCR == nil {
		return
	}
	info := CCRInfo{
		Type:          typeOf(req),
		Retransmitted: req.Header().Flags&wire.FlagRetransmitted != 0,
		Elapsed:       time.Since(start),
		Err:           err,
	}
	if err == nil {
		info.ResultCode = a.ResultCode
	}
	if c.cfg.Hooks.CCR != nil {
		c.cfg.Hooks.CCR(ctx, info)
	}
	if debug {
		c.log.LogAttrs(ctx, slog.LevelDebug, logCCR,
			slog.String("type", info.Type.String()),
			slog.String("result", ResultName(info.ResultCode)),
			slog.Duration("elapsed", info.Elapsed),
			slog.Any("error", err))
	}
}

// read reads the outcome of an exchange into a.
func read(ans wire.Message, err error, a *CCA) error {
	if err == nil {
		// Some servers answer what they do not understand with a message that has
		// only a header in common with the request.
		if ans.Header().IsRequest() {
			err = errCommand
		} else {
			err = a.Decode(ans)
		}
	}
	if err != nil {
		return fmt.Errorf("gy: CCR: %w", err)
	}
	return nil
}

// typeOf returns a CCR's CC-Request-Type.
func typeOf(req wire.Message) RequestType {
	a, _ := req.Find(codeRequestType, 0)
	n, _ := a.Uint32()
	return RequestType(n)
}

// FailureOf says what an error of [Client.Send] means for the session.
func FailureOf(err error) Failure {
	var de *DecodeError
	switch {
	case errors.Is(err, diameter.ErrNoPeer), errors.Is(err, diameter.ErrBusy), errors.Is(err, diameter.ErrClosed):
		return FailureNotSent
	case errors.As(err, &de), errors.Is(err, errCommand):
		return FailureBadAnswer
	case errors.Is(err, context.DeadlineExceeded):
		return FailureTimeout
	default:
		return FailureLost
	}
}
