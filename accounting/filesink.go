package accounting

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Format is how tickets are written.
type Format uint8

// Formats.
const (
	FormatDetail Format = iota // Livingston's detail files, see AppendDetail
	FormatJSON                 // lines of JSON, see AppendJSON
)

// FileConfig is what a [FileSink] needs to know.
type FileConfig struct {
	// Dir is the directory of the files. It is made if it does not exist.
	Dir string
	// Name is what the files' names begin with: "detail", and "tickets" with
	// FormatJSON, if empty.
	Name   string
	Format Format
	// UTCOffset is the time zone of the files and of their names: the same all the year, since
	// otherwise an hour of each autumn would come twice. 0 is UTC.
	UTCOffset time.Duration
	// MaxOctets is the size at which a new file begins, also within an
	// hour; 1 GiB if 0, never if negative. A file may exceed it by one ticket.
	MaxOctets int64
	// SizeOnly: no new file with each hour.
	SizeOnly bool
	// Rules are applied to each ticket before it is written.
	Rules []Rule
}

const defaultMaxOctets = 1 << 30

// Validate returns the first thing that is wrong.
func (c *FileConfig) Validate() error {
	switch {
	case c.Dir == "":
		return errors.New("accounting: FileConfig.Dir: empty")
	case c.Format > FormatJSON:
		return fmt.Errorf("accounting: FileConfig.Format: %d is none", c.Format)
	case len(c.Name) > 64 || strings.HasPrefix(c.Name, ".") || strings.IndexFunc(c.Name, func(r rune) bool {
		return r > 0x7f || r == '/' || r == ':' || !isNameOctet(byte(r))
	}) >= 0:
		return fmt.Errorf("accounting: FileConfig.Name: %q is not fit for a file", c.Name)
	case c.UTCOffset.Abs() > 14*time.Hour || c.UTCOffset%time.Minute != 0:
		return fmt.Errorf("accounting: FileConfig.UTCOffset: %s", c.UTCOffset)
	}
	_, err := newRewriter(c.Rules)
	return err
}

var _ Sink = (*FileSink)(nil)

// FileSink writes tickets into files of a directory: detail-20260102T03 is the one begun
// between three and four o'clock of that day, detail-20260102T03.001 the next one of that hour. Names grow
// always. A file is finished, and may be taken away, when there is one with a
// greater name; tickets are added to the newest. Nobody else may write into them.
//
// Where it was is in .NAME.position, in the same directory, and not in the store: so it moves with
// the files, needs no commit for each batch, and survives their being taken away.
// After a crash the sink goes from there to the end of the newest file, reads which ticket is the
// last whole one, and cuts off what is behind it.
//
// Its methods, but for Close, are the exporter's.
type FileSink struct {
	cfg    FileConfig
	zone   *time.Location
	naming naming
	rules  *rewriter

	pos  positionFile
	file *os.File // the newest one; nil if there is none, or it was taken away
	name fileName // of it, or the last that was used

	// What has been written, and what is durable.
	size, durableSize int64
	last, durable     uint64

	ready  bool // the above is known; a failure makes it false
	opened bool // it has been known before
	buf    []byte
}

// OpenFileSink returns a sink that goes on where an earlier one stopped. It fails if another
// process has the directory's files.
func OpenFileSink(cfg FileConfig) (*FileSink, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	s := &FileSink{cfg: cfg, zone: time.FixedZone("", int(cfg.UTCOffset/time.Second))}
	if cfg.UTCOffset == 0 {
		s.zone = time.UTC
	}
	s.naming.prefix = "detail"
	if cfg.Format == FormatJSON {
		s.naming = naming{"tickets", ".jsonl"}
	}
	if cfg.Name != "" {
		s.naming.prefix = cfg.Name
	}
	if s.cfg.MaxOctets == 0 {
		s.cfg.MaxOctets = defaultMaxOctets
	}
	var err error
	if s.rules, err = newRewriter(cfg.Rules); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(cfg.Dir, 0o750); err != nil {
		return nil, fmt.Errorf("accounting: ticket files: %w", err)
	}
	f, err := os.OpenFile(s.path("."+s.naming.prefix+".position"), os.O_RDWR|os.O_CREATE, 0o640)
	if err != nil {
		return nil, fmt.Errorf("accounting: ticket files: %w", err)
	}
	s.pos.f = f
	if err := errors.Join(lockFile(f), s.pos.reserve(), syncDir(cfg.Dir)); err != nil {
		f.Close()
		return nil, fmt.Errorf("accounting: ticket files: %w", err)
	}
	return s, nil
}

func (s *FileSink) path(name string) string { return filepath.Join(s.cfg.Dir, name) }

// Close closes the files. What was not synced is as durable as the system makes it.
func (s *FileSink) Close() error {
	s.ready = false
	return errors.Join(s.closeFile(), s.pos.f.Close())
}

func (s *FileSink) closeFile() error {
	if s.file == nil {
		return nil
	}
	err := s.file.Close()
	s.file = nil
	return err
}

