package swx

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/opentwag/twag/aka"
	"github.com/opentwag/twag/diameter/wire"
	"github.com/opentwag/twag/eap"
)

// Client asks an HSS for authentication vectors and profiles, and tells it who
// is registered. It is safe for concurrent use.
type Client struct {
	node   Node
	async  AsyncNode // node, if it is one
	cfg    Config
	log    *slog.Logger
	router router
	cache  *vectorCache
	// origin is what follows the Session-Id in each request, encoded: form,
	// Origin-Host and Origin-Realm.
	origin               []byte
	schemeAKA, schemeAKP []byte
}

var _ aka.VectorSource = (*Client)(nil)

// Messages of log records.
const (
	// logMAR: imsi, scheme, resync, takeover, vectors, cached, elapsed, error.
	logMAR = "SWx MAR"
	// logSAR: imsi, type, elapsed, error.
	logSAR = "SWx SAR"
	// logPanic: function, panic.
	logPanic = "SWx callback panic"
)

// NewClient returns a client that reaches its HSS through node. It panics if
// cfg.Validate fails.
func NewClient(node Node, cfg Config) *Client {
	if err := cfg.Validate(); err != nil {
		panic(err)
	}
	host, realm := node.Origin()
	if cfg.Realm == "" {
		cfg.Realm = realm
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = DefaultTimeout
	}
	var e encoder
	e.form(cfg.Profile.Application, cfg.Profile.SessionState)
	e.string(avpOriginHost, host)
	e.string(avpOriginRealm, realm)
	c := &Client{
		node:      node,
		cfg:       cfg,
		log:       cfg.Logger,
		router:    newRouter(&cfg),
		cache:     newVectorCache(&cfg),
		origin:    e.b,
		schemeAKA: []byte(aka.SchemeAKA.String()),
		schemeAKP: []byte(aka.SchemeAKAPrime.String()),
	}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	c.async, _ = node.(AsyncNode)
	return c
}

// Vectors implements aka.VectorSource with one MAR; with two, if Config.TakeOver
// says so; and with none, if Config.VectorAge is set and vectors are left.
//
// A refusal by the HSS is a [*ResultError]. Everything else wraps
// aka.ErrUnavailable, and with it its cause: no answer in time
// (context.DeadlineExceeded), no peer, an answer that makes no sense
// ([*DecodeError]); but vectors of another scheme than asked wrap
// aka.ErrSchemeNotSupported, and so does a scheme that SWx has not. For
// aka.SchemeSIM, which it has not either, it asks for EAP-AKA's quintets: the
// HSS sees no difference.
func (c *Client) Vectors(ctx context.Context, req aka.VectorRequest) ([]aka.Vector, error) {
	debug := c.log.Enabled(ctx, slog.LevelDebug)
	if !debug && c.cfg.Hooks.MAR == nil {
		return c.vectors(ctx, &req, new(MARInfo))
	}
	start := time.Now()
	info := MARInfo{IMSI: req.IMSI, Scheme: req.Scheme, Resync: req.Resync != nil}
	vectors, err := c.vectors(ctx, &req, &info)
	info.Elapsed, info.Err = time.Since(start), err
	c.tell(ctx, info)
	return vectors, err
}

// tell tells what became of a request for vectors.
func (c *Client) tell(ctx context.Context, info MARInfo) {
	if hook := c.cfg.Hooks.MAR; hook != nil {
		c.guarded(ctx, "MAR", func() { hook(ctx, info) })
	}
	c.log.LogAttrs(ctx, slog.LevelDebug, logMAR,
		slog.Any("imsi", info.IMSI),
		slog.String("scheme", info.Scheme.String()),
		slog.Bool("resync", info.Resync),
		slog.Bool("takeover", info.TookOver),
		slog.Int("vectors", info.Vectors),
		slog.Int("cached", info.Cached),
		slog.Duration("elapsed", info.Elapsed),
		slog.Any("error", info.Err))
}

// guarded calls a function of Config's: who asks may be a goroutine on which
// everybody's answers depend, and a panic costs no more than that call.
func (c *Client) guarded(ctx context.Context, name string, call func()) {
	defer func() {
		if v := recover(); v != nil {
			// The type alone: the value may hold what is nobody's business.
			c.log.LogAttrs(ctx, slog.LevelError, logPanic,
				slog.String("function", name), slog.String("panic", fmt.Sprintf("%T", v)))
		}
	}()
	call()
}

// takesOver asks whether to take a subscriber over; after a panic it's no.
func (c *Client) takesOver(ctx context.Context, imsi eap.IMSI, server string) (yes bool) {
	c.guarded(ctx, "TakeOver", func() { yes = c.cfg.TakeOver(ctx, imsi, server) })
	return yes
}

// Forget throws away the vectors that are left for a subscriber. A [Handler]
// with this client does so when the HSS ends a registration or changes a
// profile.
func (c *Client) Forget(imsi eap.IMSI) { c.cache.forget(imsi) }

// vectors asks for vectors, and notes in info how it came by them.
func (c *Client) vectors(ctx context.Context, req *aka.VectorRequest, info *MARInfo) ([]aka.Vector, error) {
	if left := c.cache.take(req, time.Now()); left != nil {
		info.Cached = len(left)
		return left, nil
	}
	ctx, cancel := c.deadline(ctx)
	defer cancel()
	vectors, err := c.ask(ctx, req, false)
	if server, ok := registeredAt(err); ok && c.cfg.TakeOver != nil && c.takesOver(ctx, req.IMSI, server) {
		info.TookOver = true
		vectors, err = c.ask(ctx, req, true)
	}
	info.Vectors = len(vectors)
	return c.cache.put(req, vectors, time.Now()), err
}

