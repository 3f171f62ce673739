package e2e

import (
	"context"
	"strings"
	"time"

	"github.com/sallyport-gateway/sallyport/envoy-config/envoyrun"
)

// reportTime is after how long guests have certainly reported, when they are not seen to: they count in the VM and report
// with each tick, four times a second, or later on a machine that has more to do than it can.
const reportTime = 2 * time.Second

// customStats are the metrics of guests.
const customStats = `^wasmcustom\.`

// reports knows of how many exchanges the guests may still have to report.
type reports struct {
	owed int
	last time.Time         // when the last of them ended
	seen map[string]uint64 // the metrics before the first of them
}

// begin is called before an exchange, and end after it.
func (r *reports) begin(ctx context.Context, p *envoyrun.Process) error {
	if r.owed > 0 {
		return nil
	}
	now, err := p.Stats(ctx, customStats)
	r.seen = now.Number
	return err
}

func (r *reports) end() { r.owed, r.last = r.owed+1, time.Now() }

// wait gives the metrics when all exchanges are in them. Each that came to the filter was decided or abandoned, and if it
// was decided recorded; those that Envoy refused before are in none.
func (r *reports) wait(ctx context.Context, p *envoyrun.Process) (metrics map[string]uint64, err error) {
	err = p.Poll(ctx, func() (bool, error) {
		now, err := p.Stats(ctx, customStats)
		if err != nil {
			return false, err
		}
		metrics = now.Number
		abandoned := r.grown(metrics, "sallyport_abandoned")
		all := r.grown(metrics, "sallyport_decisions.")+abandoned >= r.owed && r.grown(metrics, "sallyport_usage.")+abandoned >= r.owed
		return all || time.Since(r.last) >= reportTime, nil
	})
	if err == nil {
		r.owed = 0
	}
	return metrics, err
}

// grown is by how much the counters of a name have grown. Envoy begins a counter anew when the last listener that used it
// has gone.
func (r *reports) grown(now map[string]uint64, name string) int {
	var n uint64
	for counter, value := range now {
		if !strings.HasPrefix(counter, metricPrefix+name) {
			continue
		}
		if before := r.seen[counter]; before <= value {
			value -= before
		}
		n += value
	}
	return int(n)
}

// allReported waits until the guests have told Envoy of all that ended before.
func allReported(ctx context.Context, p *envoyrun.Process) error {
	ended := time.Now()
	return p.Poll(ctx, func() (bool, error) { return time.Since(ended) >= reportTime, nil })
}
