package gytest

import (
	"context"

	"github.com/opentwag/twag/diameter/wire"
	"github.com/opentwag/twag/gy"
)

// Reauthorize sends a RAR to the client of an open session: credit is to be
// asked for again, for one rating group, or for all if ratingGroup is nil (RFC
// 8506, section 5.5). It returns the answer's Result-Code.
func (o *OCS) Reauthorize(ctx context.Context, sessionID string, ratingGroup *uint32) (uint32, error) {
	host, realm, ok := o.book.clientOf(sessionID)
	if !ok {
		return 0, ErrUnknown
	}
	rar := gy.RAR{
		SessionID:  []byte(sessionID),
		OriginHost: []byte(o.cfg.Node.OriginHost), OriginRealm: []byte(o.cfg.Node.OriginRealm),
		DestinationHost: []byte(host), DestinationRealm: []byte(realm),
	}
	if ratingGroup != nil {
		rar.HasRatingGroup, rar.RatingGroup = true, *ratingGroup
	}
	msg, err := rar.Encode(nil)
	if err != nil {
		return 0, err
	}
	return o.exchange(ctx, msg)
}

// Abort sends an ASR to the client of an open session: the user's service is to
// end (RFC 6733, section 8.5.1). The session stays open until its CCR-T. Abort
// returns the answer's Result-Code.
func (o *OCS) Abort(ctx context.Context, sessionID string) (uint32, error) {
	host, realm, ok := o.book.clientOf(sessionID)
	if !ok {
		return 0, ErrUnknown
	}
	asr := gy.ASR{
		SessionID:  []byte(sessionID),
		OriginHost: []byte(o.cfg.Node.OriginHost), OriginRealm: []byte(o.cfg.Node.OriginRealm),
		DestinationHost: []byte(host), DestinationRealm: []byte(realm),
	}
	msg, err := asr.Encode(nil)
	if err != nil {
		return 0, err
	}
	return o.exchange(ctx, msg)
}

// clientOf returns where the requests of an open session come from.
func (b *book) clientOf(sessionID string) (host, realm string, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.sessions[sessionID]
	if s == nil || !s.open {
		return "", "", false
	}
	return s.host, s.realm, true
}

func (o *OCS) exchange(ctx context.Context, msg wire.Message) (uint32, error) {
	ans, err := o.node.Exchange(ctx, msg)
	if err != nil {
		return 0, err
	}
	var a gy.ServerAnswer
	if err := a.Decode(ans); err != nil {
		return 0, err
	}
	return a.ResultCode, nil
}
