package pebblestore

// What the logger gets. Attributes: dir, err, free and reserve (octets),
// records, duration, detail.
const (
	msgReady     = "session store ready"
	msgReadyAnew = "session store ready again"
	msgNoSpace   = "session store refuses changes: disk nearly full"
	msgSpace     = "session store takes changes again"
	msgFailed    = "session store failed"
	msgRetry     = "session store not opened"
	msgAbandoned = "session store abandoned a database that does not close"
	msgStalled   = "session store waits for the disk"
	msgPebble    = "pebble error"
)
