package swx

import "fmt"

// AssignmentType is Server-Assignment-Type: what a SAR is about (TS 29.229,
// clause 6.3.15, as TS 29.273, clause 8.2.3.5 uses it). Other values belong to
// Cx.
type AssignmentType uint32

const (
	// Registration: the subscriber has been authenticated here; the HSS answers
	// with his profile.
	Registration AssignmentType = 1
	// UserDeregistration: his last session here has ended.
	UserDeregistration AssignmentType = 5
	// AdministrativeDeregistration: we have put him out.
	AdministrativeDeregistration AssignmentType = 8
	// AuthenticationFailure: he has failed the authentication that the vectors
	// were for.
	AuthenticationFailure AssignmentType = 9
	// AuthenticationTimeout: he has not finished it.
	AuthenticationTimeout AssignmentType = 10
	// AAAUserDataRequest: we want his profile, and are registered.
	AAAUserDataRequest AssignmentType = 12
	// PGWUpdate: an APN has got another gateway, or lost it.
	PGWUpdate AssignmentType = 13
	// Restoration: the HSS has lost its memory; this is what we know.
	Restoration AssignmentType = 14
)

// String returns the type's name in the standard.
func (t AssignmentType) String() string {
	switch t {
	case Registration:
		return "REGISTRATION"
	case UserDeregistration:
		return "USER_DEREGISTRATION"
	case AdministrativeDeregistration:
		return "ADMINISTRATIVE_DEREGISTRATION"
	case AuthenticationFailure:
		return "AUTHENTICATION_FAILURE"
	case AuthenticationTimeout:
		return "AUTHENTICATION_TIMEOUT"
	case AAAUserDataRequest:
		return "AAA_USER_DATA_REQUEST"
	case PGWUpdate:
		return "PGW_UPDATE"
	case Restoration:
		return "RESTORATION"
	default:
		return fmt.Sprintf("AssignmentType(%d)", uint32(t))
	}
}

// IsValid reports whether SWx has the type.
func (t AssignmentType) IsValid() bool {
	switch t {
	case Registration, UserDeregistration, AdministrativeDeregistration, AuthenticationFailure,
		AuthenticationTimeout, AAAUserDataRequest, PGWUpdate, Restoration:
		return true
	default:
		return false
	}
}

// Deregisters reports whether the HSS forgets which AAA server it has
// registered.
func (t AssignmentType) Deregisters() bool {
	switch t {
	case UserDeregistration, AdministrativeDeregistration, AuthenticationFailure, AuthenticationTimeout:
		return true
	default:
		return false
	}
}

// BringsUserData reports whether the HSS answers with the profile.
func (t AssignmentType) BringsUserData() bool {
	return t == Registration || t == AAAUserDataRequest || t == Restoration
}
