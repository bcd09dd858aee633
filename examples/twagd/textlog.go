package main

import (
	"context"
	"log/slog"
	"strconv"
	"time"
)

// textHandler is slog's TextHandler at a fraction of its price for lines that
// are plain words and numbers, as is the one at the end of each login. It leaves
// all others to a TextHandler, and so are handlers with attributes or groups.
type textHandler struct {
	slog.Handler // the TextHandler
	buffer       *logBuffer
}

func newTextHandler(buffer *logBuffer, level slog.Level) textHandler {
	return textHandler{slog.NewTextHandler(buffer, &slog.HandlerOptions{Level: level}), buffer}
}

// usualLine is room for a line of usual length.
const usualLine = 384

// Handle implements slog.Handler.
func (h textHandler) Handle(ctx context.Context, r slog.Record) error {
	var room [usualLine]byte
	b, plain := appendHead(room[:0], &r)
	for a := range r.Attrs {
		plain = plain && isPlain(a.Key)
		if !plain {
			break
		}
		b = append(append(append(b, ' '), a.Key...), '=')
		b, plain = appendPlain(b, a.Value)
	}
	if !plain {
		return h.Handler.Handle(ctx, r)
	}
	_, err := h.buffer.Write(append(b, '\n'))
	return err
}

// appendHead appends time, level and message of r, if the message is plain but
// for spaces.
func appendHead(b []byte, r *slog.Record) ([]byte, bool) {
	if r.Time.IsZero() || len(r.Message) == 0 {
		return b, false
	}
	b = append(b, "time="...)
	// RFC 3339 with milliseconds; of the two formats that package time is quick
	// with, the one that drops zeros is kept from it by a digit more.
	milli := len(b) + len("2006-01-02T15:04:05.000")
	b = r.Time.Truncate(time.Millisecond).Add(time.Millisecond/10).AppendFormat(b, time.RFC3339Nano)
	b = append(b[:milli], b[milli+1:]...)

	b = append(append(b, " level="...), r.Level.String()...)
	b = append(b, " msg="...)
	spaces := false
	for i := range len(r.Message) {
		switch c := r.Message[i]; {
		case c == ' ':
			spaces = true
		case !plainOctets[c]:
			return b, false
		}
	}
	if !spaces {
		return append(b, r.Message...), true
	}
	return append(append(append(b, '"'), r.Message...), '"'), true
}

// appendPlain appends a value that needs no quotes, and reports whether it is
// such.
func appendPlain(b []byte, v slog.Value) ([]byte, bool) {
	switch v.Kind() {
	case slog.KindString:
		s := v.String()
		return append(b, s...), isPlain(s)
	case slog.KindInt64:
		return strconv.AppendInt(b, v.Int64(), 10), true
	case slog.KindUint64:
		return strconv.AppendUint(b, v.Uint64(), 10), true
	case slog.KindBool:
		return strconv.AppendBool(b, v.Bool()), true
	case slog.KindDuration:
		return append(b, v.Duration().String()...), true
	default:
		return b, false
	}
}

// isPlain reports whether a TextHandler certainly writes s without quotes.
func isPlain(s string) bool {
	for i := range len(s) {
		if !plainOctets[s[i]] {
			return false
		}
	}
	return len(s) > 0
}

// plainOctets are those that never need quotes.
var plainOctets = func() (plain [256]bool) {
	for c := byte('!'); c <= '~'; c++ {
		plain[c] = c != '"' && c != '=' && c != '\\'
	}
	return plain
}()
