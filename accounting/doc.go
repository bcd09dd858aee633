// Package accounting turns what network access servers report over RADIUS
// (RFC 2866, RFC 2869) into tickets that billing can trust.
//
// An Accounting-Request becomes an [Event]. [Classify] says what it is in the light of
// what the session's earlier events said: new, a repetition, late, after a counter reset. A
// [Recorder] commits the [Ticket] and the session's new state at once, and [Handler]
// answers the NAS only after that: what was acknowledged is in the journal
// exactly once, whatever died.
//
// An [Exporter] writes the journal's tickets to files ([FileSink]) or another
// [Sink], and resumes where it stopped. Files are in Livingston's detail layout
// ([AppendDetail], [DetailReader]) or lines of JSON ([AppendJSON], [JSONReader]); a [Rule] makes
// tickets of different vendors look alike. [Merge] makes one file of the files
// of two servers.
package accounting
