package introspection

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-gateway/sallyport/filter/internal/denial"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
)

// TestALostCallLocksNobodyOut: the host never tells how a call ended, and its VM lives on. The lease is not held for ever,
// so the other VMs can ask, though the first one never sees the token again.
func TestALostCallLocksNobodyOut(t *testing.T) {
	p := newProxy(2, nil)
	deadline := denialFor(denial.IntrospectionDeadline)
	asking, waiting := p.vms[0].arrive("token"), p.vms[1].arrive("token")
	p.pass(2*time.Second + staleMargin)
	p.wantCalls(t, 1)
	p.pass(time.Second)
	asking.wantDenied(t, deadline)
	waiting.wantDenied(t, deadline)
	for i, vm := range p.vms {
		if n := len(vm.step.flights.byKey); n != 0 {
			t.Errorf("VM %d keeps %d flights", i, n)
		}
	}
	again := p.vms[1].arrive("token")
	p.wantCalls(t, 2)
	p.vms[1].land(0, p.vms[1].active("jane"))
	again.wantAdmitted(t, "jane")
}

// TestAClockSetBackEndsLostCalls: then, too, a lost call has an end.
func TestAClockSetBackEndsLostCalls(t *testing.T) {
	p := newProxy(2, nil)
	p.vms[0].arrive("token")
	for _, vm := range p.vms {
		vm.now = vm.now.Add(-time.Hour)
	}
	p.pass(2*time.Second + staleMargin + time.Second)
	p.vms[1].arrive("token").wantParked(t)
	p.wantCalls(t, 2)
}

// TestALateAnswerDoesNotUndoARevocation: a VM is slow, and loses its lease. What its call brings when another VM has
// learned that the token is not active is not kept.
func TestALateAnswerDoesNotUndoARevocation(t *testing.T) {
	for _, negative := range []time.Duration{0, 10 * time.Second} {
		p := newProxy(2, func(o *Options) { o.NegativeTTL, o.Timeout = negative, 5*time.Second })
		p.vms[0].arrive("token")
		answer := p.vms[0].active("jane")
		// No tick comes for a while, and the lease ends.
		for _, vm := range p.vms {
			vm.now = vm.now.Add(leaseTime + time.Millisecond)
		}
		second := p.vms[1].arrive("token")
		p.wantCalls(t, 2)
		p.vms[1].land(0, answered(200, `{"active":false}`))
		second.wantDenied(t, inactiveDenial)
		p.vms[0].land(0, answer)

		p.pass(negative + time.Millisecond)
		for _, vm := range p.vms {
			vm.arrive("token").wantParked(t)
		}
		p.wantCalls(t, 3)
	}
}

// TestALateInactiveRevokes: that a token is not active is believed whoever says so, and however late.
func TestALateInactiveRevokes(t *testing.T) {
	p := newProxy(2, func(o *Options) { o.Timeout = 5 * time.Second })
	p.vms[0].arrive("token")
	for _, vm := range p.vms {
		vm.now = vm.now.Add(leaseTime + time.Millisecond)
	}
	p.vms[1].arrive("token")
	p.vms[1].land(0, p.vms[1].active("jane"))
	p.vms[0].land(0, answered(200, `{"active":false}`))
	p.vms[0].arrive("token").wantDenied(t, inactiveDenial)
	p.pass(RecheckEvery)
	p.vms[1].arrive("token").wantDenied(t, inactiveDenial)
	p.wantCalls(t, 2)
}

// TestRevocationOfLongClaims: claims that are too long to be shared are held by one VM alone. That another one learned
// better reaches it all the same, also when garbage or time has taken that from the table of inactive tokens.
func TestRevocationOfLongClaims(t *testing.T) {
	p := newProxy(2, nil)
	const subject = "jane"
	scope := ""
	for i := range 100 {
		scope += "scope" + strconv.Itoa(i) + " "
	}
	long := answered(200, `{"active":true,"sub":"`+subject+`","scope":"`+strings.TrimSpace(scope)+`","exp":`+strconv.FormatInt(p.vms[0].now.Unix()+300, 10)+`}`)
	for _, vm := range p.vms {
		vm.arrive("token")
		vm.land(0, long)
	}
	p.wantCalls(t, 2) // one each
	for _, vm := range p.vms {
		vm.arrive("token").wantAdmitted(t, subject)
	}
	p.wantCalls(t, 2)
	// VM 1 learns better.
	c := &call{key: p.vms[1].step.keys.of("token"), started: p.vms[1].now.UnixNano()}
	p.vms[1].step.flights.add(c)
	p.vms[1].step.land(c, p.vms[1].now.UnixNano(), verdict{claims: inactiveToken})
	// Garbage takes the place of that among the inactive ones.
	k := c.key
	if err := p.vms[1].step.shared.answers.EvictInactive(k); err != nil {
		t.Fatal(err)
	}
	p.pass(RecheckEvery)
	for _, vm := range p.vms {
		if x := vm.arrive("token"); x.verdict == pipeline.Admitted {
			t.Error("served after another VM had learned that it is not active")
		}
	}
}
