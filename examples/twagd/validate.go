package main

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/opentwag/twag/examples/internal/strictyaml"
	"github.com/opentwag/twag/keyring"
)

// Values of settings that are words.
const (
	methodAKA      = "aka"
	methodAKAPrime = "aka-prime"
	methodSIM      = "sim"

	forwardSecrecyOff      = "off"
	forwardSecrecyOffered  = "offered"
	forwardSecrecyRequired = "required"

	groupP256   = "p256"
	groupX25519 = "x25519"

	formatText = "text"
	formatJSON = "json"
	// formatConsole is for people who look on: the lab's.
	formatConsole = "console"

	messageAuthenticatorRequired   = "required"
	messageAuthenticatorProxyState = "with-proxy-state"
	messageAuthenticatorOptional   = "optional"
)

var (
	methodWords               = []string{methodAKA, methodAKAPrime, methodSIM}
	forwardSecrecyWords       = []string{forwardSecrecyOff, forwardSecrecyOffered, forwardSecrecyRequired}
	groupWords                = []string{groupP256, groupX25519}
	messageAuthenticatorWords = []string{messageAuthenticatorRequired, messageAuthenticatorProxyState, messageAuthenticatorOptional}
	levelWords                = []string{"debug", "info", "warn", "error"}
	formatWords               = []string{formatText, formatJSON, formatConsole}
)

// weakSecret is the length below which a shared secret is warned about:
// RADIUS packets can be tried against a word list without being noticed.
const weakSecret = 20

// validator checks a configuration and collects what is wrong with it.
type validator struct {
	src      *strictyaml.Source
	errs     []error
	warnings []error
}

func (v *validator) fail(key, format string, args ...any) {
	v.errs = append(v.errs, v.src.Errorf(key, format, args...))
}

func (v *validator) warn(key, format string, args ...any) {
	v.warnings = append(v.warnings, v.src.Errorf(key, format, args...))
}

func (v *validator) config(c *config) {
	v.roles(c)
	if c.has(roleAuth) {
		v.diameter(&c.Diameter)
		v.swx(&c.SWx)
		v.deregistration(c)
		v.eap(&c.EAP)
	}
	v.radius(&c.RADIUS)
	v.keys(c.Keys)
	v.word("log.level", c.Log.Level, levelWords)
	v.word("log.format", c.Log.Format, formatWords)
}

func (v *validator) radius(c *radiusConfig) {
	v.listenAddress("radius.listen", c.Listen)
	if c.Secret != "" {
		v.secretStrength("radius.secret", c.Secret)
	}
	if len(c.Clients) == 0 {
		if c.Secret == "" {
			v.fail("radius.clients", "missing: without clients or a secret nobody can be answered")
		} else {
			v.warn("radius.clients", "missing: requests are taken from any source address that knows the secret")
		}
	}
	seen := make(map[netip.Prefix]bool)
	for i, cl := range c.Clients {
		key := fmt.Sprintf("radius.clients[%d]", i)
		v.subnet(key+".subnet", cl.Subnet, seen)
		switch {
		case cl.Secret == "":
			v.fail(key+".secret", "missing, and there is no radius.secret either")
		case v.src.Has(key + ".secret"):
			v.secretStrength(key+".secret", cl.Secret)
		}
		v.word(key+".message_authenticator", cl.MessageAuthenticator, messageAuthenticatorWords)
		if cl.MessageAuthenticator == messageAuthenticatorOptional {
			v.warn(key+".message_authenticator", "optional: answers to this client can be forged (CVE-2024-3596)")
		}
	}
}

func (v *validator) subnet(key, text string, seen map[netip.Prefix]bool) {
	prefix, err := parseSubnet(text)
	switch {
	case text == "":
		v.fail(key, "missing")
	case err != nil:
		v.fail(key, "must be an address or a subnet such as 192.0.2.0/24")
	case prefix != prefix.Masked():
		v.fail(key, "has bits set outside of the subnet: %v is meant?", prefix.Masked())
	case seen[prefix]:
		v.fail(key, "the same as that of another client")
	case prefix.Bits() == 0:
		v.warn(key, "requests are taken from any source address that knows the secret")
		fallthrough
	default:
		seen[prefix] = true
	}
}

