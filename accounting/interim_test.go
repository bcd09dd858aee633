package accounting

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestInterimInterval(t *testing.T) {
	p := InterimPlan{Services: map[string]time.Duration{"gold": 5 * time.Minute, "sensor": 48 * time.Hour, "mad": time.Second}}
	troubled := p
	troubled.Troubled = 2 * time.Minute
	never := p
	never.Tolerated = -1
	for _, c := range []struct {
		name    string
		plan    InterimPlan
		service string
		history NASHistory
		want    time.Duration
	}{
		{"zero value", InterimPlan{}, "", NASHistory{}, 10 * time.Minute},
		{"service", p, "gold", NASHistory{}, 5 * time.Minute},
		{"unknown service", p, "x", NASHistory{}, 10 * time.Minute},
		{"Max", p, "sensor", NASHistory{}, 24 * time.Hour},
		{"Min", p, "mad", NASHistory{}, time.Minute},
		{"two faults are tolerated", p, "", NASHistory{Restarts: 1, Lost: 1}, 10 * time.Minute},
		{"three are not", p, "", NASHistory{Restarts: 1, Lost: 2}, 5 * time.Minute},
		{"never shorter than Min", InterimPlan{Interval: 90 * time.Second}, "", NASHistory{Lost: 9}, time.Minute},
		{"Troubled", troubled, "", NASHistory{Lost: 9}, 2 * time.Minute},
		{"Troubled does not lengthen", InterimPlan{Troubled: time.Hour}, "", NASHistory{Lost: 9}, 10 * time.Minute},
		{"never troubled", never, "", NASHistory{Lost: 9}, 10 * time.Minute},
	} {
		require.NoError(t, c.plan.Validate(), c.name)
		require.Equal(t, c.want, c.plan.For(testBegin, c.service, c.history), c.name)
	}
}

// TestInterimBeforeCycleEnd: with the numbers of the formula.
func TestInterimBeforeCycleEnd(t *testing.T) {
	for _, c := range []struct {
		name string
		left time.Duration // to the end of the cycle
		want time.Duration
		rest time.Duration
	}{
		// 7260 - 60 = 7200 = 12 * 600.
		{"fits as it is", 7260 * time.Second, 600 * time.Second, 0},
		// 7000 - 60 = 6940 = 10 * 694; 20 * 347 is too short, and 599 = 11 * 630.9.
		{"a longer one fits", 7000 * time.Second, 694 * time.Second, 0},
		// 1000 - 60 = 940 = 2 * 470, 470 >= 450.
		{"twice", 1000 * time.Second, 470 * time.Second, 0},
		// 560 - 60 = 500.
		{"once", 560 * time.Second, 500 * time.Second, 0},
		// 509 - 60 = 449 < 450.
		{"too near", 509 * time.Second, 600 * time.Second, -1},
		{"over already", -time.Second, 600 * time.Second, -1},
		// 1307 = 60 + 1247, 1247 = 29 * 43: no divisor between 450 and 750; 2 * 623 = 1246.
		{"a second is left", 1307 * time.Second, 623 * time.Second, time.Second},
	} {
		p := InterimPlan{CycleEnd: func(now time.Time) time.Time { return now.Add(c.left) }}
		got := p.For(testBegin, "", NASHistory{})
		require.Equal(t, c.want, got, c.name)
		if c.rest >= 0 {
			require.Equal(t, c.rest, (c.left-time.Minute)%got, c.name)
		}
	}
}

// TestInterimAnyCycle: within bounds always, and seldom more than seconds before the margin.
func TestInterimAnyCycle(t *testing.T) {
	for _, interval := range []time.Duration{time.Minute, 10 * time.Minute, 4 * time.Hour, 24 * time.Hour} {
		for left := time.Duration(0); left < 31*24*time.Hour; left += 7919 * time.Second {
			p := InterimPlan{Interval: interval, CycleEnd: func(now time.Time) time.Time { return now.Add(left) }}
			got := p.For(testBegin, "", NASHistory{})
			require.GreaterOrEqual(t, got, max(time.Minute, interval*3/4))
			require.LessOrEqual(t, got, min(24*time.Hour, interval*5/4))
			if d := left - time.Minute; interval == 10*time.Minute && d > 2*interval {
				require.LessOrEqual(t, d%got, 30*time.Second, "%v", left)
			}
		}
	}
}

func TestInterimPlanValidate(t *testing.T) {
	for _, p := range []InterimPlan{
		{Min: time.Second}, {Min: time.Hour, Max: time.Minute}, {Interval: -1}, {Margin: -1}, {Troubled: -1},
		{Services: map[string]time.Duration{"x": 0}},
	} {
		require.Error(t, p.Validate(), "%+v", p)
	}
	require.NoError(t, InterimPlan{}.Validate())
}

func BenchmarkInterimPlan(b *testing.B) {
	p := InterimPlan{CycleEnd: func(now time.Time) time.Time { return now.Add(20*24*time.Hour + 1249*time.Second) }}
	b.ReportAllocs()
	for b.Loop() {
		p.For(testBegin, "", NASHistory{})
	}
}
