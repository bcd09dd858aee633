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
)

// Client asks an HSS for authentication vectors. It is safe for concurrent
// use.
type Client struct {
	node                 Node
	cfg                  Config
	log                  *slog.Logger
	originHost           []byte
	originRealm          []byte
	realm, host          []byte
	schemeAKA, schemeAKP []byte
}

var _ aka.VectorSource = (*Client)(nil)

// logMAR is the message of the record of a MAR: imsi, scheme, resync, vectors,
// elapsed, error.
const logMAR = "SWx MAR"

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
	c := &Client{
		node:        node,
		cfg:         cfg,
		log:         cfg.Logger,
		originHost:  []byte(host),
		originRealm: []byte(realm),
		realm:       []byte(cfg.Realm),
		schemeAKA:   []byte(aka.SchemeAKA.String()),
		schemeAKP:   []byte(aka.SchemeAKAPrime.String()),
	}
	if cfg.Host != "" {
		c.host = []byte(cfg.Host)
	}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	return c
}

// Vectors implements aka.VectorSource with one MAR.
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
		return c.vectors(ctx, &req)
	}
	start := time.Now()
	vectors, err := c.vectors(ctx, &req)
	info := MARInfo{
		IMSI:    req.IMSI,
		Scheme:  req.Scheme,
		Resync:  req.Resync != nil,
		Vectors: len(vectors),
		Elapsed: time.Since(start),
		Err:     err,
	}
	if c.cfg.Hooks.MAR != nil {
		c.cfg.Hooks.MAR(ctx, info)
	}
	if debug {
		c.log.LogAttrs(ctx, slog.LevelDebug, logMAR,
			slog.Any("imsi", info.IMSI),
			slog.String("scheme", info.Scheme.String()),
			slog.Bool("resync", info.Resync),
			slog.Int("vectors", info.Vectors),
			slog.Duration("elapsed", info.Elapsed),
			slog.Any("error", err))
	}
	return vectors, err
}

func (c *Client) vectors(ctx context.Context, req *aka.VectorRequest) ([]aka.Vector, error) {
	buf := requests.Get().(*[]byte)
	defer requests.Put(buf)
	msg, err := c.request((*buf)[:0], req)
	if err != nil {
		return nil, err
	}
	*buf = msg
	if t := c.cfg.Timeout; t > 0 {
		if d, ok := ctx.Deadline(); !ok || time.Until(d) > t {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, t)
			defer cancel()
		}
	}
	ans, err := c.node.Exchange(ctx, msg)
	if err != nil {
		return nil, unavailable(err)
	}
	return c.answer(req, ans)
}

// requests has the memory of requests for reuse.
var requests = sync.Pool{New: func() any {
	b := make([]byte, 0, 512)
	return &b
}}

// request makes the MAR, in buf's memory if that is large enough.
func (c *Client) request(buf []byte, req *aka.VectorRequest) (wire.Message, error) {
	if !req.IMSI.IsValid() {
		return nil, fmt.Errorf("swx: MAR: %w: no IMSI", aka.ErrUnknownSubscriber)
	}
	var sid [160]byte
	var user [96]byte
	var net [48]byte
	var anid [64]byte
	var auth [randOctets + autsOctets]byte
	mar := MAR{
		SessionID:        append(sid[:0], c.node.NewSessionID()...),
		OriginHost:       c.originHost,
		OriginRealm:      c.originRealm,
		DestinationRealm: c.realm,
		DestinationHost:  c.host,
		UserName:         c.cfg.Profile.appendUserName(user[:0], req.IMSI, req.Scheme),
		RATType:          ratWLAN,
		NumberAuthItems:  uint32(min(max(1, req.Count, c.cfg.VectorsPerRequest), maxVectors)),
	}
	switch req.Scheme {
	case aka.SchemeAKA, aka.SchemeSIM:
		mar.Item.Scheme = c.schemeAKA
	case aka.SchemeAKAPrime:
		mar.Item.Scheme = c.schemeAKP
		if req.NetworkName == "" {
			return nil, fmt.Errorf("swx: MAR: %w: EAP-AKA' without a network name", aka.ErrUnavailable)
		}
		if !c.cfg.Profile.OmitANID {
			mar.ANID = append(anid[:0], req.NetworkName...)
		}
	default:
		return nil, fmt.Errorf("swx: MAR: %w: %v", aka.ErrSchemeNotSupported, req.Scheme)
	}
	if req.Peer.VisitedPLMN.IsValid() {
		mar.VisitedNetwork = append(net[:0], req.Peer.VisitedPLMN.Realm("")...)
	}
	if req.Resync != nil {
		mar.Item.Authorization = append(append(auth[:0], req.Resync.RAND[:]...), req.Resync.AUTS[:]...)
	}
	return mar.Encode(buf)
}

// maas has answers for reuse, empty but for the memory of their items.
var maas = sync.Pool{New: func() any { return new(MAA) }}

// answer turns the answer into vectors or a refusal.
func (c *Client) answer(req *aka.VectorRequest, ans wire.Message) ([]aka.Vector, error) {
	if h := ans.Header(); h.Command != CommandMultimediaAuth || h.IsRequest() {
		return nil, unavailable(errCommand)
	}
	maa := maas.Get().(*MAA)
	defer func() {
		clear(maa.Items)
		*maa = MAA{Items: maa.Items[:0]}
		maas.Put(maa)
	}()
	if err := maa.Decode(ans); err != nil {
		return nil, unavailable(err)
	}
	if refusal := maa.result(); refusal != nil {
		refusal.Scheme, refusal.Resync = req.Scheme, req.Resync != nil
		return nil, refusal
	}
	if !maa.isFor(req.IMSI.Digits()) {
		return nil, unavailable(errSubscriber)
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
		return nil, unavailable(err)
	}
	return vectors, nil
}

func unavailable(err error) error {
	return fmt.Errorf("swx: MAR: %w: %w", aka.ErrUnavailable, err)
}
