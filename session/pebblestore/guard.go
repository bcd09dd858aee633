package pebblestore

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// errDead is what reading through a dead guard may get.
var errDead = errors.New("pebblestore: database given up")

// guard is the file system that one opened database works on, until its first
// failed write.
//
// Pebble takes most errors of its log and its manifest for the end of the
// process: it panics, some of the time with a mutex in a state that no recover helps
// against, or hangs. So it never sees them. The first such error kills the
// guard: from then on every write succeeds without being done, which leaves
// the directory as a crash at that moment would have. Pebble goes on content, and can be
// closed like any other; who commits asks the guard afterwards
// whether the write was true. Errors of tables, on the other hand, Pebble
// survives: it repeats the flush or the compaction. Compactions are kept from the reserve besides.
type guard struct {
	vfs.FS
	// died is called once, on the goroutine that found the error.
	died func(error)

	dead   atomic.Bool
	active atomic.Int64 // writes under way; see drained
	once   sync.Once
	gone   chan struct{} // closed when dead
	// opened: tables' errors are Pebble's. Before, it would wait for ever for tables of what
	// it found in the log.
	opened atomic.Bool

	compactor *compactor // of the same database
}

// tablePause is how long a table's error is held back: it keeps Pebble from repeating what fails as fast as it can.
const tablePause = 200 * time.Millisecond

func newGuard(inner vfs.FS, died func(error)) *guard {
	return &guard{FS: inner, died: died, gone: make(chan struct{}), compactor: newCompactor()}
}

var _ vfs.FS = (*guard)(nil)

// kill ends all writing. It returns before writes under way have ended.
func (g *guard) kill(err error) {
	g.once.Do(func() {
		g.dead.Store(true)
		close(g.gone)
		g.died(err)
	})
}

// drained reports whether the guard is dead and no write that began before
// is still under way: only then another database may open the directory.
func (g *guard) drained() bool { return g.dead.Load() && g.active.Load() == 0 }

// begin reports whether a write may be done. It then has to be ended.
func (g *guard) begin() bool {
	g.active.Add(1) // first: see drained
	if g.dead.Load() {
		g.active.Add(-1)
		return false
	}
	return true
}

func (g *guard) end() { g.active.Add(-1) }

// isTable tells files that Pebble writes again when they can't be written.
func isTable(name string) bool {
	return strings.HasSuffix(name, ".sst") || strings.HasSuffix(name, ".blob")
}

// failed deals with the error of a write and says whether the writer is to see it.
func (g *guard) failed(name string, err error) (show bool) {
	if isTable(name) && g.opened.Load() {
		select {
		case <-g.gone:
		case <-time.After(tablePause):
			return true
		}
	}
	g.kill(err)
	return false
}

// file makes the outcome of an operation that creates a file one that Pebble
// can live with.
func (g *guard) file(name string, f vfs.File, err error) (vfs.File, error) {
	if err == nil {
		return &guardedFile{File: f, g: g, name: name}, nil
	}
	if g.failed(name, err) {
		return nil, err
	}
	return nullFile{}, nil
}

func (g *guard) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	if !g.begin() {
		return nullFile{}, nil
	}
	f, err := g.FS.Create(name, category)
	g.end()
	if err == nil && category == compactionCategory {
		return &compactedFile{guardedFile{File: f, g: g, name: name}, g.compactor}, nil
	}
	return g.file(name, f, err)
}

func (g *guard) OpenReadWrite(name string, category vfs.DiskWriteCategory, opts ...vfs.OpenOption) (vfs.File, error) {
	if !g.begin() {
		return nullFile{}, nil
	}
	f, err := g.FS.OpenReadWrite(name, category, opts...)
	g.end()
	return g.file(name, f, err)
}

func (g *guard) ReuseForWrite(oldname, newname string, category vfs.DiskWriteCategory) (vfs.File, error) {
	if !g.begin() {
		return nullFile{}, nil
	}
	f, err := g.FS.ReuseForWrite(oldname, newname, category)
	g.end()
	return g.file(newname, f, err)
}

func (g *guard) Open(name string, opts ...vfs.OpenOption) (vfs.File, error) {
	f, err := g.FS.Open(name, opts...)
	return f, g.read(err)
}

func (g *guard) OpenDir(name string) (vfs.File, error) {
	f, err := g.FS.OpenDir(name)
	if err != nil {
		return nil, g.read(err)
	}
	return &guardedFile{File: f, g: g, name: name}, nil
}

func (g *guard) Stat(name string) (vfs.FileInfo, error) {
	info, err := g.FS.Stat(name)
	return info, g.read(err)
}

// read hides from Pebble that files it believes to have written don't exist.
func (g *guard) read(err error) error {
	if err != nil && g.dead.Load() {
		return errDead
	}
	return err
}

// change does an operation on names. Absence is an answer, not a failure.
func (g *guard) change(name string, do func() error) error {
	if !g.begin() {
		return nil
	}
	err := do()
	g.end()
	if err == nil || errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrExist) || g.failed(name, err) {
		return err
	}
	return nil
}

func (g *guard) Link(oldname, newname string) error {
	return g.change(newname, func() error { return g.FS.Link(oldname, newname) })
}

func (g *guard) Rename(oldname, newname string) error {
	return g.change(newname, func() error { return g.FS.Rename(oldname, newname) })
}

func (g *guard) MkdirAll(dir string, perm os.FileMode) error {
	return g.change(dir, func() error { return g.FS.MkdirAll(dir, perm) })
}

// Remove's error does no harm: what is obsolete is removed when the database
// is opened again.
func (g *guard) Remove(name string) error {
	if !g.begin() {
		return nil
	}
	defer g.end()
	return g.FS.Remove(name)
}

func (g *guard) RemoveAll(name string) error {
	if !g.begin() {
		return nil
	}
	defer g.end()
	return g.FS.RemoveAll(name)
}

// Lock locks nothing: the store itself holds the lock, from one database to the next.
func (g *guard) Lock(string) (io.Closer, error) { return nullFile{}, nil }

func (g *guard) Unwrap() vfs.FS { return g.FS }
