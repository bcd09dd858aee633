package accounting

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	layeh "layeh.com/radius"

	"github.com/opentwag/twag/session"
	"github.com/opentwag/twag/session/class"
)

// login admits the station that packet makes requests of.
func (d *desk) login() session.ID {
	d.t.Helper()
	s, err := d.m.Admit(d.t.Context(), session.Session{IMSI: "001010000000001", Station: "02-00-00-00-00-01"})
	require.NoError(d.t, err)
	return s.ID
}

// TestClassOfAnotherStation: a NAS that mixes up its stations does not begin the other one's
// session.
func TestClassOfAnotherStation(t *testing.T) {
	codec := testClass(t)
	d := newDesk(t, RecorderConfig{Class: codec}, session.Config{})
	id := d.login()
	value, err := codec.Append(nil, &class.Facts{Session: id}, now())
	require.NoError(t, err)
	p := packet(Start, "A", stamp(now()), says1{typeClass, value})
	p.Set(typeCalling, layeh.Attribute("02-00-00-00-00-02"))
	require.Equal(t, New, d.record(now(), p))
	require.NotEqual(t, id, d.sessionOf().ID)
	require.Equal(t, session.Counts{Admitted: 1, Open: 1}, d.m.Counts())
}

// TestClosingLoginIsNotAdopted: what begins at a station whose login is to end is not that login's.
func TestClosingLoginIsNotAdopted(t *testing.T) {
	d := newDesk(t, RecorderConfig{}, session.Config{})
	id := d.login()
	require.NoError(t, d.m.Disconnect(t.Context(), id, session.ReasonNetwork))
	p := packet(Start, "A")
	e := eventOf(t, now(), p)
	e.NAS = session.NAS{} // the login has none either
	_, err := d.r.Record(t.Context(), e)
	require.NoError(t, err)
	require.NotEqual(t, id, d.sessionOf().ID)
}

// TestStartedBeforeLogin: the clock of a NAS that says so is wrong.
func TestStartedBeforeLogin(t *testing.T) {
	codec := testClass(t)
	d := newDesk(t, RecorderConfig{Class: codec}, session.Config{})
	value, err := codec.Append(nil, &class.Facts{Session: d.login()}, now())
	require.NoError(t, err)
	at := now()
	d.record(at, packet(Start, "A", stamp(at.AddDate(-5, 0, 0)), says1{typeClass, value}))
	require.WithinDuration(t, at, d.sessionOf().Started, time.Second)
}
