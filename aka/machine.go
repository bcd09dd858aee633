package aka

import (
	"crypto/sha1"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"

	"github.com/opentwag/twag/eap"
)

// state is where a run stands.
//
//	        Start
//	          | identity of no use                | identity will do
//	          v                                   |
//	     +----------+  AT_IDENTITY will do        v
//	+--->| Identity |--------------------->+-------------+
//	|    +----------+<---------------------| by its kind |<--------+ lost, spent
//	+------+  |    |   nowhere: the next   +-------------+         |
//	next of   |    |                        |          | re-auth.  |
//	ANY, FULL,|    |                   full |          v           |
//	PERMANENT |    |                        |       +--------+     |
//	          |    |                        |       | Lookup |-----+
//	          |    |                        v       +--------+
//	          |    |               +---------+        | context will do
//	          |    |  no vector    | Vectors |<---+   v
//	          |    |<--------------+---------+    | +--------+
//	          |    |                 |      ^     +-| Reauth |
//	          |    |                 v      |       +--------+
//	          |    |     KDF +-----------+  | COUNTER_  | proved
//	          |    |    +--->| Challenge |--+ TOO_SMALL v
//	          |    |    +----+-----------+ Sync-   +--------+
//	          |    |           |   |       Failure | Commit |--+ used by
//	          |    |<----------+   | proved        +--------+  | another
//	          |    | bad MAC,      v                   |       |
//	          |    | RES, …    +---------------+       |       |
//	          |    |           | Authorization |<------+       |
//	          |    |           +---------------+               |
//	          |    v                | allowed | refused         |
//	          |  +---------------+  |         |                 |
//	          |  | NotifyFailure |<-)---------+-----------------+
//	          |  +---------------+  v
//	          |    | any          +------+ where there is a
//	          |    | response     | Keep | new context
//	          |    |              +------+
//	          |    |                | | both want a result
//	          |    |                | v
//	          |    |                | +---------------+
//	          |    |                | | NotifySuccess |
//	          |    |                | +---------------+
//	          v    v                v   v any response
//	         Failure               Success
//
// Client-Error, Authentication-Reject and bad messages lead from Reauth and
// Challenge as they do from Identity. Done is where all leave the machine.
type state uint8

const (
	// stateNew: nothing has happened. Start leaves it.
	stateNew state = iota
	// stateIdentity: we sent AKA-Identity, or SIM-Start, with one of the three
	// identity requests. Accepted: the same with AT_IDENTITY, Client-Error. Leads
	// to itself with a narrower request, to stateLookup, stateVectors,
	// stateStart, stateNotifyFailure or the end (RFC 4187, section 4.1; RFC
	// 4186, section 4.2).
	stateIdentity
	// stateStart: EAP-SIM only; we sent SIM-Start without an identity request,
	// for AT_NONCE_MT. Accepted: SIM-Start with it, Client-Error. Leads to
	// stateVectors, stateNotifyFailure or the end (RFC 4186, section 9.2).
	stateStart
	// stateLookup: we asked for the context of a re-authentication identity.
	// Resumed with ReauthAnswer; leads to stateReauth if it will do, to
	// stateVectors if it only tells the subscriber, else to stateIdentity.
	stateLookup
	// stateReauth: we sent AKA-Reauthentication. Accepted: the same and
	// Client-Error (sections 5.4, 5.5, 9.8). Leads to stateCommit, with
	// AT_COUNTER_TOO_SMALL to stateVectors (in EAP-SIM stateStart), else to
	// stateNotifyFailure or the end.
	stateReauth
	// stateCommit: the peer has re-authenticated, and we asked the store to use
	// up the context. Resumed with ReauthAnswer; leads to stateAuthorization, or
	// to stateNotifyFailure if somebody else has used it.
	stateCommit
	// stateVectors: we asked for a vector, and the peer waits for us. Resumed
	// with VectorsAnswer; leads to stateChallenge or stateNotifyFailure.
	stateVectors
	// stateChallenge: we sent AKA-Challenge or SIM-Challenge. Accepted in
	// EAP-SIM: SIM-Challenge, Client-Error. In the others: AKA-Challenge with
	// AT_RES or, in EAP-AKA', AT_KDF or AT_KDF_FS; Synchronization-Failure;
	// Authentication-Reject; Client-Error (sections 6.3, 9.4 to 9.6).
	stateChallenge
	// stateAuthorization: the peer has proved who it is, and waits while
	// others decide. Resumed with eap.Authorization; leads to stateKeep,
	// stateNotifySuccess, stateNotifyFailure or the end.
	stateAuthorization
	// stateKeep: a full authentication is allowed, and we asked the store to
	// keep a context for re-authentications. Resumed with ReauthAnswer; leads to
	// stateNotifySuccess or the end, whatever it is.
	stateKeep
	// stateNotifySuccess: we sent AKA-Notification 32768. Any response is
	// success (section 6.2).
	stateNotifySuccess
	// stateNotifyFailure: we sent an AKA-Notification that implies failure.
	// Any response is failure (section 6.3.3).
	stateNotifyFailure
	// stateDone: success or failure was reported.
	stateDone
)

