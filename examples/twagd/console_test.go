package main

import (
	"bytes"
	"log/slog"
	"regexp"
	"strings"
	"testing"
	"testing/slogtest"

	"github.com/stretchr/testify/require"
)

func TestConsoleHandlerLine(t *testing.T) {
	var out bytes.Buffer
	log := slog.New(newConsoleHandler(&out, slog.LevelInfo))
	log.Debug("not shown")
	log.With("nas", "lab ap").Warn("Authentication REJECTED", "requests", 2, "msg", "kept out")
	require.Regexp(t, regexp.MustCompile(`^\d\d:\d\d:\d\d\.\d{3} WARN  Authentication REJECTED nas="lab ap" requests=2\n$`), out.String())
}

func TestConsoleHandlerIsAHandler(t *testing.T) {
	var out bytes.Buffer
	line := regexp.MustCompile(`^(\d\d:\d\d:\d\d\.\d{3} )?([A-Z]+) +(\w+) ?(.*)$`)
	err := slogtest.TestHandler(newConsoleHandler(&out, slog.LevelDebug), func() []map[string]any {
		var records []map[string]any
		for text := range strings.Lines(out.String()) {
			m := line.FindStringSubmatch(strings.TrimRight(text, "\n"))
			require.NotNil(t, m, "%q", text)
			record := map[string]any{slog.LevelKey: m[2], slog.MessageKey: m[3]}
			if m[1] != "" {
				record[slog.TimeKey] = m[1]
			}
			for pair := range strings.FieldsSeq(m[4]) {
				key, value, _ := strings.Cut(pair, "=")
				group := record
				for names := strings.Split(key, "."); ; names = names[1:] {
					if len(names) == 1 {
						group[names[0]] = value
						break
					}
					inner, ok := group[names[0]].(map[string]any)
					if !ok {
						inner = make(map[string]any)
						group[names[0]] = inner
					}
					group = inner
				}
			}
			records = append(records, record)
		}
		return records
	})
	require.NoError(t, err)
}
