package hostsim

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	mathrand "math/rand/v2"
	"sync"
	"time"
)

// Process is one Envoy process: threads, a clock, clusters, and the state that all its plugins share. Its methods may
// be called from any goroutine.
type Process struct {
	profile *profile
	clock   Clock
	loop    *loop
	workers []*worker // [0] is the main thread
	node    map[string]string
	machine *machine

	calls journal[Call]

	mu       sync.Mutex
	clusters map[string]Cluster
	hosts    map[*Host]bool
	started  int // hosts so far
	random   *mathrand.ChaCha8
}

// NewProcess makes a process without plugins. Only options marked "Process" have a meaning here.
func NewProcess(opts ...Option) (*Process, error) {
	c, err := newConfig(opts)
	if err != nil {
		return nil, err
	}
	return newProcess(c), nil
}

func newProcess(c *config) *Process {
	profile, _ := findProfile(c.process.profile) // newConfig has checked it
	p := &Process{
		profile: profile, clock: c.process.clock, node: maps.Clone(c.process.node), clusters: maps.Clone(c.process.clusters), hosts: map[*Host]bool{},
	}
	p.machine = newMachine(profile.release, p.clock, p.newRandom)
	if p.node == nil {
		p.node = map[string]string{}
	}
	if _, ok := p.node["user_agent_name"]; !ok {
		p.node["user_agent_name"] = "envoy"
	}
	var order *uint64
	if c.process.seeded {
		order = &c.process.seed
	}
	p.loop = newLoop(p.clock, c.process.workers+1, order)
	var seed [32]byte
	if p.loop.Fake == nil && !c.process.seeded {
		_, _ = rand.Read(seed[:]) // never fails, by its contract
	}
	binary.LittleEndian.PutUint64(seed[:], c.process.seed^binary.LittleEndian.Uint64(seed[:]))
	p.random = mathrand.NewChaCha8(seed)
	for _, t := range p.loop.Threads {
		p.workers = append(p.workers, &worker{thread: t, process: p, guests: map[string]*guest{}})
	}
	return p
}

// Clock is the clock that the process was made with.
func (p *Process) Clock() Clock { return p.clock }

// Workers is the number of workers, the main thread not counted.
func (p *Process) Workers() int { return len(p.workers) - 1 }

// Advance moves the process's fake clock and runs ticks, answers and timeouts on the way, in order of time. On the real
// clock it sleeps, while they run by themselves.
func (p *Process) Advance(d time.Duration) { p.loop.Advance(d) }

// SetCluster defines or replaces a cluster, and removes it when cluster is nil.
func (p *Process) SetCluster(name string, cluster Cluster) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if cluster == nil {
		delete(p.clusters, name)
		return
	}
	p.clusters[name] = cluster
}

func (p *Process) cluster(name string) (Cluster, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c, ok := p.clusters[name]
	return c, ok
}

// Calls are all calls that guests dispatched so far, in order; also those that were refused.
func (p *Process) Calls() []Call { return p.calls.from(0) }

// Hostcalls is how many hostcalls all guests made so far, WASI left out.
func (p *Process) Hostcalls() int {
	n := int64(0)
	for _, t := range p.workers {
		n += t.hostcalls.Load()
	}
	return int(n)
}

// Close ends all plugins, releases their VMs and stops all timers.
func (p *Process) Close(ctx context.Context) error {
	if p.loop.Closed() {
		return nil
	}
	p.mu.Lock()
	hosts := make([]*Host, 0, len(p.hosts))
	for h := range p.hosts {
		hosts = append(hosts, h)
	}
	p.mu.Unlock()
	var errs []error
	for _, h := range hosts {
		if err := h.close(ctx); err != nil {
			errs = append(errs, fmt.Errorf("close plugin %s: %w", h.config.name, err))
		}
	}
	p.loop.Close()
	return errors.Join(errs...)
}

// SharedData is a copy of all shared data under a vm_id.
func (p *Process) SharedData(vmID string) map[string][]byte { return p.machine.SharedData(vmID) }

// SetSharedData writes a key as a guest with that vm_id would with cas 0: to prepare a test, or to stand for a rival.
func (p *Process) SetSharedData(vmID, key string, value []byte) {
	p.machine.SetSharedData(vmID, key, value)
}

// LoseCAS has the next n compare-and-swap writes of a key under a vm_id answer CasMismatch, as if a rival had written the
// same value in between: to see whether a guest tries again, and for how long.
func (p *Process) LoseCAS(vmID, key string, n int) { p.machine.LoseCAS(vmID, key, n) }

// Queue is a copy of the messages in a queue, oldest first, and whether it was ever registered.
func (p *Process) Queue(vmID, name string) (messages [][]byte, ok bool) {
	return p.machine.Queue(vmID, name)
}

// Metrics are all metrics that guests defined, in the order of their first definition, by the guest's own names. Envoy
// shows them with "wasmcustom." before the name.
func (p *Process) Metrics() []Metric { return p.machine.Metrics() }

// Metric is the value of the counter or gauge with that name, 0 when there is none.
func (p *Process) Metric(name string) uint64 { return p.machine.Metric(name) }

// newRandom is a random source for one VM, drawn from the process's own.
func (p *Process) newRandom() *mathrand.ChaCha8 {
	var seed [32]byte
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := 0; i < len(seed); i += 8 {
		binary.LittleEndian.PutUint64(seed[i:], p.random.Uint64())
	}
	return mathrand.NewChaCha8(seed)
}

// jittered is base to 1.5 times base. Source: Envoy JitteredLowerBoundBackOffStrategy.
func (p *Process) jittered(base time.Duration) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return base + time.Duration(p.random.Uint64()%uint64(max(base/2, 1)))
}
