package gy

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestNextInterim(t *testing.T) {
	x := opened(t, 1000*mega, nil)
	require.Equal(t, 10*time.Minute, x.s.NextInterim(x.now), "no rate is known yet")
	x.use(0, 0)
	x.now = x.now.Add(100 * time.Second)
	x.use(100*mega, 100) // 1 MiB/s, 900 left
	require.Equal(t, 10*time.Minute, x.s.NextInterim(x.now))
	x.now = x.now.Add(400 * time.Second)
	x.use(500*mega, 500)
	require.Equal(t, 400*time.Second, x.s.NextInterim(x.now)) // 80 % of what is left
	x.now = x.now.Add(270 * time.Second)
	x.use(770*mega, 770)
	require.Equal(t, 184*time.Second, x.s.NextInterim(x.now))
	x.use(801*mega, 771)
	x.wantSend(RequestUpdate, 1)
	x.answer(grant(300*mega, final(FinalTerminate)))
	require.Less(t, x.s.NextInterim(x.now), 151*time.Second) // half of it
	x.now = x.now.Add(250 * time.Second)
	x.use(1051*mega, 1021)
	require.Equal(t, time.Minute, x.s.NextInterim(x.now))
}

func TestNextInterimOfTime(t *testing.T) {
	x := begin(t, nil)
	x.start()
	a := grant(0)
	a.Services[0].Granted = Units{Has: UnitTime | UnitInput | UnitOutput, Time: 300, Input: 10 * mega, Output: 10 * mega}
	x.answer(a)
	require.Equal(t, 240*time.Second, x.s.NextInterim(x.now))
	_, capped := x.s.SessionTimeout()
	require.False(t, capped)
	x.use(0, 0)
	x.now = x.now.Add(10 * time.Second)
	x.use(mega, 10)
	require.Equal(t, time.Minute, x.s.NextInterim(x.now).Truncate(time.Minute))
}

func TestSessionTimeout(t *testing.T) {
	x := begin(t, func(c *Config) { c.PeakRate = mega })
	x.start()
	a := grant(0, final(FinalTerminate))
	a.Services[0].Granted = Units{Has: UnitTime | UnitTotal, Time: 3600, Total: 1200 * mega}
	x.answer(a)
	d, capped := x.s.SessionTimeout()
	require.True(t, capped)
	require.Equal(t, 1200*time.Second, d)
	x.use(1190*mega, 10)
	d, _ = x.s.SessionTimeout()
	require.Equal(t, time.Minute, d)
}
