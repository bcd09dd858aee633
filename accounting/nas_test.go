package accounting

import (
	"context"
	"fmt"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	layeh "layeh.com/radius"

	"github.com/opentwag/twag/session"
)

// nasPacket is Accounting-On or -Off, which need no Acct-Session-Id.
func nasPacket(status Status, more ...says1) *layeh.Packet {
	p := layeh.New(layeh.CodeAccountingRequest, []byte(testSecret))
	for _, a := range append(says{u32(typeStatus, uint32(status)), str(typeNASIdentifier, "ap-1.example"), {typeNASIP, layeh.Attribute{10, 0, 0, 1}}}, more...) {
		p.Add(a.typ, a.value)
	}
	return p
}

// running calls f while the manager runs, in a bubble.
func running(t *testing.T, cfg RecorderConfig, f func(t *testing.T, d *desk)) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, cfg, session.Config{})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- d.m.Run(ctx) }()
		f(t, d)
		cancel()
		require.NoError(t, <-done)
	})
}

func stationPacket(status Status, n int, more ...says1) *layeh.Packet {
	p := packet(status, fmt.Sprintf("S%d", n), more...)
	p.Set(typeCalling, layeh.Attribute(fmt.Sprintf("02-00-00-00-%02X-%02X", n>>8, n&255)))
	return p
}

// TestNASRestart: Accounting-On closes what the NAS had before it, from the latest interims, and
// nothing else.
func TestNASRestart(t *testing.T) {
	for _, status := range []Status{AccountingOn, AccountingOff} {
		running(t, RecorderConfig{}, func(t *testing.T, d *desk) {
			const n = 3*restartBatch + 1
			for i := range n {
				d.record(time.Now(), stationPacket(Start, i))
			}
			time.Sleep(time.Minute)
			d.record(time.Now(), stationPacket(Interim, 7, volumes(60, 100, 200)...))
			elsewhere := packet(Start, "X")
			elsewhere.Set(typeNASIdentifier, layeh.Attribute("ap-2.example"))
			elsewhere.Set(typeCalling, layeh.Attribute("02-00-00-00-FF-FF"))
			d.record(time.Now(), elsewhere)
			time.Sleep(time.Minute)
			on := nasPacket(status)
			at := time.Now()
			require.Equal(t, New, d.record(at, on))
			require.Equal(t, Duplicate, d.record(at.Add(5*time.Second), on))
			require.Equal(t, Retransmission, d.record(at.Add(9*time.Second), nasPacket(status, delay(9))))
			d.record(at.Add(time.Second), stationPacket(Start, 2000))
			synctest.Wait()
			require.Equal(t, session.Counts{Open: 2}, d.m.Counts(), "the one of the other NAS, and the new one")

			archival := 0
			for _, ticket := range d.tickets() {
				if ticket.Archival {
					archival++
					require.Equal(t, session.ReasonRestart, ticket.Reason)
					if ticket.Usage.InputOctets != 0 {
						require.Equal(t, session.Usage{InputOctets: 100, OutputOctets: 200, Time: time.Minute}, ticket.Usage)
					}
				}
			}
			require.Equal(t, n, archival)
			h, err := d.r.History(t.Context(), session.NAS{Source: testSource, Identifier: "ap-1.example"})
			require.NoError(t, err)
			require.Equal(t, map[Status]uint32{AccountingOn: 1, AccountingOff: 0}[status], h.Restarts)
		})
	}
}

// TestOffThenOn: both are recorded, and the first one's repetition is known after the second.
func TestOffThenOn(t *testing.T) {
	d := newDesk(t, RecorderConfig{}, session.Config{})
	at := now()
	require.Equal(t, New, d.record(at, nasPacket(AccountingOff, stamp(at))))
	at2 := at.Add(time.Minute)
	require.Equal(t, New, d.record(at2, nasPacket(AccountingOn, stamp(at2))))
	require.Equal(t, Retransmission, d.record(at2, nasPacket(AccountingOff, stamp(at), delay(60))))
	require.Equal(t, Late, d.record(at2, nasPacket(AccountingOff, stamp(at.Add(30*time.Second)))), "another one, overtaken")
	at3 := at2.Add(time.Hour)
	require.Equal(t, New, d.record(at3, nasPacket(AccountingOn, stamp(at3))))
	require.Len(t, d.tickets(), 4)
}

