package swxtest

import (
	"context"
	"fmt"

	"github.com/opentwag/twag/diameter/wire"
	"github.com/opentwag/twag/eap"
	"github.com/opentwag/twag/swx"
)

// Terminate sends an RTR to the AAA server that serves the subscriber, forgets
// the registration once it is answered, and returns the answer's Result-Code,
// or its Experimental-Result-Code.
func (h *HSS) Terminate(ctx context.Context, imsi eap.IMSI, reason swx.ReasonCode) (uint32, error) {
	to, err := h.serverOf(imsi)
	if err != nil {
		return 0, err
	}
	rtr := swx.RTR{
		SessionID:  []byte(h.node.NewSessionID()),
		OriginHost: h.host, OriginRealm: h.realm,
		DestinationHost: []byte(to.server), DestinationRealm: []byte(to.realm),
		UserName: []byte(imsi.Digits()), Reason: reason,
	}
	msg, err := rtr.Encode(nil)
	if err != nil {
		return 0, err
	}
	code, err := h.exchange(ctx, msg)
	if err != nil {
		return 0, err
	}
	return code, h.Deregister(imsi)
}

// Push sends the subscriber's profile in a PPR to the AAA server that serves
// him, and returns the answer's Result-Code, or its Experimental-Result-Code.
func (h *HSS) Push(ctx context.Context, imsi eap.IMSI) (uint32, error) {
	s, err := h.subscriber(imsi)
	if err != nil {
		return 0, err
	}
	s.mu.Lock()
	profile := s.profile
	s.mu.Unlock()
	return h.push(ctx, imsi, swx.PPR{UserData: profile})
}

// PushFlags sends a PPR with flags and an empty profile, as an HSS does that
// wants something else than to change the profile.
func (h *HSS) PushFlags(ctx context.Context, imsi eap.IMSI, flags swx.PPRFlags) (uint32, error) {
	return h.push(ctx, imsi, swx.PPR{UserData: &swx.UserData{}, Flags: flags, HasFlags: true})
}

func (h *HSS) push(ctx context.Context, imsi eap.IMSI, ppr swx.PPR) (uint32, error) {
	to, err := h.serverOf(imsi)
	if err != nil {
		return 0, err
	}
	ppr.SessionID = []byte(h.node.NewSessionID())
	ppr.OriginHost, ppr.OriginRealm = h.host, h.realm
	ppr.DestinationHost, ppr.DestinationRealm = []byte(to.server), []byte(to.realm)
	ppr.UserName = []byte(imsi.Digits())
	msg, err := ppr.Encode(nil)
	if err != nil {
		return 0, err
	}
	return h.exchange(ctx, msg)
}

// serverOf returns the registration of a subscriber who has an AAA server.
func (h *HSS) serverOf(imsi eap.IMSI) (registration, error) {
	s, err := h.subscriber(imsi)
	if err != nil {
		return registration{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.reg.server == "" {
		return registration{}, fmt.Errorf("%w: %v is nowhere registered", ErrUnknown, imsi)
	}
	return s.reg, nil
}

// exchange sends an RTR or PPR and returns the result that counts.
func (h *HSS) exchange(ctx context.Context, msg wire.Message) (uint32, error) {
	ans, err := h.node.Exchange(ctx, msg)
	if err != nil {
		return 0, err
	}
	var a swx.SAA
	if err := a.Decode(ans); err != nil {
		return 0, err
	}
	if a.ResultCode == 0 {
		return a.Experimental.Code, nil
	}
	return a.ResultCode, nil
}
