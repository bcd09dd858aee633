package swxtest

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/opentwag/twag/aka"
	"github.com/opentwag/twag/aka/auc"
	"github.com/opentwag/twag/eap"
	"github.com/opentwag/twag/internal/faulttest"
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
	// Profile is what SARs bring; nil means DefaultProfile. It must not be
	// changed afterwards: see HSS.SetProfile.
	Profile *swx.UserData
	// NoNon3GPP: no subscription to non-3GPP access, Experimental-Result 5450.
	NoNon3GPP bool
	// NoRoaming: a request with a Visited-Network-Identifier gets
	// Experimental-Result 5004.
	NoRoaming bool
	// NoWLAN: RAT-Type WLAN gets Experimental-Result 5452.
	NoWLAN bool
	// RefusedSchemes get Experimental-Result 5006.
	RefusedSchemes []aka.Scheme
	// Barred: no vectors, Result-Code 5003. Most HSSes say so in the profile
	// instead.
	Barred bool
}

// DefaultProfile is the profile of a subscriber who has no other: everything
// is allowed, and there is one APN.
func DefaultProfile() *swx.UserData {
	return &swx.UserData{
		Access:         swx.AccessAllowed,
		APNAccess:      swx.APNsEnabled,
		DefaultContext: 1,
		APNs: []swx.APNConfiguration{{
			ContextID: 1,
			PDNType:   swx.PDNIPv4v6,
			APN:       "internet",
			QoS:       &swx.QoSProfile{QCI: 9, ARP: &swx.ARP{PriorityLevel: 8, Capability: swx.PreemptionDisabled}},
			AMBR:      &swx.AMBR{Uplink: 50_000_000, Downlink: 100_000_000},
		}},
	}
}

// State is how a subscriber stands.
type State struct {
	// SQN is the last sequence number used.
	SQN uint64
	// AAAServer is the Origin-Host of the AAA server that got the last vector,
	// or has registered him; empty if none.
	AAAServer string
	// Registered is true when a SAR has registered him there.
	Registered bool
	// ActiveAPNs are what the AAA server has told of gateways, by name.
	ActiveAPNs []swx.ActiveAPN
	// Requests is how many MARs and SARs came for the subscriber.
	Requests uint64
}

// subscriber is a Subscriber in service.
type subscriber struct {
	Subscriber
	faults   faulttest.Queue[Fault]
	requests atomic.Uint64

	mu      sync.Mutex // also held while vectors are made: MARs of one subscriber wait for each other
	profile *swx.UserData
	reg     registration
}

// directory is the subscribers of an HSS, or of several.
type directory struct {
	auc *auc.AuC

	mu          sync.RWMutex
	subscribers map[string]*subscriber // by the digits of the IMSI
}

// Add adds a subscriber, in place of one with the same IMSI.
func (h *HSS) Add(s Subscriber) error {
	c, err := milenage.New(s.K, s.OPc)
	if err != nil {
		return fmt.Errorf("swxtest: %w", err)
	}
	if err := h.dir.auc.Put(auc.Subscriber{IMSI: s.IMSI, Algorithm: c.Algorithm(), AMF: s.AMF, SQN: s.SQN}); err != nil {
		return fmt.Errorf("swxtest: %w", err)
	}
	s.RefusedSchemes = slices.Clone(s.RefusedSchemes)
	sub := &subscriber{Subscriber: s, profile: s.Profile}
	if sub.profile == nil {
		sub.profile = defaultProfile
	}
	h.dir.mu.Lock()
	defer h.dir.mu.Unlock()
	h.dir.subscribers[s.IMSI.Digits()] = sub
	return nil
}

// defaultProfile is shared by those who have no other.
var defaultProfile = DefaultProfile()

// Remove removes a subscriber and reports whether there was one.
func (h *HSS) Remove(imsi eap.IMSI) bool {
	h.dir.auc.Delete(imsi)
	h.dir.mu.Lock()
	defer h.dir.mu.Unlock()
	_, ok := h.dir.subscribers[imsi.Digits()]
	delete(h.dir.subscribers, imsi.Digits())
	return ok
}

// Deregister makes the HSS forget which AAA server is registered.
func (h *HSS) Deregister(imsi eap.IMSI) error {
	s, err := h.subscriber(imsi)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reg = registration{}
	return nil
}

// SetProfile gives a subscriber another profile, without telling anybody: see
// Push. It must not be changed afterwards.
func (h *HSS) SetProfile(imsi eap.IMSI, profile *swx.UserData) error {
	s, err := h.subscriber(imsi)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.profile = profile
	return nil
}

// EditProfile gives a subscriber a copy of his profile with what edit does to
// it, without telling anybody: see Push. Slices and pointers in the copy are
// those of the old profile, and must be replaced, not changed.
func (h *HSS) EditProfile(imsi eap.IMSI, edit func(*swx.UserData)) error {
	s, err := h.subscriber(imsi)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	profile := *s.profile
	edit(&profile)
	s.profile = &profile
	return nil
}

// SetSQN makes sqn the last sequence number used: behind the USIM's, to
// provoke a resynchronisation.
func (h *HSS) SetSQN(imsi eap.IMSI, sqn uint64) error {
	if !h.dir.auc.SetSQN(imsi, sqn) {
		return fmt.Errorf("%w: %v", ErrUnknown, imsi)
	}
	return nil
}

// State returns how a subscriber stands, and false if there is no such.
func (h *HSS) State(imsi eap.IMSI) (State, bool) {
	s, err := h.subscriber(imsi)
	if err != nil {
		return State{}, false
	}
	sqn, _ := h.dir.auc.SQN(imsi)
	s.mu.Lock()
	defer s.mu.Unlock()
	state := State{SQN: sqn, AAAServer: s.reg.server, Registered: s.reg.registered, Requests: s.requests.Load()}
	for _, name := range slices.Sorted(maps.Keys(s.reg.apns)) {
		state.ActiveAPNs = append(state.ActiveAPNs, s.reg.apns[name])
	}
	return state, true
}

// subscriber returns the subscriber, or ErrUnknown.
func (h *HSS) subscriber(imsi eap.IMSI) (*subscriber, error) {
	if s := h.find([]byte(imsi.Digits())); s != nil {
		return s, nil
	}
	return nil, fmt.Errorf("%w: %v", ErrUnknown, imsi)
}

// find returns the subscriber with the digits of the IMSI, or nil.
func (h *HSS) find(digits []byte) *subscriber {
	h.dir.mu.RLock()
	defer h.dir.mu.RUnlock()
	return h.dir.subscribers[string(digits)]
}
