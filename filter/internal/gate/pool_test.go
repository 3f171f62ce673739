package gate_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-gateway/sallyport/filter/internal/gate"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
)

// TestOnlyStreamsThatNobodyCanTouchServeAgain: a stream that waited for something, or in which something panicked, is
// never given to another request, however it ended.
func TestOnlyStreamsThatNobodyCanTouchServeAgain(t *testing.T) {
	open := request("GET", "/open")
	tests := []struct {
		name    string
		headers []pipeline.Header
		play    func(p *proxy, s *gate.Stream)
		again   bool
	}{
		{"admitted at once", open, func(_ *proxy, s *gate.Stream) { s.OnRequestBody(); s.OnLog() }, true},
		{"refused at once", request("GET", "/nothing"), func(_ *proxy, s *gate.Stream) { s.OnRequestBody(); s.OnLog() }, true},
		{"admitted after a wait", request("GET", "/a"), func(p *proxy, _ *gate.Stream) { p.land(active()) }, false},
		{"refused after a wait", request("GET", "/a"), func(p *proxy, _ *gate.Stream) { p.land(inactive()) }, false},
		{"abandoned", request("GET", "/a"), func(*proxy, *gate.Stream) {}, false},
		{"a panic after the verdict", open, func(_ *proxy, s *gate.Stream) { s.Panicked("the log"); s.Fail() }, false},
		{"a panic while it waits", request("GET", "/a"), func(_ *proxy, s *gate.Stream) { s.Panicked("a body"); s.Fail() }, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := newProxy()
			g := configured(t, p)
			p.headers = tt.headers
			s, _ := p.open(g, 1)
			tt.play(p, s)
			s.Close()
			if next := g.Open(2); (next == s) != tt.again {
				t.Errorf("serves again: %v, want %v", next == s, tt.again)
			}
		})
	}
}

// TestAStreamThatServesAgainIsAsNew: nothing of one request reaches the next one in its place.
func TestAStreamThatServesAgainIsAsNew(t *testing.T) {
	p := newProxy()
	g := configured(t, p)
	p.status = 200
	play := func(id uint32, headers []pipeline.Header, want gate.Action) *gate.Stream {
		p.headers = headers
		s, action := p.open(g, id)
		if action != want {
			t.Fatalf("stream %d: action %v, want %v", id, action, want)
		}
		return s
	}
	first := play(1, append(request("GET", "/open"), pipeline.Header{Name: "x-sallyport-subject", Value: "forged"}), gate.Pass)
	first.OnLog()
	first.Close()

	refused := play(2, request("GET", "/nothing"), gate.Pause)
	if refused != first || !slices.Equal(p.replies[2], []int{404}) || refused.OnRequestBody() != gate.Pause {
		t.Errorf("same stream %v, replies %v; want that it serves again, and one 404", refused == first, p.replies[2])
	}
	refused.OnLog()
	refused.Close()

	clean := []pipeline.Header{{Name: ":method", Value: "GET"}, {Name: ":path", Value: "/open"}, {Name: ":authority", Value: "api.example.com"}}
	third := play(3, clean, gate.Pass)
	if third != first || p.edits != 0 || len(p.replies[3]) != 0 || third.OnRequestBody() != gate.Pass {
		t.Errorf("same stream %v, %d edits, replies %v; want none of the earlier ones", third == first, p.edits, p.replies[3])
	}
	third.OnLog()
	third.Close()
	want := map[string]int{
		"sallyport_usage.sp_decision=allow|sp_api=open|sp_version=v1|sp_class=2xx|": 2,
		"sallyport_usage.sp_decision=deny|sp_reason=api.unknown|sp_class=2xx|":      1,
	}
	if diff := cmp.Diff(want, p.ofUsage()); diff != "" {
		t.Errorf("recorded (-want +got):\n%s", diff)
	}

	waiting := play(4, request("GET", "/a"), gate.Pause)
	waiting.Close()
	later := play(5, clean, gate.Pass)
	p.land(active()) // for the one that is gone
	if waiting == later || p.resumed[4]+p.resumed[5] != 0 {
		t.Errorf("same stream %v, resumed %v; want that the late answer touches nobody", waiting == later, p.resumed)
	}
}
