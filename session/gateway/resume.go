package gateway

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/opentwag/twag/session"
)

const (
	// resumeWithin is when a session wakes, at the latest, whose request Resume looks at: more
	// than the default of gy.Config.RequestTimeout.
	resumeWithin = 3 * time.Minute
	// maxResumed bounds the requests that Resume sends; the others are sent when their sessions wake.
	maxResumed = 1 << 16
	// resumers is how many of them are committed at once.
	resumers = 64
)

// Resume sends again the requests that a process which has died was waiting for: nobody will
// get their answers. Without it each is sent when its session wakes, which may be as late as that
// process would have given it up. Call it once, when m.Run has begun and the OCS is likely to be
// connected; a request that can't be sent then is tried again later and later. That of a login is left
// alone: the phone waits no longer.
//
// The error is the store's; what could not be resumed is when its session wakes.
func (c *Charging) Resume(ctx context.Context) error {
	var ids []session.ID
	found := c.m.Waking(ctx, time.Now().Add(resumeWithin), func(s *session.Session) bool {
		r, err := readRecord(s)
		if err != nil || !r.isCharged() {
			return true
		}
		j := c.job(s.ID)
		defer j.free()
		if ours, err := c.restore(j, s, &r); err == nil && !ours && j.gs.Unanswered(c.begun) {
			ids = append(ids, s.ID)
		}
		return len(ids) < maxResumed
	})
	next := make(chan session.ID)
	var wg sync.WaitGroup
	var mu sync.Mutex
	for range min(resumers, len(ids)) {
		wg.Go(func() {
			for id := range next {
				if err := c.resume(ctx, id); err != nil && !errors.Is(err, session.ErrNotFound) {
					mu.Lock()
					found = err
					mu.Unlock()
				}
			}
		})
	}
	for _, id := range ids {
		if ctx.Err() != nil {
			break
		}
		next <- id
	}
	close(next)
	wg.Wait()
	return found
}

// resume sends the session's request again, unless somebody has it in hand by now.
func (c *Charging) resume(ctx context.Context, id session.ID) error {
	j := c.job(id)
	resumed := false
	err := c.m.Update(ctx, id, func(txn *session.Txn, s *session.Session) (bool, error) {
		r, err := readRecord(s)
		if resumed = false; err != nil || !r.isCharged() {
			return false, err
		}
		ours, err := c.restore(j, s, &r)
		if err != nil || ours || !j.gs.Unanswered(c.begun) {
			return false, err
		}
		resumed = true
		now := time.Now()
		j.out = j.gs.Resume(now)
		c.put(txn, s, &r, j.gs, &j.out, now)
		return true, nil
	})
	if err != nil || !resumed {
		j.free()
		return err
	}
	j.stored()
	return nil
}
