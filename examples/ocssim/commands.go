package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/opentwag/twag/gy/gytest"
)

const commandHelp = `Commands, with -commands, one a line:
  topup IMSI AMOUNT   add to the balance, and send RAR to the open sessions
  rar IMSI            send RAR: credit is to be asked for again
  asr IMSI            send ASR: the service is to end
  balance IMSI        tell how the account stands
  result IMSI CODE    refuse CCR-I and CCR-U of the account with CODE; 0: no more
  fault FAULT [N]     have the next N requests go wrong, or all: silent, unseen,
                      disconnect, disconnect-unseen, twice, garbage,
                      wrong-hop-by-hop, wrong-session, no-results, empty-grants,
                      delay=TIME, result=CODE
  faults off          no more faults
  audit               print the audit
Each is answered by one line: the command, and the result codes of the answers,
one for each session, or what went wrong. Of audit it is the last one.
`

// command does one command and returns its result.
func command(ctx context.Context, ocs *gytest.OCS, name string, args []string) (string, error) {
	var who gytest.Identity
	switch want := map[string]int{"topup": 2, "rar": 1, "asr": 1, "balance": 1, "result": 2}[name]; {
	case want == 0:
	case len(args) != want:
		return "", fmt.Errorf("want %d words behind it", want)
	default:
		who = gytest.Identity(args[0])
	}
	switch name {
	case "topup":
		amount, err := parseAmount(args[1])
		if err != nil {
			return "", err
		}
		if err := ocs.TopUp(who, amount); err != nil {
			return "", err
		}
		return push(ctx, ocs, who, reauthorize)
	case "rar":
		return push(ctx, ocs, who, reauthorize)
	case "asr":
		return push(ctx, ocs, who, (*gytest.OCS).Abort)
	case "balance":
		s, ok := ocs.Account(who)
		if !ok {
			return "", gytest.ErrUnknown
		}
		return fmt.Sprintf("balance=%d reserved=%d debited=%d sessions=%d", s.Balance, s.Reserved, s.Debited, s.Open), nil
	case "result":
		code, err := parseCode(args[1])
		if err != nil {
			return "", err
		}
		return "done", ocs.Edit(who, func(a *gytest.Account) { a.ResultCode = code })
	case "fault":
		f, err := parseFaultTimes(args)
		if err == nil {
			ocs.Inject(f)
		}
		return "done", err
	case "faults":
		if !slices.Equal(args, []string{"off"}) {
			return "", errors.New("want off")
		}
		ocs.ClearFaults()
		return "done", nil
	case "audit":
		return "done", nil
	default:
		return "", errors.New("no such command")
	}
}

// push sends something to each open session of the account, and returns the
// codes of the answers.
func push(ctx context.Context, ocs *gytest.OCS, who gytest.Identity, send func(*gytest.OCS, context.Context, string) (uint32, error)) (string, error) {
	if _, ok := ocs.Account(who); !ok {
		return "", gytest.ErrUnknown
	}
	codes := []string{}
	for _, id := range ocs.Sessions(who) {
		code, err := send(ocs, ctx, id)
		if err != nil {
			return "", err
		}
		codes = append(codes, fmt.Sprint(code))
	}
	return cmp.Or(strings.Join(codes, " "), "no session"), nil
}

func reauthorize(ocs *gytest.OCS, ctx context.Context, id string) (uint32, error) {
	return ocs.Reauthorize(ctx, id, nil)
}

// writeAudit writes a line for each session, account that was used, and
// violation. Of an account's identity it has the last four digits.
func writeAudit(w io.Writer, a gytest.Audit) {
	for _, id := range slices.Sorted(maps.Keys(a.Sessions)) {
		s := a.Sessions[id]
		state := "closed"
		if s.Open {
			state = "open"
		}
		for _, g := range s.Groups {
			fmt.Fprintf(w, "session %s %s: account %s, rating group %d: grants %d, granted %d, returned %d, charged %d, overshoot %d, debited %d, octets %d in %d out %d, seconds %d\n",
				id, state, short(s.Account), g.RatingGroup, g.Grants, g.Granted, g.Returned, g.Charged, g.Overshoot, g.Debited,
				g.Used.Total, g.Used.Input, g.Used.Output, g.Used.Seconds)
		}
	}
	var credited, debited, balance, reserved int64
	for _, id := range slices.Sorted(maps.Keys(a.Accounts)) {
		s := a.Accounts[id]
		credited, debited, balance, reserved = credited+s.Credited, debited+s.Debited, balance+s.Balance, reserved+s.Reserved
		if s.Debited != 0 || s.Open != 0 {
			fmt.Fprintf(w, "account %s: credited %d, debited %d, balance %d, reserved %d, open sessions %d\n",
				short(id), s.Credited, s.Debited, s.Balance, s.Reserved, s.Open)
		}
	}
	for _, v := range a.Violations {
		fmt.Fprintf(w, "violation: session %s, request %d: %s\n", v.SessionID, v.Number, v.Kind)
	}
	fmt.Fprintf(w, "total: credited %d, debited %d, balance %d, reserved %d, sessions %d, violations %d\n",
		credited, debited, balance, reserved, len(a.Sessions), a.TotalViolations)
}

// short is the end of an identity.
func short(id gytest.Identity) string {
	return "…" + string(id[max(0, len(id)-4):])
}
