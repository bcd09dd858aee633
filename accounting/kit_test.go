package accounting

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	layeh "layeh.com/radius"

	"github.com/opentwag/twag/session"
)

var (
	testBegin  = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	testSource = netip.MustParseAddr("192.0.2.1")
)

const testSecret = "a-secret-of-some-length"

// says is what a packet says, attribute by attribute.
type says []says1

type says1 struct {
	typ   layeh.Type
	value layeh.Attribute
}

func u32(typ layeh.Type, v uint32) says1 {
	return says1{typ, binary.BigEndian.AppendUint32(nil, v)}
}

func str(typ layeh.Type, v string) says1 { return says1{typ, layeh.Attribute(v)} }

// packet returns an Accounting-Request of a station on a WLAN.
func packet(status Status, id string, more ...says1) *layeh.Packet {
	p := layeh.New(layeh.CodeAccountingRequest, []byte(testSecret))
	all := append(says{
		u32(typeStatus, uint32(status)), str(typeAccountID, id), str(typeUserName, "0001010000000001@wlan.mnc001.mcc001.3gppnetwork.org"),
		str(typeNASIdentifier, "ap-1.example"), says1{typeNASIP, layeh.Attribute{10, 0, 0, 1}},
		str(typeCalled, "00-10-A4-23-19-C0:SSID"), str(typeCalling, "02-00-00-00-00-01"), u32(typePortType, 19),
	}, more...)
	for _, a := range all {
		p.Add(a.typ, a.value)
	}
	return p
}

func eventOf(t testing.TB, at time.Time, p *layeh.Packet) *Event {
	t.Helper()
	e, err := ParseEvent(p, testSource, at)
	require.NoError(t, err)
	return &e
}

// volumes are the attributes that count.
func volumes(seconds uint32, in, out uint64) []says1 {
	all := []says1{u32(typeSessionTime, seconds), u32(typeInputOctets, uint32(in)), u32(typeOutputOctets, uint32(out))}
	if in>>32 > 0 || out>>32 > 0 {
		all = append(all, u32(typeInputGigawords, uint32(in>>32)), u32(typeOutputGigawords, uint32(out>>32)))
	}
	return all
}

func stamp(at time.Time) says1 { return u32(typeTimestamp, uint32(at.Unix())) }

func delay(seconds uint32) says1 { return u32(typeDelay, seconds) }

// desk is a recorder over a store in memory.
type desk struct {
	t     testing.TB
	store *session.MemoryStore
	m     *session.Manager
	r     *Recorder
}

func newDesk(t testing.TB, cfg RecorderConfig, mcfg session.Config) *desk {
	d := &desk{t: t, store: session.NewMemoryStore(session.MemoryConfig{})}
	d.use(d.store, cfg, mcfg)
	return d
}

func (d *desk) use(store session.Store, cfg RecorderConfig, mcfg session.Config) {
	m, err := session.NewManager(store, mcfg)
	require.NoError(d.t, err)
	cfg.Server = "aaa1"
	d.m, d.r = m, NewRecorder(m, cfg)
}

// record records a packet that arrives at a time, and returns the verdict.
func (d *desk) record(at time.Time, p *layeh.Packet) Verdict {
	d.t.Helper()
	v, err := d.r.Record(d.t.Context(), eventOf(d.t, at, p))
	require.NoError(d.t, err)
	return v
}

// tickets returns the journal.
func (d *desk) tickets() []Ticket {
	d.t.Helper()
	var out []Ticket
	err := d.store.ReadJournal(d.t.Context(), 1, func(seq uint64, entry []byte) bool {
		ticket, err := DecodeTicket(entry)
		require.NoError(d.t, err)
		ticket.Seq = seq
		out = append(out, ticket)
		return true
	})
	require.NoError(d.t, err)
	return out
}

// sessionOf returns the session of the journal's latest ticket.
func (d *desk) sessionOf() session.Session {
	d.t.Helper()
	all := d.tickets()
	e, err := d.m.Get(d.t.Context(), all[len(all)-1].Session)
	require.NoError(d.t, err)
	return e.Session
}
