package accounting

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	layeh "layeh.com/radius"

	"github.com/opentwag/twag/keyring"
	"github.com/opentwag/twag/session"
	"github.com/opentwag/twag/session/class"
)

// thesisTickets are the tickets of the thesis's worked examples.
func thesisTickets(t *testing.T) []*Record {
	f, err := os.Open("../testdata/accounting/tickets.txt")
	require.NoError(t, err)
	defer func() { require.NoError(t, f.Close()) }()
	r := NewDetailReader(f, time.FixedZone("GMT-03:00", -3*3600))
	var all []*Record
	for range 3 {
		rec, err := r.Next()
		require.NoError(t, err)
		clone := *rec
		clone.Pairs = append([]Pair(nil), rec.Pairs...)
		all = append(all, &clone)
	}
	return all
}

// stopOf makes of a ticket the request that it is from. Two of them lack the Acct-Session-Id
// that a request must have.
func stopOf(t *testing.T, rec *Record) *layeh.Packet {
	p := layeh.New(layeh.CodeAccountingRequest, nil)
	p.Add(typeStatus, layeh.Attribute{0, 0, 0, 2})
	for name, typ := range map[string]layeh.Type{
		"Acct-Session-Time": typeSessionTime, "Acct-Input-Octets": typeInputOctets, "Acct-Output-Octets": typeOutputOctets,
		"Acct-Input-Gigawords": typeInputGigawords, "Acct-Output-Gigawords": typeOutputGigawords, "Acct-Delay-Time": typeDelay,
		"Acct-Input-Packets": typeInputPackets, "Acct-Output-Packets": typeOutputPackets, "Event-Timestamp": typeTimestamp,
	} {
		if n, err := rec.Number(name); err == nil {
			a := u32(typ, uint32(n))
			p.Add(a.typ, a.value)
		}
	}
	for name, typ := range map[string]layeh.Type{
		"User-Name": typeUserName, "NAS-Identifier": typeNASIdentifier, "Class": typeClass, "Calling-Station-Id": typeCalling,
		"NAS-Port-Id": typePortID, "Acct-Session-Id": typeAccountID,
	} {
		if v, ok := rec.Lookup(name); ok {
			p.Add(typ, layeh.Attribute(v))
		}
	}
	if _, ok := p.Lookup(typeAccountID); !ok {
		p.Add(typeAccountID, layeh.Attribute("x"))
	}
	return p
}

// TestThesisTickets: durations and volumes of the three sessions.
func TestThesisTickets(t *testing.T) {
	all := thesisTickets(t)
	for i, want := range []session.Usage{
		{InputOctets: 145, OutputOctets: 208, InputPackets: 6, OutputPackets: 6, Time: 13 * time.Second},
		{InputOctets: 170, OutputOctets: 190, InputPackets: 2, OutputPackets: 1, Time: 10 * time.Second},
		{InputOctets: 20010, OutputOctets: 13029, InputPackets: 20, OutputPackets: 70, Time: 21073 * time.Second},
	} {
		v, m := Classify(Memory{}, eventOf(t, all[i].Time, stopOf(t, all[i])))
		require.Equal(t, OutOfOrder, v, "its Start is not in the file")
		require.Equal(t, want, m.Usage(), i)
	}
	require.Equal(t, uint64(20010+13029), session.Usage{InputOctets: 20010, OutputOctets: 13029}.TotalOctets())
}

// TestThesisThirdTicket: all three ways to its duration agree within the second that they are
// exact to. It arrived at 11:00:13 UTC after a delay of 18 s; its Event-Timestamp is
// 1194087596; the session took 21073 s.
func TestThesisThirdTicket(t *testing.T) {
	rec := thesisTickets(t)[2]
	require.Equal(t, int64(1194087613), rec.Time.Unix())
	began := time.Unix(1194087596-21073, 0)
	for _, c := range []struct {
		name    string
		without []layeh.Type
		want    int
	}{
		{"Acct-Session-Time", nil, 21073},
		{"Event-Timestamps", []layeh.Type{typeSessionTime}, 21073},
		// (1194087613 - 1194066525) - 18 + 2
		{"arrivals", []layeh.Type{typeSessionTime, typeTimestamp}, 21072},
	} {
		stop := stopOf(t, rec)
		start := layeh.New(layeh.CodeAccountingRequest, nil)
		for _, a := range append(says{u32(typeStatus, 1), delay(2), stamp(began)}, says1{typeAccountID, stop.Get(typeAccountID)}) {
			start.Add(a.typ, a.value)
		}
		for _, typ := range c.without {
			stop.Del(typ)
			start.Del(typ)
		}
		_, m := Classify(Memory{}, eventOf(t, began.Add(2*time.Second), start))
		v, m := Classify(m, eventOf(t, rec.Time, stop))
		require.Equal(t, New, v, c.name)
		require.Equal(t, time.Duration(c.want)*time.Second, m.Usage().Time, c.name)
	}
}

// TestThesisClass: the facts that its Class carries are on the ticket.
func TestThesisClass(t *testing.T) {
	ring, err := keyring.New(keyring.Key{ID: 1, Secret: [32]byte{1}})
	require.NoError(t, err)
	codec, err := class.New(ring, class.Config{AllowPlain: true})
	require.NoError(t, err)
	d := newDesk(t, RecorderConfig{Class: codec}, session.Config{})
	p := stopOf(t, thesisTickets(t)[2])
	require.Equal(t, OutOfOrder, d.record(now(), p))
	ticket := d.tickets()[0]
	require.Equal(t, []Fact{{"Server", "PAENRAS01"}, {"Area", "SC"}, {"Result", "OK"}, {"Service", "DEF"}, {"Use-Key", "CLF"}, {"Package", "0"}}, ticket.Class)
	require.True(t, ticket.Started.Equal(time.Unix(1194087596-21073, 0)))
	require.True(t, ticket.Stopped.Equal(time.Unix(1194087596, 0)))
	require.Equal(t, "#JVECE701#E30#1620", d.sessionOf().Station)
}
