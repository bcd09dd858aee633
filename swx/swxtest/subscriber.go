package swxtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/opentwag/twag/aka"
	"github.com/opentwag/twag/aka/auc"
	"github.com/opentwag/twag/eap"
	"github.com/opentwag/twag/milenage"
	"github.com/opentwag/twag/swx"
)

// ErrUnknown: the HSS has no such subscriber.
var ErrUnknown = errors.New("swxtest: no such subscriber")

// Subscriber is what the HSS knows of one. The flags are looked at in the
// order of TS 29.273, clause 8.1.2.1.2.
type Subscriber struct {
	IMSI eap.IMSI
	// K and OPc are the USIM's, for MILENAGE.
	K, OPc [16]byte
	// SQN is the last sequence number used.
	SQN uint64
	// AMF goes into AUTN; the separation bit is set with EAP-AKA' in any case.
	AMF [2]byte
	// NoNon3GPP: no subscription to non-3GPP access, Experimental-Result 5450.
	NoNon3GPP bool
	// Barred: Result-Code 5003. A real HSS says so in the profile.
	Barred bool
	// NoRoaming: a request with a Visited-Network-Identifier gets
	// Experimental-Result 5004.
	NoRoaming bool
	// NoWLAN: RAT-Type WLAN gets Experimental-Result 5452.
	NoWLAN bool
	// RefusedSchemes get Experimental-Result 5006.
	RefusedSchemes []aka.Scheme
}

// State is how a subscriber stands.
type State struct {
	// SQN is the last sequence number used.
	SQN uint64
	// AAAServer is the Origin-Host of the AAA server that is registered; empty
	// if none.
	AAAServer string
	// Requests is how many MARs came for the subscriber.
	Requests uint64
}

// subscriber is a Subscriber in service.
type subscriber struct {
	Subscriber
	faults   faults
	requests atomic.Uint64

	mu        sync.Mutex
	aaaServer string
}

// register makes server the registered AAA server, if there is none or takeOver
// is set. It returns the one that is registered then, and whether that is
// server.
func (s *subscriber) register(server []byte, takeOver bool) (name string, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.aaaServer == "" || takeOver {
		s.aaaServer = string(server)
	}
	return s.aaaServer, strings.EqualFold(s.aaaServer, string(server))
}

// Add adds a subscriber, in place of one with the same IMSI.
func (h *HSS) Add(s Subscriber) error {
	c, err := milenage.New(s.K, s.OPc)
	if err != nil {
		return fmt.Errorf("swxtest: %w", err)
	}
	if err := h.auc.Put(auc.Subscriber{IMSI: s.IMSI, Algorithm: c.Algorithm(), AMF: s.AMF, SQN: s.SQN}); err != nil {
		return fmt.Errorf("swxtest: %w", err)
	}
	s.RefusedSchemes = slices.Clone(s.RefusedSchemes)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.subscribers[s.IMSI.Digits()] = &subscriber{Subscriber: s}
	return nil
}

// Remove removes a subscriber and reports whether there was one.
func (h *HSS) Remove(imsi eap.IMSI) bool {
	h.auc.Delete(imsi)
	h.mu.Lock()
	defer h.mu.Unlock()
	_, ok := h.subscribers[imsi.Digits()]
	delete(h.subscribers, imsi.Digits())
	return ok
}

// Deregister makes the HSS forget which AAA server is registered.
func (h *HSS) Deregister(imsi eap.IMSI) error {
	s := h.find([]byte(imsi.Digits()))
	if s == nil {
		return fmt.Errorf("%w: %v", ErrUnknown, imsi)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.aaaServer = ""
	return nil
}

// Terminate sends an RTR to the AAA server that is registered for the
// subscriber, forgets the registration, and returns the answer's Result-Code,
// or its Experimental-Result-Code.
func (h *HSS) Terminate(ctx context.Context, imsi eap.IMSI, reason swx.ReasonCode) (uint32, error) {
	state, ok := h.State(imsi)
	if !ok || state.AAAServer == "" {
		return 0, fmt.Errorf("%w: %v is nowhere registered", ErrUnknown, imsi)
	}
	_, realm, _ := strings.Cut(state.AAAServer, ".")
	rtr := swx.RTR{
		SessionID:  []byte(h.node.NewSessionID()),
		OriginHost: h.host, OriginRealm: h.realm,
		DestinationHost: []byte(state.AAAServer), DestinationRealm: []byte(realm),
		UserName: []byte(imsi.Digits()), Reason: reason,
	}
	msg, err := rtr.Encode(nil)
	if err != nil {
		return 0, err
	}
	ans, err := h.node.Exchange(ctx, msg)
	if err != nil {
		return 0, err
	}
	// A MAA without vectors is what an RTA looks like.
	var rta swx.MAA
	if err := rta.Decode(ans); err != nil {
		return 0, err
	}
	if rta.ResultCode == 0 {
		return rta.Experimental.Code, nil
	}
	return rta.ResultCode, h.Deregister(imsi)
}

// SetSQN makes sqn the last sequence number used: behind the USIM's, to
// provoke a resynchronisation.
func (h *HSS) SetSQN(imsi eap.IMSI, sqn uint64) error {
	if !h.auc.SetSQN(imsi, sqn) {
		return fmt.Errorf("%w: %v", ErrUnknown, imsi)
	}
	return nil
}

// State returns how a subscriber stands, and false if there is no such.
func (h *HSS) State(imsi eap.IMSI) (State, bool) {
	s := h.find([]byte(imsi.Digits()))
	if s == nil {
		return State{}, false
	}
	sqn, _ := h.auc.SQN(imsi)
	s.mu.Lock()
	defer s.mu.Unlock()
	return State{SQN: sqn, AAAServer: s.aaaServer, Requests: s.requests.Load()}, true
}

// find returns the subscriber with the digits of the IMSI, or nil.
func (h *HSS) find(digits []byte) *subscriber {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.subscribers[string(digits)]
}
