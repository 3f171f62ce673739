package introspection

import (
	"fmt"
	"testing"
	"time"

	"github.com/sallyport-gateway/sallyport/filter/internal/denial"
	"github.com/sallyport-gateway/sallyport/filter/internal/host"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
	"github.com/sallyport-gateway/sallyport/filter/internal/sharedtable/memstore"
)

// proxy is a host with several VMs, each with a step of its own, that share data and queues and one clock.
type proxy struct {
	vms   []*bench
	store *memstore.Store
	lose  bool // messages
}

func newProxy(n int, change func(*Options)) *proxy {
	p := &proxy{store: memstore.New(nil)}
	for i := range n {
		p.vms = append(p.vms, p.boot(i, change))
	}
	return p
}

// boot makes VM i, or makes it again after it died.
func (p *proxy) boot(i int, change func(*Options)) *bench {
	b := newBenchOn(p.store, &ear{proxy: p, queue: uint32(i + 1)}, uint64(1000+i), func(o *Options) {
		o.SharedEntries, o.NegativeTTL = 64, 10*time.Second
		if change != nil {
			change(o)
		}
	})
	if len(p.vms) > 0 {
		b.now = p.vms[0].now
	}
	return b
}

// ear is host.Peers of one VM.
type ear struct {
	proxy *proxy
	queue uint32
}

func (e *ear) Queue() (uint32, bool) { return e.queue, true }
func (e *ear) Join(host.Background)  {}
func (e *ear) Tell(to uint32, m []byte) {
	if !e.proxy.lose && to >= 1 && int(to) <= len(e.proxy.vms) {
		vm := e.proxy.vms[to-1]
		vm.step.Hear(m, vm.now.UnixNano())
	}
}

// pass lets time pass for all VMs, with ticks in between as a host gives them.
func (p *proxy) pass(d time.Duration) {
	const tick = 250 * time.Millisecond
	for d > 0 {
		step := min(d, tick)
		d -= step
		for _, vm := range p.vms {
			vm.now = vm.now.Add(step)
		}
		for _, vm := range p.vms {
			vm.step.Tick(vm.now.UnixNano())
		}
	}
}

func (p *proxy) calls() (n int) {
	for _, vm := range p.vms {
		n += len(vm.air.calls)
	}
	return n
}

func (p *proxy) wantCalls(t *testing.T, want int) {
	t.Helper()
	if got := p.calls(); got != want {
		t.Fatalf("%d calls, want %d", got, want)
	}
}

var inactiveDenial = denial.Denial{Reason: denial.TokenInactive}

// TestStampedeMakesOneCall: requests with one token on all VMs wait for one call, and all get its answer.
func TestStampedeMakesOneCall(t *testing.T) {
	for _, tt := range []struct {
		name   string
		answer func(*bench) host.Answer
		want   func(*testing.T, *exchange)
	}{
		{"active", func(b *bench) host.Answer { return b.active("jane") }, func(t *testing.T, x *exchange) { x.wantAdmitted(t, "jane") }},
		{"inactive", func(*bench) host.Answer { return answered(200, `{"active":false}`) }, func(t *testing.T, x *exchange) { x.wantDenied(t, inactiveDenial) }},
		{"failed", func(*bench) host.Answer { return answered(500, "") }, func(t *testing.T, x *exchange) {
			x.wantDenied(t, denial.Denial{Reason: denial.IntrospectionServerError, RetryAfterSeconds: unavailableRetrySeconds})
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := newProxy(4, nil)
			var all []*exchange
			for i := range 40 {
				all = append(all, p.vms[i%4].arrive("token"))
			}
			p.wantCalls(t, 1)
			for _, x := range all {
				x.wantParked(t)
			}
			p.vms[0].land(0, tt.answer(p.vms[0]))
			for _, x := range all {
				tt.want(t, x)
			}
			p.wantCalls(t, 1)
		})
	}
}

func TestAnAnswerServesAllVMs(t *testing.T) {
	p := newProxy(2, nil)
	p.vms[0].arrive("token")
	p.vms[0].land(0, p.vms[0].active("jane"))
	p.vms[1].arrive("token").wantAdmitted(t, "jane")
	p.vms[0].arrive("other")
	p.vms[0].land(1, answered(200, `{"active":false}`))
	p.vms[1].arrive("other").wantDenied(t, inactiveDenial)
	p.wantCalls(t, 2)
	p.pass(10 * time.Second) // negative_ttl
	p.vms[1].arrive("other").wantParked(t)
	p.wantCalls(t, 3)
}