// registeredAt returns the AAA server that an error names.
func registeredAt(err error) (server string, ok bool) {
	if err == nil {
		return "", false
	}
	var re *ResultError
	if !errors.As(err, &re) {
		return "", false
	}
	return re.AAAServerName, re.AAAServerName != ""
}

// deadline bounds a call by Config.Timeout, unless the caller's deadline is
// sooner.
func (c *Client) deadline(ctx context.Context) (context.Context, context.CancelFunc) {
	if t := c.cfg.Timeout; t > 0 {
		if d, ok := ctx.Deadline(); !ok || time.Until(d) > t {
			return context.WithTimeout(ctx, t)
		}
	}
	return ctx, func() {}
}

// ask makes one MAR.
func (c *Client) ask(ctx context.Context, req *aka.VectorRequest, takeOver bool) ([]aka.Vector, error) {
	buf := requests.Get().(*[]byte)
	defer requests.Put(buf)
	msg, err := c.request((*buf)[:0], req, takeOver)
	if err != nil {
		return nil, err
	}
	*buf = msg
	ans, err := c.node.Exchange(ctx, msg)
	if err != nil {
		return nil, unavailable("MAR", err)
	}
	return c.answer(req, ans)
}

// requests has the memory of requests for reuse.
var requests = sync.Pool{New: func() any {
	b := make([]byte, 0, 512)
	return &b
}}

// request makes the MAR, in buf's memory if that is large enough.
func (c *Client) request(buf []byte, req *aka.VectorRequest, takeOver bool) (wire.Message, error) {
	if !req.IMSI.IsValid() {
		return nil, fmt.Errorf("swx: MAR: %w: no IMSI", aka.ErrUnknownSubscriber)
	}
	var scheme []byte
	switch req.Scheme {
	case aka.SchemeAKA, aka.SchemeSIM:
		scheme = c.schemeAKA
	case aka.SchemeAKAPrime:
		scheme = c.schemeAKP
		if req.NetworkName == "" {
			return nil, fmt.Errorf("swx: MAR: %w: EAP-AKA' without a network name", aka.ErrUnavailable)
		}
	default:
		return nil, fmt.Errorf("swx: MAR: %w: %v", aka.ErrSchemeNotSupported, req.Scheme)
	}
	e := beginRequest(buf, CommandMultimediaAuth)
	c.head(&e, req.IMSI, req.Scheme, "")
	e.uint32(avpRATType, uint32(RATWLAN))
	if req.Scheme == aka.SchemeAKAPrime && !c.cfg.Profile.OmitANID {
		e.string(avpANID, req.NetworkName)
	}
	e.text(avpVisitedNetwork, req.Peer.VisitedPLMN.Realm(""))
	e.uint32(avpNumberAuthItems, uint32(min(max(1, req.Count, c.cfg.VectorsPerRequest), maxVectors)))
	g := e.begin(avpAuthDataItem)
	e.octets(avpAuthenticationScheme, scheme)
	if r := req.Resync; r != nil {
		var auth [randOctets + autsOctets]byte
		copy(auth[:], r.RAND[:])
		copy(auth[randOctets:], r.AUTS[:])
		e.octets(avpAuthorization, auth[:])
	}
	e.end(g)
	if takeOver {
		e.uint32(avpAAAFailureIndication, 1)
	}
	return e.message("MAR")
}

// head appends what all requests of this client begin with, User-Name
// included. They go to the host hss, if that is not empty.
func (c *Client) head(e *encoder, imsi eap.IMSI, scheme aka.Scheme, hss string) {
	e.string(avpSessionID, c.node.NewSessionID())
	e.raw(c.origin)
	realm, host := c.router.find(imsi)
	e.octets(avpDestinationRealm, realm)
	if hss != "" {
		e.string(avpDestinationHost, hss)
	} else {
		e.optional(avpDestinationHost, host)
	}
	var user [96]byte
	e.octets(avpUserName, c.cfg.Profile.appendUserName(user[:0], imsi, scheme, &c.router))
}

// maas has answers for reuse, empty but for the memory of their items.
var maas = sync.Pool{New: func() any { return new(MAA) }}

// answer turns the answer into vectors or a refusal.
func (c *Client) answer(req *aka.VectorRequest, ans wire.Message) ([]aka.Vector, error) {
	if h := ans.Header(); h.Command != CommandMultimediaAuth || h.IsRequest() {
		return nil, unavailable("MAR", errCommand)
	}
	maa := maas.Get().(*MAA)
	defer func() {
		clear(maa.Items)
		*maa = MAA{Items: maa.Items[:0]}
		maas.Put(maa)
	}()
	if err := maa.Decode(ans); err != nil {
		return nil, unavailable("MAR", err)
	}
	if refusal := maa.result(); refusal != nil {
		refusal.Scheme, refusal.Resync = req.Scheme, req.Resync != nil
		return nil, refusal
	}
	if !isFor(maa.UserName, req.IMSI) {
		return nil, unavailable("MAR", errSubscriber)
	}
	primed := req.Scheme == aka.SchemeAKAPrime && !c.cfg.Profile.PlainKeys
	scheme := req.Scheme
	if scheme == aka.SchemeSIM {
		scheme = aka.SchemeAKA
	}
	vectors, err := maa.Vectors(scheme, primed, req.NetworkName)
	switch {
	case errors.Is(err, aka.ErrSchemeNotSupported):
		return nil, fmt.Errorf("swx: MAR: %w", err)
	case err != nil:
		return nil, unavailable("MAR", err)
	}
	return vectors, nil
}

func unavailable(request string, err error) error {
	return fmt.Errorf("swx: %s: %w: %w", request, aka.ErrUnavailable, err)
}
