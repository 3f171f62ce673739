package load

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/sallyport-gateway/sallyport/envoy-config/bench/internal/stats"
)

// Paced is how requests are sent at a rate, however long the answers take: one
// every 1/Rate seconds, on whichever connection is free.
type Paced struct {
	Address     string
	Request     Request // without Many
	Connections int
	Rate        int // requests a second, of all connections together
	Duration    time.Duration
}

// Latency is what the callers of a paced run saw, in microseconds, from the
// moment when each request was due: waiting for a free connection counts.
type Latency struct {
	P50  float64 `json:"p50"`
	P99  float64 `json:"p99"`
	Rate float64 `json:"rate"` // requests a second that were answered
}

const (
	// maxRefused is the share of answers that may be other than 200.
	maxRefused = 0.001
	// patience is how much longer than its duration a run may take.
	patience = 5 * time.Second
	// longestWait is how long a turn waits for answers when no connection is free
	// to send.
	longestWait = 100 * time.Millisecond
)

// errLate ends a run that cannot keep up.
var errLate = errors.New("the answers to a paced run are late")

// Send sends the requests. Nearly all must be answered 200. It sleeps between
// them, which may make one late by the kernel's slack of some 50 µs, with and
// without a filter alike. A loop that keeps its core busy would have to wait
// for milliseconds when another process wants the core.
func (p Paced) Send(ctx context.Context) (Latency, error) {
	connections, err := dial(ctx, p.Address, p.Connections)
	if err != nil {
		return Latency{}, err
	}
	defer connections.close()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // no collection of ours in a latency

	r := pacing{
		text: []byte(p.Request.text()), interval: time.Second / time.Duration(p.Rate),
		total: int(p.Duration.Seconds() * float64(p.Rate)), began: time.Now(),
	}
	r.took = make([]float64, 0, r.total)
	for _, c := range connections {
		r.free = append(r.free, c)
	}
	for len(r.took) < r.total {
		if err := r.turn(connections); err != nil {
			return Latency{}, fmt.Errorf("paced run: %w", err)
		}
		if ctx.Err() != nil || time.Since(r.began) > p.Duration+patience {
			return Latency{}, errors.Join(errLate, ctx.Err())
		}
	}
	if float64(r.refused) > maxRefused*float64(r.total) {
		return Latency{}, fmt.Errorf("%d of %d paced requests were not answered 200, the last of them %d", r.refused, r.total, r.status)
	}
	return Latency{
		P50: stats.Percentile(r.took, 0.5), P99: stats.Percentile(r.took, 0.99),
		Rate: float64(r.total) / time.Since(r.began).Seconds(),
	}, nil
}

// pacing is a paced run in progress.
type pacing struct {
	text     []byte
	interval time.Duration
	total    int
	began    time.Time

	next    int           // the first request not yet sent
	free    []*connection // those that are not waiting for an answer
	took    []float64     // microseconds
	refused int
	status  int // of the last one that was refused
}

// turn sends what is due, and takes what has arrived.
func (r *pacing) turn(all connections) error {
	for r.next < r.total && len(r.free) > 0 {
		due := time.Duration(r.next) * r.interval
		if due > time.Since(r.began) {
			break
		}
		c := r.free[0]
		r.free = r.free[1:]
		if err := c.send(r.text, due); err != nil {
			return err
		}
		r.next++
	}
	wait := longestWait
	if r.next < r.total && len(r.free) > 0 {
		wait = time.Duration(r.next)*r.interval - time.Since(r.began)
	}
	ready, err := all.ready(wait)
	if err != nil {
		return err
	}
	for _, c := range ready {
		status, whole, err := c.receive()
		if err != nil {
			return err
		}
		if !whole {
			continue
		}
		r.took = append(r.took, float64(time.Since(r.began)-c.due)/float64(time.Microsecond))
		if status != http.StatusOK {
			r.refused, r.status = r.refused+1, status
		}
		r.free = append(r.free, c)
	}
	return nil
}
