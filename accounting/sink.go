package accounting

import "context"

// Sink is where an [Exporter] brings the tickets of a journal. Each ticket has to be there
// once, whatever dies: so the sink itself remembers which was the last one,
// together with the ticket, and not the exporter.
//
// A sink has one exporter, which calls one method at a time.
//
// Last returns the sequence number of the last ticket that the sink has and will not lose,
// 0 if none. It is asked before the first Write, and after each Write or
// Sync that failed; tickets behind it are then written again, and the sink has
// got rid of them.
//
// Write takes tickets with growing sequence numbers, all above Last. They and what
// they refer to hold until it returns. It may keep them in memory.
//
// Sync returns nil when all that was written is as durable as the sink can
// make it: the journal forgets it afterwards.
//
// A ctx that ends may cut Write and Sync short; they return an error then.
type Sink interface {
	Last(ctx context.Context) (uint64, error)
	Write(ctx context.Context, tickets []Ticket) error
	Sync(ctx context.Context) error
}
