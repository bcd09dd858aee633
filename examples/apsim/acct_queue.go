package main

// queue is first in, first out. The zero value is empty.
type queue[T any] struct {
	ring  []T // its length is a power of two
	begin int
	n     int
}

func (q *queue[T]) len() int { return q.n }

func (q *queue[T]) push(v T) {
	if q.n == len(q.ring) {
		ring := make([]T, max(64, 2*q.n))
		copied := copy(ring, q.ring[q.begin:])
		copy(ring[copied:], q.ring[:q.begin])
		q.ring, q.begin = ring, 0
	}
	q.ring[(q.begin+q.n)&(len(q.ring)-1)] = v
	q.n++
}

// front returns the oldest value, which holds until the next push or pop.
func (q *queue[T]) front() *T { return &q.ring[q.begin] }

func (q *queue[T]) pop() {
	var zero T
	q.ring[q.begin] = zero
	q.begin = (q.begin + 1) & (len(q.ring) - 1)
	q.n--
}
