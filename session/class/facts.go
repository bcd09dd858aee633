package class

import (
	"strconv"
	"time"

	"github.com/opentwag/twag/session"
)

// Facts are what a login decided. All may be zero but Issued.
type Facts struct {
	Server  string // that admitted the session
	Area    string
	Result  string // such as "OK"
	Service string // what the subscriber gets
	UseKey  string // what counts as one simultaneous use
	Package string // tariff

	IMSI    string
	Method  string // such as "AKA'"
	Realm   string
	Visited string // network that the NAS belongs to, if not ours
	Group   string // of subscribers

	Session session.ID
	Issued  time.Time     // in seconds
	Timeout time.Duration // in seconds, like the others
	Idle    time.Duration
	Interim time.Duration // interval that the NAS was told

	// Plain: a foreign server made this Class, and nothing protects it. It has the
	// first six facts at most. Only [Codec.Open] sets it.
	Plain bool
}

// texts is how many facts are strings.
const texts = 11

// texts returns the facts that are strings, in their order on the wire.
func (f *Facts) texts() [texts]*string {
	return [...]*string{&f.Server, &f.Area, &f.Result, &f.Service, &f.UseKey, &f.Package,
		&f.IMSI, &f.Method, &f.Realm, &f.Visited, &f.Group}
}

// durations returns the facts that are seconds, in their order on the wire.
func (f *Facts) durations() [3]*time.Duration {
	return [...]*time.Duration{&f.Timeout, &f.Idle, &f.Interim}
}

// names of the local attributes that a ticket shows the facts as.
var names = [texts]string{"Server", "Area", "Result", "Service", "Use-Key", "Package", "IMSI", "Method", "Realm", "Visited", "Group"}

// Each calls f for each fact that is there and that a ticket shows, in order, with the
// name of its local attribute.
func (f *Facts) Each(yield func(name, value string)) {
	for i, p := range f.texts() {
		if *p != "" {
			yield(names[i], *p)
		}
	}
	if !f.Issued.IsZero() {
		yield("Issued", strconv.FormatInt(f.Issued.Unix(), 10))
	}
}
