package aka

import "github.com/opentwag/twag/eap"

// fail ends the run before the peer has authenticated: with a notification of
// failure, or at once where the peer has left by itself.
func (m *machine) fail(t eap.Turn, err error) eap.Step {
	if ActionOf(err) == ActionFail {
		m.setState(stateDone)
		m.tell(m.method.cfg.Hooks.Rejected, err)
		return eap.Step{Kind: eap.StepFailure, Err: err}
	}
	return m.enterNotifyFailure(t, NotifyFailure, err)
}

// enterNotifyFailure sends a notification that implies failure. There is one
// notification in a run at most, since any answer to it is the end (RFC 4187,
// section 6.1).
func (m *machine) enterNotifyFailure(t eap.Turn, code Notification, err error) eap.Step {
	m.reason = err
	b := m.notification(t, code)
	step := m.send(&b, stateNotifyFailure)
	if step.Kind == eap.StepRequest {
		m.tell(m.method.cfg.Hooks.Rejected, err)
		step.Err = err
	}
	return step
}

// enterNotifySuccess sends the protected success indication (section 6.2).
func (m *machine) enterNotifySuccess(t eap.Turn) eap.Step {
	b := m.notification(t, NotifySuccess)
	return m.send(&b, stateNotifySuccess)
}

// notification makes an AKA-Notification. It carries AT_MAC unless the code
// says that it comes before authentication, and after a re-authentication its
// counter, encrypted (sections 6.1 and 9.10).
func (m *machine) notification(t eap.Turn, code Notification) Builder {
	b := m.request(t, SubtypeNotification, notificationLen)
	b.Number(AttrNotification, uint16(code))
	if code.BeforeAuth() {
		return b
	}
	if r := m.reauth; r != nil {
		var iv [16]byte
		m.random(&b, iv[:])
		b.Encrypt(&r.keys, iv, func(b *Builder) { b.Number(AttrCounter, r.context.Counter) })
	}
	b.MAC(m.messageKeys(), nil)
	return b
}

const notificationLen = messageHeaderLen + attrUnit + 3*(attrUnit+macLen)

// onSuccessAcknowledged ends the run. Success has been promised, so that the
// contents of the response do not matter (section 6.2).
func (m *machine) onSuccessAcknowledged() eap.Step { return m.succeed() }

// onFailureAcknowledged ends the run, whatever the response says.
func (m *machine) onFailureAcknowledged() eap.Step {
	m.setState(stateDone)
	return eap.Step{Kind: eap.StepFailure, Err: m.reason}
}