// String returns the state's name.
func (s state) String() string {
	switch s {
	case stateNew:
		return "New"
	case stateIdentity:
		return "Identity"
	case stateStart:
		return "Start"
	case stateLookup:
		return "Lookup"
	case stateReauth:
		return "Reauth"
	case stateCommit:
		return "Commit"
	case stateVectors:
		return "Vectors"
	case stateChallenge:
		return "Challenge"
	case stateAuthorization:
		return "Authorization"
	case stateKeep:
		return "Keep"
	case stateNotifySuccess:
		return "NotifySuccess"
	case stateNotifyFailure:
		return "NotifyFailure"
	case stateDone:
		return "Done"
	default:
		return fmt.Sprintf("state(%d)", uint8(s))
	}
}

// machine is one run of the server's side. It is not safe for concurrent use.
type machine struct {
	method  *Method
	peer    eap.Peer
	network string

	state state

	// What the identity rounds have told.
	asked     asked
	checkcode Checkcode // pairs of AKA-Identity messages so far
	extras    bool      // the peer's had other attributes, so AT_CHECKCODE must come
	sum       checksum  // AT_CHECKCODE once the rounds are over
	kind      eap.IdentityKind
	identity  string // what the keys are bound to, as the peer sent it
	imsi      eap.IMSI

	// The challenge.
	vector  Vector // CK', IK' in EAP-AKA'; none in EAP-AKA, for there is mk
	fs      fsRun
	sim     simRun             // in place of vector
	mk      [masterKeyLen]byte // of EAP-AKA and EAP-SIM
	kdf     kdfOffer
	resyncs uint8

	// What follows from the vector; made when first needed.
	keys     Keys
	haveKeys bool
	// The exported keys are made when the peer has proved itself; prf is where
	// their derivation goes on.
	exported bool
	prf      [sha256.Size]byte

	// reauth is the fast re-authentication that runs; nil in a full
	// authentication.
	reauth *reauthRun
	// nextReauth: the request gave out a re-authentication identity, which
	// needs a context.
	nextReauth bool
	// token is that identity without digit and realm, once it is made.
	token     reauthToken
	haveToken bool

	resultInd bool // both sides want AT_RESULT_IND

	outcome *outcome // what leave has made

	reason error // why stateNotifyFailure was entered

	octets [16 + 16 + reauthTokenLen]byte // for what goes through an interface, to and fro
}

var _ eap.Machine = (*machine)(nil)

var errNotNow = errors.New("aka: not in this state")

// Start implements eap.Machine.
func (m *machine) Start(t eap.Turn) eap.Step {
	if m.state != stateNew {
		return m.misused("Start")
	}
	m.kdf.base = m.method.kdfs
	if m.method.cfg.AlwaysRequestIdentity {
		return m.enterIdentity(t, askedAny)
	}
	return m.decide(t, m.peer.Identity)
}

// Handle implements eap.Machine.
func (m *machine) Handle(t eap.Turn, resp eap.Packet) eap.Step {
	switch m.state {
	case stateNotifySuccess:
		return m.onSuccessAcknowledged()
	case stateNotifyFailure:
		return m.onFailureAcknowledged()
	case stateIdentity, stateStart, stateReauth, stateChallenge:
	default:
		return eap.Step{Kind: eap.StepIgnore, Err: fmt.Errorf("%w: response in %v", errNotNow, m.state)}
	}
	msg, err := Decode(resp)
	if err == nil && (msg.Code != eap.CodeResponse || msg.Type != m.method.typ) {
		err = &AttrError{Subtype: msg.Subtype, Err: ErrSubtype}
	}
	if msg.Subtype == SubtypeClientError && msg.Code == eap.CodeResponse {
		// The peer has left, however badly it says so.
		return m.fail(t, &ClientError{Code: msg.ClientErrorCode})
	}
	sim := m.method.flow == &flowSIM
	switch {
	case m.state == stateReauth:
		return m.onReauth(t, &msg, err)
	case m.state == stateChallenge && sim:
		return m.onSIMChallenge(t, &msg, err)
	case m.state == stateChallenge:
		return m.onChallenge(t, &msg, err)
	case sim:
		return m.onStart(t, &msg, err)
	default:
		return m.onIdentity(t, &msg, err)
	}
}

