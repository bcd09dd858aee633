package aka

import (
	"fmt"

	"github.com/opentwag/twag/eap"
)

// Subtype is the kind of an EAP-SIM, EAP-AKA or EAP-AKA' packet.
type Subtype uint8

// Subtypes of RFC 4187, section 11, and RFC 4186, section 11.
const (
	SubtypeChallenge        Subtype = 1
	SubtypeAuthReject       Subtype = 2
	SubtypeSyncFailure      Subtype = 4
	SubtypeIdentity         Subtype = 5
	SubtypeSIMStart         Subtype = 10 // EAP-SIM only
	SubtypeSIMChallenge     Subtype = 11 // EAP-SIM only
	SubtypeNotification     Subtype = 12
	SubtypeReauthentication Subtype = 13
	SubtypeClientError      Subtype = 14
)

// String returns the subtype's name.
func (s Subtype) String() string {
	switch s {
	case SubtypeChallenge:
		return "Challenge"
	case SubtypeAuthReject:
		return "Authentication-Reject"
	case SubtypeSyncFailure:
		return "Synchronization-Failure"
	case SubtypeIdentity:
		return "Identity"
	case SubtypeSIMStart:
		return "SIM-Start"
	case SubtypeSIMChallenge:
		return "SIM-Challenge"
	case SubtypeNotification:
		return "Notification"
	case SubtypeReauthentication:
		return "Reauthentication"
	case SubtypeClientError:
		return "Client-Error"
	default:
		return fmt.Sprintf("Subtype(%d)", uint8(s))
	}
}

// columns is a set of messages: the columns of the tables of attributes in
// RFC 4187, section 10.1, RFC 4186, section 10.1, and RFC 9048, section 3.5.
type columns uint16

const (
	idReq columns = 1 << iota
	idRsp
	chalReq
	chalRsp
	notifReq
	notifRsp
	clientErr
	reauthReq
	reauthRsp
	authRej
	syncFail
	startReq
	startRsp
	simChalReq
	simChalRsp

	everywhere columns = 1<<iota - 1
)

// columnOf returns the column of a packet, or 0 where the method has no such
// message. Those that only a peer sends exist as responses only.
func columnOf(t eap.Type, c eap.Code, s Subtype) columns {
	if c != eap.CodeRequest && c != eap.CodeResponse {
		return 0
	}
	pick := func(req, rsp columns) columns {
		if c == eap.CodeRequest {
			return req
		}
		return rsp
	}
	switch s {
	case SubtypeNotification:
		return pick(notifReq, notifRsp)
	case SubtypeReauthentication:
		return pick(reauthReq, reauthRsp)
	case SubtypeClientError:
		return pick(0, clientErr)
	}
	if t == eap.TypeSIM {
		switch s {
		case SubtypeSIMStart:
			return pick(startReq, startRsp)
		case SubtypeSIMChallenge:
			return pick(simChalReq, simChalRsp)
		}
		return 0
	}
	switch s {
	case SubtypeIdentity:
		return pick(idReq, idRsp)
	case SubtypeChallenge:
		return pick(chalReq, chalRsp)
	case SubtypeAuthReject:
		return pick(0, authRej)
	case SubtypeSyncFailure:
		return pick(0, syncFail)
	}
	return 0
}
