package hostsim

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"maps"
	mathrand "math/rand/v2"
	"slices"
	"sync"
	"time"
)

// envoyProcess is one Envoy: threads, a clock, clusters, and the state that all its plugins share. Its methods may be
// called from any goroutine.
type envoyProcess struct {
	profile *profile
	clock   Clock
	loop    *loop
	workers []*worker // [0] is the main thread
	node    map[string]string
	machine *machine

	// Calls are all that guests dispatched, also those that were refused.
	calls journal[Call]

	mu        sync.Mutex
	clusters  map[string]Cluster
	listeners map[*listener]bool
	started   int // listeners so far
	random    *mathrand.ChaCha8
}

// newEnvoyProcess makes a process without plugins.
func newEnvoyProcess(c processConfig) (*envoyProcess, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	profile, _ := findProfile(c.profile) // check has done it
	if c.clock == nil {
		c.clock = NewFakeClock(DefaultStart)
	}
	p := &envoyProcess{
		profile: profile, clock: c.clock, node: maps.Clone(c.node), clusters: maps.Clone(c.clusters), listeners: map[*listener]bool{},
	}
	p.machine = newMachine(profile.release, p.clock, p.newRandom)
	if p.node == nil {
		p.node = map[string]string{}
	}
	if _, ok := p.node["user_agent_name"]; !ok {
		p.node["user_agent_name"] = "envoy"
	}
	var order *uint64
	if c.seeded {
		order = &c.seed
	}
	p.loop = newLoop(p.clock, c.workers+1, order)
	var seed [32]byte
	if p.loop.Fake == nil && !c.seeded {
		_, _ = rand.Read(seed[:]) // never fails, by its contract
	}
	binary.LittleEndian.PutUint64(seed[:], c.seed^binary.LittleEndian.Uint64(seed[:]))
	p.random = mathrand.NewChaCha8(seed)
	for _, t := range p.loop.Threads {
		p.workers = append(p.workers, &worker{thread: t, process: p, guests: map[string]*guest{}})
	}
	return p, nil
}

// setCluster defines or replaces a cluster, and removes it when cluster is nil.
func (p *envoyProcess) setCluster(name string, cluster Cluster) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if cluster == nil {
		delete(p.clusters, name)
		return
	}
	p.clusters[name] = cluster
}

func (p *envoyProcess) cluster(name string) (Cluster, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c, ok := p.clusters[name]
	return c, ok
}

// hostcalls is how many all guests made so far, WASI left out.
func (p *envoyProcess) hostcalls() int {
	n := int64(0)
	for _, w := range p.workers {
		n += w.hostcalls.Load()
	}
	return int(n)
}

// inOrderOfStart are the listeners.
func (p *envoyProcess) inOrderOfStart() []*listener {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.SortedFunc(maps.Keys(p.listeners), func(a, b *listener) int { return a.number - b.number })
}

// close ends all plugins, releases their VMs and stops all timers.
func (p *envoyProcess) close() {
	if p.loop.Closed() {
		return
	}
	for _, h := range p.inOrderOfStart() {
		h.close()
	}
	p.loop.Close()
}

// newRandom is a random source for one VM, drawn from the process's own.
func (p *envoyProcess) newRandom() *mathrand.ChaCha8 {
	var seed [32]byte
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := 0; i < len(seed); i += 8 {
		binary.LittleEndian.PutUint64(seed[i:], p.random.Uint64())
	}
	return mathrand.NewChaCha8(seed)
}

// jittered is base to 1.5 times base. Source: Envoy JitteredLowerBoundBackOffStrategy.
func (p *envoyProcess) jittered(base time.Duration) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return base + time.Duration(p.random.Uint64()%uint64(max(base/2, 1)))
}

// requestID is a random UUID from the process's own source.
func (p *envoyProcess) requestID() string {
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
