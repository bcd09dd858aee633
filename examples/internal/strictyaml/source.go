package strictyaml

import (
	"fmt"
)

// Error is a mistake in a configuration file.
type Error struct {
	// File is the file's name as it was given to Decode.
	File string
	// Line is the line of the key, or of the nearest key around one that is
	// missing; 0 when it is not known.
	Line int
	// Key is the key's path, such as "radius.clients[1].subnet"; empty for
	// the document itself.
	Key string
	// Message says what is wrong, without the value.
	Message string
}

// Error returns "file:line: key: message".
func (e *Error) Error() string {
	s := e.File
	if e.Line > 0 {
		s = fmt.Sprintf("%s:%d", s, e.Line)
	}
	if e.Key != "" {
		s += ": " + e.Key
	}
	return s + ": " + e.Message
}

// Source knows where in the file each key is, so that the checks that come
// after decoding can name the line too.
type Source struct {
	file  string
	lines map[string]int
}

// Errorf returns an [*Error] about key. The key may be one that the file does
// not have: the line is then that of the nearest one around it that is there.
func (s *Source) Errorf(key, format string, args ...any) error {
	return &Error{File: s.file, Line: s.line(key), Key: key, Message: fmt.Sprintf(format, args...)}
}

// Has reports whether the file has key.
func (s *Source) Has(key string) bool {
	_, ok := s.lines[key]
	return ok
}

func (s *Source) line(key string) int {
	for key != "" {
		if n, ok := s.lines[key]; ok {
			return n
		}
		key = parent(key)
	}
	return 0
}

// parent cuts the last ".name" or "[index]" of a key's path.
func parent(key string) string {
	for i := len(key) - 1; i > 0; i-- {
		if key[i] == '.' || key[i] == '[' {
			return key[:i]
		}
	}
	return ""
}
