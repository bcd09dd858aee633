package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/opentwag/twag/eap"
	"github.com/opentwag/twag/swx"
	"github.com/opentwag/twag/swx/swxtest"
)

const commandHelp = `Commands, with -commands, one a line:
  rtr IMSI      deregister: RTR, PERMANENT_TERMINATION
  moved IMSI    deregister: RTR, NEW_SERVER_ASSIGNED
  bar IMSI      bar access in the profile, and send it: PPR
  allow IMSI    allow access in the profile, and send it: PPR
  ppr IMSI      send the profile as it is: PPR
  reset IMSI    say that registrations are lost: PPR with Reset-Indication
  state IMSI    tell how the subscriber stands
Each is answered by one line: the command, the IMSI, and the result code of the
AAA server's answer or what went wrong.
`

// command does one command and returns its result.
func command(ctx context.Context, hss *swxtest.HSS, fields []string) (string, error) {
	if len(fields) != 2 {
		return "", errors.New("want a command and an IMSI")
	}
	imsi, err := eap.ParseIMSI(fields[1])
	if err != nil {
		return "", errors.New("want 6 to 15 digits for an IMSI")
	}
	var code uint32
	switch fields[0] {
	case "rtr":
		code, err = hss.Terminate(ctx, imsi, swx.ReasonPermanentTermination)
	case "moved":
		code, err = hss.Terminate(ctx, imsi, swx.ReasonNewServerAssigned)
	case "bar":
		code, err = access(ctx, hss, imsi, swx.AccessBarred)
	case "allow":
		code, err = access(ctx, hss, imsi, swx.AccessAllowed)
	case "ppr":
		code, err = hss.Push(ctx, imsi)
	case "reset":
		code, err = hss.PushFlags(ctx, imsi, swx.PPRReset)
	case "state":
		state, ok := hss.State(imsi)
		if !ok {
			return "", swxtest.ErrUnknown
		}
		return fmt.Sprintf("sqn=%d aaa=%q registered=%t requests=%d", state.SQN, state.AAAServer, state.Registered, state.Requests), nil
	default:
		return "", errors.New("no such command")
	}
	return fmt.Sprint(code), err
}

// access changes the subscriber's access in his profile, and sends it.
func access(ctx context.Context, hss *swxtest.HSS, imsi eap.IMSI, to swx.IPAccess) (uint32, error) {
	err := hss.EditProfile(imsi, func(profile *swx.UserData) { profile.Access = to })
	if err != nil {
		return 0, err
	}
	return hss.Push(ctx, imsi)
}
