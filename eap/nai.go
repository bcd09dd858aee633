package eap

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"unicode/utf8"
)

// MaxNAILen is the longest NAI that ParseNAI takes, in octets: what fits in one
// User-Name attribute (RFC 7542, section 2.3).
const MaxNAILen = 253

// ErrNAI is wrapped by the errors of [ParseNAI].
var ErrNAI = errors.New("eap: malformed NAI")

// NAI is a network access identifier. It is comparable; the zero NAI is
// invalid. Usernames are compared exactly, realms without regard to case.
//
// It prints with most of an IMSI's digits masked; Text gives the whole.
//
// RFC 7542; decoration: RFC 4282, section 2.7, and TS 23.003, clause 19.3.3.
type NAI struct {
	// Decoration is the route in front of the username of a decorated NAI:
	// realms with "!" between them, the home realm last. Empty: undecorated.
	Decoration string
	// Username is what is before the "@", without the decoration. It may be
	// empty when there is a realm.
	Username string
	// Realm is what follows the "@"; in a decorated NAI the first realm to go
	// to. May be empty.
	Realm string
}

// ParseNAI returns the NAI in s: "user", "@realm", "user@realm" or, decorated,
// "home!user@visited". Its strings are parts of s.
//
// Where the text before a "!" is no realm, the "!" belongs to the username.
// Whether s is in normalisation form C is not checked.
//
// RFC 7542, section 2.2.
func ParseNAI(s string) (NAI, error) {
	if s == "" || len(s) > MaxNAILen {
		return NAI{}, fmt.Errorf("%w: %d octets", ErrNAI, len(s))
	}
	user, realm, hasRealm := strings.Cut(s, "@")
	if hasRealm && !isRealm(realm) {
		return NAI{}, fmt.Errorf("%w: realm", ErrNAI)
	}
	if user != "" && !isDotString(user) {
		return NAI{}, fmt.Errorf("%w: username", ErrNAI)
	}
	// The classes take any octet of a multi-octet character; whether these
	// make characters is seen here.
	if !utf8.ValidString(s) {
		return NAI{}, fmt.Errorf("%w: not UTF-8", ErrNAI)
	}
	n := NAI{Username: user, Realm: realm}
	// A decoration without a realm to go to means nothing.
	if i := strings.LastIndexByte(user, '!'); hasRealm && i >= 0 && isRoute(user[:i]) && isDotString(user[i+1:]) {
		n.Decoration, n.Username = user[:i], user[i+1:]
	}
	return n, nil
}

// IsValid reports whether n is an NAI, not the zero value.
func (n NAI) IsValid() bool { return n.Username != "" || n.Realm != "" }

// HomeRealm returns the realm that the user belongs to: the last of the
// decoration, else Realm.
func (n NAI) HomeRealm() string {
	if n.Decoration == "" {
		return n.Realm
	}
	return n.Decoration[strings.LastIndexByte(n.Decoration, '!')+1:]
}

// Text returns the whole NAI as it was parsed: for protocols and stores, not
// for logs.
func (n NAI) Text() string { return n.join(n.Username) }

// String returns the NAI with the digits of an IMSI masked, such as
// "000101**********@wlan.mnc001.mcc001.3gppnetwork.org".
func (n NAI) String() string {
	if !n.IsValid() {
		return "invalid NAI"
	}
	const shown = 6 // the leading digit, MCC and two digits of the MNC
	user := n.Username
	// An IMSI may stand behind a word as well ("imsi001…"): any long run of
	// digits is masked.
	for i := 0; i < len(user); {
		k := i
		for k < len(user) && isDigit(user[k]) {
			k++
		}
		if k-i > shown {
			user = user[:i+shown] + strings.Repeat("*", k-i-shown) + user[k:]
		}
		i = k + 1
	}
	return n.join(user)
}

// Format implements fmt.Formatter, so that every verb prints the masked form.
func (n NAI) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(n.String())) }

// LogValue implements slog.LogValuer with the masked form.
func (n NAI) LogValue() slog.Value { return slog.StringValue(n.String()) }

func (n NAI) join(user string) string {
	s := user
	if n.Decoration != "" {
		s = n.Decoration + "!" + s
	}
	if n.Realm != "" {
		s += "@" + n.Realm
	}
	return s
}

// Classes of octets in the grammar of RFC 7542, section 2.2.
const (
	classAtext  = 1 << iota // utf8-atext: may be in a username
	classRtext              // utf8-rtext: may start and end a realm's label
	classHyphen             // may be inside a label
)

var naiClass = func() (t [256]uint8) {
	for c := range 256 {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c >= utf8.RuneSelf:
			t[c] = classAtext | classRtext
		}
	}
	for _, c := range []byte("!#$%&'*+-/=?^_`{|}~") {
		t[c] = classAtext
	}
	t['-'] |= classHyphen
	return t
}()

// isDotString reports whether s is strings of atext with single dots between.
func isDotString(s string) bool {
	dot := true // a dot may not follow
	for i := 0; i < len(s); i++ {
		switch {
		case naiClass[s[i]]&classAtext != 0:
			dot = false
		case s[i] == '.' && !dot:
			dot = true
		default:
			return false
		}
	}
	return !dot
}

// isRealm reports whether s is two or more labels with dots between.
func isRealm(s string) bool {
	labels, edge := 1, true // edge: only an rtext may follow
	for i := 0; i < len(s); i++ {
		switch c := naiClass[s[i]]; {
		case c&classRtext != 0:
			edge = false
		case c&classHyphen != 0 && i > 0 && s[i-1] != '.':
			edge = true // a label may not end here
		case s[i] == '.' && !edge:
			labels++
			edge = true
		default:
			return false
		}
	}
	return labels > 1 && !edge
}

// isRoute reports whether s is realms with "!" between them.
func isRoute(s string) bool {
	for {
		realm, rest, more := strings.Cut(s, "!")
		if !isRealm(realm) {
			return false
		}
		if !more {
			return true
		}
		s = rest
	}
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }
