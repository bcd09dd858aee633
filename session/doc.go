// Package session keeps the sessions of subscribers: who is on which access
// point, since when, and what was used.
//
// A [Session] begins when a login is admitted, is started, updated and ended
// by accounting, and is found again by its ID, its subscriber, its station, its access
// point, its address and its accounting session. [Manager] holds the rules;
// a [Store] holds the records, and with them the journal of tickets.
//
// The journal is the truth. What an accounting event changes, a ticket in
// the journal and the session's new state, is one atomic and durable [Change];
// the NAS gets its answer after that. The table of sessions can be
// rebuilt from what the store has, and side effects ([Task]) are driven from it, so
// that they survive a crash: each happens at least once.
//
// The package knows no protocol. What accounting and charging have to
// remember of a session travels with it as octets of their own
// ([Session.Accounting], [Session.Charging]).
package session
