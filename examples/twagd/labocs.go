package main

import (
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"

	"github.com/opentwag/twag/accounting"
	"github.com/opentwag/twag/gy"
	"github.com/opentwag/twag/gy/gytest"
)

// The laboratory's prepaid subscriber: three chunks, and then nothing.
const (
	labPrepaid = 0 // number of the phone
	labChunk   = 10 << 20
	labCredit  = 3 * labChunk
	labPlenty  = 1 << 40
)

// newLabOCS starts the charging server of the laboratory.
func newLabOCS() (*gytest.OCS, netip.AddrPort, error) {
	ocs, err := gytest.New(gytest.Config{Plan: gytest.Plan{Chunk: labChunk, Final: gy.FinalUnit{Action: gy.FinalTerminate}}})
	if err != nil {
		return nil, netip.AddrPort{}, err
	}
	for n := range labRecipes + labPhones {
		balance := int64(labPlenty)
		if n == labRecipes+labPrepaid {
			balance = labCredit
		}
		if err := ocs.Add(gytest.Account{IMSI: gytest.Identity(labIMSI(n).Digits()), Balance: balance}); err != nil {
			return nil, netip.AddrPort{}, err
		}
	}
	addr, err := ocs.Listen("127.0.0.1:0")
	if err != nil {
		return nil, netip.AddrPort{}, err
	}
	return ocs, addr.(*net.TCPAddr).AddrPort(), nil
}

// ticketOctets is what the tickets in a directory say that each subscriber's ended sessions
// have used.
func ticketOctets(dir string) (map[string]uint64, error) {
	names, err := filepath.Glob(filepath.Join(dir, "detail-*"))
	if err != nil {
		return nil, err
	}
	sum := make(map[string]uint64)
	for _, name := range names {
		if err := addTickets(sum, name); err != nil {
			return nil, err
		}
	}
	return sum, nil
}

func addTickets(sum map[string]uint64, name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	r, _ := accounting.NewRecordReader(f, nil)
	for {
		record, err := r.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		ticket, err := record.Ticket()
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if ticket.Status != accounting.Stop {
			continue
		}
		for _, fact := range ticket.Class {
			if fact.Name == "IMSI" {
				sum[fact.Value] += ticket.Usage.TotalOctets()
			}
		}
	}
}

// accounts compares what the OCS has debited with what the tickets say.
func (l *lab) accounts(w io.Writer) {
	tickets, err := ticketOctets(filepath.Join(l.data, "tickets"))
	if err != nil {
		fmt.Fprintf(w, "tickets: %v\n", err)
		return
	}
	for n := range labPhones {
		imsi := labIMSI(labRecipes + n)
		a, _ := l.ocs.Account(gytest.Identity(imsi.Digits()))
		if a.Debited == 0 && tickets[imsi.Digits()] == 0 {
			continue
		}
		same := "the same as"
		if uint64(a.Debited) != tickets[imsi.Digits()] {
			same = "NOT the same as"
		}
		fmt.Fprintf(w, "%v: %d octets debited, %s the tickets' %d; balance %d\n", imsi, a.Debited, same, tickets[imsi.Digits()], a.Balance)
	}
}
