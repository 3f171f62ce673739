package usage

import (
	"strings"
	"testing"
	"time"
)

func TestCoverage(t *testing.T) {
	minutes := func(m float64) time.Duration { return time.Duration(m * float64(time.Minute)) }
	// gateway is a watch of a process that started at a minute, scraped at others.
	gateway := func(started float64, scrapes ...float64) *watch {
		w := &watch{}
		for _, s := range scrapes {
			w.add(noon.Add(minutes(s)), minutes(s-started))
		}
		return w
	}
	restarted := gateway(-100, -5, 20)
	restarted.add(noon.Add(minutes(40)), minutes(10)) // since 30
	restarted.add(noon.Add(minutes(58)), minutes(28))
	long := gateway(-100, -5)
	long.add(noon.Add(minutes(50)), minutes(40)) // the uptime says less of a restart than the start does: since 10
	long.add(noon.Add(minutes(58)), minutes(48))
	longer := gateway(-2, -1)
	longer.add(noon.Add(minutes(55)), minutes(50)) // an uptime that has grown, of another process
	for _, tt := range []struct {
		name     string
		gateways map[string]*watch
		gaps     []string // each begins and ends so
		unseen   time.Duration
		notes    int
	}{
		{"whole", map[string]*watch{"a": gateway(-100, -5, 10, 58)}, nil, 0, 0},
		{"a scrape that was missed loses nothing", map[string]*watch{"a": gateway(-100, -5, 58)}, nil, 0, 0},
		{"none", nil, []string{"all gateways, 2026-11-24T12:00:00Z to 2026-11-24T13:00:00Z (1h0m0s): no target has"}, time.Hour, 0},
		{"begins late", map[string]*watch{"a": gateway(15, 20, 58)}, []string{"all gateways, 2026-11-24T12:00:00Z to 2026-11-24T12:20:00Z (20m0s): Prometheus knows nothing"}, minutes(20), 0},
		{"begins late, with older counts", map[string]*watch{"a": gateway(-100, 20, 58)}, []string{"all gateways, "}, minutes(20), 1},
		{"one comes later", map[string]*watch{"a": gateway(-100, -5, 58), "b": gateway(15, 20, 58)}, nil, 0, 0},
		{"one goes", map[string]*watch{"a": gateway(-100, -5, 58), "b": gateway(-100, -5, 20)}, []string{"b, 2026-11-24T12:20:00Z to 2026-11-24T13:00:00Z (40m0s): no longer scraped"}, minutes(40), 0},
		{"restarted", map[string]*watch{"a": restarted}, []string{"a, 2026-11-24T12:20:00Z to 2026-11-24T12:30:00Z (10m0s): restarted"}, minutes(10), 0},
		{"restarted in a long gap", map[string]*watch{"a": long}, []string{"a, 2026-11-24T11:55:00Z to 2026-11-24T12:10:00Z (15m0s): restarted"}, minutes(15), 0},
		{"restarted, with a longer uptime", map[string]*watch{"a": longer}, []string{"a, 2026-11-24T11:59:00Z to 2026-11-24T12:05:00Z (6m0s): restarted"}, minutes(6), 0},
		{"no uptime", map[string]*watch{"a": gateway(-100, -5, 58), "b": nil}, []string{"b, 2026-11-24T12:00:00Z to 2026-11-24T13:00:00Z (1h0m0s): has no envoy_server_uptime"}, time.Hour, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := coverage(period, tt.gateways)
			if len(got.Gaps) != len(tt.gaps) || len(got.Notes) != tt.notes || got.Unseen() != tt.unseen {
				t.Fatalf("gaps %v, notes %q, unseen %v", got.Gaps, got.Notes, got.Unseen())
			}
			for i, want := range tt.gaps {
				if !strings.HasPrefix(got.Gaps[i].String(), want) {
					t.Errorf("got the gap %q, want %q", got.Gaps[i], want)
				}
			}
		})
	}
}
