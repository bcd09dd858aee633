package main

import (
	"cmp"
	"context"
	"crypto/md5"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"time"

	layeh "layeh.com/radius"
	"layeh.com/radius/rfc2865"
	"layeh.com/radius/rfc2866"
	"layeh.com/radius/rfc2869"
	"layeh.com/radius/rfc3576"

	"github.com/opentwag/twag/eap"
	"github.com/opentwag/twag/radius"
	"github.com/opentwag/twag/radius/radiustest"
)

// visits are the sessions of the access point in the street: who has logged in uses data, which it
// accounts for, until he leaves or the server wants him gone.
type visits struct {
	server netip.AddrPort // for accounting
	log    *slog.Logger
	ctx    context.Context
	dyn    *radius.Server
	port   int // where the access point takes Disconnect-Requests
	served chan error
	rate   uint64 // of each visit's; 0: some or other

	wg   sync.WaitGroup
	mu   sync.Mutex
	open map[string]*visit // by station
	n    int
	// octets are what each subscriber's sessions came to, as the access point has told.
	octets       map[eap.IMSI]uint64
	disconnected int
}

// visit is one session.
type visit struct {
	all     *visits
	imsi    eap.IMSI
	station string
	account string // Acct-Session-Id
	conn    net.Conn
	gone    chan rfc2866.AcctTerminateCause // why it ends; has one place

	mu       sync.Mutex
	class    []byte
	interval time.Duration

	began  time.Time
	rate   uint64 // octets a second, down
	octets uint64
	sent   uint8
}

// A visit's length and speed: a prepaid subscriber's few megaoctets last for some ten
// seconds.
const (
	visitAtLeast = 20 * time.Second
	visitMore    = 40 * time.Second
	visitRate    = 2 << 20
)

// newVisits opens the access point's port for Disconnect-Requests.
func newVisits(port int, log *slog.Logger) (*visits, error) {
	v := &visits{log: log, open: make(map[string]*visit), octets: make(map[eap.IMSI]uint64), port: port, served: make(chan error, 1)}
	v.dyn = &radius.Server{
		Codes:   []layeh.Code{layeh.CodeDisconnectRequest, layeh.CodeCoARequest},
		Clients: radius.Subnets{{Prefix: netip.MustParsePrefix("127.0.0.0/8"), Secret: labSecret}},
		Handler: radiustest.DynAuth(v.asked),
	}
	pc, err := net.ListenPacket("udp4", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return nil, err
	}
	go func() { v.served <- v.dyn.Serve(pc) }()
	return v, nil
}

// start lets visits begin; they end with ctx.
func (v *visits) start(ctx context.Context, server netip.AddrPort) { v.ctx, v.server = ctx, server }

// close waits until everybody has left, and closes the port.
func (v *visits) close() error {
	v.wg.Wait()
	err := v.dyn.Close()
	<-v.served
	return err
}

// asked is a Disconnect- or CoA-Request of the server.
func (v *visits) asked(_ context.Context, r radiustest.DynAuthRequest) rfc3576.ErrorCause {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, s := range v.open {
		if s.account != r.AccountID {
			continue
		}
		if r.Code == layeh.CodeDisconnectRequest {
			v.disconnected++
			s.leave(rfc2866.AcctTerminateCause_Value_AdminReset)
		} else if b, ok := r.Attributes.Lookup(rfc2869.AcctInterimInterval_Type); ok && len(b) == 4 {
			s.told(nil, time.Duration(binary.BigEndian.Uint32(b))*time.Second)
		}
		return 0
	}
	return rfc3576.ErrorCause_Value_SessionContextNotFound
}

// loggedIn begins a visit, or goes on with the one that the station is having.
func (v *visits) loggedIn(imsi eap.IMSI, station string, accept []byte) {
	if v.ctx == nil {
		return // only logins are wanted
	}
	p, err := layeh.Parse(accept, []byte(labSecret))
	if err != nil {
		return
	}
	class, interval := rfc2865.Class_Get(p), time.Duration(rfc2869.AcctInterimInterval_Get(p))*time.Second
	v.mu.Lock()
	defer v.mu.Unlock()
	if s := v.open[station]; s != nil {
		s.told(class, interval)
		return
	}
	conn, err := net.Dial("udp", v.server.String())
	if err != nil {
		v.log.Error("Access point: accounting failed", "error", err)
		return
	}
	v.n++
	s := &visit{
		all: v, imsi: imsi, station: station, account: fmt.Sprintf("lab-%d", v.n), conn: conn,
		gone: make(chan rfc2866.AcctTerminateCause, 1), class: class, interval: interval,
		began: time.Now(), rate: cmp.Or(v.rate, visitRate/2+rand.Uint64N(visitRate)),
	}
	v.open[station] = s
	v.wg.Go(s.run)
}

