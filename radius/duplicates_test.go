package radius

import (
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func dupPacket(id byte, n byte) []byte {
	b := make([]byte, 40)
	b[0], b[1], b[4] = 1, id, n
	return b
}

func TestDuplicateKey(t *testing.T) {
	base := netip.MustParseAddrPort("192.0.2.1:1000")
	seen := map[dupKey]bool{}
	for _, k := range []dupKey{
		newDupKey(base, 1, 1, 1),
		newDupKey(netip.MustParseAddrPort("192.0.2.2:1000"), 1, 1, 1),
		newDupKey(netip.MustParseAddrPort("192.0.2.1:1001"), 1, 1, 1),
		newDupKey(netip.MustParseAddrPort("[2001:db8::1]:1000"), 1, 1, 1),
		newDupKey(netip.MustParseAddrPort("[fe80::1%eth0]:1000"), 1, 1, 1),
		newDupKey(netip.MustParseAddrPort("[fe80::1%eth1]:1000"), 1, 1, 1),
		newDupKey(base, 2, 1, 1),
		newDupKey(base, 1, 4, 1),
		newDupKey(base, 1, 1, 2),
	} {
		require.False(t, seen[k])
		seen[k] = true
	}
}

// TestDuplicatesBounded: the cache never holds more than its bound; it forgets
// the oldest answers first, and requests in progress only if there is nothing
// else.
func TestDuplicatesBounded(t *testing.T) {
	d := newDuplicates(dupShards, time.Hour, time.Hour) // one entry a shard
	from := netip.MustParseAddrPort("192.0.2.1:1000")
	for i := range 10_000 {
		b := dupPacket(byte(i), byte(i>>8))
		state, ref, _ := d.begin(0, newDupKey(from, uint16(i), 1, b[1]), b, nil)
		require.Equal(t, dupFree, state)
		require.LessOrEqual(t, d.len(), dupShards)
		if i%2 == 0 {
			d.finish(0, ref, []byte("reply"))
		}
	}
	s := &dupShard{max: 3, index: map[dupKey]int32{}, lists: [3]dupList{{-1, -1}, {-1, -1}, {-1, -1}}}
	d = newDuplicates(1, time.Hour, time.Hour)
	for i := range d.shards {
		d.shards[i].max = s.max
	}
	// Keys of one shard.
	var keys []dupKey
	for id := 0; len(keys) < 5; id++ {
		if k := newDupKey(from, uint16(id), 1, 1); k.shardOf() == 0 {
			keys = append(keys, k)
		}
	}
	b := dupPacket(1, 1)
	var refs []dupRef
	for _, k := range keys[:3] {
		_, ref, _ := d.begin(0, k, b, nil)
		refs = append(refs, ref)
	}
	d.finish(0, refs[1], []byte("one"))
	_, _, _ = d.begin(0, keys[3], b, nil)
	state, _, _ := d.begin(0, keys[0], b, nil)
	require.Equal(t, dupInProgress, state, "kept: there was an answer to forget")
	_, _, _ = d.begin(0, keys[4], b, nil)
	d.finish(0, refs[0], []byte("late")) // its entry is gone
	state, _, _ = d.begin(0, keys[4], b, nil)
	require.Equal(t, dupInProgress, state)
	require.Equal(t, 3, d.len())
}

// TestDuplicatesExpire: by time alone, also those that nobody asks for.
func TestDuplicatesExpire(t *testing.T) {
	d := newDuplicates(1<<10, 10*time.Second, 5*time.Second)
	from := netip.MustParseAddrPort("192.0.2.1:1000")
	add := func(now time.Duration, local uint16) (dupState, dupRef, []byte) {
		b := dupPacket(1, 1)
		return d.begin(now, newDupKey(from, local, 1, 1), b, nil)
	}
	for i := range uint16(500) {
		_, ref, _ := add(0, i)
		if i%2 == 0 {
			d.finish(time.Second, ref, []byte("reply"))
		}
	}
	require.Equal(t, 500, d.len())
	state, _, reply := add(5999*time.Millisecond, 0)
	require.Equal(t, dupAnswered, state)
	require.Equal(t, "reply", string(reply))
	state, _, _ = add(6*time.Second, 498)
	require.Equal(t, dupFree, state, "even if there are older ones to clear away")
	state, _, _ = add(9999*time.Millisecond, 499)
	require.Equal(t, dupInProgress, state)
	state, _, _ = add(10*time.Second, 499)
	require.Equal(t, dupFree, state)
	for i := range uint16(500) {
		_, ref, _ := add(20*time.Second, 1000+i)
		d.forget(ref)
	}
	require.Zero(t, d.len(), "the old ones went as others came")
}
