// Package envoy is what all of a simulated Envoy's plugins have in common: the process, listeners with a plugin,
// configurations in force and their VMs, contexts of the guest, callouts, properties. Streams of HTTP and connections of
// TCP are packages of their own. Source: Envoy source/extensions/common/wasm.
package envoy

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"maps"
	mathrand "math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim/internal/simclock"
	"github.com/sallyport-gateway/sallyport/hostsim/internal/wasmhost"
	"github.com/sallyport-gateway/sallyport/hostsim/upstream"
)

// Process is one Envoy: threads, a clock, clusters, and the state that all its plugins share. Its methods may be
// called from any goroutine.
type Process struct {
	Profile *profile
	Clock   simclock.Clock
	Loop    *simclock.Loop
	Workers []*worker // [0] is the main thread
	node    map[string]string
	Machine *wasmhost.Machine

	// Calls are all calls that guests dispatched, including those that were refused.
	Calls wasmhost.Journal[upstream.Call]

	mu        sync.Mutex
	clusters  map[string]upstream.Cluster
	listeners map[*Listener]bool
	started   int // listeners so far
	random    *mathrand.ChaCha8
}

// NewProcess makes a process without plugins.
func NewProcess(c ProcessConfig) (*Process, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	profile, _ := findProfile(c.Profile) // check has done it
	if c.Clock == nil {
		c.Clock = simclock.NewFakeClock(simclock.DefaultStart)
	}
	p := &Process{
		Profile: profile, Clock: c.Clock, node: maps.Clone(c.Node), clusters: maps.Clone(c.Clusters), listeners: map[*Listener]bool{},
	}
	p.Machine = wasmhost.NewMachine(profile.Release, p.Clock, p.newRandom)
	if p.node == nil {
		p.node = map[string]string{}
	}
	if _, ok := p.node["user_agent_name"]; !ok {
		p.node["user_agent_name"] = "envoy"
	}
	var order *uint64
	if c.Seeded {
		order = &c.Seed
	}
	p.Loop = simclock.NewLoop(p.Clock, c.Workers+1, order)
	var seed [32]byte
	if p.Loop.Fake == nil && !c.Seeded {
		_, _ = rand.Read(seed[:]) // never fails, by its contract
	}
	binary.LittleEndian.PutUint64(seed[:], c.Seed^binary.LittleEndian.Uint64(seed[:]))
	p.random = mathrand.NewChaCha8(seed)
	for _, t := range p.Loop.Threads {
		p.Workers = append(p.Workers, &worker{Thread: t, process: p, guests: map[string]*guest{}})
	}
	return p, nil
}

// SetCluster defines or replaces a cluster, and removes it when cluster is nil.
func (p *Process) SetCluster(name string, cluster upstream.Cluster) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if cluster == nil {
		delete(p.clusters, name)
		return
	}
	p.clusters[name] = cluster
}

func (p *Process) cluster(name string) (upstream.Cluster, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c, ok := p.clusters[name]
	return c, ok
}

// Hostcalls is how many all guests made so far, WASI left out.
func (p *Process) Hostcalls() int {
	n := int64(0)
	for _, w := range p.Workers {
		n += w.hostcalls.Load()
	}
	return int(n)
}

// inOrderOfStart are the listeners, in the order in which they were started.
func (p *Process) inOrderOfStart() []*Listener {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.SortedFunc(maps.Keys(p.listeners), func(a, b *Listener) int { return a.number - b.number })
}

// Close ends all plugins, releases their VMs and stops all timers.
func (p *Process) Close() {
	if p.Loop.Closed() {
		return
	}
	for _, h := range p.inOrderOfStart() {
		h.Close()
	}
	p.Loop.Close()
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

// RequestID is a random UUID from the process's own source.
func (p *Process) RequestID() string {
	p.mu.Lock()
	a, b := p.random.Uint64(), p.random.Uint64()
	p.mu.Unlock()
	var raw [16]byte
	binary.BigEndian.PutUint64(raw[:], a&^0xf000|0x4000)
	binary.BigEndian.PutUint64(raw[8:], b&^(0xc0<<56)|0x80<<56)
	var text [36]byte
	hex.Encode(text[:], raw[:4])
	hex.Encode(text[9:], raw[4:6])
	hex.Encode(text[14:], raw[6:8])
	hex.Encode(text[19:], raw[8:10])
	hex.Encode(text[24:], raw[10:])
	text[8], text[13], text[18], text[23] = '-', '-', '-', '-'
	return string(text[:])
}
