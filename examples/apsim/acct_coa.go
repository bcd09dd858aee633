package main

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"time"

	layeh "layeh.com/radius"
	"layeh.com/radius/rfc3576"

	"github.com/opentwag/twag/radius"
	"github.com/opentwag/twag/radius/radiustest"
)

// dynAuthCommand is a request that the load has to carry out.
type dynAuthCommand struct {
	request radiustest.DynAuthRequest
	answer  chan<- rfc3576.ErrorCause
}

// serveDynAuth takes Disconnect- and CoA-Requests at an address, from anybody who has the
// secret. closeAll ends it.
func serveDynAuth(address, secret string) (commands <-chan dynAuthCommand, closeAll func(), err error) {
	c := make(chan dynAuthCommand)
	srv := &radius.Server{
		Codes:   []layeh.Code{layeh.CodeDisconnectRequest, layeh.CodeCoARequest},
		Clients: radius.Subnets{{Prefix: netip.MustParsePrefix("0.0.0.0/0"), Secret: radius.Secret(secret)}, {Prefix: netip.MustParsePrefix("::/0"), Secret: radius.Secret(secret)}},
		Handler: radiustest.DynAuth(func(ctx context.Context, r radiustest.DynAuthRequest) rfc3576.ErrorCause {
			answer := make(chan rfc3576.ErrorCause, 1)
			select {
			case c <- dynAuthCommand{r, answer}:
				return <-answer
			case <-ctx.Done():
				return rfc3576.ErrorCause_Value_ResourcesUnavailable
			}
		}),
	}
	pc, err := net.ListenPacket("udp", address)
	if err != nil {
		return nil, nil, err
	}
	done := make(chan error, 1)
	go func() { done <- srv.Serve(pc) }()
	return c, func() { _ = errors.Join(srv.Close(), <-done) }, nil
}

// dynAuth carries out a request for a session of the load: it tells the cause of a NAK, or 0.
// A session that is disconnected has its Stop at once (RFC 5176, section 2.1, and RFC
// 2866, section 5.10); what a CoA-Request changes is not looked at.
func (l *acctLoad) dynAuth(r radiustest.DynAuthRequest, now time.Duration) rfc3576.ErrorCause {
	at, ok := l.find(&r)
	if !ok {
		return rfc3576.ErrorCause_Value_SessionContextNotFound
	}
	p := &l.places[at]
	nas := l.fleet.nas(p.session)
	address := netip.AddrFrom4(nasAddress(nas))
	if r.NASIdentifier != "" && r.NASIdentifier != nasIdentifier(nas) || r.NASAddress.IsValid() && r.NASAddress != address {
		return rfc3576.ErrorCause_Value_NASIdentificationMismatch
	}
	if r.Code == layeh.CodeDisconnectRequest {
		p.kicked = true
		l.tally.kicked++
		l.happen(at, turnStop, now, now)
	}
	return 0
}

// find returns the place of the open session that a request is about. A station has one
// session at most, so each of Acct-Session-Id, Calling-Station-Id and User-Name names it; all
// that the request has must agree.
func (l *acctLoad) find(r *radiustest.DynAuthRequest) (uint32, bool) {
	var at uint32
	switch session, ok := l.fleet.parseSessionID(r.AccountID); {
	case ok:
		at = l.fleet.place(session)
	case r.AccountID != "":
		return 0, false
	default:
		station, ok := parseStation(r.Station)
		if !ok && r.Station == "" {
			station, ok = parseUser(r.User)
		}
		if !ok {
			return 0, false
		}
		at = l.fleet.place(station)
	}
	p := &l.places[at]
	if !p.open() {
		return 0, false
	}
	station := l.fleet.station(p.session)
	agree := (r.AccountID == "" || r.AccountID == string(l.fleet.appendSessionID(nil, p.session))) &&
		(r.User == "" || r.User == string(appendUser(nil, station))) &&
		(!r.Address.IsValid() || r.Address == netip.AddrFrom4(stationAddress(station)))
	if r.Station != "" {
		named, ok := parseStation(r.Station)
		agree = agree && ok && named == station
	}
	if r.Called != "" {
		agree = agree && r.Called == calledStation(l.fleet.nas(p.session))
	}
	return at, agree
}
