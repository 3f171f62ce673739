package e2e

import (
	"context"
	"maps"
	"time"

	"github.com/sallyport-gateway/sallyport/envoy-config/envoyrun"
)

// reportTime is how long after a call the guest has certainly told Envoy of it: it counts in the VM and reports with each
// tick, four times a second.
const reportTime = 600 * time.Millisecond

// customStats are the metrics of guests.
const customStats = `^wasmcustom\.`

// reports knows which guests may still have something to report.
type reports struct {
	last  time.Time
	owing map[*instance]bool
	seen  map[string]uint64 // the metrics as they were after the last exchange
}

// owes notes the end of an exchange, of the guest of i.
func (r *reports) owes(ctx context.Context, p *envoyrun.Process, i *instance) error {
	now, err := p.Stats(ctx, customStats)
	if err != nil {
		return err
	}
	if r.owing == nil {
		r.owing = map[*instance]bool{}
	}
	r.owing[i] = true
	r.last, r.seen = time.Now(), now.Number
	return nil
}

// wait gives the metrics when all guests have reported. A single guest has when its metrics have changed, and then not
// again: it reports all of an exchange with one tick.
func (r *reports) wait(ctx context.Context, p *envoyrun.Process) (map[string]uint64, error) {
	var last map[string]uint64
	err := p.Poll(ctx, func() (bool, error) {
		due := time.Since(r.last) >= reportTime
		now, err := p.Stats(ctx, customStats)
		if err != nil {
			return false, err
		}
		still := maps.Equal(now.Number, last)
		last = now.Number
		return due || still && len(r.owing) == 1 && !maps.Equal(last, r.seen), nil
	})
	if err == nil {
		r.owing = nil
	}
	return last, err
}

// allReported waits until the guests have told Envoy of all that ended before.
func allReported(ctx context.Context, p *envoyrun.Process) error {
	_, err := (&reports{last: time.Now()}).wait(ctx, p)
	return err
}
