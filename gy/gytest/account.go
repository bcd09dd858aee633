package gytest

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"

	"github.com/opentwag/twag/diameter/wire"
	"github.com/opentwag/twag/gy"
	"github.com/opentwag/twag/internal/faulttest"
)

// ErrUnknown: the OCS has no such account or session.
var ErrUnknown = errors.New("gytest: no such account or session")

var errShared = errors.New("gytest: account: the identity is another account's")

// Identity is the digits of an IMSI or E164 number. It prints redacted; string
// makes the digits of it.
type Identity string

// Format implements fmt.Formatter, so that no verb prints the digits.
func (Identity) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("gytest.Identity[redacted]")) }

// LogValue implements slog.LogValuer.
func (i Identity) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(i)) }

// Account is what the OCS knows of a subscriber.
type Account struct {
	// IMSI and E164 are who he is: one of them, or both. Methods that want an
	// Identity take either.
	IMSI, E164 Identity
	// Balance is what he has to begin with, in whatever the prices of the plans
	// are in.
	Balance int64
	// Plan is how his rating groups are charged that are not in Plans; nil
	// means Config.Plan. It and Plans must not be changed afterwards: see
	// OCS.Edit.
	Plan  *Plan
	Plans map[uint32]Plan
	// ResultCode is the answer to all his CCR-Is and CCR-Us, at the level of
	// the command: 4010, 4011, 4012, 5003, 5030, 5031 and so on. 0 means none.
	ResultCode uint32
}

// key is the identity that the ledger has.
func (a *Account) key() Identity {
	if a.IMSI != "" {
		return a.IMSI
	}
	return a.E164
}

// check returns a copy with the plans' defaults.
func (a Account) check() (Account, error) {
	if a.key() == "" {
		return a, errors.New("gytest: account: no identity")
	}
	if a.Plan != nil {
		p := a.Plan.withDefaults()
		if err := p.validate(); err != nil {
			return a, err
		}
		a.Plan = &p
	}
	a.Plans = maps.Clone(a.Plans)
	for rg, p := range a.Plans {
		p = p.withDefaults()
		if err := p.validate(); err != nil {
			return a, err
		}
		a.Plans[rg] = p
	}
	return a, nil
}

// AccountState is how an account stands.
type AccountState struct {
	// Balance is what is left; negative is debt. Reserved of it is in grants.
	Balance, Reserved int64
	// Credited is all that was ever put into it, Debited all that was used:
	// their difference is Balance.
	Credited, Debited int64
	// Open is how many sessions are open.
	Open int
}

// account is an Account in service.
type account struct {
	settings Account
	state    AccountState
	faults   faulttest.Queue[Fault]
	open     map[string]*session
}

// plan returns the plan of a rating group.
func (a *account) plan(ratingGroup uint32, other *Plan) *Plan {
	if p, ok := a.settings.Plans[ratingGroup]; ok {
		return &p
	}
	if a.settings.Plan != nil {
		return a.settings.Plan
	}
	return other
}

// available is what is neither used nor reserved.
func (a *account) available() int64 { return a.state.Balance - a.state.Reserved }

// Add adds accounts, or gives those that are there already other settings:
// these keep the balance that they have. So an OCS that goes on from a ledger
// is given the accounts that it had.
func (o *OCS) Add(accounts ...Account) error {
	return o.book.update(func(b *book) error {
		for _, a := range accounts {
			a, err := a.check()
			if err != nil {
				return err
			}
			old := b.accounts[a.key()]
			for _, id := range []Identity{a.IMSI, a.E164} {
				if other := b.accounts[id]; id != "" && other != nil && other != old {
					return errShared
				}
			}
			if old != nil {
				b.settle(old, a)
				continue
			}
			if err := b.write(&Entry{Kind: KindAccount, Account: a.key(), Amount: a.Balance}); err != nil {
				return err
			}
			b.settle(b.accounts[a.key()], a)
		}
		return nil
	})
}

// Edit gives an account the settings that edit makes of its old ones.
// Identities and Balance stay what they are.
func (o *OCS) Edit(who Identity, edit func(*Account)) error {
	return o.book.update(func(b *book) error {
		a := b.accounts[who]
		if a == nil {
			return ErrUnknown
		}
		s := a.settings
		s.Plans = maps.Clone(s.Plans)
		edit(&s)
		s.IMSI, s.E164, s.Balance = a.settings.IMSI, a.settings.E164, a.settings.Balance
		s, err := s.check()
		if err == nil {
			a.settings = s
		}
		return err
	})
}

// TopUp adds amount, which may be negative, to an account's balance. Nobody is
// told: see OCS.Reauthorize.
func (o *OCS) TopUp(who Identity, amount int64) error {
	return o.book.update(func(b *book) error {
		a := b.accounts[who]
		if a == nil {
			return ErrUnknown
		}
		return b.write(&Entry{Kind: KindTopUp, Account: a.settings.key(), Amount: amount})
	})
}

// Account returns how an account stands, and false if there is no such.
func (o *OCS) Account(who Identity) (AccountState, bool) {
	o.book.mu.Lock()
	defer o.book.mu.Unlock()
	a := o.book.accounts[who]
	if a == nil {
		return AccountState{}, false
	}
	return a.stateNow(), true
}

func (a *account) stateNow() AccountState {
	s := a.state
	s.Open = len(a.open)
	return s
}

// accountOf returns the account that a request is for, or nil.
func (b *book) accountOf(req wire.Message) *account {
	var ccr gy.CCR
	if ccr.Decode(req) != nil {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if s := b.sessions[string(ccr.SessionID)]; s != nil {
		return s.account
	}
	return b.identify(ccr.Subscriptions)
}

// identify returns the account that a request is for: the IMSI's, else the
// E164 number's.
func (b *book) identify(list []gy.Subscription) *account {
	for _, kind := range []gy.SubscriptionType{gy.SubscriptionIMSI, gy.SubscriptionE164} {
		for _, s := range list {
			if s.Type == kind {
				if a := b.accounts[Identity(s.Data)]; a != nil {
					return a
				}
			}
		}
	}
	return nil
}
