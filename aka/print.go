package aka

import (
	"fmt"
	"strings"
)

// What is printed of messages and machines names attributes and states, and
// tells no value: RES and identities don't belong in logs.

// String returns the names of the attributes.
func (a Attributes) String() string {
	var names []string
	for t := range a.All() {
		names = append(names, t.String())
	}
	return "[" + strings.Join(names, " ") + "]"
}

// Format implements fmt.Formatter, so that no verb prints values.
func (a Attributes) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(a.String())) }

// String returns the message's kind and the names of its attributes.
func (m Message) String() string {
	return fmt.Sprintf("%v %v %v %v", m.Type, m.Code, m.Subtype, m.Attributes)
}

// Format implements fmt.Formatter, so that no verb prints values.
func (m Message) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(m.String())) }

// Format implements fmt.Formatter: a run prints as its state.
func (m *machine) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "%v in %v", m.method.typ, m.state)
}
