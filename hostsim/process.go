package hostsim

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	mathrand "math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Process is one Envoy process: threads, a clock, clusters, and the state that all its plugins share. Its methods may
// be called from any goroutine.
type Process struct {
	profile *profile
	clock   Clock
	fake    *FakeClock // clock, when it is one
	threads []*thread  // [0] is the main thread
	node    map[string]string
	began   time.Time

	sharedData *sharedData
	queues     *queueTable
	metrics    *metricTable

	calls journal[Call]

	mu       sync.Mutex
	clusters map[string]Cluster
	hosts    map[*Host]bool
	started  int // hosts so far
	random   *mathrand.ChaCha8
	shuffle  *mathrand.Rand // by WithSeed, else nil

	closed  atomic.Bool
	spawned sync.WaitGroup
	// background ends when the process closes.
	background context.Context
	stop       context.CancelFunc
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
		profile: profile, clock: c.process.clock, node: c.process.node, began: c.process.clock.Now(), clusters: maps.Clone(c.process.clusters),
		sharedData: newSharedData(), queues: newQueueTable(), metrics: newMetricTable(), hosts: map[*Host]bool{},
	}
	if p.node == nil {
		p.node = map[string]string{}
	}
	if _, ok := p.node["user_agent_name"]; !ok {
		p.node["user_agent_name"] = "envoy"
	}
	p.fake, _ = p.clock.(*FakeClock)
	p.background, p.stop = context.WithCancel(context.Background())
	var seed [32]byte
	if p.fake == nil && !c.process.seeded {
		_, _ = rand.Read(seed[:]) // never fails, by its contract
	}
	binary.LittleEndian.PutUint64(seed[:], c.process.seed^binary.LittleEndian.Uint64(seed[:]))
	p.random = mathrand.NewChaCha8(seed)
	if p.fake != nil && c.process.seeded {
		p.shuffle = mathrand.New(mathrand.NewPCG(c.process.seed, shuffleStream)) //nolint:gosec // an order, no secret
		p.fake.shuffleBy(c.process.seed)
	}
	for i := range c.process.workers + 1 {
		p.threads = append(p.threads, &thread{process: p, index: i, vms: map[string]*vm{}})
	}
	return p
}

// shuffleStream tells the orders that a seed decides from the random numbers that it gives guests.
const shuffleStream = 0x5a11

// order is in which the threads are served.
func (p *Process) order() []*thread {
	threads := slices.Clone(p.threads)
	if p.shuffle != nil {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.shuffle.Shuffle(len(threads), func(i, j int) { threads[i], threads[j] = threads[j], threads[i] })
	}
	return threads
}

// Clock is the clock that the process was made with.
func (p *Process) Clock() Clock { return p.clock }

// Workers is the number of workers, the main thread not counted.
func (p *Process) Workers() int { return len(p.threads) - 1 }

// Advance moves the process's fake clock and runs ticks, answers and timeouts on the way, in order of time. On the real
// clock it sleeps, while they run by themselves.
func (p *Process) Advance(d time.Duration) {
	if p.fake == nil {
		time.Sleep(d)
		return
	}
	p.fake.Advance(d)
	p.settle()
}

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
	for _, t := range p.threads {
		n += t.hostcalls.Load()
	}
	return int(n)
}

// Close ends all plugins, releases their VMs and stops all timers.
func (p *Process) Close(ctx context.Context) error {
	if p.isClosed() {
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
	p.mu.Lock()
	p.closed.Store(true)
	p.mu.Unlock()
	p.stop()
	p.spawned.Wait()
	return errors.Join(errs...)
}

func (p *Process) isClosed() bool { return p.closed.Load() }

// spawn runs f on a goroutine that Close waits for; a closed process does nothing.
func (p *Process) spawn(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.isClosed() {
		p.spawned.Go(f)
	}
}

// settle runs what has been posted to threads until nothing is left. The caller holds no thread.
func (p *Process) settle() {
	if p.fake == nil {
		return // goroutines do it
	}
	for again := true; again; {
		again = false
		threads := p.threads
		if p.shuffle != nil && p.posted() {
			threads = p.order()
		}
		for _, t := range threads {
			if f, ok := t.take(); ok {
				again = true
				t.run(f)
			}
		}
	}
}

// posted: some thread has work. Without any there is no order to decide.
func (p *Process) posted() bool {
	for _, t := range p.threads {
		t.inboxMu.Lock()
		n := len(t.inbox)
		t.inboxMu.Unlock()
		if n > 0 {
			return true
		}
	}
	return false
}

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
