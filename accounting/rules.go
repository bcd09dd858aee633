package accounting

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
)

// Rule changes the attributes of tickets on their way into a file, so that
// tickets of different vendors look alike. The journal keeps them as they came. Rules
// are applied in order, each to what the one before has left.
//
// Attributes go by the names of the dictionary, or Attr-241 and Attr-26.9.250. Values are
// written as in detail files, without quotation marks.
type Rule struct {
	// NAS: the rule is for tickets of these only, by NAS-Identifier,
	// NAS-IP-Address, NAS-IPv6-Address or the packet's source. Empty: all.
	NAS []string
	// Has: the rule is for tickets that have this attribute only. Empty: all.
	Has string
	// Vendor: the rule is for tickets with an attribute of this vendor only, by
	// its private enterprise number. 0: all.
	Vendor uint32

	Action Action
	// Attribute is the one that is set, renamed or removed.
	Attribute string
	// Value is what SetValue sets, and the new name of Rename.
	Value string
	// From is the attribute whose first value picks a value from Table, for SetFromTable;
	// "Twag-Source" is the packet's source. Nothing is set for a value that is
	// not in the table.
	From  string
	Table map[string]string
	// IfAbsent leaves the ticket alone if it has the attribute that would be
	// set, or the new name.
	IfAbsent bool
}

// Action is what a [Rule] does.
type Action uint8

// Actions.
const (
	_ Action = iota
	// SetValue sets Attribute to Value. It takes the place of the first of that
	// name; others are removed.
	SetValue
	// SetFromTable sets Attribute to what Table has for From.
	SetFromTable
	// Rename gives every Attribute the name Value. Both must have the same
	// kind of value. A value that is too long for the new name keeps its old one.
	Rename
	// Remove removes every Attribute.
	Remove
)

// Bounds of rules.
const (
	maxRules = 256
	maxTable = 100_000
)

// Validate returns the first thing that is wrong with the rule.
func (r *Rule) Validate() error {
	_, err := r.compile()
	return err
}

// rule is a Rule made ready.
type rule struct {
	nas    []string
	addrs  []netip.Addr
	has    *attributeRef
	vendor uint32

	action   Action
	target   attributeRef
	value    []byte
	renamed  attributeRef
	from     *attributeRef // nil: the source
	table    map[string][]byte
	ifAbsent bool
}

// compile checks the rule and makes it ready.
func (r *Rule) compile() (*rule, error) {
	c := &rule{nas: slices.Clone(r.NAS), vendor: r.Vendor, action: r.Action, ifAbsent: r.IfAbsent}
	for _, name := range r.NAS {
		if name == "" {
			return nil, errors.New("accounting: rule: NAS: empty name")
		}
		if a, err := netip.ParseAddr(name); err == nil {
			c.addrs = append(c.addrs, a.Unmap())
		}
	}
	if r.Has != "" {
		ref, err := ruleAttribute("Has", r.Has)
		if err != nil {
			return nil, err
		}
		c.has = &ref
	}
	var err error
	if c.target, err = ruleAttribute("Attribute", r.Attribute); err != nil {
		return nil, err
	}
	if isStatus(c.target) {
		return nil, errors.New("accounting: rule: Attribute: Acct-Status-Type is what the ticket is")
	}
	if r.Action != SetFromTable && (r.From != "" || r.Table != nil) {
		return nil, errors.New("accounting: rule: From: only SetFromTable has a table")
	}
	if r.Action == Remove && (r.Value != "" || r.IfAbsent) {
		return nil, errors.New("accounting: rule: Value: Remove has neither value nor condition")
	}
	switch r.Action {
	case SetValue:
		c.value, err = ruleValue(c.target, r.Attribute, r.Value)
		return c, err
	case SetFromTable:
		return c, r.compileTable(c)
	case Rename:
		if c.renamed, err = ruleAttribute("Value", r.Value); err != nil {
			return nil, err
		}
		if isStatus(c.renamed) || c.renamed.tag >= 0 || c.target.tag >= 0 || kindOf(c.renamed) != kindOf(c.target) {
			return nil, fmt.Errorf("accounting: rule: Value: %s cannot be called %s", r.Attribute, r.Value)
		}
		return c, nil
	case Remove:
		return c, nil
	default:
		return nil, fmt.Errorf("accounting: rule: Action: %d is none", r.Action)
	}
}

func (r *Rule) compileTable(c *rule) error {
	if r.Value != "" {
		return errors.New("accounting: rule: Value: SetFromTable takes values from the table")
	}
	if len(r.Table) == 0 || len(r.Table) > maxTable {
		return fmt.Errorf("accounting: rule: Table: %d entries", len(r.Table))
	}
	if r.From != nameSource {
		ref, err := ruleAttribute("From", r.From)
		if err != nil {
			return err
		}
		c.from = &ref
	}
	c.table = make(map[string][]byte, len(r.Table))
	for key, value := range r.Table {
		v, err := ruleValue(c.target, r.Attribute, value)
		if err != nil {
			return err
		}
		c.table[key] = v
	}
	return nil
}

func ruleAttribute(field, name string) (attributeRef, error) {
	ref, ok := parseAttribute(name)
	if !ok {
		return ref, fmt.Errorf("accounting: rule: %s: no attribute %q", field, name)
	}
	return ref, nil
}

