package accounting

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
)

// recover finds out which ticket is the last one, and makes the newest file end
// with it.
func (s *FileSink) recover() error {
	if s.opened {
		return s.goBack()
	}
	at, err := s.pos.read()
	if err != nil {
		return err
	}
	files, err := s.list()
	if err != nil {
		return err
	}
	s.name, s.last, s.durable = fileName{}, 0, 0
	from, known := s.naming.parse(at.file)
	if !known {
		return s.withoutPosition(files)
	}
	s.name, s.last = from, at.seq
	// Only the newest file can have more than what is known, but nobody knows whether the known one was the newest.
	files = slices.DeleteFunc(files, from.after)
	for i, name := range files {
		begin := int64(0)
		if name == from {
			begin = at.offset
		}
		if err := s.resume(name, begin, true, i == len(files)-1); err != nil {
			return err
		}
	}
	return s.settle()
}

// withoutPosition goes by the newest file that has a ticket. Its tickets are all that tells
// where we were: somebody has taken the position away.
func (s *FileSink) withoutPosition(files []fileName) error {
	for i := len(files) - 1; i >= 0; i-- {
		newest := i == len(files)-1
		if err := s.resume(files[i], 0, false, newest); err != nil {
			return err
		}
		if s.last > 0 {
			if newest {
				return s.settle()
			}
			break
		}
	}
	if len(files) > 0 {
		s.name = files[len(files)-1]
	}
	s.durable = s.last
	return s.closeFile()
}

// list returns our files, the oldest first.
func (s *FileSink) list() ([]fileName, error) {
	entries, err := os.ReadDir(s.cfg.Dir)
	if err != nil {
		return nil, err
	}
	var files []fileName
	for _, e := range entries {
		if name, ok := s.naming.parse(e.Name()); ok && e.Type().IsRegular() {
			files = append(files, name)
		}
	}
	slices.SortFunc(files, func(a, b fileName) int {
		switch {
		case a.after(b):
			return 1
		case b.after(a):
			return -1
		default:
			return 0
		}
	})
	return files, nil
}

// resume opens a file as the one to be continued, reads its tickets from begin on, and
// cuts off what is no whole ticket at the end. Only the newest file can
// have such an end: others were made durable before the next one began.
func (s *FileSink) resume(name fileName, begin int64, known, newest bool) error {
	if err := s.closeFile(); err != nil {
		return err
	}
	path := s.path(s.naming.name(name))
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	s.file, s.name = f, name
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if info.Size() < begin {
		return fmt.Errorf("%s: has become shorter: %d octets of %d", path, info.Size(), begin)
	}
	end, last, good, err := s.readOn(begin, info.Size(), known)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if !good && !newest {
		return fmt.Errorf("%s: is damaged, and there are newer files", path)
	}
	s.size, s.last = begin+end, max(s.last, last)
	if s.size < info.Size() {
		return f.Truncate(s.size)
	}
	return nil
}

// readOn reads tickets from begin on. It returns the length of the whole ones, the number of the last
// one, and whether there is nothing else.
func (s *FileSink) readOn(begin, size int64, known bool) (end int64, last uint64, good bool, err error) {
	section := io.NewSectionReader(s.file, begin, size-begin)
	var r RecordReader
	var read *int64
	if s.cfg.Format == FormatJSON {
		j := NewJSONReader(section)
		r, read = j, &j.end
	} else {
		d := NewDetailReader(section, s.zone)
		r, read = d, &d.end
	}
	last = s.last
	for {
		record, err := r.Next()
		var bad *ReadError
		switch {
		case errors.Is(err, io.EOF):
			return end, last, end == size-begin, nil
		case errors.As(err, &bad):
			if !known {
				err = onlyTheEnd(r, bad)
			} else {
				err = nil
			}
			return end, last, false, err
		case err != nil:
			return 0, 0, false, err
		}
		_, seq, ok := record.TicketID()
		if !ok || seq <= last {
			return 0, 0, false, fmt.Errorf("line %d: ticket %d after %d is not ours", record.Line, seq, last)
		}
		end, last = *read, seq
	}
}

// onlyTheEnd makes sure that there are no tickets behind the first thing that is wrong. A crash can leave
// anything behind a position that is known, and the journal has it still; where no
// position is known, it could be a file that somebody has edited.
func onlyTheEnd(r RecordReader, first *ReadError) error {
	for {
		_, err := r.Next()
		var bad *ReadError
		switch {
		case err == nil:
			return fmt.Errorf("is damaged in the middle: %w", first)
		case errors.Is(err, io.EOF):
			return nil
		case !errors.As(err, &bad):
			return err
		}
	}
}

// settle makes what was found durable: whoever wrote it may have died before.
func (s *FileSink) settle() error {
	s.durable, s.durableSize = 0, -1
	if err := s.sync(); err != nil {
		return err
	}
	s.durable = s.last
	return s.pos.f.Sync()
}

// goBack returns to what is durable, after a failure: what was written since may be there in part, or not
// at all. The file is opened again, since a file system that came back may want that.
func (s *FileSink) goBack() error {
	s.last = s.durable
	if s.file == nil {
		return nil
	}
	f, err := os.OpenFile(s.path(s.naming.name(s.name)), os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) { // taken away; the next one gets a new name
		return s.closeFile()
	}
	if err != nil {
		return err
	}
	_ = s.file.Close() // what it has to say was said
	s.file, s.size = f, s.durableSize
	return f.Truncate(s.durableSize)
}
