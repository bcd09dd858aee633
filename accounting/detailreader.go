package accounting

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// Errors of readers.
var (
	// ErrTorn: the file, or what one writer left of a ticket before another began,
	// ends before the ticket does.
	ErrTorn = errors.New("ticket is torn")
	// ErrSyntax: a line is not one of a ticket file.
	ErrSyntax = errors.New("line is not understood")
	// ErrTooLong: a line or ticket is longer than any ticket can be.
	ErrTooLong = errors.New("too long")
)

// Bounds of what is read.
const (
	maxLine   = 128 << 10
	maxRecord = 512 << 10
)

// ReadError is one ticket that cannot be read. Those after it can.
type ReadError struct {
	Line int   // number of the line that is wrong
	Err  error // wraps ErrTorn, ErrSyntax or ErrTooLong
}

func (e *ReadError) Error() string { return fmt.Sprintf("accounting: line %d: %v", e.Line, e.Err) }

// Unwrap returns Err.
func (e *ReadError) Unwrap() error { return e.Err }

// RecordReader reads the tickets of a file, one by one. [DetailReader] and
// [JSONReader] are such.
//
// Next returns io.EOF behind the last record, a *[ReadError] for a record that cannot be
// read, and goes on behind it when called again; any other error is the file's and final. The record
// holds until the next call.
type RecordReader interface {
	Next() (*Record, error)
}

var _ RecordReader = (*DetailReader)(nil)

// DetailReader reads files in Livingston's detail layout, of any size, in memory that does not
// grow. It takes what [AppendDetail] and FreeRADIUS write, and
// a zone in the line of the time: "Fri Jun 13 20:40:26 GMT-03:00 2008". It is
// not safe for concurrent use.
type DetailReader struct {
	in   *bufio.Reader
	zone *time.Location
	line int // lines read

	raw    []byte // of the ticket being read
	begin  int    // its first line
	ahead  []byte // a first line that came before its turn
	record Record
	err    error // final
	read   int64 // octets of the lines read
	end    int64 // of the last good ticket in the file
}

// NewDetailReader returns a reader of r. Times without a zone are in zone; nil is UTC.
func NewDetailReader(r io.Reader, zone *time.Location) *DetailReader {
	if zone == nil {
		zone = time.UTC
	}
	return &DetailReader{in: bufio.NewReaderSize(r, maxLine), zone: zone}
}

// Next returns the next ticket; see [RecordReader]. A ticket that its file's end cuts
// off is a [ReadError] of ErrTorn, even if only the empty line is missing: nobody knows
// then how many lines would have followed.
func (d *DetailReader) Next() (*Record, error) {
	if err := d.collect(); err != nil {
		return nil, err
	}
	if err := d.parse(); err != nil {
		return nil, err
	}
	d.end = d.read
	return &d.record, nil
}

// collect reads the lines of one ticket into raw, and checks their outer form.
func (d *DetailReader) collect() error {
	d.raw = d.raw[:0]
	var bad *ReadError // first thing wrong; reading goes on to the empty line
	for {
		line, err := d.readLine()
		switch {
		case err == nil:
		case errors.Is(err, ErrTooLong):
			if bad == nil {
				bad = &ReadError{d.line, err}
			}
			d.raw = d.raw[:0]
			continue
		case errors.Is(err, io.EOF) && (len(d.raw) > 0 || len(line) > 0) && bad == nil:
			return &ReadError{d.line, ErrTorn}
		case bad != nil && errors.Is(err, io.EOF):
			return bad
		default:
			return err
		}
		blank := len(bytes.TrimSpace(line)) == 0
		indented := line[0] == '\t' || line[0] == ' '
		switch {
		case blank && bad != nil:
			return bad
		case blank && len(d.raw) == 0:
			continue
		case blank:
			d.raw = append(d.raw, line...)
			return nil
		case !indented && (len(d.raw) > 0 || bad != nil) && isHeader(line):
			// The empty line is missing: its writer died, and another went on.
			d.ahead = append(d.ahead[:0], line...)
			d.line--
			if bad == nil {
				bad = &ReadError{d.line, ErrTorn}
			}
			return bad
		case bad != nil:
			continue
		case indented == (len(d.raw) == 0):
			bad = &ReadError{d.line, ErrSyntax}
		case len(d.raw)+len(line) > maxRecord:
			bad = &ReadError{d.line, fmt.Errorf("ticket: %w", ErrTooLong)}
		}
		if bad != nil {
			d.raw = d.raw[:0]
			continue
		}
		if len(d.raw) == 0 {
			d.begin = d.line
		}
		d.raw = append(d.raw, line...)
	}
}

