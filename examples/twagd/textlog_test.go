package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"math"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/eap"
)

// textLines are what textHandler and a TextHandler make of the same records.
type textLines struct {
	ours, theirs   bytes.Buffer
	buffer         *logBuffer
	mine, standard slog.Handler
}

func newTextLines(level slog.Level) *textLines {
	l := &textLines{}
	l.buffer = newLogBuffer(&l.ours)
	l.mine = newTextHandler(l.buffer, level)
	l.standard = slog.NewTextHandler(&l.theirs, &slog.HandlerOptions{Level: level})
	return l
}

func (l *textLines) same(t *testing.T, r slog.Record) {
	t.Helper()
	require.NoError(t, l.mine.Handle(t.Context(), r.Clone()))
	require.NoError(t, l.standard.Handle(t.Context(), r.Clone()))
	l.buffer.Flush()
	require.Equal(t, l.theirs.String(), l.ours.String())
	require.NotEmpty(t, l.ours.String())
	l.ours.Reset()
	l.theirs.Reset()
}

// TestTextHandlerWritesWhatTheStandardDoes: octet by octet, plain or not.
func TestTextHandlerWritesWhatTheStandardDoes(t *testing.T) {
	l := newTextLines(slog.LevelDebug)
	now := time.Date(2026, 11, 22, 13, 5, 9, 7_999_999, time.UTC)
	record := func(msg string, attrs ...slog.Attr) slog.Record {
		r := slog.NewRecord(now, slog.LevelInfo, msg, 0)
		r.AddAttrs(attrs...)
		return r
	}
	for _, at := range []time.Time{
		{}, now, now.Truncate(time.Second), now.Add(-time.Nanosecond), time.Now(), time.Unix(0, 0),
		now.In(time.FixedZone("", 5*3600+1800)), now.In(time.FixedZone("", -3600)),
	} {
		for _, level := range []slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelInfo + 1, slog.LevelError, 12} {
			l.same(t, slog.NewRecord(at, level, "Authentication ACCEPTED", 0))
		}
	}
	// Every octet, and more than those, in a message, a key and a value.
	for i := range 256 {
		for _, s := range []string{string([]byte{byte(i)}), "a" + string([]byte{byte(i)}) + "b", string(rune(i)), strings.Repeat("x", i)} {
			l.same(t, record(s))
			l.same(t, record("msg", slog.String(s, "v")))
			l.same(t, record("msg", slog.String("before", "x"), slog.String("k", s), slog.Int("after", 1)))
		}
	}
	for _, v := range []any{
		0, -1, math.MaxInt64, uint64(math.MaxUint64), true, false, 1.5, time.Duration(0), 1234567 * time.Nanosecond, -time.Hour,
		now, nil, errors.New("an error"), errors.New("plain"), []string{"a", "b"}, netip.MustParseAddr("2001:db8::1"),
		eap.MustParseIMSI("001010000000001"), slog.GroupValue(slog.Int("a", 1)), slog.GroupValue(), struct{ A int }{1}, &l,
	} {
		l.same(t, record("msg", slog.Any("k", v), slog.Any("again", v)))
	}
	l.same(t, record("msg", slog.Attr{}, slog.Int("k", 1)))

	// With attributes and groups.
	r := record("msg", slog.Int("k", 1))
	for _, with := range []func(slog.Handler) slog.Handler{
		func(h slog.Handler) slog.Handler { return h.WithAttrs([]slog.Attr{slog.String("role", "auth")}) },
		func(h slog.Handler) slog.Handler { return h.WithGroup("g") },
		func(h slog.Handler) slog.Handler { return h.WithGroup("g").WithAttrs([]slog.Attr{slog.Int("i", 1)}) },
	} {
		derived := *l
		derived.mine, derived.standard = with(l.mine), with(l.standard)
		require.NoError(t, derived.mine.Handle(t.Context(), r.Clone()))
		require.NoError(t, derived.standard.Handle(t.Context(), r.Clone()))
		l.buffer.Flush()
		require.Equal(t, l.theirs.String(), l.ours.String())
		l.ours.Reset()
		l.theirs.Reset()
	}

	quiet := newTextLines(slog.LevelWarn)
	require.False(t, quiet.mine.Enabled(t.Context(), slog.LevelInfo))
	require.True(t, quiet.mine.Enabled(t.Context(), slog.LevelWarn))
}

func BenchmarkLogLine(b *testing.B) {
	for name, handler := range map[string]slog.Handler{
		"plain":       newTextHandler(newLogBuffer(io.Discard), slog.LevelInfo),
		"TextHandler": slog.NewTextHandler(newLogBuffer(io.Discard), nil),
	} {
		b.Run(name, func(b *testing.B) {
			log := slog.New(handler)
			b.ReportAllocs()
			for b.Loop() {
				log.LogAttrs(context.Background(), slog.LevelInfo, "Authentication ACCEPTED",
					slog.String("nas", "ap-1"), slog.String("client", "192.0.2.1"), slog.String("station", "02-00-00-00-00-01"),
					slog.String("ap", "00-10-A4-23-19-C0:twag"), slog.String("imsi", "00101**********"), slog.String("method", "EAP-AKA"),
					slog.Int("requests", 2), slog.Duration("elapsed", 1234567), slog.Bool("reauthenticated", false))
			}
		})
	}
}