// TestRevocationReachesAllVMs: once any VM has learned that a token is not active, none serves it for longer than
// RecheckEvery.
func TestRevocationReachesAllVMs(t *testing.T) {
	t.Run("of a token that was just asked about", func(t *testing.T) { revocationReachesAllVMs(t, 0) })
	t.Run("of one that was looked at again and again", func(t *testing.T) { revocationReachesAllVMs(t, 5) })
}

func revocationReachesAllVMs(t *testing.T, looks int) {
	p := newProxy(3, nil)
	p.vms[0].arrive("token")
	p.vms[0].land(0, p.vms[0].active("jane"))
	for _, vm := range p.vms {
		vm.arrive("token").wantAdmitted(t, "jane") // now in the cache of each
	}
	for range looks {
		p.pass(RecheckEvery)
		for _, vm := range p.vms {
			vm.arrive("token").wantAdmitted(t, "jane")
		}
	}
	p.wantCalls(t, 1)
	p.pass(100 * time.Millisecond)
	// One VM learns better, by a call that it had in the air.
	c := &call{key: p.vms[2].step.keys.of("token"), started: p.vms[2].now.UnixNano()}
	p.vms[2].step.flights.add(c)
	p.vms[2].step.land(c, p.vms[2].now.UnixNano(), verdict{claims: inactiveToken})
	p.vms[2].arrive("token").wantDenied(t, inactiveDenial)

	served := time.Duration(0)
	for step := time.Duration(0); step < 3*time.Second; step += 50 * time.Millisecond {
		for _, vm := range p.vms {
			if x := vm.arrive("token"); x.verdict == pipeline.Admitted {
				served = step
			}
		}
		p.pass(50 * time.Millisecond)
	}
	t.Logf("served for %v after another VM had learned that it is not active; the bound is %v", served, RecheckEvery)
	if served >= RecheckEvery {
		t.Errorf("served for %v, want less than %v", served, RecheckEvery)
	}
	if served == 0 {
		t.Error("never served: the test shows nothing")
	}
}

// TestVMLostMidFlight: the VM that asks dies. Another one asks instead, and every request ends.
func TestVMLostMidFlight(t *testing.T) {
	p := newProxy(3, nil)
	lost := p.vms[0].arrive("token")
	waiting := []*exchange{p.vms[1].arrive("token"), p.vms[2].arrive("token")}
	p.wantCalls(t, 1)
	dead := len(p.vms[0].air.calls)
	p.vms[0] = p.boot(0, nil)
	p.pass(leaseTime + 250*time.Millisecond)
	if n := p.calls() + dead; n != 2 {
		t.Fatalf("%d calls, want 2: the lost one, and one instead", n)
	}
	for _, vm := range p.vms[1:] {
		for i := range vm.air.calls {
			vm.land(i, vm.active("jane"))
		}
	}
	for _, x := range waiting {
		x.wantAdmitted(t, "jane")
	}
	lost.wantParked(t) // its VM is gone, and the host ends it
}

// TestALostMessageCostsATick: a message that nobody heard is made up for by looking.
func TestALostMessageCostsATick(t *testing.T) {
	p := newProxy(2, nil)
	p.lose = true
	first, second := p.vms[0].arrive("token"), p.vms[1].arrive("token")
	p.vms[0].land(0, p.vms[0].active("jane"))
	first.wantAdmitted(t, "jane")
	second.wantParked(t)
	p.pass(250 * time.Millisecond)
	second.wantAdmitted(t, "jane")
	p.wantCalls(t, 1)
}

// TestALongCallKeepsItsLease: as long as the VM lives, nobody asks a second time.
func TestALongCallKeepsItsLease(t *testing.T) {
	p := newProxy(2, func(o *Options) { o.Timeout = 10 * time.Second })
	first, second := p.vms[0].arrive("token"), p.vms[1].arrive("token")
	p.pass(9 * time.Second)
	p.wantCalls(t, 1)
	p.vms[0].land(0, p.vms[0].active("jane"))
	first.wantAdmitted(t, "jane")
	second.wantAdmitted(t, "jane")
}

