package pebblestore

import "errors"

var (
	// ErrLocked is what Open returns when another process, or another store of this one, has
	// the directory.
	ErrLocked = errors.New("pebblestore: directory is in use")
	// ErrFormat is what Open returns for a directory that this version can't
	// read.
	ErrFormat = errors.New("pebblestore: unknown format")
)
