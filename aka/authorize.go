package aka

import (
	"fmt"

	"github.com/opentwag/twag/eap"
)

// enterAuthorization asks whether the subscriber, now known, may be let in.
func (m *machine) enterAuthorization() eap.Step {
	m.setState(stateAuthorization)
	need := &m.leave().need
	need.Peer = m.peer
	return eap.Step{Kind: eap.StepNeed, Need: need}
}

// onAuthorization lets the subscriber in or tells him why not.
func (m *machine) onAuthorization(t eap.Turn, a eap.Authorization) eap.Step {
	if a.Refusal != eap.RefusalNone {
		err := fmt.Errorf("%w: %v", ErrRefused, a.Refusal)
		if a.Err != nil {
			err = fmt.Errorf("%w: %w", err, a.Err)
		}
		return m.enterNotifyFailure(t, refusalCode(a.Refusal), err)
	}
	if m.reauth == nil && m.nextReauth {
		return m.enterKeep(t)
	}
	return m.finish(t)
}

// finish ends a run that is allowed, with a result indication if wanted.
func (m *machine) finish(t eap.Turn) eap.Step {
	if m.resultInd {
		return m.enterNotifySuccess(t)
	}
	return m.succeed()
}

// refusalCode maps a refusal to what EAP-AKA can say (RFC 4187, section 10.19).
func refusalCode(r eap.Refusal) Notification {
	switch r {
	case eap.RefusalTemporary:
		return NotifyTemporarilyDenied
	case eap.RefusalNotSubscribed:
		return NotifyNotSubscribed
	default:
		return NotifyFailureAfterAuth
	}
}

// outcome is what a run that succeeds leaves, the same for those who are asked
// and in the end.
type outcome struct {
	need      eap.NeedAuthorization
	result    eap.Result
	sessionID [sessionLen]byte // EAP-SIM's is longer
}

func (m *machine) result() *eap.Result { return &m.leave().result }

// leave makes the outcome, when it is first asked for.
func (m *machine) leave() *outcome {
	if m.outcome != nil {
		return m.outcome
	}
	o := &outcome{}
	o.need.Result = &o.result
	r, id := &o.result, o.sessionID[:0]
	r.Method, r.Identity, r.IMSI = m.method.typ, m.identity, m.imsi
	var k *Keys
	if re := m.reauth; re != nil {
		k = re.exported(m.identity)
		r.Reauthenticated, r.SessionID = true, appendSessionID(id, m.method.typ, &re.nonceS, &re.mac)
	} else {
		k = m.exportedKeys()
		r.SessionID = m.method.flow.sessionID(m, id)
	}
	r.MSK, r.EMSK = k.MSK, k.EMSK
	m.outcome = o
	return o
}

// succeed ends the run well.
func (m *machine) succeed() eap.Step {
	r := m.result() // first: what comes next forgets the shared secret
	m.tell(m.method.cfg.Hooks.Succeeded, nil)
	m.setState(stateDone)
	return eap.Step{Kind: eap.StepSuccess, Result: r}
}
