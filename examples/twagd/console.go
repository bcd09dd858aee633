package main

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"sync"
)

// consoleHandler writes log lines for people who look on: the time of day, the
// level, the message, then the attributes as slog's TextHandler has them.
type consoleHandler struct {
	level slog.Level
	line  *consoleLine
	attrs slog.Handler // writes the attributes to line.buf
}

// consoleLine is shared by the handlers that WithAttrs and WithGroup make.
type consoleLine struct {
	w   io.Writer
	mu  sync.Mutex
	buf bytes.Buffer
}

func newConsoleHandler(w io.Writer, level slog.Level) *consoleHandler {
	line := &consoleLine{w: w}
	return &consoleHandler{level: level, line: line, attrs: slog.NewTextHandler(&line.buf, &slog.HandlerOptions{
		Level: level,
		ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			if len(groups) == 0 && (a.Key == slog.TimeKey || a.Key == slog.LevelKey || a.Key == slog.MessageKey) {
				return slog.Attr{}
			}
			return a
		},
	})}
}

// Enabled implements slog.Handler.
func (h *consoleHandler) Enabled(_ context.Context, level slog.Level) bool { return level >= h.level }

// Handle implements slog.Handler.
func (h *consoleHandler) Handle(ctx context.Context, r slog.Record) error {
	h.line.mu.Lock()
	defer h.line.mu.Unlock()
	b := &h.line.buf
	b.Reset()
	if !r.Time.IsZero() {
		b.WriteString(r.Time.Format("15:04:05.000 "))
	}
	level := r.Level.String()
	b.WriteString(level)
	b.WriteString("      "[min(len(level), 5):])
	b.WriteString(r.Message)
	b.WriteByte(' ')
	if err := h.attrs.Handle(ctx, r); err != nil { // ends the line
		return err
	}
	_, err := h.line.w.Write(b.Bytes())
	return err
}

// WithAttrs implements slog.Handler.
func (h *consoleHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &consoleHandler{level: h.level, line: h.line, attrs: h.attrs.WithAttrs(attrs)}
}

// WithGroup implements slog.Handler.
func (h *consoleHandler) WithGroup(name string) slog.Handler {
	return &consoleHandler{level: h.level, line: h.line, attrs: h.attrs.WithGroup(name)}
}
