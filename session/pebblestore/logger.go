package pebblestore

import (
	"fmt"
	"log/slog"
)

// quietLogger is what Pebble logs to. What it calls fatal kills the guard and, unlike Pebble's own,
// not the process.
type quietLogger struct {
	guard *guard
	log   *slog.Logger
}

func (quietLogger) Infof(string, ...any) {}

func (l quietLogger) Errorf(format string, args ...any) {
	if !l.guard.dead.Load() {
		l.log.Warn(msgPebble, "detail", fmt.Sprintf(format, args...))
	}
}

func (l quietLogger) Fatalf(format string, args ...any) {
	l.guard.kill(fmt.Errorf("pebble: "+format, args...))
}
