package hostsim

import (
	"context"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim/internal/envoy"
	"github.com/sallyport-gateway/sallyport/hostsim/upstream"
)

// Process is one Envoy process: threads, a clock, clusters, and the state that all its plugins share. Its methods may
// be called from any goroutine.
type Process struct{ envoy *envoy.Process }

// NewProcess makes a process without plugins.
func NewProcess(opts ...ProcessOption) (*Process, error) {
	c := envoy.NewProcessConfig()
	for _, o := range opts {
		o(&c)
	}
	envoy, err := envoy.NewProcess(c)
	if err != nil {
		return nil, err
	}
	return &Process{envoy: envoy}, nil
}

// Clock is the clock that the process was made with.
func (p *Process) Clock() Clock { return p.envoy.Clock }

// Workers is the number of workers, the main thread not counted.
func (p *Process) Workers() int { return len(p.envoy.Workers) - 1 }

// Advance moves the process's fake clock and runs ticks, answers and timeouts on the way, in order of time. On the real
// clock it sleeps, while they run by themselves.
func (p *Process) Advance(d time.Duration) { p.envoy.Loop.Advance(d) }

// SetCluster defines or replaces a cluster, and removes it when cluster is nil.
func (p *Process) SetCluster(name string, cluster upstream.Cluster) {
	p.envoy.SetCluster(name, cluster)
}

// Calls are all calls that guests dispatched so far, in order; also those that were refused.
func (p *Process) Calls() []upstream.Call { return p.envoy.Calls.From(0) }

// Hostcalls is how many hostcalls all guests made so far, WASI left out.
func (p *Process) Hostcalls() int { return p.envoy.Hostcalls() }

// Restart plays an Envoy that was killed and started again. Streams in flight are reset and callouts dropped, and no
// guest is notified: no log, done or delete. Shared data, queues and metrics are gone. Then every plugin starts as it
// did at first, with its present configuration; clusters, clock and log stay. The error joins what New would return for
// each plugin that does not start; its streams are answered like those of a crashed VM.
//
// Exchanges begun before can still be waited for: they end with a Response that has Reset set.
func (p *Process) Restart() error { return p.envoy.Restart() }

// Close ends all plugins, releases their VMs and stops all timers.
func (p *Process) Close(context.Context) error {
	p.envoy.Close()
	return nil
}

// SharedData is a copy of all shared data under a vm_id.
func (p *Process) SharedData(vmID string) map[string][]byte { return p.envoy.Machine.SharedData(vmID) }

// SetSharedData writes a key as a guest with that vm_id would with cas 0: to prepare a test, or to stand for a rival.
func (p *Process) SetSharedData(vmID, key string, value []byte) {
	p.envoy.Machine.SetSharedData(vmID, key, value)
}

// LoseCAS makes the next n compare-and-swap writes of a key under a vm_id answer CasMismatch, as if a rival had written
// the same value in between: to see whether a guest tries again, and for how long.
func (p *Process) LoseCAS(vmID, key string, n int) { p.envoy.Machine.LoseCAS(vmID, key, n) }

// Queue is a copy of the messages in a queue, oldest first, and whether it was ever registered.
func (p *Process) Queue(vmID, name string) (messages [][]byte, ok bool) {
	return p.envoy.Machine.Queue(vmID, name)
}

// Metrics are all metrics that guests defined, in the order of their first definition, by the guest's own names. Envoy
// shows them with "wasmcustom." before the name.
func (p *Process) Metrics() []Metric { return p.envoy.Machine.Metrics() }

// Metric is the value of the counter or gauge with that name, 0 when there is none.
func (p *Process) Metric(name string) uint64 { return p.envoy.Machine.Metric(name) }
