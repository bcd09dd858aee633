package accounting

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"time"
)

var _ RecordReader = (*JSONReader)(nil)

// JSONReader reads the lines that [AppendJSON] writes, in memory that does not
// grow. Records have the names of detail files. It is not safe for
// concurrent use.
type JSONReader struct {
	in     *bufio.Reader
	line   int
	record Record
	err    error // final
	end    int64 // of the last line read in the file, if it was good
}

// NewJSONReader returns a reader of r.
func NewJSONReader(r io.Reader) *JSONReader {
	return &JSONReader{in: bufio.NewReaderSize(r, maxRecord)}
}

// Next returns the next ticket; see [RecordReader]. A last line without its end is a
// [ReadError] of ErrTorn.
func (j *JSONReader) Next() (*Record, error) {
	for {
		if j.err != nil {
			return nil, j.err
		}
		line, err := j.in.ReadSlice('\n')
		j.line++
		if errors.Is(err, bufio.ErrBufferFull) {
			for errors.Is(err, bufio.ErrBufferFull) {
				_, err = j.in.ReadSlice('\n')
			}
			if err == nil {
				return nil, &ReadError{j.line, fmt.Errorf("line: %w", ErrTooLong)}
			}
		}
		if err != nil {
			j.err = err
			if errors.Is(err, io.EOF) && len(line) > 0 {
				return nil, &ReadError{j.line, ErrTorn}
			}
			return nil, err
		}
		j.end += int64(len(line))
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		j.record = Record{Line: j.line, Raw: line, Pairs: j.record.Pairs[:0]}
		if err := j.record.fromJSON(line); err != nil {
			return nil, &ReadError{j.line, fmt.Errorf("%w: %w", ErrSyntax, err)}
		}
		return &j.record, nil
	}
}

// jsonTicket is what AppendJSON writes.
type jsonTicket struct {
	Server     *string              `json:"server"`
	Seq        *uint64              `json:"seq"`
	Session    *string              `json:"session"`
	Status     string               `json:"status"`
	Verdict    *string              `json:"verdict"`
	Archival   *string              `json:"archival"`
	Source     *string              `json:"source"`
	Arrived    *string              `json:"arrived"`
	EventTime  *string              `json:"eventTime"`
	StartTime  *string              `json:"startTime"`
	StopTime   *string              `json:"stopTime"`
	Duration   json.Number          `json:"duration"`
	Input      json.Number          `json:"inputOctets"`
	Output     json.Number          `json:"outputOctets"`
	Total      json.Number          `json:"totalOctets"`
	InPackets  json.Number          `json:"inputPackets"`
	OutPackets json.Number          `json:"outputPackets"`
	Class      map[string]jsonValue `json:"class"`
	Attributes map[string]jsonValue `json:"attributes"`
}

// jsonValue is one value or several.
type jsonValue []string

// UnmarshalJSON takes a string, an object with base64, or an array of them.
func (v *jsonValue) UnmarshalJSON(b []byte) error {
	*v = nil
	switch b[0] {
	case '"':
		var s string
		err := json.Unmarshal(b, &s)
		*v = jsonValue{s}
		return err
	case '{':
		var o struct {
			Base64 *string `json:"base64"`
		}
		if err := json.Unmarshal(b, &o); err != nil {
			return err
		}
		if o.Base64 == nil {
			return errors.New("object without base64")
		}
		raw, err := base64.StdEncoding.DecodeString(*o.Base64)
		*v = jsonValue{string(raw)}
		return err
	case '[':
		var all []json.RawMessage
		if err := json.Unmarshal(b, &all); err != nil {
			return err
		}
		for _, raw := range all {
			if raw[0] == '[' {
				return errors.New("array in an array")
			}
			var one jsonValue
			if err := one.UnmarshalJSON(raw); err != nil {
				return err
			}
			*v = append(*v, one...)
		}
		return nil
	default:
		return errors.New("neither string nor array")
	}
}

// fromJSON makes pairs of a line, in the order of detail files but that attributes come
// by their names.
func (r *Record) fromJSON(line []byte) error {
	var t jsonTicket
	if err := json.Unmarshal(line, &t); err != nil {
		return err
	}
	if t.Status == "" || t.Arrived == nil {
		return errors.New("neither status nor time of arrival")
	}
	at, err := time.Parse(time.RFC3339Nano, *t.Arrived)
	if err != nil {
		return err
	}
	r.Time = at
	r.Pairs = append(r.Pairs, Pair{"Acct-Status-Type", t.Status, false})
	for _, name := range slices.Sorted(maps.Keys(t.Attributes)) {
		ref, ok := parseAttribute(name)
		if !ok {
			return fmt.Errorf("attribute %q", name)
		}
		quoted := ref.known != nil && (ref.known.kind == text || ref.known.kind == taggedText)
		values := t.Attributes[name]
		if ref.vendor == 0 && ref.number == acctStatusType {
			values = values[min(1, len(values)):] // it was the member status
		}
		for _, v := range values {
			r.Pairs = append(r.Pairs, Pair{name, v, quoted})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(t.Class)) {
		if isTaken(name) {
			return fmt.Errorf("fact %q", name)
		}
		for _, v := range t.Class[name] {
			r.Pairs = append(r.Pairs, Pair{name, v, true})
		}
	}
	if t.Server != nil && t.Seq != nil {
		r.Pairs = append(r.Pairs, Pair{nameTicket, *t.Server + "/" + strconv.FormatUint(*t.Seq, 10), true})
	}
	for _, f := range [...]struct {
		name  string
		value *string
		text  bool
	}{
		{nameSession, t.Session, true}, {nameVerdict, t.Verdict, false}, {nameArchival, t.Archival, false}, {nameSource, t.Source, false},
		{nameArrived, t.Arrived, true}, {nameEventTime, t.EventTime, true}, {nameStartTime, t.StartTime, true}, {nameStopTime, t.StopTime, true},
		{nameDuration, (*string)(&t.Duration), false}, {nameInputOctets, (*string)(&t.Input), false}, {nameOutputOctets, (*string)(&t.Output), false},
		{nameTotalOctets, (*string)(&t.Total), false}, {nameInputPackets, (*string)(&t.InPackets), false}, {nameOutputPackets, (*string)(&t.OutPackets), false},
	} {
		if f.value != nil && *f.value != "" {
			r.Pairs = append(r.Pairs, Pair{f.name, *f.value, f.text})
		}
	}
	return nil
}
