package accounting_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/accounting"
)

func TestAppendAttribute(t *testing.T) {
	for _, c := range []struct{ name, value, want string }{
		{"Session-Timeout", "3600", "\x1b\x06\x00\x00\x0e\x10"},
		{"Filter-Id", "walled", "\x0b\x08walled"},
		{"Acct-Terminate-Cause", "User-Request", "\x31\x06\x00\x00\x00\x01"},
	} {
		b, err := accounting.AppendAttribute([]byte("x"), c.name, c.value)
		require.NoError(t, err, c.name)
		require.Equal(t, "x"+c.want, string(b))
	}
	for name, value := range map[string]string{"No-Such-Thing": "1", "Session-Timeout": "soon", "Filter-Id": strings.Repeat("x", 254)} {
		b, err := accounting.AppendAttribute([]byte("x"), name, value)
		require.Error(t, err)
		require.Equal(t, "x", string(b))
	}
}
