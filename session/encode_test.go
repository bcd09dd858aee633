package session_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"log/slog"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/session"
)

func full() session.Session {
	t := time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC)
	return session.Session{
		ID: session.NamedID("x"), State: session.Open,
		IMSI: "001010000000001", User: "0001010000000001@wlan.example", Station: "02-00-00-00-00-01",
		NAS: session.NAS{Source: netip.MustParseAddr("10.0.0.1"), Identifier: "ap1", Addr: netip.MustParseAddr("2001:db8::1")},
		AP:  "00-10-A4-23-19-C0", SSID: "carrier", Port: "7", PortType: 19, Address: netip.MustParseAddr("192.0.2.7"),
		AccountID: "A1", MultiID: "M1", Method: "AKA'", Realm: "wlan.example", Visited: "v", Service: "gold", Group: "g", Home: "hss.example", Class: "c",
		Timeout: time.Hour, Idle: time.Minute, Interim: 10 * time.Minute,
		Admitted: t, Started: t.Add(1e9), Updated: t.Add(2e9), Seen: t.Add(3e9), Active: t.Add(5e9), Stopped: t.Add(4e9), Closing: session.ReasonIdle, ClosingAt: t.Add(6e9), Wake: t.Add(7e9),
		Usage: session.Usage{InputOctets: 1 << 63, OutputOctets: 7, InputPackets: 8, OutputPackets: 9, Time: 5 * time.Second},
		Cause: 1, Accounting: []byte{1, 2}, Charging: []byte{3},
	}
}

func TestEncodingRoundTrip(t *testing.T) {
	s := full()
	b := s.Append(nil)
	got, err := session.Decode(b)
	require.NoError(t, err)
	require.Equal(t, s, got)
	for n := range b {
		_, err := session.Decode(b[:n])
		require.ErrorIs(t, err, session.ErrDecode, "%d octets", n)
	}
	b[1] = 9
	_, err = session.Decode(b)
	require.ErrorIs(t, err, session.ErrDecode)

	// Older records have no Home.
	s.Home = ""
	b = s.Append(nil)
	require.EqualValues(t, 1, b[0])
	got, err = session.Decode(b)
	require.NoError(t, err)
	require.Equal(t, s, got)

	empty := session.Session{ID: session.NewID(), State: session.Admitted}
	got, err = session.Decode(empty.Append(nil))
	require.NoError(t, err)
	require.Equal(t, empty, got)
}

// encoded1 is full, but for Home and another ID, as a server wrote it that knew version 1 only.
const encoded1 = "01020102030405060708090a0b0c0d0e0f100f3030313031303030303030303030311d3030303130313030303030303030303140776c616e2e657861" +
	"6d706c651130322d30302d30302d30302d30302d3031036170311130302d31302d41342d32332d31392d433007636172726965720137024131024d31" +
	"04414b41270c776c616e2e6578616d706c65017604676f6c6401670163040a0000011020010db800000000000000000000000104c00002078080c58b" +
	"c6d10180e0ba84bf0380c0cbacf62280c8afa025dcbccccaef66accccccaef66fcdbcccaef66ccebcccaef66ec8acdcaef669cfbcccaef66bc9acdca" +
	"ef668caacdcaef66808080808080808080010708091301020201020103"

func TestDecodeVersion1(t *testing.T) {
	b, err := hex.DecodeString(encoded1)
	require.NoError(t, err)
	s := full()
	s.Home = ""
	for i := range s.ID {
		s.ID[i] = byte(i + 1)
	}
	got, err := session.Decode(b)
	require.NoError(t, err)
	require.Equal(t, s, got)
	require.Equal(t, b, got.Append(nil), "who has no Home can be read by that server too")
}

func FuzzDecode(f *testing.F) {
	s := full()
	f.Add(s.Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := session.Decode(b)
		if err != nil {
			return
		}
		again, err := session.Decode(s.Append(nil))
		require.NoError(t, err)
		require.Equal(t, s, again)
	})
}

func TestNormalForms(t *testing.T) {
	for in, want := range map[string]string{
		"02-aB-00-00-00-01": "02-AB-00-00-00-01", "02:ab:00:00:00:01": "02-AB-00-00-00-01", "02ab.0000.0001": "02-AB-00-00-00-01",
		"02ab00000001": "02-AB-00-00-00-01", "02-AB-00-00-00-01": "02-AB-00-00-00-01",
		"": "", "#JVECE701#E30#1620": "#JVECE701#E30#1620", "02ab0000000": "02ab0000000", "02ab000000011": "02ab000000011",
	} {
		require.Equal(t, want, session.NormalStation(in), in)
	}
	for in, want := range map[string][2]string{
		"00-10-a4-23-19-c0:carrier": {"00-10-A4-23-19-C0", "carrier"}, "00:10:A4:23:19:C0:a:b": {"00-10-A4-23-19-C0", "a:b"},
		"0010.a423.19c0:x": {"00-10-A4-23-19-C0", "x"}, "0010a42319c0": {"00-10-A4-23-19-C0", ""}, "shop": {"shop", ""}, "": {"", ""},
	} {
		ap, ssid := session.SplitCalled(in)
		require.Equal(t, want, [2]string{ap, ssid}, in)
	}
}

func TestTotalStopsAtTheTop(t *testing.T) {
	require.Equal(t, uint64(1<<64-1), session.Usage{InputOctets: 1 << 63, OutputOctets: 1 << 63}.TotalOctets())
	require.Equal(t, uint64(3), session.Usage{InputOctets: 1, OutputOctets: 2}.TotalOctets())
}

func BenchmarkSessionCodec(b *testing.B) {
	s := full()
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf = s.Append(buf[:0])
		if _, err := session.Decode(buf); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(buf)), "octets")
}

// An ID is text to people and programs: in logs of either form, and in JSON.
func TestIDIsText(t *testing.T) {
	id := session.NamedID("x")
	var log bytes.Buffer
	for _, h := range []slog.Handler{slog.NewJSONHandler(&log, nil), slog.NewTextHandler(&log, nil)} {
		log.Reset()
		slog.New(h).Info("m", "session", id)
		require.Contains(t, log.String(), id.String())
	}
	b, err := json.Marshal(map[session.ID]session.ID{id: id})
	require.NoError(t, err)
	require.JSONEq(t, `{"`+id.String()+`":"`+id.String()+`"}`, string(b))
	var got map[session.ID]session.ID
	require.NoError(t, json.Unmarshal(b, &got))
	require.Equal(t, map[session.ID]session.ID{id: id}, got)
	require.Error(t, json.Unmarshal([]byte(`{"`+id.String()+`":"x"}`), &got))
}
