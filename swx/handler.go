package swx

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/opentwag/twag/aka"
	"github.com/opentwag/twag/diameter"
	"github.com/opentwag/twag/diameter/wire"
	"github.com/opentwag/twag/eap"
)

// Handler answers what an HSS asks of its own accord. Its functions are called
// concurrently, and may block until ctx ends.
//
// The HSS is answered with success if the error is nil, with USER_UNKNOWN
// (Experimental-Result 5001) if it wraps [aka.ErrUnknownSubscriber], else with
// UNABLE_TO_COMPLY (5012). A request whose function is nil is answered
// COMMAND_UNSUPPORTED (3001).
type Handler struct {
	// Terminate is told that the HSS has deregistered a subscriber (RTR; TS
	// 29.273, clause 8.1.2.4). What is kept of him has to go:
	// re-authentication contexts, sessions. There is no SAR to send.
	Terminate func(ctx context.Context, t Termination) error
	// Update is told that the HSS has changed a profile, or wants something
	// that flags say (PPR; TS 29.273, clause 8.1.2.3). Sessions go on as the
	// new profile says, or end.
	//
	// Departure: where the flags ask for access network information or local
	// time the answer has none; both are optional in it.
	Update func(ctx context.Context, u ProfileUpdate) error
	// Client forgets the vectors that it has left for a subscriber before
	// either function is called; may be nil.
	Client *Client
}

// Termination is what an RTR says.
type Termination struct {
	IMSI   eap.IMSI
	Reason ReasonCode
	// Info is Reason-Info, for people; may be empty.
	Info string
	// Host is the HSS: the Origin-Host, which may be missing.
	Host string
}

// ProfileUpdate is what a PPR says.
type ProfileUpdate struct {
	IMSI eap.IMSI
	// UserData is the new profile; nil where it stays as it is and only Flags
	// matter.
	UserData *UserData
	Flags    PPRFlags
	// Host is the HSS: the Origin-Host, which may be missing.
	Host string
}

// Registrar is where a Handler can be registered. *diameter.Node is one.
type Registrar interface {
	Handle(app, command uint32, h diameter.Handler)
}

var _ Registrar = (*diameter.Node)(nil)

// Register makes h answer the HSS's requests to node. h must not be changed
// afterwards.
func (h *Handler) Register(node Registrar) {
	if h.Terminate != nil {
		node.Handle(ApplicationID, CommandRegistrationTermination, diameter.HandlerFunc(h.serveRTR))
	}
	if h.Update != nil {
		node.Handle(ApplicationID, CommandPushProfile, diameter.HandlerFunc(h.servePPR))
	}
}

func (h *Handler) serveRTR(ctx context.Context, r *diameter.Request) (wire.Message, error) {
	var rtr RTR
	if err := rtr.Decode(r.Message); err != nil {
		return answer(r, err)
	}
	t := Termination{Reason: rtr.Reason, Info: string(rtr.Info), Host: name(rtr.OriginHost)}
	imsi, err := userIMSI(rtr.UserName)
	if err == nil {
		t.IMSI = imsi
		h.forget(imsi)
		err = h.Terminate(ctx, t)
	}
	return answer(r, err)
}

func (h *Handler) servePPR(ctx context.Context, r *diameter.Request) (wire.Message, error) {
	var ppr PPR
	if err := ppr.Decode(r.Message); err != nil {
		return answer(r, err)
	}
	u := ProfileUpdate{Flags: ppr.Flags, Host: name(ppr.OriginHost)}
	if !ppr.UserData.isEmpty() {
		u.UserData = ppr.UserData
	}
	imsi, err := userIMSI(ppr.UserName)
	if err == nil {
		u.IMSI = imsi
		h.forget(imsi)
		err = h.Update(ctx, u)
	}
	return answer(r, err)
}

func (h *Handler) forget(imsi eap.IMSI) {
	if h.Client != nil {
		h.Client.Forget(imsi)
	}
}

// userIMSI returns the IMSI of a User-Name: bare digits, or the username of an
// NAI. Sixteen digits are an IMSI behind the digit of a method.
func userIMSI(user []byte) (eap.IMSI, error) {
	name, _, _ := strings.Cut(string(user), "@")
	if len(name) == 16 {
		name = name[1:]
	}
	imsi, err := eap.ParseIMSI(name)
	if err != nil {
		return imsi, fmt.Errorf("%w: no IMSI", aka.ErrUnknownSubscriber)
	}
	return imsi, nil
}

// answer answers the request: success, or what err says.
func answer(r *diameter.Request, err error) (wire.Message, error) {
	var result uint32
	var x ExperimentalResult
	var blame wire.AVP
	var de *DecodeError
	switch {
	case err == nil:
		result = ResultSuccess
	case errors.As(err, &de):
		result, blame = de.ResultCode, de.AVP
	case errors.Is(err, aka.ErrUnknownSubscriber):
		x = ExperimentalResult{Vendor3GPP, ExperimentalUserUnknown}
	default:
		result = ResultUnableToComply
	}
	msg, err := r.Answer(result).Message()
	if err != nil {
		return nil, err
	}
	e := encoder{b: msg}
	e.form(ApplicationVendorSpecific, NoStateMaintained)
	e.experimental(x)
	e.blame(blame)
	return e.message("answer")
}
