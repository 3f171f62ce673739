package e2e

import (
	"context"
	"maps"
	"time"

	"github.com/sallyport-gateway/sallyport/envoy-config/envoyrun"
)

// A guest counts in its VM and reports with each tick, four times a second; a machine that has more to do than it can is
// late with ticks.
const (
	// reportTime is after how long a guest has certainly reported, when it is not seen to.
	reportTime = 2 * time.Second
	// unchangedTime is after how long a guest that is waited for has nothing to report at all.
	unchangedTime = 5 * time.Second
	// stillTime is how long metrics do not move when a report is over.
	stillTime = 100 * time.Millisecond
)

// customStats are the metrics of guests.
const customStats = `^wasmcustom\.`

// reports knows which guests may still have something to report. Without seen, it is not known which.
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
// again for a while: it reports all of an exchange with one tick.
func (r *reports) wait(ctx context.Context, p *envoyrun.Process) (map[string]uint64, error) {
	var last map[string]uint64
	var since time.Time
	err := p.Poll(ctx, func() (bool, error) {
		now, err := p.Stats(ctx, customStats)
		if err != nil {
			return false, err
		}
		if last == nil || !maps.Equal(now.Number, last) {
			last, since = now.Number, time.Now()
		}
		age := time.Since(r.last)
		switch {
		case len(r.owing) == 0 && r.seen != nil:
			return true, nil
		case time.Since(since) < stillTime && age < unchangedTime:
			return false, nil
		case len(r.owing) == 1 && maps.Equal(last, r.seen):
			return age >= unchangedTime, nil
		case len(r.owing) == 1:
			return true, nil
		}
		return age >= reportTime, nil
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