// Resume implements eap.Machine.
func (m *machine) Resume(t eap.Turn, answer eap.Answer) eap.Step {
	switch a := answer.(type) {
	case VectorsAnswer:
		if m.state == stateVectors {
			return m.onVectors(t, a)
		}
	case eap.Authorization:
		if m.state == stateAuthorization {
			return m.onAuthorization(t, a)
		}
	case ReauthAnswer:
		switch m.state {
		case stateLookup:
			return m.onLookup(t, a)
		case stateCommit:
			return m.onCommit(t, a)
		case stateKeep:
			return m.onKeep(t, a)
		}
	}
	return m.misused(fmt.Sprintf("Resume with %T", answer))
}

// setState is the one way from state to state.
func (m *machine) setState(s state) {
	if s == stateNotifyFailure || s == stateDone {
		m.fs.forget()
	}
	m.state = s
}

// misused ends the run for a caller's mistake.
func (m *machine) misused(what string) eap.Step {
	err := fmt.Errorf("%w: %s in %v", errNotNow, what, m.state)
	m.setState(stateDone)
	return eap.Step{Kind: eap.StepFailure, Err: err}
}

// sessionKeys returns the keys of the outstanding vector.
func (m *machine) sessionKeys() *Keys {
	if m.haveKeys {
		return &m.keys
	}
	if m.method.typ == eap.TypeAKAPrime {
		m.keys, m.prf = primeSession(m.identity, m.vector.CK, m.vector.IK)
	} else {
		var xkey [sha1.Size]byte
		m.keys, xkey = sessionOfMK(m.method.typ, m.mk)
		copy(m.prf[:], xkey[:])
	}
	m.haveKeys, m.exported = true, false
	return &m.keys
}

// exportedKeys is sessionKeys with what the run leaves behind: KRe, MSK, EMSK.
func (m *machine) exportedKeys() *Keys {
	k := m.sessionKeys()
	switch {
	case m.exported:
	case m.method.typ != eap.TypeAKAPrime:
		k.exportOfMK([sha1.Size]byte(m.prf[:]))
	case m.fs.agreed:
		k.forward(m.identity, m.vector.CK, m.vector.IK, &m.fs.secret)
	default:
		k.primeExport(m.identity, m.vector.CK, m.vector.IK, m.prf)
	}
	m.exported = true
	return k
}

// messageKeys returns the keys that protect messages.
func (m *machine) messageKeys() *Keys {
	if m.reauth != nil {
		return &m.reauth.keys
	}
	return m.sessionKeys()
}

// random fills the slices, 44 octets in all, or spoils b.
func (m *machine) random(b *Builder, into ...[]byte) {
	n := 0
	for _, p := range into {
		n += len(p)
	}
	if _, err := io.ReadFull(m.method.cfg.Rand, m.octets[:n]); err != nil {
		b.fail(AttrIV, err)
		return
	}
	n = 0
	for _, p := range into {
		n += copy(p, m.octets[n:])
	}
}

// request starts a request of the method's type. Few are longer than n octets.
func (m *machine) request(t eap.Turn, s Subtype, n int) Builder {
	return NewMessage(make([]byte, 0, n), eap.CodeRequest, t.Identifier, m.method.typ, s)
}

// send ends a request and moves on to where its response is awaited.
func (m *machine) send(b *Builder, next state) eap.Step {
	pkt, err := b.Bytes()
	if err != nil {
		// Nothing of what we send depends on what peers send: a value from
		// outside (network name) did not fit.
		m.setState(stateDone)
		m.tell(m.method.cfg.Hooks.Rejected, err)
		return eap.Step{Kind: eap.StepFailure, Err: err}
	}
	m.setState(next)
	return eap.Step{Kind: eap.StepRequest, Packet: pkt}
}
