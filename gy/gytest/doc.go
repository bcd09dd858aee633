// Package gytest has an OCS for tests and laboratories: a real Diameter node on
// real TCP, with accounts, tariffs and quota plans, a ledger on disk, an audit
// of every unit, and faults to order.
//
//	ocs, err := gytest.New(gytest.Config{Plan: gytest.Plan{Chunk: 10_000_000}})
//	if err != nil { … }
//	defer ocs.Close()
//	err = ocs.Add(gytest.Account{IMSI: "001010000000001", Balance: 30_000_000})
//	addr, err := ocs.Listen("127.0.0.1:0")
//
//	// He buys more, and his sessions are told to ask again.
//	err = ocs.TopUp("001010000000001", 5_000_000)
//	for _, id := range ocs.Sessions("001010000000001") {
//		code, err := ocs.Reauthorize(ctx, id, nil)
//	}
//
//	// The next answer is lost with the connection; then somebody is too busy.
//	ocs.Inject(gytest.Fault{Disconnect: true, Times: 1})
//	ocs.Inject(gytest.Fault{ResultCode: 3004, Times: 1})
//
// # Charging
//
// Each account has one balance, which all its sessions and rating groups share:
// a grant reserves what it costs, a report debits what was used and gives the
// rest of the reservation back. Grants cover the balance exactly; the one after
// which nothing is left has a Final-Unit-Indication. What is used beyond a
// grant is debited as well, and makes the balance negative if need be.
//
// Sessions follow RFC 8506, Table 6. Requests are known by Session-Id and
// CC-Request-Number: a copy gets the answer of the first and debits nothing;
// another request with a number that was used is refused, debits nothing, and
// is one of the [Violation]s of the [Audit].
//
// # Ledger
//
// With Config.Ledger everything that changes an account or a session is a line
// of a file, and safely there before the answer goes out. An OCS that is killed
// and made again with the same file goes on exactly where it was. [ReadLedger]
// is for the tests that then compare. The file has the subscribers' identities
// in clear, and what they used.
//
// Several OCSes in a process share accounts and sessions with Config.Twin. Two
// processes must not share a ledger.
package gytest
