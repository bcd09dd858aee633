// Package akatest has the suites for what others plug into package aka: a
// [aka.ReauthStore] that passes [RunReauthStore] will do.
//
//	func TestStore(t *testing.T) {
//		akatest.RunReauthStore(t, func(t *testing.T) aka.ReauthStore {
//			return openStore(t)
//		})
//	}
package akatest
