package accounting

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"strings"
)

// position is how far a [FileSink] was when it last made its files durable.
type position struct {
	seq    uint64 // of the last ticket
	offset int64  // behind it, in file
	file   string // its name; "" if there is none yet
}

// positionFile keeps the position in two slots of a small file, in turns: a slot that was
// written half, or not at all when the power went, leaves the other one. Slots are written in place,
// since a full disk must not be in the way, and without waiting for the disk but when a file is finished:
// the newest file itself tells the rest (see recover).
type positionFile struct {
	f    *os.File
	next int
}

const slotSize = 256

// reserve gives the slots their room on the disk, as long as there is some.
func (p *positionFile) reserve() error {
	info, err := p.f.Stat()
	if err != nil || info.Size() >= 2*slotSize {
		return err
	}
	b := make([]byte, 2*slotSize-info.Size())
	for i := range b {
		b[i] = ' '
	}
	_, err = p.f.WriteAt(b, info.Size())
	return errors.Join(err, p.f.Sync())
}

// read returns the later one of the slots; the zero position if none holds.
func (p *positionFile) read() (position, error) {
	var latest position
	for i := range 2 {
		var b [slotSize]byte
		if _, err := p.f.ReadAt(b[:], int64(i)*slotSize); err != nil {
			if errors.Is(err, io.EOF) { // not reserved
				continue
			}
			return position{}, err
		}
		text, rest, _ := strings.Cut(string(b[:]), "\n")
		var at position
		var sum uint32
		if n, _ := fmt.Sscanf(text, "%d %d %q %x", &at.seq, &at.offset, &at.file, &sum); n != 4 || strings.Trim(rest, " ") != "" || sum != at.sum() {
			continue
		}
		if at.file != "" && (latest.file == "" || at.seq >= latest.seq) {
			latest, p.next = at, 1-i
		}
	}
	return latest, nil
}

func (at position) sum() uint32 {
	return crc32.ChecksumIEEE(fmt.Appendf(nil, "%d %d %q", at.seq, at.offset, at.file))
}

// write writes the slot whose turn it is.
func (p *positionFile) write(at position) error {
	b := fmt.Appendf(nil, "%d %d %q %08x\n", at.seq, at.offset, at.file, at.sum())
	for len(b) < slotSize {
		b = append(b, ' ')
	}
	if _, err := p.f.WriteAt(b, int64(p.next)*slotSize); err != nil {
		return err
	}
	p.next = 1 - p.next
	return nil
}