// has reports whether the station is there.
func (v *visits) has(station string) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.open[station] != nil
}

// told takes over what the server says of the session.
func (s *visit) told(class []byte, interval time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if class != nil {
		s.class = class
	}
	if interval > 0 {
		s.interval = interval
	}
}

func (s *visit) leave(why rfc2866.AcctTerminateCause) {
	select {
	case s.gone <- why:
	default:
	}
}

// run is a visit from Start to Stop.
func (s *visit) run() {
	defer s.conn.Close()
	s.report(rfc2866.AcctStatusType_Value_Start, 0)
	over := time.After(visitAtLeast + rand.N(visitMore))
	var why rfc2866.AcctTerminateCause
	for why == 0 {
		s.mu.Lock()
		interval := s.interval
		s.mu.Unlock()
		if interval <= 0 {
			interval = visitAtLeast
		}
		select {
		case <-time.After(interval):
			s.report(rfc2866.AcctStatusType_Value_InterimUpdate, 0)
		case why = <-s.gone:
		case <-over:
			why = rfc2866.AcctTerminateCause_Value_UserRequest
		case <-s.all.ctx.Done():
			why = rfc2866.AcctTerminateCause_Value_LostCarrier
		}
	}
	s.report(rfc2866.AcctStatusType_Value_Stop, why)
	s.all.mu.Lock()
	defer s.all.mu.Unlock()
	delete(s.all.open, s.station)
	s.all.octets[s.imsi] += s.octets
}

// report tells the server what has been used, again and again until it answers.
func (s *visit) report(status rfc2866.AcctStatusType, why rfc2866.AcctTerminateCause) {
	used := time.Since(s.began)
	if status != rfc2866.AcctStatusType_Value_Start {
		s.octets = uint64(used.Seconds() * float64(s.rate))
	}
	s.sent++
	p := layeh.New(layeh.CodeAccountingRequest, []byte(labSecret))
	p.Identifier = s.sent
	s.mu.Lock()
	class := s.class
	s.mu.Unlock()
	in := s.octets / 8
	out := s.octets - in
	err := errors.Join(
		rfc2866.AcctStatusType_Set(p, status), rfc2866.AcctSessionID_SetString(p, s.account),
		rfc2865.NASIdentifier_SetString(p, labAPName), rfc2865.NASIPAddress_Set(p, net.IPv4(127, 0, 0, 1)),
		rfc2865.CallingStationID_SetString(p, s.station), rfc2865.CalledStationID_SetString(p, labAPStation),
		rfc2865.NASPortType_Set(p, 19), rfc2865.Class_Set(p, class), rfc2869.EventTimestamp_Set(p, time.Now()),
		rfc2866.AcctSessionTime_Set(p, rfc2866.AcctSessionTime(used/time.Second)),
		rfc2866.AcctInputOctets_Set(p, rfc2866.AcctInputOctets(in)), rfc2869.AcctInputGigawords_Set(p, rfc2869.AcctInputGigawords(in>>32)),
		rfc2866.AcctOutputOctets_Set(p, rfc2866.AcctOutputOctets(out)), rfc2869.AcctOutputGigawords_Set(p, rfc2869.AcctOutputGigawords(out>>32)),
	)
	if why != 0 {
		err = errors.Join(err, rfc2866.AcctTerminateCause_Set(p, why))
	}
	request, e := p.Encode()
	if err = errors.Join(err, e); err == nil {
		err = s.exchange(request)
	}
	if err != nil {
		s.all.log.Error("Access point: accounting failed", "session", s.account, "status", status.String(), "error", err)
	}
}

// reportAttempts is how often an access point reports; each waits for a second.
const reportAttempts = 10

func (s *visit) exchange(request []byte) error {
	answer := make([]byte, 4096)
	var err error
	for range reportAttempts {
		if _, err = s.conn.Write(request); err == nil {
			_ = s.conn.SetReadDeadline(time.Now().Add(time.Second))
			for {
				var n int
				if n, err = s.conn.Read(answer); err != nil {
					break
				}
				if n >= 20 && answer[0] == byte(layeh.CodeAccountingResponse) && authentic(answer[:n], request) {
					return nil
				}
			}
		}
	}
	return err
}

// authentic checks a Response Authenticator (RFC 2866, section 3).
func authentic(answer, request []byte) bool {
	h := md5.New()
	h.Write(answer[:4])
	h.Write(request[4:20])
	h.Write(answer[20:])
	h.Write([]byte(labSecret))
	return answer[1] == request[1] && [16]byte(h.Sum(nil)) == [16]byte(answer[4:20])
}
