package engine_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-gateway/sallyport/filter/internal/engine"
	"github.com/sallyport-gateway/sallyport/filter/internal/host"
)

// TestOnlyStreamsThatNobodyCanTouchServeAgain: a stream that waited for something, or in which something panicked, is
// never given to another request, however it ended.
func TestOnlyStreamsThatNobodyCanTouchServeAgain(t *testing.T) {
	open := request("GET", "/open")
	tests := []struct {
		name    string
		headers []host.Header
		play    func(p *proxy, s *engine.Stream)
		again   bool
	}{
		{"admitted at once", open, func(_ *proxy, s *engine.Stream) { s.OnRequestBody(); s.OnLog() }, true},
		{"refused at once", request("GET", "/nothing"), func(_ *proxy, s *engine.Stream) { s.OnRequestBody(); s.OnLog() }, true},
		{"admitted after a wait", request("GET", "/a"), func(p *proxy, _ *engine.Stream) { p.land(active()) }, false},
		{"refused after a wait", request("GET", "/a"), func(p *proxy, _ *engine.Stream) { p.land(inactive()) }, false},
		{"abandoned", request("GET", "/a"), func(*proxy, *engine.Stream) {}, false},
		{"a panic after the verdict", open, func(_ *proxy, s *engine.Stream) { s.Panicked("the log"); s.Fail() }, false},
		{"a panic while it waits", request("GET", "/a"), func(_ *proxy, s *engine.Stream) { s.Panicked("a body"); s.Fail() }, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := newProxy()
			e := configured(t, p)
			p.headers = tt.headers
			s, _ := p.open(e, 1)
			tt.play(p, s)
			s.Close()
			if next := e.Open(2); (next == s) != tt.again {
				t.Errorf("serves again: %v, want %v", next == s, tt.again)
			}
		})
	}
}

// TestAStreamThatServesAgainIsAsNew: nothing of one request reaches the next one in its place.
func TestAStreamThatServesAgainIsAsNew(t *testing.T) {
	p := newProxy()
	e := configured(t, p)
	p.status = 200
	play := func(id uint32, headers []host.Header, want engine.Action) *engine.Stream {
		p.headers = headers
		s, action := p.open(e, id)
		if action != want {
			t.Fatalf("stream %d: action %v, want %v", id, action, want)
		}
		return s
	}
	first := play(1, append(request("GET", "/open"), host.Header{Name: "x-sallyport-subject", Value: "forged"}), engine.Pass)
	first.OnLog()
	first.Close()

	refused := play(2, request("GET", "/nothing"), engine.Pause)
	if refused != first || !slices.Equal(p.replies[2], []int{404}) || refused.OnRequestBody() != engine.Pause {
		t.Errorf("same stream %v, replies %v; want that it serves again, and one 404", refused == first, p.replies[2])
	}
	refused.OnLog()
	refused.Close()

	clean := []host.Header{{Name: ":method", Value: "GET"}, {Name: ":path", Value: "/open"}, {Name: ":authority", Value: "api.example.com"}}
	third := play(3, clean, engine.Pass)
	if third != first || p.edits != 0 || len(p.replies[3]) != 0 || third.OnRequestBody() != engine.Pass {
		t.Errorf("same stream %v, %d edits, replies %v; want none of the earlier ones", third == first, p.edits, p.replies[3])
	}
	third.OnLog()
	third.Close()
	want := map[string]int{
		"sallyport_usage.sp_decision=allow|sp_api=open|sp_version=v1|sp_class=2xx|": 2,
		"sallyport_usage.sp_decision=deny|sp_reason=api.unknown|sp_class=4xx|":      1,
	}
	if diff := cmp.Diff(want, p.ofUsage()); diff != "" {
		t.Errorf("recorded (-want +got):\n%s", diff)
	}

	waiting := play(4, request("GET", "/a"), engine.Pause)
	waiting.Close()
	later := play(5, clean, engine.Pass)
	p.land(active()) // for the one that is gone
	if waiting == later || p.resumed[4]+p.resumed[5] != 0 {
		t.Errorf("same stream %v, resumed %v; want that the late answer touches nobody", waiting == later, p.resumed)
	}
}
