// Package extsim is the USIM of a wpa_supplicant, or of its little brother
// eapol_test, that runs with external_sim=1: it asks whoever is attached to
// its control interface to run the algorithms of the card.
package extsim

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strings"
	"syscall"
	"time"
)

// Card is a USIM. It is called by one goroutine at a time for each socket.
type Card interface {
	// UMTS answers a challenge of EAP-AKA or EAP-AKA'. One that is repeated,
	// as wpa_supplicant does within one login, does not reach the card again,
	// which would find it stale.
	UMTS(rand, autn [16]byte) Answer
	// GSM answers as an old SIM card would, for EAP-SIM.
	GSM(rand [16]byte) (sres [4]byte, kc [8]byte)
}

// Answer is what a card makes of a challenge: RES and keys, or AUTS when the
// sequence number is not fresh, or nothing when AUTN is not the network's (the
// zero Answer).
type Answer struct {
	RES    []byte
	CK, IK [16]byte
	AUTS   []byte
}

// Watch waits for a supplicant to open its control socket at path, serves it
// as its card until it ends, and waits for the next one. It returns when ctx
// is done. log is told of errors, of each once in a row; the socket that a
// killed supplicant has left behind is none.
func Watch(ctx context.Context, path string, card Card, log func(string)) {
	const poll = 200 * time.Millisecond
	last := ""
	for {
		if info, err := os.Stat(path); err == nil && info.Mode().Type() == fs.ModeSocket {
			err := Serve(ctx, path, card)
			switch {
			case err == nil:
				last = ""
			case ctx.Err() == nil && !errors.Is(err, syscall.ECONNREFUSED) && err.Error() != last:
				last = err.Error()
				log(last)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(poll):
		}
	}
}

// pingEvery is how often a silent supplicant is asked for a sign of life: the
// end of a datagram socket does not show otherwise.
const pingEvery = time.Second

// Serve attaches to the control socket at path and answers for the card until
// the supplicant ends or ctx is done.
func Serve(ctx context.Context, path string, card Card) error {
	own := fmt.Sprintf("%s.sim-%d", path, os.Getpid())
	_ = os.Remove(own)
	conn, err := net.DialUnix("unixgram",
		&net.UnixAddr{Name: own, Net: "unixgram"}, &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		return fmt.Errorf("extsim: %w", err)
	}
	defer os.Remove(own)
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()

	s := session{conn: conn, card: remember(card)}
	if err := s.send("ATTACH"); err != nil {
		return err
	}
	return s.run(ctx)
}

// memory is a card with a memory of its last answer.
type memory struct {
	Card
	asked    [2][16]byte
	answered Answer
	some     bool
}

func remember(card Card) Card { return &memory{Card: card} }

func (m *memory) UMTS(rand, autn [16]byte) Answer {
	if question := [2][16]byte{rand, autn}; !m.some || question != m.asked {
		m.some, m.asked, m.answered = true, question, m.Card.UMTS(rand, autn)
	}
	return m.answered
}

type session struct {
	conn *net.UnixConn
	card Card
}

func (s *session) send(command string) error {
	if _, err := s.conn.Write([]byte(command)); err != nil {
		return fmt.Errorf("extsim: the supplicant is gone: %w", err)
	}
	return nil
}

func (s *session) run(ctx context.Context) error {
	buf := make([]byte, 4096)
	for {
		_ = s.conn.SetReadDeadline(time.Now().Add(pingEvery))
		n, err := s.conn.Read(buf)
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, os.ErrDeadlineExceeded):
			if s.send("PING") != nil {
				return nil // it has ended without a word
			}
			continue
		case err != nil:
			return fmt.Errorf("extsim: %w", err)
		}
		line := strings.TrimSpace(string(buf[:n]))
		if strings.Contains(line, "CTRL-EVENT-TERMINATING") {
			return nil
		}
		if reply, ok := reply(line, s.card); ok {
			if err := s.send(reply); err != nil {
				return err
			}
		}
	}
}

// reply returns the answer to an event such as
// "<3>CTRL-REQ-SIM-0:UMTS-AUTH:<RAND>:<AUTN> needed for SSID x" or
// "<3>CTRL-REQ-SIM-0:GSM-AUTH:<RAND>:<RAND>:<RAND> needed for SSID x"; ok is
// false for everything that is no question to a USIM.
func reply(event string, card Card) (line string, ok bool) {
	_, event, ok = strings.Cut(event, "CTRL-REQ-SIM-")
	if !ok {
		return "", false
	}
	id, event, ok := strings.Cut(event, ":")
	if !ok {
		return "", false
	}
	question, _, _ := strings.Cut(event, " ")
	fields := strings.Split(question, ":")
	blocks := make([][16]byte, len(fields)-1)
	for i := range blocks {
		if !parseBlock(&blocks[i], fields[i+1]) {
			return "", false
		}
	}
	switch {
	case fields[0] == "UMTS-AUTH" && len(blocks) == 2:
		line = card.UMTS(blocks[0], blocks[1]).encode()
	case fields[0] == "GSM-AUTH" && (len(blocks) == 2 || len(blocks) == 3):
		line = "GSM-AUTH"
		for _, rand := range blocks {
			sres, kc := card.GSM(rand)
			line += fmt.Sprintf(":%x:%x", kc, sres) // Kc comes first
		}
	default:
		return "", false
	}
	return "CTRL-RSP-SIM-" + id + ":" + line, true
}

func parseBlock(dst *[16]byte, s string) bool {
	b, err := hex.DecodeString(s)
	return err == nil && copy(dst[:], b) == len(dst) && len(b) == len(dst)
}

func (a Answer) encode() string {
	switch {
	case a.AUTS != nil:
		return "UMTS-AUTS:" + hex.EncodeToString(a.AUTS)
	case a.RES != nil:
		return fmt.Sprintf("UMTS-AUTH:%x:%x:%x", a.IK, a.CK, a.RES) // IK comes first
	default:
		return "UMTS-FAIL"
	}
}
