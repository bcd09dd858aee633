package pebblestore

import (
	"io/fs"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// guardedFile is a file that is written through a guard.
type guardedFile struct {
	vfs.File
	g    *guard
	name string
}

var _ vfs.File = (*guardedFile)(nil)

func (f *guardedFile) do(op func() error) error {
	if !f.g.begin() {
		return nil
	}
	err := op()
	f.g.end()
	if err != nil && f.g.failed(f.name, err) {
		return err
	}
	return nil
}

func (f *guardedFile) Write(p []byte) (int, error) {
	if !f.g.begin() {
		return len(p), nil
	}
	n, err := f.File.Write(p)
	f.g.end()
	if err != nil && f.g.failed(f.name, err) {
		return n, err
	}
	return len(p), nil
}

func (f *guardedFile) WriteAt(p []byte, off int64) (int, error) {
	if !f.g.begin() {
		return len(p), nil
	}
	n, err := f.File.WriteAt(p, off)
	f.g.end()
	if err != nil && f.g.failed(f.name, err) {
		return n, err
	}
	return len(p), nil
}

func (f *guardedFile) Sync() error     { return f.do(f.File.Sync) }
func (f *guardedFile) SyncData() error { return f.do(f.File.SyncData) }

func (f *guardedFile) SyncTo(length int64) (full bool, err error) {
	err = f.do(func() error {
		full, err = f.File.SyncTo(length)
		return err
	})
	return full, err
}

// Preallocate is a wish.
func (f *guardedFile) Preallocate(offset, length int64) error {
	if !f.g.begin() {
		return nil
	}
	defer f.g.end()
	return f.File.Preallocate(offset, length)
}

// Close closes the file of a dead guard as well. An error then says nothing
// new, and is nobody's.
func (f *guardedFile) Close() error {
	dead := f.g.dead.Load()
	if err := f.File.Close(); err != nil && !dead && f.g.failed(f.name, err) {
		return err
	}
	return nil
}

// nullFile is a file that a dead guard has created.
type nullFile struct{}

var _ vfs.File = nullFile{}

func (nullFile) Close() error                           { return nil }
func (nullFile) Read([]byte) (int, error)               { return 0, errDead }
func (nullFile) ReadAt([]byte, int64) (int, error)      { return 0, errDead }
func (nullFile) Write(p []byte) (int, error)            { return len(p), nil }
func (nullFile) WriteAt(p []byte, _ int64) (int, error) { return len(p), nil }
func (nullFile) Preallocate(int64, int64) error         { return nil }
func (nullFile) Stat() (vfs.FileInfo, error)            { return nullInfo{}, nil }
func (nullFile) Sync() error                            { return nil }
func (nullFile) SyncTo(int64) (bool, error)             { return false, nil }
func (nullFile) SyncData() error                        { return nil }
func (nullFile) Prefetch(int64, int64) error            { return nil }
func (nullFile) Fd() uintptr                            { return vfs.InvalidFd }

// nullInfo describes a nullFile.
type nullInfo struct{}

func (nullInfo) Name() string           { return "" }
func (nullInfo) Size() int64            { return 0 }
func (nullInfo) Mode() fs.FileMode      { return 0o600 }
func (nullInfo) ModTime() time.Time     { return time.Time{} }
func (nullInfo) IsDir() bool            { return false }
func (nullInfo) Sys() any               { return nil }
func (nullInfo) DeviceID() vfs.DeviceID { return vfs.DeviceID{} }