// isHeader reports whether a line looks like that of a time.
func isHeader(line []byte) bool {
	return len(line) >= len(time.ANSIC) && line[3] == ' ' && line[7] == ' ' && bytes.IndexByte(line, '=') < 0
}

// readLine returns the next line with its end. With io.EOF it returns what there is of one.
func (d *DetailReader) readLine() ([]byte, error) {
	if len(d.ahead) > 0 {
		line := d.ahead
		d.ahead = d.ahead[:0]
		d.line++
		return line, nil
	}
	if d.err != nil {
		return nil, d.err
	}
	line, err := d.in.ReadSlice('\n')
	d.line++
	if err == nil {
		d.read += int64(len(line))
	}
	if errors.Is(err, bufio.ErrBufferFull) {
		for errors.Is(err, bufio.ErrBufferFull) {
			d.read += int64(len(line))
			line, err = d.in.ReadSlice('\n')
		}
		d.read += int64(len(line))
		if err == nil {
			return nil, fmt.Errorf("line: %w", ErrTooLong)
		}
	}
	if err != nil {
		d.err = err
		if len(line) == 0 {
			d.line--
		}
	}
	return line, err
}

// parse makes the record of raw.
func (d *DetailReader) parse() error {
	r := &d.record
	r.Line, r.Raw = d.begin, d.raw
	r.Pairs = r.Pairs[:0]
	// One string for all names and values.
	header, rest, _ := strings.Cut(string(d.raw), "\n")
	var err error
	if r.Time, err = parseHeader(strings.TrimSpace(header), d.zone); err != nil {
		return &ReadError{d.begin, err}
	}
	for line := d.begin + 1; ; line++ {
		var s string
		s, rest, _ = strings.Cut(rest, "\n")
		if s = strings.TrimSpace(s); s == "" {
			return nil
		}
		p, ok := parsePair(s)
		if !ok {
			return &ReadError{line, ErrSyntax}
		}
		r.Pairs = append(r.Pairs, p)
	}
}

// parsePair reads "Name = value".
func parsePair(s string) (Pair, bool) {
	name, value, ok := strings.Cut(s, "=")
	name, value = strings.TrimRight(name, " \t"), strings.TrimLeft(value, " \t")
	if !ok || name == "" {
		return Pair{}, false
	}
	for i := 0; i < len(name); i++ {
		if !isNameOctet(name[i]) {
			return Pair{}, false
		}
	}
	if value == "" || value[0] != '"' {
		return Pair{Name: name, Value: value}, true
	}
	value = value[1:]
	for i := 0; i < len(value); i++ {
		switch value[i] {
		case '\\':
			i++
		case '"':
			return Pair{Name: name, Value: unquote(value[:i]), Text: true}, i == len(value)-1
		}
	}
	return Pair{}, false
}

// parseHeader reads the line of the time: as C's ctime writes it, with or without a
// zone before the year. A zone is UTC, GMT, or one of them or nothing with hours and minutes
// behind; other letters say nothing that one could rely on.
func parseHeader(s string, zone *time.Location) (time.Time, error) {
	if at, err := time.ParseInLocation(time.ANSIC, s, zone); err == nil {
		return at, nil
	}
	fields := strings.Fields(s)
	if len(fields) != 6 {
		return time.Time{}, fmt.Errorf("time %q: %w", s, ErrSyntax)
	}
	name := strings.TrimPrefix(strings.TrimPrefix(fields[4], "GMT"), "UTC")
	if name == "" {
		name = "Z"
	}
	fields[4] = name
	s = strings.Join(fields, " ")
	for _, layout := range []string{"Mon Jan _2 15:04:05 Z07:00 2006", "Mon Jan _2 15:04:05 Z0700 2006"} {
		if at, err := time.Parse(layout, s); err == nil {
			_, offset := at.Zone()
			return at.In(time.FixedZone("", offset)), nil
		}
	}
	return time.Time{}, fmt.Errorf("time %q: %w", s, ErrSyntax)
}
