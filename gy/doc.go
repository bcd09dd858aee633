// Package gy is the charging side of a gateway: online credit control towards
// an OCS (RFC 8506; on 3GPP's Gy reference point TS 32.299 and TS 32.251), a
// Diameter application.
//
// A [Machine] has the configuration, the OCS's dialect ([Profile]) included. A
// [Session] of it is the credit control of one subscriber session: a state
// machine without I/O, which is fed the session's counters and the OCS's
// answers and says what to send and what to do with the service. A [Client]
// sends; [Handle] takes what the OCS asks by itself (RAR, ASR).
//
//	m := gy.NewMachine(gy.Config{OriginHost: …, OriginRealm: …})
//	s := m.NewSession(node.NewSessionID(), &gy.Info{Subscriptions: …})
//	out := s.Start(now)             // and Account, Stop, Timer, Reauthorize, Abort
//	store(s.AppendState(nil))       // first store, then do
//	if out.Send {
//		msg, err := s.AppendRequest(buf)
//		if err := client.Send(ctx, msg, &cca); err != nil {
//			out = s.Fail(now, out.Seq, gy.FailureOf(err))
//		} else {
//			out = s.Answer(now, out.Seq, &cca)
//		}
//	}
//
// The states, how usage is reported exactly once, and what happens without the
// server are told at [Session].
//
// [CCR] and [CCA], [RAR] and [ASR] are the messages themselves, encoded and
// decoded in place on package wire with no dictionary. The machine makes its
// requests without them; they are for the other side, and for tests.
//
// What is not here: event charging (CCR-E, direct debiting, refunds, balance
// and price), credit pools (G-S-U-Pool-Reference is passed over, and the
// quotas are taken as they stand), sub-sessions, quotas in money or
// service-specific units (refused as RFC 8506, section 8.17, has it), separate
// quotas for the sides of a tariff change (the smaller one is used for both),
// filters of QoS-Final-Unit-Indication, usage outside
// Multiple-Services-Credit-Control, and triggers other than those that
// accounting shows or [Session.Change] tells. RADIUS accounting does not tell
// services apart, so each rating group needs counters of its own from
// elsewhere; usually there is one.
//
// # Security
//
// A CCR carries who uses how much; the link to the OCS must be protected by
// TLS, DTLS or IPsec (TS 33.210). Requests and sessions print without the
// subscriber; a stored session has his identities in the clear.
//
// # Sources
//
// RFC 8506 (credit control), RFC 6733 (base protocol), TS 32.299 clause 7.2
// (3GPP's AVPs), TS 29.061 clause 16.4.7.2 (those taken over from RADIUS).
package gy