// parseSubnet reads a prefix or a single address.
func parseSubnet(text string) (netip.Prefix, error) {
	if addr, err := netip.ParseAddr(text); err == nil {
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	return netip.ParsePrefix(text)
}

func (v *validator) secretStrength(key, secret string) {
	if len(secret) < weakSecret {
		v.warn(key, "weak: fewer than %d characters", weakSecret)
	}
}

func (v *validator) eap(c *eapConfig) {
	if len(c.Methods) == 0 {
		v.fail("eap.methods", "must name at least one of %s", strings.Join(methodWords, ", "))
	}
	for i, m := range c.Methods {
		key := fmt.Sprintf("eap.methods[%d]", i)
		v.word(key, m, methodWords)
		if slices.Contains(c.Methods[:i], m) {
			v.fail(key, "named twice")
		}
	}
	if c.NetworkName == "" || len(c.NetworkName) > 253 {
		v.fail("eap.network_name", "must have 1 to 253 characters")
	}
	for digit, m := range c.ExtraLeadingDigits {
		key := "eap.extra_leading_digits." + digit
		if len(digit) != 1 || digit[0] < '0' || digit[0] > '9' {
			v.fail(key, "must be one decimal digit")
		} else if strings.ContainsAny(digit, temporaryDigits) {
			v.fail(key, "is the digit of temporary identities")
		}
		v.word(key, m, methodWords)
	}
	if c.BareIMSI != "" {
		v.word("eap.bare_imsi", c.BareIMSI, methodWords)
	}
	for i, realm := range c.Realms {
		v.hostName(fmt.Sprintf("eap.realms[%d]", i), realm)
	}
	v.privacy(c)
	v.reauthentication(&c.Reauthentication)
	v.forwardSecrecy(c)
	if c.MaxConversations < 1 || c.MaxConversations > 10_000_000 {
		v.fail("eap.max_conversations", "must be 1 to 10000000")
	}
	v.between("eap.conversation_timeout", c.ConversationTimeout, time.Second, 10*time.Minute)
}

// temporaryDigits are the leading digits that pseudonyms and identities for
// fast re-authentication have (TS 23.003, clauses 14.5 and 19.3).
const temporaryDigits = "234578"

func (v *validator) privacy(c *eapConfig) {
	v.between("eap.pseudonyms.max_age", c.Pseudonyms.MaxAge, time.Hour, 10*365*24*time.Hour)
	if len(c.IdentityKeys) > maxIdentityKeys {
		v.fail("eap.identity_keys", "must have at most %d keys", maxIdentityKeys)
		return
	}
	for i, k := range c.IdentityKeys {
		key := fmt.Sprintf("eap.identity_keys[%d]", i)
		if k.File == "" {
			v.fail(key+".file", "missing")
		} else if _, err := k.read(); err != nil {
			v.fail(key+".file", "%v", err)
		}
		switch name, value, ok := strings.Cut(k.Attribute, "="); {
		case k.Attribute == "":
		case !ok, name == "", value == "":
			v.fail(key+".attribute", `must be "name=value"`)
		case slices.ContainsFunc(c.IdentityKeys[:i], func(o identityKeyConfig) bool { return o.Attribute == k.Attribute }):
			v.fail(key+".attribute", "the same as that of another key")
		}
	}
}

func (v *validator) reauthentication(c *reauthenticationConfig) {
	if c.Count < 1 || c.Count > 65534 { // AT_COUNTER has 16 bits
		v.fail("eap.reauthentication.count", "must be 1 to 65534")
	}
	v.between("eap.reauthentication.age", c.Age, time.Second, 30*24*time.Hour)
	if c.MaxContexts < 1 || c.MaxContexts > 10_000_000 {
		v.fail("eap.reauthentication.max_contexts", "must be 1 to 10000000")
	}
}

func (v *validator) forwardSecrecy(c *eapConfig) {
	const key = "eap.forward_secrecy"
	v.word(key+".policy", c.ForwardSecrecy.Policy, forwardSecrecyWords)
	groups := c.ForwardSecrecy.Groups
	if len(groups) == 0 {
		v.fail(key+".groups", "must name at least one of %s", strings.Join(groupWords, ", "))
	}
	for i, g := range groups {
		v.word(fmt.Sprintf("%s.groups[%d]", key, i), g, groupWords)
		if slices.Contains(groups[:i], g) {
			v.fail(fmt.Sprintf("%s.groups[%d]", key, i), "named twice")
		}
	}
	prime := slices.Contains(c.Methods, methodAKAPrime)
	switch policy := c.ForwardSecrecy.Policy; {
	case policy == forwardSecrecyRequired && (len(c.Methods) != 1 || !prime):
		// A phone without it, or whoever is in between, would choose another
		// method.
		v.fail(key+".policy", "required needs eap.methods: [%s], and no other", methodAKAPrime)
	case policy == forwardSecrecyOffered && !prime:
		v.fail(key+".policy", "means nothing without %s in eap.methods", methodAKAPrime)
	}
}

// keys checks the ring's keys; what they open must open with them alone.
func (v *validator) keys(list []keyConfig) {
	if v.src.Has("keys") && len(list) == 0 {
		v.fail("keys", "must have at least one key")
	}
	ids := make(map[int]bool)
	secrets := make(map[[keyring.SecretLen]byte]bool)
	for i, k := range list {
		key := fmt.Sprintf("keys[%d]", i)
		switch {
		case !v.src.Has(key + ".id"):
			v.fail(key+".id", "missing")
		case k.ID < 0 || k.ID > 255:
			v.fail(key+".id", "must be 0 to 255")
		case ids[k.ID]:
			v.fail(key+".id", "the same as that of another key")
		}
		ids[k.ID] = true
		v.keySecret(key, k, secrets)
		switch end, err := k.end(); {
		case err != nil:
			v.fail(key+".not_after", "must be a time such as 2030-01-31T00:00:00Z")
		case end.IsZero():
		case i == 0:
			v.fail(key+".not_after", "the first key seals and has no end: put its successor before it")
		case time.Now().After(end):
			v.warn(key+".not_after", "is over: the key opens nothing and can go")
		}
	}
}

func (v *validator) keySecret(key string, k keyConfig, seen map[[keyring.SecretLen]byte]bool) {
	switch {
	case k.Secret == "" && k.SecretFile == "":
		v.fail(key+".secret", "missing, and there is no secret_file either")
		return
	case k.Secret != "" && k.SecretFile != "":
		v.fail(key+".secret_file", "means nothing beside secret")
		return
	}
	where := key + ".secret"
	if k.SecretFile != "" {
		where += "_file"
	}
	secret, err := k.secret()
	switch {
	case err != nil:
		v.fail(where, "%v", err)
	case seen[secret]:
		v.fail(where, "the same as that of another key")
	}
	seen[secret] = true
}

// word checks that value is one of words.
func (v *validator) word(key, value string, words []string) {
	if !slices.Contains(words, value) {
		v.fail(key, "must be one of %s", strings.Join(words, ", "))
	}
}

func (v *validator) between(key string, d, low, high time.Duration) {
	if d < low || d > high {
		v.fail(key, "must be %v to %v", low, high)
	}
}

// hostName checks a DiameterIdentity, which is a fully qualified domain name
// (RFC 6733, section 4.3.1).
func (v *validator) hostName(key, s string) {
	switch {
	case s == "":
		v.fail(key, "missing")
	case !isDomainName(s):
		v.fail(key, "must be a full domain name such as aaa.example.org")
	}
}

// isHost reports whether s is an IP address or a name to look up.
func isHost(s string) bool {
	_, err := netip.ParseAddr(s)
	return err == nil || isDomainName(s+".x")
}

func isDomainName(s string) bool {
	if len(s) > 253 || !strings.Contains(s, ".") {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for _, r := range label {
			if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_' {
				return false
			}
		}
	}
	return true
}

// listenAddress checks "address:port"; the address may be left out.
func (v *validator) listenAddress(key, s string) {
	if s == "" {
		v.fail(key, "missing")
		return
	}
	if !isListenAddress(s) {
		v.fail(key, `must be "address:port" or ":port"`)
	}
}

func isListenAddress(s string) bool {
	if port, ok := strings.CutPrefix(s, ":"); ok {
		_, err := strconv.ParseUint(port, 10, 16)
		return err == nil
	}
	_, err := netip.ParseAddrPort(s)
	return err == nil
}
