package aka

import "fmt"

// Notification is the code of an AT_NOTIFICATION, S and P bit included (RFC
// 4187, sections 6.1 and 10.19).
type Notification uint16

const (
	// NotifyFailureAfterAuth: general failure after authentication.
	NotifyFailureAfterAuth Notification = 0
	// NotifyTemporarilyDenied: the user is denied access for now.
	NotifyTemporarilyDenied Notification = 1026
	// NotifyNotSubscribed: the user has not subscribed to the service.
	NotifyNotSubscribed Notification = 1031
	// NotifyFailure: general failure, before authentication.
	NotifyFailure Notification = 16384
	// NotifyCertificate: the certificate that the peer encrypts its permanent
	// identity with has to be replaced; before authentication.
	NotifyCertificate Notification = 16385
	// NotifySuccess: the user is authenticated.
	NotifySuccess Notification = 32768
)

// Success reports the S bit: the notification does not imply failure.
func (n Notification) Success() bool { return n&0x8000 != 0 }

// BeforeAuth reports the P bit: the notification belongs before the challenge
// or re-authentication has succeeded, and carries no AT_MAC.
func (n Notification) BeforeAuth() bool { return n&0x4000 != 0 }

// String returns the code and what it means.
func (n Notification) String() string {
	var s string
	switch n {
	case NotifyFailureAfterAuth:
		s = "general failure after authentication"
	case NotifyTemporarilyDenied:
		s = "temporarily denied"
	case NotifyNotSubscribed:
		s = "not subscribed"
	case NotifyFailure:
		s = "general failure"
	case NotifyCertificate:
		s = "certificate replacement required"
	case NotifySuccess:
		s = "success"
	default:
		return fmt.Sprintf("notification %d", uint16(n))
	}
	return fmt.Sprintf("notification %d, %s", uint16(n), s)
}
