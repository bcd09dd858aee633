// Package sessiontest has the contract of [session.Store] as tests: a store
// that passes [Run] will do.
//
//	func TestStore(t *testing.T) {
//		sessiontest.Run(t, sessiontest.Harness{
//			Open: func(t testing.TB) session.Store { return openStore(t) },
//		})
//	}
package sessiontest
