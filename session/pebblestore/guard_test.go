package pebblestore

import (
	"errors"
	"io/fs"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"github.com/stretchr/testify/require"
)

// TestDeadGuard: nothing that is done through a dead guard fails, and nothing
// of it is done.
func TestDeadGuard(t *testing.T) {
	mem := vfs.NewMem()
	var died []error
	g := newGuard(mem, func(err error) { died = append(died, err) })
	f, err := g.Create("a", "")
	require.NoError(t, err)
	_, err = f.Write([]byte("before"))
	require.NoError(t, err)
	require.False(t, g.drained())
	first := errors.New("first")
	g.kill(first)
	g.kill(errors.New("second"))
	require.Equal(t, []error{first}, died)
	require.True(t, g.drained())

	was := mem.String()
	n, err := f.Write([]byte("after"))
	require.NoError(t, err)
	require.Equal(t, 5, n)
	require.NoError(t, errors.Join(f.Sync(), f.SyncData(), f.Preallocate(0, 10)))
	_, err = f.SyncTo(1)
	require.NoError(t, err)
	require.NoError(t, f.Close())
	for _, create := range []func() (vfs.File, error){
		func() (vfs.File, error) { return g.Create("b", "") },
		func() (vfs.File, error) { return g.OpenReadWrite("c", "") },
		func() (vfs.File, error) { return g.ReuseForWrite("a", "d", "") },
	} {
		f, err := create()
		require.NoError(t, err)
		_, err = f.Write([]byte("x"))
		require.NoError(t, err)
		_, err = f.WriteAt([]byte("x"), 5)
		require.NoError(t, err)
		require.NoError(t, f.Sync())
		info, err := f.Stat()
		require.NoError(t, err)
		require.Zero(t, info.Size())
		_, err = f.ReadAt(make([]byte, 1), 0)
		require.ErrorIs(t, err, errDead)
		require.NoError(t, f.Close())
	}
	require.NoError(t, errors.Join(g.Rename("a", "e"), g.Link("a", "f"), g.Remove("a"), g.RemoveAll("a"), g.MkdirAll("g", 0o700)))
	require.Equal(t, was, mem.String())
	_, err = g.Open("b")
	require.ErrorIs(t, err, errDead)
	require.NotErrorIs(t, err, fs.ErrNotExist, "Pebble takes that for the end of the process")
	_, err = g.Stat("b")
	require.ErrorIs(t, err, errDead)
}

// TestGuardOfTables: Pebble sees the errors of tables, once the database is open.
func TestGuardOfTables(t *testing.T) {
	f := &faults{match: isKind(errorfs.OpCreate), err: errors.New("injected")}
	f.on.Store(true)
	died := 0
	g := newGuard(errorfs.Wrap(vfs.NewMem(), f), func(error) { died++ })
	g.opened.Store(true)
	_, err := g.Create("1.sst", "")
	require.ErrorIs(t, err, f.err)
	require.Zero(t, died)
	_, err = g.Open("none")
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.Zero(t, died)
	_, err = g.Create("1.log", "")
	require.NoError(t, err)
	require.Equal(t, 1, died)
}
