package accounting

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// fileName is the changing part of a ticket file's name: the hour it began in, and a number if
// it was not the first one then.
type fileName struct {
	hour   string // in hourLayout; sorts by time
	number int
}

const hourLayout = "20060102T15"

// after reports whether a file of this name was begun after one of that name.
func (n fileName) after(other fileName) bool {
	return n.hour > other.hour || n.hour == other.hour && n.number > other.number
}

// follow returns the name of a file begun at a time, after the file n. Names never go
// back, whatever the clock does.
func (n fileName) follow(at time.Time) fileName {
	if hour := at.Format(hourLayout); hour > n.hour {
		return fileName{hour: hour}
	}
	return fileName{n.hour, n.number + 1}
}

// naming makes names of files: detail-20260102T03, detail-20260102T03.001.
type naming struct{ prefix, suffix string }

func (f naming) name(n fileName) string {
	if n.number == 0 {
		return f.prefix + "-" + n.hour + f.suffix
	}
	return fmt.Sprintf("%s-%s.%03d%s", f.prefix, n.hour, n.number, f.suffix)
}

// parse returns what name says, false if it is not one of ours.
func (f naming) parse(name string) (fileName, bool) {
	rest, ok1 := strings.CutPrefix(name, f.prefix+"-")
	rest, ok2 := strings.CutSuffix(rest, f.suffix)
	if !ok1 || !ok2 {
		return fileName{}, false
	}
	hour, digits, numbered := strings.Cut(rest, ".")
	n := fileName{hour: hour}
	if numbered {
		n.number, _ = strconv.Atoi(digits)
	}
	if _, err := time.Parse(hourLayout, hour); err != nil || f.name(n) != name {
		return fileName{}, false
	}
	return n, true
}