// Last implements [Sink]. What was written and not synced it syncs, or else goes back.
func (s *FileSink) Last(context.Context) (uint64, error) {
	if s.ready {
		if s.ready = s.sync() == nil; s.ready {
			return s.last, nil
		}
	}
	if err := s.recover(); err != nil {
		return 0, fmt.Errorf("accounting: ticket files: %w", err)
	}
	s.ready, s.opened = true, true
	return s.last, nil
}

// errNotReady: the exporter has not asked for Last.
var errNotReady = errors.New("accounting: ticket files: Last has to be asked first")

// writeAtOnce is how much is given to the system in one piece.
const writeAtOnce = 256 << 10

// Write implements [Sink].
func (s *FileSink) Write(ctx context.Context, tickets []Ticket) error {
	if !s.ready {
		return errNotReady
	}
	if err := s.write(ctx, tickets); err != nil {
		s.ready = false
		return fmt.Errorf("accounting: ticket files: %w", err)
	}
	return nil
}

func (s *FileSink) write(ctx context.Context, tickets []Ticket) error {
	now := time.Now().In(s.zone)
	s.buf = s.buf[:0]
	if err := s.renew(now, true); err != nil {
		return err
	}
	for i := range tickets {
		t := tickets[i]
		if t.Seq <= s.last {
			return fmt.Errorf("ticket %d after %d", t.Seq, s.last)
		}
		t.Attributes = s.rules.apply(&t)
		if s.cfg.Format == FormatJSON {
			s.buf = AppendJSON(s.buf, &t, s.zone)
		} else {
			s.buf = AppendDetail(s.buf, &t, s.zone)
		}
		s.last = t.Seq
		full := s.cfg.MaxOctets > 0 && s.size+int64(len(s.buf)) >= s.cfg.MaxOctets
		if !full && len(s.buf) < writeAtOnce && i < len(tickets)-1 {
			continue
		}
		if err := s.flush(); err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if full && i < len(tickets)-1 {
			if err := s.renew(now, false); err != nil {
				return err
			}
		}
	}
	return nil
}

// flush hands the buffer to the system.
func (s *FileSink) flush() error {
	n, err := s.file.WriteAt(s.buf, s.size)
	if err != nil {
		return err
	}
	s.size += int64(n)
	s.buf = s.buf[:0]
	return nil
}

// renew begins a new file if there is none, its hour is over, or it is full. look
// asks too whether somebody has taken the file away.
func (s *FileSink) renew(now time.Time, look bool) error {
	next := s.name.follow(now)
	switch {
	case s.file == nil:
	case s.cfg.MaxOctets > 0 && s.size >= s.cfg.MaxOctets:
	case !s.cfg.SizeOnly && next.hour > s.name.hour:
	case look && s.isGone():
	default:
		return nil
	}
	if err := s.finish(); err != nil {
		return err
	}
	return s.begin(next, now)
}

// maxTaken is how many names somebody else may have used.
const maxTaken = 1000

// begin makes the new newest file, and says so durably before the first ticket.
func (s *FileSink) begin(next fileName, now time.Time) error {
	f, err := s.create(next)
	for tries := 0; errors.Is(err, fs.ErrExist) && tries < maxTaken; tries++ {
		next = next.follow(now)
		f, err = s.create(next)
	}
	if err != nil {
		return err
	}
	s.file, s.name, s.size, s.durableSize = f, next, 0, 0
	if err := syncDir(s.cfg.Dir); err != nil {
		return err
	}
	if err := s.pos.write(position{s.durable, 0, s.naming.name(next)}); err != nil {
		return err
	}
	return s.pos.f.Sync()
}

func (s *FileSink) create(name fileName) (*os.File, error) {
	return os.OpenFile(s.path(s.naming.name(name)), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o640)
}

// isGone reports whether the newest file is not where it was.
func (s *FileSink) isGone() bool {
	there, err := os.Stat(s.path(s.naming.name(s.name)))
	if err != nil {
		return os.IsNotExist(err)
	}
	here, err := s.file.Stat()
	return err == nil && !os.SameFile(here, there)
}

// finish makes the file durable and closes it.
func (s *FileSink) finish() error {
	if s.file == nil {
		return nil
	}
	if err := s.sync(); err != nil {
		return err
	}
	return s.closeFile()
}

// Sync implements [Sink].
func (s *FileSink) Sync(context.Context) error {
	if !s.ready {
		return errNotReady
	}
	if err := s.sync(); err != nil {
		s.ready = false
		return fmt.Errorf("accounting: ticket files: %w", err)
	}
	return nil
}

// sync makes the newest file durable. What can't be made durable may be lost
// even if a later attempt succeeds: it is written again, from the last success on.
func (s *FileSink) sync() error {
	if s.file == nil || s.size == s.durableSize && s.last == s.durable {
		return nil
	}
	if err := s.file.Sync(); err != nil {
		return err
	}
	s.durableSize, s.durable = s.size, s.last
	return s.pos.write(position{s.durable, s.durableSize, s.naming.name(s.name)})
}
