package radius

import (
	"fmt"
	"log/slog"
)

// Secret is a secret shared with a RADIUS client. It prints as "[redacted]".
type Secret string

const redacted = "[redacted]"

// Format implements fmt.Formatter, so that no verb prints the secret.
func (Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// LogValue implements slog.LogValuer.
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText implements encoding.TextMarshaler, so that a configuration that
// is printed as text or JSON does not give the secret away.
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }
