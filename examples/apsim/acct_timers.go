package main

import "time"

// timers says which requests are to be sent again. A request is answered long before
// its time, as a rule, so entries are not taken out: whoever gets one looks whether it
// still means something. The zero value is empty.
type timers struct {
	buckets [timerBuckets][]timer
	done    int64 // the tick up to which all were handed out
}

type timer struct {
	op  *acctOp
	due time.Duration // tells an entry from an earlier one of the same op
}

// The wheel turns once in 65 s, which is longer than any retransmission waits.
const (
	timerTick    = 16 * time.Millisecond
	timerBuckets = 4096
	timerMax     = (timerBuckets - 2) * timerTick
)

// add notes that op is due. Times are since the load began.
func (t *timers) add(op *acctOp, due time.Duration) {
	tick := max(int64(due/timerTick), t.done+1)
	at := &t.buckets[tick%timerBuckets]
	*at = append(*at, timer{op, due})
}

// expire hands out what is due.
func (t *timers) expire(now time.Duration, f func(op *acctOp)) {
	for last := int64(now/timerTick) - 1; t.done < last; {
		t.done++
		at := &t.buckets[t.done%timerBuckets]
		for _, e := range *at {
			if e.op.due == e.due && e.due != 0 {
				f(e.op)
			}
		}
		clear(*at)
		*at = (*at)[:0]
	}
}
