package accounting

import (
	"encoding/binary"
	"io"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// ticketSource is a detail file of any size that is never there as a whole: tickets of one server, ten
// a second.
type ticketSource struct {
	server string
	left   int
	seq    uint64
	delay  time.Duration
	buf    []byte
	at     int
}

func (s *ticketSource) Read(p []byte) (int, error) {
	if s.at == len(s.buf) {
		if s.left == 0 {
			return 0, io.EOF
		}
		s.left--
		s.seq++
		t := fullTicket()
		t.Server, t.Seq, t.Archival = s.server, s.seq, false
		t.EventTime = t.EventTime.Add(time.Duration(s.seq) * 100 * time.Millisecond)
		t.Arrived = t.EventTime.Add(s.delay)
		binary.BigEndian.PutUint32(t.Attributes[2:], uint32(t.Status))
		t.Attributes = append(t.Attributes, tlv(50, string(binary.BigEndian.AppendUint64(nil, s.seq)))...)
		copy(t.Attributes[len(tlv(40, "1234")+tlv(1, "0001010000000001@wlan.example"))+2:], binary.BigEndian.AppendUint64(nil, s.seq)) // the session's name
		s.buf, s.at = AppendDetail(s.buf[:0], &t, nil), 0
	}
	n := copy(p, s.buf[s.at:])
	s.at += n
	return n, nil
}

// TestLongMerge merges two gigabytes in memory that does not grow.
func TestLongMerge(t *testing.T) {
	if os.Getenv("TWAG_LONG") == "" {
		t.Skip("takes half a minute; set TWAG_LONG=1")
	}
	const tickets = 800_000 // of 1.3 KB
	var most uint64
	n := 0
	count := &countingWriter{}
	stats, err := Merge(t.Context(), count, &MergeConfig{MaxWindow: 50_000, Record: func(*Record, bool) {
		if n++; n%100_000 == 0 {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			most = max(most, m.HeapInuse+m.StackInuse)
		}
	}},
		MergeInput{"primary", NewDetailReader(&ticketSource{server: "primary", left: tickets}, nil)},
		MergeInput{"secondary", NewDetailReader(&ticketSource{server: "secondary", left: tickets, delay: 7 * time.Second}, nil)},
	)
	require.NoError(t, err)
	require.Equal(t, uint64(tickets), stats.Written)
	require.Equal(t, uint64(tickets), stats.Duplicates)
	require.Greater(t, count.n, int64(1_000_000_000))
	t.Logf("%d octets written, at most %d MiB in use", count.n, most>>20)
	require.Less(t, most, uint64(64<<20))
}

type countingWriter struct{ n int64 }

func (w *countingWriter) Write(b []byte) (int, error) {
	w.n += int64(len(b))
	return len(b), nil
}
