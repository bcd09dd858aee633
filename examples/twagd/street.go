package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"

	"github.com/opentwag/twag/aka"
	"github.com/opentwag/twag/eap"
	"github.com/opentwag/twag/examples/internal/ue"
	"github.com/opentwag/twag/radius/radiustest"
)

// What the access point calls itself.
const (
	labAPName    = "lab-ap"
	labAPStation = "02-00-5E-00-53-01:lab"
)

// labPhones is the number of subscribers that the laboratory simulates.
const labPhones = 6

// street is an access point and those who pass by it: subscribers with new
// phones (EAP-AKA') and old ones (EAP-AKA), phones that re-authenticate and
// phones that come with a pseudonym each time, one that wants forward secrecy,
// one whose USIM now and then is ahead of the HSS, and a stranger who is
// nobody's subscriber.
//
// It is used by one goroutine.
type street struct {
	ap       *radiustest.AP
	visits   *visits
	log      *slog.Logger
	phones   []*ue.UE
	stranger *ue.UE
	count    int

	took                       []time.Duration
	accepted, rejected, failed int
	resyncs, reauths, refused  int
}

// newStreet opens the access point of the server at address.
func newStreet(address netip.AddrPort, log *slog.Logger, visits *visits) (*street, error) {
	s := &street{log: log, visits: visits}
	for n := range labPhones + 1 {
		cfg := ue.Config{IMSI: labIMSI(labRecipes + n), NetworkName: "WLAN"}
		switch n % 3 {
		case 1:
			cfg.NoReauth = true
		case 2:
			cfg.Methods = []eap.Type{eap.TypeAKA}
		}
		if n == labSecretive {
			cfg.ForwardSecrecy = aka.FSRequired
		}
		u, err := ue.New(cfg)
		if err != nil {
			return nil, err
		}
		s.phones = append(s.phones, u)
	}
	last := len(s.phones) - 1
	s.stranger, s.phones = s.phones[last], s.phones[:last]

	var err error
	s.ap, err = radiustest.NewAP(radiustest.Config{
		Server: address.String(), Secret: labSecret, Sockets: 1,
		NASIdentifier: labAPName, CalledStationID: labAPStation,
		NASIPAddress: netip.AddrFrom4([4]byte{127, 0, 0, 1}),
	})
	return s, err
}

func (s *street) close() error { return s.ap.Close() }

// Phones that do more than log in, by their number.
const (
	labSecretive = 4 // wants forward secrecy
	labAhead     = 1 // has a USIM that is ahead; never re-authenticates, since that leaves the USIM out
)

// live lets somebody log in every second or so until ctx is done.
func (s *street) live(ctx context.Context) {
	for ctx.Err() == nil {
		s.login(s.next())
		select {
		case <-ctx.Done():
		case <-time.After(500*time.Millisecond + rand.N(time.Second)):
		}
	}
}

// next returns who logs in next: everybody in turn at first, then by chance.
func (s *street) next() *ue.UE {
	n := s.count
	s.count++
	switch {
	case n < len(s.phones):
		return s.phones[n]
	case n%12 == len(s.phones):
		return s.stranger
	case n%12 == len(s.phones)+1:
		u := s.phones[labAhead]
		u.RaiseSQN()
		return u
	default:
		return s.phones[rand.IntN(len(s.phones))]
	}
}

// loginTime is more than a login takes even if the HSS is silent.
const loginTime = 15 * time.Second

// login logs one phone in. It does not end with the laboratory's context: a
// login takes no time, and none is to be cut off.
func (s *street) login(u *ue.UE) {
	ctx, cancel := context.WithTimeout(context.Background(), loginTime)
	defer cancel()
	begun := time.Now()
	result, err := u.Login(ctx, s.ap)
	s.resyncs += u.Resyncs()
	switch {
	case err == nil:
		s.accepted++
		if u.Reauthenticated() {
			s.reauths++
		}
		s.took = append(s.took[max(0, len(s.took)-maxTimes):], time.Since(begun))
		s.log.Debug("Access point: keys of server and phone match", "imsi", u.IMSI(), "method", u.Method().String(),
			"reauthenticated", u.Reauthenticated())
		s.visits.loggedIn(u.IMSI(), u.Station(), result.Reply)
	case u == s.phones[labPrepaid] && errors.Is(err, radiustest.ErrRejected):
		s.refused++
		s.log.Info("Access point: no credit left", "imsi", u.IMSI())
	case u == s.stranger && errors.Is(err, radiustest.ErrRejected):
		s.rejected++
	default:
		s.failed++
		s.log.Error("Access point: login failed", "imsi", u.IMSI(), "error", err)
	}
}

// maxTimes bounds the times that are kept for the summary.
const maxTimes = 10000

// summary says how it was.
func (s *street) summary(w io.Writer) {
	fmt.Fprintf(w, "%d logins accepted, %d of them fast re-authentications, %d after a resynchronisation; %d strangers rejected; %d failed\n",
		s.accepted, s.reauths, s.resyncs, s.rejected, s.failed)
	fmt.Fprintf(w, "%d sessions, %d of them disconnected at the end of their credit; %d logins refused for want of it\n",
		s.visits.n, s.visits.disconnected, s.refused)
	if len(s.took) > 0 {
		slices.Sort(s.took)
		fmt.Fprintf(w, "a login took %v (median), %v at most\n",
			s.took[len(s.took)/2].Round(10*time.Microsecond), s.took[len(s.took)-1].Round(10*time.Microsecond))
	}
}
