package engine_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-gateway/sallyport/filter/internal/engine"
	"github.com/sallyport-gateway/sallyport/filter/internal/host"
)

const (
	usageAllowed = "sallyport_usage.sp_decision=allow|sp_api=a|sp_version=v1|sp_class=2xx|"
	usageRefused = "sallyport_usage.sp_decision=deny|sp_reason=token.inactive|sp_api=a|sp_version=v1|sp_class=4xx|"
)

// ofUsage are the counters of usage.
func (p *proxy) ofUsage() map[string]int {
	counted := map[string]int{}
	for name, n := range p.counted() {
		if len(name) > 16 && name[:16] == "sallyport_usage." {
			counted[name] = n
		}
	}
	return counted
}

func TestACallIsRecordedOnceAtItsEnd(t *testing.T) {
	tests := []struct {
		name   string
		end    func(p *proxy, s *engine.Stream)
		status int
		want   map[string]int
	}{
		{"admitted", func(p *proxy, s *engine.Stream) { p.land(active()); s.OnLog() }, 200, map[string]int{usageAllowed: 1}},
		{"admitted, logged twice", func(p *proxy, s *engine.Stream) { p.land(active()); s.OnLog(); s.OnLog() }, 200, map[string]int{usageAllowed: 1}},
		{"admitted, not ended", func(p *proxy, _ *engine.Stream) { p.land(active()) }, 200, map[string]int{}},
		{"refused", func(p *proxy, s *engine.Stream) { p.land(inactive()); s.OnLog() }, 401, map[string]int{usageRefused: 1}},
		{"client gone before the verdict", func(p *proxy, s *engine.Stream) { s.OnLog(); s.Close(); p.land(active()) }, 0, map[string]int{}},
		{"a panic", func(_ *proxy, s *engine.Stream) { s.Fail(); s.OnLog() }, 500,
			map[string]int{"sallyport_usage.sp_decision=deny|sp_reason=internal.error|sp_api=a|sp_version=v1|sp_class=5xx|": 1}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := newProxy()
			s, _ := p.open(configured(t, p), 1)
			p.status = tt.status
			tt.end(p, s)
			if diff := cmp.Diff(tt.want, p.ofUsage()); diff != "" {
				t.Errorf("counted (-want +got):\n%s", diff)
			}
		})
	}
}

// TestTimesOfACall: what is added ends with the verdict, the latency with the request; a host's clock may go back.
func TestTimesOfACall(t *testing.T) {
	for _, tt := range []struct {
		name               string
		waited, answered   time.Duration
		addedUS, latencyMS int64
	}{
		{"forwards", 70 * time.Millisecond, 30 * time.Millisecond, 70_000, 100},
		{"backwards", -70 * time.Millisecond, -30 * time.Millisecond, 0, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := newProxy()
			s, _ := p.open(configured(t, p), 1)
			p.now = p.now.Add(tt.waited)
			p.land(active())
			p.now = p.now.Add(tt.answered)
			s.OnLog()
			delete(p.observed, "sallyport_introspection_latency")
			want := map[string][]int64{"sallyport_added_us": {tt.addedUS}, "sallyport_latency_ms.sp_api=a|sp_version=v1|": {tt.latencyMS}}
			if diff := cmp.Diff(want, p.observed); diff != "" {
				t.Errorf("observed (-want +got):\n%s", diff)
			}
		})
	}
}

// TestClassOfARefusal is that of our own answer, for which the host is not asked.
func TestClassOfARefusal(t *testing.T) {
	for _, tt := range []struct{ contentType, class string }{
		{"", "4xx"}, {"application/json", "4xx"}, {"application/grpc-web", "4xx"}, {"application/grpc", "2xx"}, {"application/grpc+proto", "2xx"},
	} {
		t.Run(tt.contentType, func(t *testing.T) {
			p := newProxy()
			p.headers = append(request("GET", "/nothing"), host.Header{Name: "content-type", Value: tt.contentType})
			s, _ := p.open(configured(t, p), 1)
			p.status = 599
			s.OnLog()
			want := map[string]int{"sallyport_usage.sp_decision=deny|sp_reason=api.unknown|sp_class=" + tt.class + "|": 1}
			if diff := cmp.Diff(want, p.ofUsage()); diff != "" {
				t.Errorf("counted (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAnUnconfiguredGateRecordsNothing(t *testing.T) {
	p := newProxy()
	s, _ := p.open(engine.New(p), 1)
	s.OnLog()
	if len(p.ofUsage()) != 0 || len(p.attributes) != 0 {
		t.Errorf("counted %v, attributes %v", p.ofUsage(), p.attributes)
	}
}

// TestAPanicInTheRecordDeniesOneRequest: what goes wrong in recording must not leave a request that nobody ends.
func TestAPanicInTheRecordDeniesOneRequest(t *testing.T) {
	for _, call := range []string{"observe", "attribute"} {
		t.Run(call, func(t *testing.T) {
			p := newProxy()
			s, _ := p.open(configured(t, p), 1)
			p.broken = func(now string) {
				if now == call && p.selected == 1 {
					p.broken = func(string) {}
					panic("a secret")
				}
			}
			p.land(active())
			if !slices.Equal(p.replies[1], []int{500}) || p.resumed[1] != 0 {
				t.Errorf("replies %v, resumed %d; want one 500", p.replies[1], p.resumed[1])
			}
			s.OnLog()
			want := map[string]int{"sallyport_usage.sp_decision=deny|sp_reason=internal.error|sp_api=a|sp_version=v1|sp_class=5xx|": 1}
			if diff := cmp.Diff(want, p.ofUsage()); diff != "" {
				t.Errorf("counted (-want +got):\n%s", diff)
			}
		})
	}
}

// TestCountersAreReportedAtTheTick, and when the configuration ends; what is counted after that comes at once.
func TestCountersAreReportedAtTheTick(t *testing.T) {
	const admitted = "sallyport_decisions.sp_decision=allow|"
	p := newProxy()
	e := configured(t, p)
	p.headers = request("GET", "/open")
	play := func(id uint32) {
		s, _ := p.open(e, id)
		p.status = 200
		s.OnLog()
		s.Close()
	}
	for id := range uint32(100) {
		play(1 + id)
	}
	if len(p.sums) != 0 {
		t.Errorf("reported with a request: %v", p.sums)
	}
	e.Tick()
	const calls = "sallyport_usage.sp_decision=allow|sp_api=open|sp_version=v1|sp_class=2xx|"
	if p.sums[admitted] != 100 || p.sums[calls] != 100 {
		t.Errorf("after the tick %v, want 100 of each", p.sums)
	}
	play(101)
	e.Close()
	if p.sums[admitted] != 101 || p.sums[calls] != 101 {
		t.Errorf("after the end %v, want 101 of each", p.sums)
	}
	play(102)
	if p.sums[admitted] != 102 || p.sums[calls] != 102 {
		t.Errorf("of a stream that outlived its engine %v, want 102 of each", p.sums)
	}
}

// TestAPanicAtTheTickKeepsTheCounters: they come with the next one.
func TestAPanicAtTheTickKeepsTheCounters(t *testing.T) {
	p := newProxy()
	e := configured(t, p)
	p.headers = request("GET", "/open")
	p.open(e, 1)
	p.broken = func(call string) {
		if call == "count" {
			p.broken = func(string) {}
			panic("a secret")
		}
	}
	func() {
		defer func() { _ = recover() }()
		e.Tick()
	}()
	e.Tick()
	if got := p.sums["sallyport_decisions.sp_decision=allow|"]; got != 1 {
		t.Errorf("counted %d times, want once", got)
	}
}