// TestOnAfterClockReset: a NAS that has just started does not know the time yet.
func TestOnAfterClockReset(t *testing.T) {
	at := testBegin
	for _, c := range []struct {
		name string
		more []says1
		want time.Time
	}{
		{"no time", nil, at},
		{"delayed", []says1{delay(90)}, at.Add(-90 * time.Second)},
		{"its own time", []says1{stamp(at.Add(-40 * time.Second))}, at.Add(-40 * time.Second)},
		{"1970", []says1{stamp(time.Unix(60, 0))}, at},
		{"years ago", []says1{stamp(at.AddDate(-3, 0, 0))}, at},
		{"the future", []says1{stamp(at.AddDate(1, 0, 0)), delay(5)}, at.Add(-5 * time.Second)},
	} {
		require.Equal(t, c.want, eventOf(t, at, nasPacket(AccountingOn, c.more...)).restarted().UTC(), c.name)
	}
}

// TestSilentRestart: three numbers of open sessions used again within ten minutes: the NAS counts
// from the beginning. What it has reported since goes on.
func TestSilentRestart(t *testing.T) {
	var silent []bool
	cfg := RecorderConfig{Hooks: RecorderHooks{Restart: func(_ session.NAS, s bool) { silent = append(silent, s) }}}
	running(t, cfg, func(t *testing.T, d *desk) {
		for i := range 10 {
			d.record(time.Now(), stationPacket(Start, i, stamp(time.Now())))
		}
		time.Sleep(20 * time.Minute)
		again := func(n int) Verdict {
			p := packet(Start, fmt.Sprintf("S%d", n), stamp(time.Now()))
			p.Set(typeCalling, layeh.Attribute(fmt.Sprintf("02-00-00-01-00-%02X", n)))
			return d.record(time.Now(), p)
		}
		require.Equal(t, Reused, again(0))
		time.Sleep(11 * time.Minute)
		require.Equal(t, Reused, again(1))
		time.Sleep(time.Minute)
		require.Equal(t, Reused, again(2))
		d.record(time.Now(), stationPacket(Interim, 9, append(volumes(1920, 1, 1), stamp(time.Now()))...))
		synctest.Wait()
		require.Equal(t, session.Counts{Open: 10}, d.m.Counts(), "two within ten minutes, and one before")
		time.Sleep(time.Minute)
		require.Equal(t, Reused, again(3))
		synctest.Wait()
		require.Equal(t, session.Counts{Open: 4}, d.m.Counts(), "three new ones, and the one that goes on")
		// The first new one has not reported for too long: it is opened again when it does.
		p := packet(Interim, "S0", append(volumes(900, 5, 5), stamp(time.Now()))...)
		p.Set(typeCalling, layeh.Attribute("02-00-00-01-00-00"))
		require.Equal(t, New, d.record(time.Now(), p))
		require.Equal(t, session.Counts{Open: 5}, d.m.Counts())
		require.Equal(t, []bool{true}, silent)
	})
}

// TestHistoryFades: what was weeks ago counts less.
func TestHistoryFades(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, RecorderConfig{}, session.Config{})
		for range 8 {
			d.record(time.Now(), nasPacket(AccountingOn))
			time.Sleep(time.Hour)
		}
		nas := session.NAS{Source: testSource, Identifier: "ap-1.example"}
		for _, want := range []uint32{8, 4, 2, 1, 0} {
			h, err := d.r.History(t.Context(), nas)
			require.NoError(t, err)
			require.Equal(t, want, h.Restarts)
			time.Sleep(nasFade)
		}
	})
}

func TestRestartTaskData(t *testing.T) {
	nas := session.NAS{Source: netip.MustParseAddr("2001:db8::1"), Identifier: "x", Addr: netip.MustParseAddr("10.0.0.1")}
	got, at, err := decodeRestart(appendRestart(nil, nas, testBegin))
	require.NoError(t, err)
	require.Equal(t, nas, got)
	require.True(t, at.Equal(testBegin))
	for n := range 20 {
		_, _, _ = decodeRestart(appendRestart(nil, nas, testBegin)[:n])
	}
	_, _, err = decodeRestart(nil)
	require.ErrorIs(t, err, ErrDecode)
}
