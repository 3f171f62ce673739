package envoydriver

import (
	"context"
	"regexp"
	"strings"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim/envoyrun"
)

// reportTime is after how long guests have certainly reported, when they are not seen to: they count in the VM and report
// with each tick, four times a second, or later on a machine that has more to do than it can.
const reportTime = 2 * time.Second

// customStats are the metrics of guests.
const customStats = `^wasmcustom\.`

// reports knows of how many exchanges the guests may still have to report.
type reports struct {
	counted counted
	owed    int
	last    time.Time        // when the last of them ended
	seen    map[string]int64 // the metrics before the first of them
}

// read gives the metrics as they are now, by the guests' names for them.
func (r *reports) read(ctx context.Context, p *envoyrun.Process) (map[string]int64, error) {
	stats, err := p.Stats(ctx, customStats)
	if err != nil {
		return nil, err
	}
	metrics := make(map[string]int64, len(stats.Number))
	for name, value := range stats.Number {
		metrics[strings.TrimPrefix(name, metricPrefix)] = int64(value) // a negative gauge comes back as one
	}
	r.counted.whole(metrics)
	return metrics, nil
}

// begin is called before an exchange, and end after it.
func (r *reports) begin(ctx context.Context, p *envoyrun.Process) (err error) {
	if r.owed == 0 {
		r.seen, err = r.read(ctx, p)
	}
	return err
}

func (r *reports) end() { r.owed, r.last = r.owed+1, time.Now() }

// wait gives the metrics when all exchanges are in them. Each that came to the filter was decided or abandoned, and if it
// was decided recorded; those that Envoy refused before are in none. It looks often: a counter can go with an old listener
// and come again with a new one.
func (r *reports) wait(ctx context.Context, p *envoyrun.Process) (metrics map[string]int64, err error) {
	reported := false
	err = p.Poll(ctx, func() (_ bool, err error) {
		complete := reported // a guest's report is several calls, so one look more is taken after the first that has them all
		if metrics, err = r.read(ctx, p); err != nil {
			return false, err
		}
		abandoned := r.grown(metrics, "sallyport_abandoned")
		reported = min(r.grown(metrics, "sallyport_decisions."), r.grown(metrics, "sallyport_usage."))+abandoned >= r.owed
		return complete || time.Since(r.last) >= reportTime, nil
	})
	if err == nil {
		r.owed = 0
	}
	return metrics, err
}

// grown is by how much the counters whose names begin so have grown.
func (r *reports) grown(now map[string]int64, name string) (n int) {
	for counter, value := range now {
		if strings.HasPrefix(counter, name) {
			n += int(value - r.seen[counter])
		}
	}
	return n
}

// counted makes counters whole that Envoy has begun again: it forgets a counter with the last listener that used it, which
// goes at its own time after its scenario.
type counted struct{ last, forgotten map[string]int64 }

// gauges tells gauges from counters: of the filter's own, they are those of a cluster or a key.
var gauges = regexp.MustCompile(`sp_(cluster|key)=`)

// whole makes the counters among metrics go on where they were; one that is not there now is as it was last.
func (c *counted) whole(metrics map[string]int64) {
	if c.last == nil {
		c.last, c.forgotten = map[string]int64{}, map[string]int64{}
	}
	for name := range c.last {
		if _, ok := metrics[name]; !ok {
			metrics[name] = 0
		}
	}
	for name, value := range metrics {
		if gauges.MatchString(name) {
			continue
		}
		if value < c.last[name] {
			c.forgotten[name] += c.last[name]
		}
		c.last[name] = value
		metrics[name] = c.forgotten[name] + value
	}
}