func ruleValue(ref attributeRef, name, value string) ([]byte, error) {
	v, err := ref.encode(nil, Pair{Name: name, Value: value, Text: kindOf(ref) == text})
	if err != nil {
		return nil, fmt.Errorf("accounting: rule: Value: %w", err)
	}
	if _, ok := appendAttribute(nil, ref, v); !ok {
		return nil, fmt.Errorf("accounting: rule: Value: %s of %d octets", name, len(v))
	}
	return v, nil
}

func isStatus(ref attributeRef) bool { return ref.vendor == 0 && ref.number == acctStatusType }

// kindOf returns the kind of value; text and octets are alike on the wire, but not in files.
func kindOf(ref attributeRef) kind {
	if ref.known == nil {
		return octets
	}
	return ref.known.kind
}

// rewriter applies rules. It is not safe for concurrent use.
type rewriter struct {
	rules []*rule
	now   []byte // attributes
	next  []byte
	key   []byte
}

// newRewriter returns a rewriter, or an error that names the rule.
func newRewriter(rules []Rule) (*rewriter, error) {
	if len(rules) > maxRules {
		return nil, fmt.Errorf("accounting: %d rules", len(rules))
	}
	w := &rewriter{}
	for i := range rules {
		c, err := rules[i].compile()
		if err != nil {
			return nil, fmt.Errorf("rule %d: %w", i+1, err)
		}
		w.rules = append(w.rules, c)
	}
	return w, nil
}

// apply returns the ticket's attributes as the rules make them. The result
// holds until the next call.
func (w *rewriter) apply(t *Ticket) []byte {
	if len(w.rules) == 0 {
		return t.Attributes
	}
	w.now = append(w.now[:0], t.Attributes...)
	for _, r := range w.rules {
		if !r.isFor(t, w.now) {
			continue
		}
		switch r.action {
		case Remove:
			w.rewrite(r.target, nil, nil)
		case Rename:
			if !r.ifAbsent || !has(w.now, r.renamed) {
				w.rewrite(r.target, nil, &r.renamed)
			}
		default:
			value := r.value
			if r.table != nil {
				value = w.lookUp(t, r)
			}
			if value != nil && !(r.ifAbsent && has(w.now, r.target)) {
				w.rewrite(r.target, value, nil)
			}
		}
	}
	return w.now
}

// isFor reports whether the rule is for the ticket.
func (r *rule) isFor(t *Ticket, attributes []byte) bool {
	if r.has != nil && !has(attributes, *r.has) {
		return false
	}
	if r.vendor == 0 && len(r.nas) == 0 {
		return true
	}
	vendor, nas := r.vendor == 0, len(r.nas) == 0 || slices.Contains(r.addrs, t.Source.Unmap())
	for at := (walk{rest: attributes}); !vendor || !nas; {
		ref, v, ok := at.next()
		if !ok {
			return false
		}
		vendor = vendor || ref.vendor == r.vendor
		nas = nas || ref.vendor == 0 && r.isNAS(ref.number, v)
	}
	return true
}

// isNAS reports whether an attribute names one of the rule's NASes.
func (r *rule) isNAS(number byte, v []byte) bool {
	switch number {
	case 4, 95: // NAS-IP-Address, NAS-IPv6-Address
		a, ok := netip.AddrFromSlice(v)
		return ok && slices.Contains(r.addrs, a.Unmap())
	case 32: // NAS-Identifier
		return slices.ContainsFunc(r.nas, func(name string) bool { return name == string(v) })
	default:
		return false
	}
}

func same(a, b attributeRef) bool { return a.vendor == b.vendor && a.number == b.number }

// has reports whether there is an attribute.
func has(attributes []byte, want attributeRef) bool {
	for w := (walk{rest: attributes}); ; {
		ref, _, ok := w.next()
		if !ok || same(ref, want) {
			return ok
		}
	}
}

// lookUp returns what the table has, nil if nothing.
func (w *rewriter) lookUp(t *Ticket, r *rule) []byte {
	if r.from == nil {
		w.key = t.Source.WithZone("").AppendTo(w.key[:0])
		return r.table[string(w.key)]
	}
	for at := (walk{rest: w.now}); ; {
		ref, v, ok := at.next()
		if !ok {
			return nil
		}
		if !same(ref, *r.from) {
			continue
		}
		if ref.known == nil {
			w.key = appendHex(w.key[:0], v)
		} else {
			_, v = ref.known.tag(v)
			w.key = ref.known.appendValue(w.key[:0], v, func(b, v []byte) []byte { return append(b, v...) })
		}
		return r.table[string(w.key)]
	}
}

// rewrite sets target to value, or renames it; with neither, it removes it.
func (w *rewriter) rewrite(target attributeRef, value []byte, renamed *attributeRef) {
	out, done := w.next[:0], value == nil
	put := func(ref attributeRef, v []byte) {
		// What came as an attribute fits into one, and values were checked before.
		out, _ = appendAttribute(out, ref, v)
	}
	for at := (walk{rest: w.now}); ; {
		ref, v, ok := at.next()
		if !ok {
			break
		}
		switch {
		case !same(ref, target):
			put(ref, v)
		case renamed != nil:
			var fits bool
			if out, fits = appendAttribute(out, *renamed, v); !fits {
				put(ref, v)
			}
		case !done:
			put(target, value)
			done = true
		}
	}
	if !done {
		put(target, value)
	}
	w.now, w.next = out, w.now
}
