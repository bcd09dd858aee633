package aka

import (
	"fmt"

	"github.com/opentwag/twag/eap"
)

// enterAuthorization asks whether the subscriber, now known, may be let in.
func (m *machine) enterAuthorization() eap.Step {
	m.setState(stateAuthorization)
	return eap.Step{Kind: eap.StepNeed, Need: &eap.NeedAuthorization{Result: m.result(), Peer: m.peer}}
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

// result is what a run that succeeds leaves.
func (m *machine) result() *eap.Result {
	if r := m.reauth; r != nil {
		k := r.exported(m.identity)
		return &eap.Result{
			Method:          m.method.typ,
			Identity:        m.identity,
			IMSI:            m.imsi,
			MSK:             k.MSK,
			EMSK:            k.EMSK,
			SessionID:       SessionID(m.method.typ, r.nonceS, r.mac),
			Reauthenticated: true,
		}
	}
	k := m.exportedKeys()
	return &eap.Result{
		Method:    m.method.typ,
		Identity:  m.identity,
		IMSI:      m.imsi,
		MSK:       k.MSK,
		EMSK:      k.EMSK,
		SessionID: m.method.flow.sessionID(m),
	}
}

// succeed ends the run well.
func (m *machine) succeed() eap.Step {
	r := m.result() // first: what comes next forgets the shared secret
	m.tell(m.method.cfg.Hooks.Succeeded, nil)
	m.setState(stateDone)
	return eap.Step{Kind: eap.StepSuccess, Result: r}
}
