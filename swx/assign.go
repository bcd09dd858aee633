package swx

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/opentwag/twag/aka"
	"github.com/opentwag/twag/diameter/wire"
	"github.com/opentwag/twag/eap"
)

// AssignmentRequest is what a SAR asks or tells. Which fields count depends on
// Type; the others are sent as well, for whoever needs them.
type AssignmentRequest struct {
	IMSI eap.IMSI
	Type AssignmentType
	// Host is the HSS that is to have the request (Destination-Host), such as the one that
	// has answered another about the subscriber; empty: whichever Config says.
	Host string
	// Gateway, VisitedPLMN, ContextID and APN are a PGWUpdate's: the gateway
	// that serves the APN now, and its network. Without a gateway the APN has
	// none any more.
	Gateway     *Gateway
	VisitedPLMN eap.PLMN
	ContextID   uint32
	APN         string
	// ActiveAPNs are a Restoration's.
	ActiveAPNs []ActiveAPN
	// Terminal is what is known of the phone; may be nil.
	Terminal *TerminalInformation
	// Emergency: the gateway is one for emergency sessions.
	Emergency bool
}

// Assignment is what the HSS answers to a SAR.
type Assignment struct {
	// UserData is the profile; nil if there is none.
	UserData *UserData
	// Host is the HSS that has answered; may be empty.
	Host string
}

// Assign makes one SAR: it registers a subscriber and gets his profile,
// deregisters him, or tells of his gateways (TS 29.273, clause 8.1.2.2).
//
// A refusal by the HSS is a [*ResultError]; with another AAA server registered
// it wraps [ErrRegisteredElsewhere], and Config.TakeOver has no say: SAR has no
// AAA-Failure-Indication. Everything else wraps aka.ErrUnavailable, and with it
// its cause. A Registration or AAAUserDataRequest that succeeds without a
// profile is no error: HSSes that have none to give exist.
//
// With Profile.OmitSAR nothing is asked, and the result is empty.
func (c *Client) Assign(ctx context.Context, req AssignmentRequest) (Assignment, error) {
	if req.Type.Deregisters() {
		c.Forget(req.IMSI)
	}
	if c.cfg.Profile.OmitSAR {
		return Assignment{}, nil
	}
	start := time.Now()
	got, err := c.assign(ctx, &req)
	info := SARInfo{IMSI: req.IMSI, Type: req.Type, Elapsed: time.Since(start), Err: err}
	if hook := c.cfg.Hooks.SAR; hook != nil {
		c.guarded(ctx, "SAR", func() { hook(ctx, info) })
	}
	c.log.LogAttrs(ctx, slog.LevelDebug, logSAR,
		slog.Any("imsi", info.IMSI),
		slog.String("type", info.Type.String()),
		slog.Duration("elapsed", info.Elapsed),
		slog.Any("error", err))
	return got, err
}

func (c *Client) assign(ctx context.Context, req *AssignmentRequest) (Assignment, error) {
	name := "SAR " + req.Type.String()
	ctx, cancel := c.deadline(ctx)
	defer cancel()
	buf := requests.Get().(*[]byte)
	defer requests.Put(buf)
	msg, err := c.assignment((*buf)[:0], req)
	if err != nil {
		return Assignment{}, fmt.Errorf("swx: %s: %w", name, err)
	}
	*buf = msg
	ans, err := c.node.Exchange(ctx, msg)
	if err != nil {
		return Assignment{}, unavailable(name, err)
	}
	if h := ans.Header(); h.Command != CommandServerAssignment || h.IsRequest() {
		return Assignment{}, unavailable(name, errCommand)
	}
	var saa SAA
	if err := saa.Decode(ans); err != nil {
		return Assignment{}, unavailable(name, err)
	}
	if refusal := saa.refusal(); refusal != nil {
		refusal.Assignment = req.Type
		return Assignment{}, refusal
	}
	if !isFor(saa.UserName, req.IMSI) {
		return Assignment{}, unavailable(name, errSubscriber)
	}
	return Assignment{UserData: saa.UserData, Host: string(saa.OriginHost[:min(len(saa.OriginHost), maxName)])}, nil
}

// assignment makes the SAR, in buf's memory if that is large enough.
func (c *Client) assignment(buf []byte, req *AssignmentRequest) (wire.Message, error) {
	switch {
	case !req.IMSI.IsValid():
		return nil, fmt.Errorf("%w: no IMSI", aka.ErrUnknownSubscriber)
	case !req.Type.IsValid():
		return nil, fmt.Errorf("%w: not a type of SWx", aka.ErrUnavailable)
	}
	e := beginRequest(buf, CommandServerAssignment)
	c.head(&e, req.IMSI, aka.SchemeAKA, req.Host)
	e.uint32(avpAssignmentType, uint32(req.Type))
	e.gateway(req.Gateway)
	e.text(avpVisitedNetwork, req.VisitedPLMN.Realm(""))
	e.number(avpContextIdentifier, req.ContextID)
	e.text(avpServiceSelection, req.APN)
	for i := range req.ActiveAPNs {
		e.activeAPN(&req.ActiveAPNs[i])
	}
	e.terminal(req.Terminal)
	if req.Emergency {
		e.uint32(avpEmergencyServices, 1)
	}
	return e.message("SAR")
}

// isFor reports whether an answer with the User-Name may be about the
// subscriber: it is absent, empty, or has his digits in it, in whatever form.
func isFor(userName []byte, imsi eap.IMSI) bool {
	return len(userName) == 0 || strings.Contains(string(userName), imsi.Digits())
}
