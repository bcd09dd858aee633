// Package gateway joins the parts of a gateway: what a login decides becomes a
// session, what the HSS or an operator decides becomes a Disconnect-Request, and what accounting
// reports is charged.
//
//	eapradius.Handler --Login--> Admitter --Admit--> session.Manager
//	                                 |                     ^
//	                  profile, credit (before success)     | commits
//	                                                       |
//	accounting.Handler --Event--> accounting.Recorder -----+
//
// Each part works without the others; a main that wants other rules uses the
// parts and not this package.
package gateway
