package main

import (
	"crypto/md5"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	layeh "layeh.com/radius"
	"layeh.com/radius/rfc2865"
	"layeh.com/radius/rfc2866"
	"layeh.com/radius/rfc2869"

	"github.com/opentwag/twag/accounting"
	"github.com/opentwag/twag/radius"
)

func testFleet() *acctFleet { return newAcctFleet(0xabcdef01, 4, 100, 400, "\x01\x02\xff", testSecret) }

func testEvent(session uint64) acctEvent {
	return acctEvent{
		session: session, number: 3, status: statusStop, cause: causeUserRequest, start: 1_790_000_000, at: 1_790_000_600,
		volume: volume{in: 7<<32 | 5, out: 1 << 20, inPackets: 11, outPackets: 12},
	}
}

// TestAcctPacket reads a request with another implementation.
func TestAcctPacket(t *testing.T) {
	f := testFleet()
	e := testEvent(203) // place 3, access point 3: a new request each time, gigawords always
	pkt, delayAt := f.appendRequest(nil, &e)
	f.sign(pkt, 77)
	p, err := layeh.Parse(pkt, []byte(testSecret))
	require.NoError(t, err)
	require.True(t, layeh.IsAuthenticRequest(pkt, []byte(testSecret)))
	require.Equal(t, byte(77), p.Identifier)
	require.Equal(t, rfc2866.AcctStatusType_Value_Stop, rfc2866.AcctStatusType_Get(p))
	require.Equal(t, "abcdef01-0000000000cb", rfc2866.AcctSessionID_GetString(p))
	require.Equal(t, "0001010000000203@wlan.mnc001.mcc001.3gppnetwork.org", rfc2865.UserName_GetString(p))
	require.Equal(t, "ap-00003.apsim.example", rfc2865.NASIdentifier_GetString(p))
	require.Equal(t, "10.200.0.3", rfc2865.NASIPAddress_Get(p).String())
	require.Equal(t, "02-A9-00-00-00-03:apsim", rfc2865.CalledStationID_GetString(p))
	require.Equal(t, "02-00-00-00-00-CB", rfc2865.CallingStationID_GetString(p))
	require.Equal(t, "100.64.0.203", rfc2865.FramedIPAddress_Get(p).String())
	require.Equal(t, "\x01\x02\xff", rfc2865.Class_GetString(p))
	require.EqualValues(t, 600, rfc2866.AcctSessionTime_Get(p))
	require.EqualValues(t, 5, rfc2866.AcctInputOctets_Get(p))
	require.EqualValues(t, 7, rfc2869.AcctInputGigawords_Get(p))
	high, err := rfc2869.AcctOutputGigawords_Lookup(p)
	require.NoError(t, err)
	require.Zero(t, high)
	require.EqualValues(t, 11, rfc2866.AcctInputPackets_Get(p))
	require.EqualValues(t, 12, rfc2866.AcctOutputPackets_Get(p))
	require.Equal(t, rfc2866.AcctTerminateCause_Value_UserRequest, rfc2866.AcctTerminateCause_Get(p))
	require.Equal(t, time.Unix(1_790_000_600, 0).UTC(), rfc2869.EventTimestamp_Get(p).UTC())
	require.Zero(t, rfc2866.AcctDelayTime_Get(p))
	pkt[delayAt+3] = 9
	f.sign(pkt, 78)
	p, err = layeh.Parse(pkt, []byte(testSecret))
	require.NoError(t, err)
	require.EqualValues(t, 9, rfc2866.AcctDelayTime_Get(p))
	require.True(t, layeh.IsAuthenticRequest(pkt, []byte(testSecret)))

	f.imsi = true
	e.status = statusInterim
	pkt, _ = f.appendRequest(nil, &e)
	f.imsi = false
	p, err = layeh.Parse(pkt, nil)
	require.NoError(t, err)
	event, err := accounting.ParseEvent(p, netip.MustParseAddr("127.0.0.1"), time.Now())
	require.NoError(t, err)
	require.Equal(t, "001010000000203", event.IMSI)

	// Access point 0 spares gigawords that are zero, and does not count its delay.
	e = testEvent(100)
	pkt, delayAt = f.appendRequest(nil, &e)
	require.Zero(t, delayAt)
	p, err = layeh.Parse(pkt, nil)
	require.NoError(t, err)
	_, err = rfc2869.AcctOutputGigawords_Lookup(p)
	require.ErrorIs(t, err, layeh.ErrNoAttribute)
	require.EqualValues(t, 7, rfc2869.AcctInputGigawords_Get(p))
	_, err = rfc2866.AcctDelayTime_Lookup(p)
	require.ErrorIs(t, err, layeh.ErrNoAttribute)

	// A Start counts nothing.
	e.status = statusStart
	pkt, _ = f.appendRequest(nil, &e)
	p, err = layeh.Parse(pkt, nil)
	require.NoError(t, err)
	_, err = rfc2866.AcctInputOctets_Lookup(p)
	require.ErrorIs(t, err, layeh.ErrNoAttribute)
}