// TestAnswersThatMayNotBeKeptAreNotShared: without exp nothing is stored, so each VM asks once.
func TestAnswersThatMayNotBeKeptAreNotShared(t *testing.T) {
	p := newProxy(2, nil)
	first, second := p.vms[0].arrive("token"), p.vms[1].arrive("token")
	p.vms[0].land(0, answered(200, `{"active":true,"sub":"jane"}`))
	first.wantAdmitted(t, "jane")
	second.wantParked(t)
	p.wantCalls(t, 2)
	p.vms[1].land(0, answered(200, `{"active":true,"sub":"jane"}`))
	second.wantAdmitted(t, "jane")
}

func TestTTLWithoutExp(t *testing.T) {
	p := newProxy(1, func(o *Options) { o.TTLWithoutExp = 3 * time.Second })
	p.vms[0].arrive("token")
	p.vms[0].land(0, answered(200, `{"active":true,"sub":"jane"}`))
	p.pass(2 * time.Second)
	p.vms[0].arrive("token").wantAdmitted(t, "jane")
	p.pass(time.Second)
	p.vms[0].arrive("token").wantParked(t)
}

// TestForeignMessages: any plugin may write into any queue.
func TestForeignMessages(t *testing.T) {
	p := newProxy(2, nil)
	first, second := p.vms[0].arrive("token"), p.vms[1].arrive("token")
	k := p.vms[1].step.keys.of("token")
	for _, m := range [][]byte{nil, []byte("x"), make([]byte, 32), make([]byte, 1000), k[:], k[:31]} {
		for _, vm := range p.vms {
			vm.step.Hear(m, vm.now.UnixNano())
		}
	}
	first.wantParked(t)
	second.wantParked(t)
	p.wantCalls(t, 1)
}

// TestRefreshAhead: nobody waits at the end of an answer that is much used.
func TestRefreshAhead(t *testing.T) {
	p := newProxy(2, func(o *Options) { o.RefreshAhead = 10 * time.Second })
	p.vms[0].arrive("token")
	p.vms[0].land(0, p.vms[0].active("jane"))
	for range 3 {
		p.vms[0].arrive("token").wantAdmitted(t, "jane")
	}
	p.wantCalls(t, 1)
	p.pass(51 * time.Second) // of max_ttl's 60
	for _, vm := range p.vms {
		for range 5 {
			vm.arrive("token").wantAdmitted(t, "jane")
		}
	}
	p.wantCalls(t, 2)
	last := len(p.vms[0].air.calls) - 1
	p.vms[0].land(last, p.vms[0].active("jane of today"))
	p.pass(20 * time.Second)
	for _, vm := range p.vms {
		vm.arrive("token").wantAdmitted(t, "jane of today")
	}
	p.wantCalls(t, 2)
}

func TestRefreshAheadThatFailsCostsNobody(t *testing.T) {
	p := newProxy(1, func(o *Options) { o.RefreshAhead = 10 * time.Second })
	vm := p.vms[0]
	vm.arrive("token")
	vm.land(0, vm.active("jane"))
	vm.arrive("token")
	vm.arrive("token")
	p.pass(51 * time.Second)
	vm.arrive("token").wantAdmitted(t, "jane")
	p.wantCalls(t, 2)
	vm.land(1, answered(500, ""))
	vm.arrive("token").wantAdmitted(t, "jane")
	// What is not used twice, and what ends with its exp, is left alone.
	vm.arrive("rare")
	vm.land(2, vm.active("joe"))
	p.pass(55 * time.Second)
	if n := p.calls(); n > 4 {
		t.Errorf("%d calls", n)
	}
}

// TestGarbageTokensDoNotPushOutGoodOnes, whatever their number, in the caches of any VM.
func TestGarbageTokensDoNotPushOutGoodOnes(t *testing.T) {
	p := newProxy(2, nil)
	p.vms[0].arrive("good")
	p.vms[0].land(0, p.vms[0].active("jane"))
	const garbage = 5000
	for i := range garbage {
		vm := p.vms[i%2]
		vm.arrive(fmt.Sprintf("garbage-%d", i))
		vm.land(len(vm.air.calls)-1, answered(200, `{"active":false}`))
	}
	p.wantCalls(t, 1+garbage)
	for _, vm := range p.vms {
		vm.arrive("good").wantAdmitted(t, "jane")
		if len(vm.step.cache.byKey) > 8 || len(vm.step.flights.byKey) != 0 {
			t.Errorf("%d entries and %d flights are kept", len(vm.step.cache.byKey), len(vm.step.flights.byKey))
		}
	}
	p.wantCalls(t, 1+garbage)
}
