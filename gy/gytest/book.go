package gytest

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// book is accounts and sessions, and the ledger that they come from: whatever
// changes is first an [Entry], and each entry changes the book in one way, the
// same when it is read again.
type book struct {
	cfg      Config
	targeted atomic.Bool // an account has, or had, faults of its own

	mu         sync.Mutex
	begun      time.Time             // of the first entry
	accounts   map[Identity]*account // an account with two identities is there twice
	sessions   map[string]*session
	timed      map[string]*session // open ones that have a deadline
	open       int
	closed     []string // Session-Ids, oldest first
	violations []Violation
	violated   int
	ledger     *ledger // nil: none
	last       *batch  // that has the last entry
}

var errBalance = errors.New("the balance is not what the entries make of it")

func newBook(cfg Config) *book {
	return &book{cfg: cfg, accounts: make(map[Identity]*account), sessions: make(map[string]*session), timed: make(map[string]*session)}
}

// openBook returns a book as its ledger has it.
func openBook(cfg Config) (*book, error) {
	b := newBook(cfg)
	if cfg.Ledger == "" {
		return b, nil
	}
	l, err := openLedger(cfg.Ledger, b.replay)
	if err != nil {
		return nil, err
	}
	b.ledger = l
	if !b.begun.IsZero() {
		return b, nil
	}
	if err := b.update(func(b *book) error { return b.write(&Entry{Kind: KindBegin}) }); err != nil {
		return nil, errors.Join(err, l.close())
	}
	return b, nil
}

// update runs f with the book locked, and returns when what it wrote is safe.
func (b *book) update(f func(*book) error) error {
	b.mu.Lock()
	err := f(b)
	last := b.last
	b.mu.Unlock()
	return errors.Join(err, last.wait())
}

// write adds an entry to the ledger, and does what it says. It is safe when
// b.last is.
func (b *book) write(e *Entry) error {
	if e.Time.IsZero() {
		e.Time = time.Now()
	}
	b.apply(e)
	e.Balance = b.balance(e)
	b.note(e)
	if b.ledger == nil {
		return nil
	}
	var err error
	b.last, err = b.ledger.append(e)
	return err
}

// replay does what an entry that was read says.
func (b *book) replay(e *Entry) error {
	switch e.Kind {
	case KindBegin, KindAccount, KindViolation:
	case KindTopUp:
		if b.accounts[e.Account] == nil {
			return ErrUnknown
		}
	case KindRequest:
		if b.sessions[e.SessionID] == nil && b.accounts[e.Account] == nil {
			return ErrUnknown
		}
	case KindExpired:
		if b.sessions[e.SessionID] == nil {
			return ErrUnknown
		}
	default:
		return fmt.Errorf("no such kind: %q", string(e.Kind))
	}
	b.apply(e)
	if e.Balance != b.balance(e) {
		return errBalance
	}
	b.note(e)
	return nil
}

// note remembers what a request did.
func (b *book) note(e *Entry) {
	if e.Kind != KindRequest {
		return
	}
	s := b.sessions[e.SessionID]
	if s == nil {
		return // forgotten at once
	}
	if len(s.entries) == maxEntries {
		s.entries = s.entries[1:]
	}
	s.entries = append(s.entries, *e)
	s.entries[len(s.entries)-1].Answer = nil
}

func (b *book) balance(e *Entry) int64 {
	if a := b.accounts[e.Account]; a != nil {
		return a.state.Balance
	}
	return 0
}

func (b *book) apply(e *Entry) {
	switch e.Kind {
	case KindBegin:
		b.begun = e.Time
	case KindAccount:
		b.accounts[e.Account] = &account{
			settings: Account{IMSI: e.Account},
			state:    AccountState{Balance: e.Amount, Credited: e.Amount},
			open:     make(map[string]*session),
		}
	case KindTopUp:
		a := b.accounts[e.Account]
		a.state.Balance += e.Amount
		a.state.Credited += e.Amount
	case KindRequest:
		s := b.sessions[e.SessionID]
		if s == nil {
			s = &session{id: e.SessionID, account: b.accounts[e.Account], open: true}
			b.sessions[s.id] = s
			s.account.open[s.id] = s
			b.open++
		}
		s.request(e)
		delete(b.timed, s.id)
		switch {
		case e.Closed:
			b.retire(s)
		case !s.deadline.IsZero():
			b.timed[s.id] = s
		}
	case KindExpired:
		s := b.sessions[e.SessionID]
		s.close()
		delete(b.timed, s.id)
		b.retire(s)
	case KindViolation:
		b.violated++
		if len(b.violations) < b.cfg.MaxViolations {
			b.violations = append(b.violations, Violation{e.Time, e.Violation, e.SessionID, e.Number})
		}
	}
}

// retire notes that a session is closed, and forgets the oldest of them.
func (b *book) retire(s *session) {
	b.open--
	b.closed = append(b.closed, s.id)
	if len(b.closed) > b.cfg.MaxClosed {
		delete(b.sessions, b.closed[0])
		b.closed = b.closed[1:]
	}
}

// settle gives an account its settings.
func (b *book) settle(a *account, settings Account) {
	a.settings = settings
	for _, id := range []Identity{settings.IMSI, settings.E164} {
		if id != "" {
			b.accounts[id] = a
		}
	}
}

// violation notes one.
func (b *book) violation(now time.Time, kind ViolationKind, id string, number uint32) error {
	return b.write(&Entry{Time: now, Kind: KindViolation, Violation: kind, SessionID: id, Number: number})
}

// expire closes the session if its time is over.
func (b *book) expire(s *session, now time.Time) error {
	if !s.open || s.deadline.IsZero() || now.Before(s.deadline) {
		return nil
	}
	return b.write(&Entry{Time: now, Kind: KindExpired, SessionID: s.id, Account: s.account.settings.key()})
}

// sweep closes the sessions whose time is over.
func (b *book) sweep(now time.Time) error {
	return b.update(func(b *book) error {
		for _, s := range b.timed {
			if err := b.expire(s, now); err != nil {
				return err
			}
		}
		return nil
	})
}
