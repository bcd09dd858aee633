package gateway_test

import (
	"context"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	layeh "layeh.com/radius"
	"layeh.com/radius/rfc2865"
	"layeh.com/radius/rfc2866"

	"github.com/opentwag/twag/accounting"
	"github.com/opentwag/twag/diameter/wire"
	"github.com/opentwag/twag/gy"
	"github.com/opentwag/twag/session"
	"github.com/opentwag/twag/session/gateway"
)

// lender grants 1000 octets each time.
type lender struct{}

func (lender) SendFunc(_ context.Context, _ wire.Message, a *gy.CCA, done func(error)) error {
	a.ResultCode, a.OriginHost = gy.ResultSuccess, []byte("ocs.example")
	a.Services = append(a.Services[:0], gy.MSCC{
		RatingGroup: 1, HasRatingGroup: true, ResultCode: gy.ResultSuccess, HasGranted: true, Granted: gy.Units{Has: gy.UnitTotal, Total: 1000},
	})
	go done(nil)
	return nil
}

// BenchmarkChargedInterim is an interim that asks for quota: its ticket and the request are
// committed, the answer is taken in and committed. The store is in memory, and the OCS takes no
// time.
func BenchmarkChargedInterim(b *testing.B) {
	m, err := session.NewManager(session.NewMemoryStore(session.MemoryConfig{}), session.Config{})
	require.NoError(b, err)
	var answered sync.WaitGroup
	machine := gy.NewMachine(gy.Config{OriginHost: "twag.example", OriginRealm: "example"})
	charging, err := gateway.NewCharging(m, gateway.ChargingConfig{
		Client: lender{}, Machine: machine, NewSessionID: func() string { return "twag.example;1;2" },
		Hooks: gateway.ChargingHooks{Step: func(s gateway.ChargingStep) {
			if s.Output.Send {
				answered.Add(1)
			} else {
				answered.Done()
			}
		}},
	})
	require.NoError(b, err)
	defer charging.Close()
	recorder := accounting.NewRecorder(m, accounting.RecorderConfig{Server: "t", Charge: charging.Charge})
	at := time.Now()
	event := func(status accounting.Status, n int) {
		p := layeh.New(layeh.CodeAccountingRequest, nil)
		_ = rfc2866.AcctStatusType_Set(p, rfc2866.AcctStatusType(status))
		_ = rfc2866.AcctSessionID_SetString(p, "A1")
		_ = rfc2865.NASIdentifier_SetString(p, "ap1")
		_ = rfc2865.CallingStationID_SetString(p, "02-00-00-00-00-01")
		_ = rfc2865.CalledStationID_SetString(p, "00-10-A4-23-19-C0:carrier")
		_ = rfc2866.AcctSessionTime_Set(p, rfc2866.AcctSessionTime(n))
		_ = rfc2866.AcctInputOctets_Set(p, rfc2866.AcctInputOctets(2000*n))
		at = at.Add(time.Second)
		e, err := accounting.ParseEvent(p, netip.MustParseAddr("10.0.0.1"), at)
		require.NoError(b, err)
		_, err = recorder.Record(b.Context(), &e)
		require.NoError(b, err)
		answered.Wait()
	}
	event(accounting.Start, 0)
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		n++
		event(accounting.Interim, n)
	}
	b.StopTimer()
	e, err := m.ByStation(b.Context(), "02-00-00-00-00-01")
	require.NoError(b, err)
	require.EqualValues(b, 2000*n, e[0].Session.Usage.InputOctets)
}
