package gy

import (
	"context"
	"errors"

	"github.com/opentwag/twag/diameter"
	"github.com/opentwag/twag/diameter/wire"
)

// Sessions finds the sessions that an OCS's own requests are about.
//
// sessionID is the id that [Machine.NewSession] was given. Both methods return
// the Result-Code to answer, ResultUnknownSessionID where there is no such
// session; what follows from the request has to be done after the answer, or
// beside it, since the OCS waits.
type Sessions interface {
	// Reauthorize is for [Session.Reauthorize].
	Reauthorize(ctx context.Context, sessionID string, ratingGroup *uint32) (resultCode uint32)
	// Abort is for [Session.Abort].
	Abort(ctx context.Context, sessionID string) (resultCode uint32)
}

// Handle has a node answer the RARs and ASRs of an OCS.
func Handle(node *diameter.Node, sessions Sessions) {
	h := handler{sessions}
	node.Handle(ApplicationID, CommandReAuth, diameter.HandlerFunc(h.reAuth))
	node.Handle(ApplicationID, CommandAbortSession, diameter.HandlerFunc(h.abort))
}

type handler struct{ sessions Sessions }

func (h handler) reAuth(ctx context.Context, r *diameter.Request) (wire.Message, error) {
	var m RAR
	if err := m.Decode(r.Message); err != nil {
		return refuse(r, err)
	}
	var rg *uint32
	if m.HasRatingGroup {
		rg = &m.RatingGroup
	}
	code := h.sessions.Reauthorize(ctx, string(BaseSessionID(m.SessionID)), rg)
	return r.Answer(code).Message()
}

func (h handler) abort(ctx context.Context, r *diameter.Request) (wire.Message, error) {
	var m ASR
	if err := m.Decode(r.Message); err != nil {
		return refuse(r, err)
	}
	code := h.sessions.Abort(ctx, string(BaseSessionID(m.SessionID)))
	return r.Answer(code).Message()
}

// refuse answers a request that cannot be read.
func refuse(r *diameter.Request, err error) (wire.Message, error) {
	var de *DecodeError
	if !errors.As(err, &de) {
		return nil, err
	}
	e := encoder{*r.Answer(de.ResultCode)}
	if de.AVP.Code != 0 {
		g := e.begin(avpFailedAVP)
		e.AVP(de.AVP)
		e.End(g)
	}
	return e.Message()
}
