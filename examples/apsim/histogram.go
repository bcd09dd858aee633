package main

import (
	"math/bits"
	"time"
)

// histogram counts durations to better than 1 %, in constant memory: 128
// buckets for each doubling of the duration in microseconds. The zero value
// is empty. It is not safe for concurrent use: each worker has one, and they
// are merged at the end.
type histogram struct {
	counts [(maxDoublings + 1) * perDoubling]uint64
	total  uint64
	max    time.Duration
}

const (
	perDoubling  = 128
	maxDoublings = 24 // 2^(7+24) microseconds, half an hour
)

// add counts d.
func (h *histogram) add(d time.Duration) {
	d = max(d, 0)
	h.counts[bucket(uint64(d.Microseconds()))]++
	h.total++
	h.max = max(h.max, d)
}

// bucket returns the index of the bucket of a number of microseconds.
func bucket(us uint64) int {
	shift := max(bits.Len64(us)-8, 0)
	if shift > maxDoublings-1 {
		return len(histogram{}.counts) - 1
	}
	return shift*perDoubling + int(us>>shift)
}

// lowest returns the smallest duration of a bucket.
func lowest(index int) time.Duration {
	if index < 2*perDoubling {
		return time.Duration(index) * time.Microsecond
	}
	shift := index/perDoubling - 1
	return time.Duration(uint64(index-shift*perDoubling)<<shift) * time.Microsecond
}

// merge adds what other has counted.
func (h *histogram) merge(other *histogram) {
	for i, n := range other.counts {
		h.counts[i] += n
	}
	h.total += other.total
	h.max = max(h.max, other.max)
}

// quantile returns the duration that a share q of all durations does not
// exceed, or 0 if there are none.
func (h *histogram) quantile(q float64) time.Duration {
	if h.total == 0 {
		return 0
	}
	rank := uint64(q * float64(h.total))
	var seen uint64
	for i, n := range h.counts[:len(h.counts)-1] {
		if seen += n; seen > rank {
			return min(lowest(i+1), h.max)
		}
	}
	return h.max // the last bucket has no upper end
}