func TestNamesRoundTrip(t *testing.T) {
	f := testFleet()
	for _, n := range []uint64{0, 99, 12345678901} {
		got, ok := f.parseSessionID(string(f.appendSessionID(nil, n)))
		require.True(t, ok)
		require.Equal(t, n, got)
	}
	for _, s := range []string{"", "abcdef01", "abcdef02-000000000001", "abcdef01-00000000000", "abcdef01-00000000000x"} {
		_, ok := f.parseSessionID(s)
		require.False(t, ok, s)
	}
	station := uint64(0x01_23_45_67)
	require.Equal(t, "02-00-01-23-45-67", string(appendStation(nil, station)))
	for _, s := range []string{"02-00-01-23-45-67", "02:00:01:23:45:67", "020001234567", "0200.0123.4567"} {
		got, ok := parseStation(s)
		require.True(t, ok, s)
		require.Equal(t, station, got)
	}
	for _, s := range []string{"", "03-00-01-23-45-67", "02-00", "02-00-01-23-45-67-89", "zz-00-01-23-45-67"} {
		_, ok := parseStation(s)
		require.False(t, ok, s)
	}
	got, ok := parseUser(string(appendUser(nil, 1234567890)))
	require.True(t, ok)
	require.EqualValues(t, 1234567890, got)
	_, ok = parseUser("somebody@example")
	require.False(t, ok)
}

// reply makes the answer to a request as our own server would, or without Message-Authenticator.
func reply(t *testing.T, request []byte, signed bool) []byte {
	t.Helper()
	p, err := layeh.Parse(request, []byte(testSecret))
	require.NoError(t, err)
	answer := p.Response(layeh.CodeAccountingResponse)
	answer.Add(33, layeh.Attribute("proxy"))
	if signed {
		answer.Add(attrMessageAuth, make([]byte, md5.Size))
	}
	b, err := answer.Encode()
	require.NoError(t, err)
	if signed {
		mac := newReplyChecker([]byte(testSecret)).mac
		copy(b[4:], request[4:radiusHeader])
		mac.Write(b)
		mac.Sum(b[:len(b)-md5.Size])
		sum := md5.Sum(append(b[:len(b):len(b)], testSecret...))
		copy(b[4:], sum[:])
	}
	_, err = radius.CheckReply(b, request, []byte(testSecret))
	require.NoError(t, err, "by another implementation")
	return b
}

func TestReplyChecker(t *testing.T) {
	f := testFleet()
	e := testEvent(1)
	request, _ := f.appendRequest(nil, &e)
	f.sign(request, 5)
	c := newReplyChecker([]byte(testSecret))
	for _, signed := range []bool{false, true} {
		good := reply(t, request, signed)
		require.True(t, c.check(good, request))
		require.True(t, c.check(append(good[:len(good):len(good)], 0, 0), request), "padding")
		require.False(t, newReplyChecker([]byte("another")).check(good, request))
		for i := range good {
			bad := append([]byte(nil), good...)
			bad[i] ^= 1
			require.False(t, c.check(bad, request), "octet %d", i)
		}
		for n := range len(good) {
			require.False(t, c.check(good[:n], request))
		}
	}
	// The Response Authenticator is right, and Message-Authenticator is not.
	bad := reply(t, request, true)
	bad[len(bad)-1] ^= 1
	copy(bad[4:], request[4:radiusHeader])
	sum := md5.Sum(append(bad[:len(bad):len(bad)], testSecret...))
	copy(bad[4:], sum[:])
	require.False(t, c.check(bad, request))
}

func BenchmarkAcctRequest(b *testing.B) {
	f := testFleet()
	e := testEvent(1)
	pkt := make([]byte, 0, 512)
	b.ReportAllocs()
	for b.Loop() {
		pkt, _ = f.appendRequest(pkt[:0], &e)
		f.sign(pkt, 1)
	}
}
