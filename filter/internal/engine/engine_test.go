package engine_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-gateway/sallyport/filter/internal/denial"
	"github.com/sallyport-gateway/sallyport/filter/internal/engine"
	"github.com/sallyport-gateway/sallyport/filter/internal/host"
	"github.com/sallyport-gateway/sallyport/filter/internal/metrics"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
	"github.com/sallyport-gateway/sallyport/filter/internal/sharedtable/memstore"
)

// proxy is a host that writes down what the engine did to each stream.
type proxy struct {
	*memstore.Store
	now        time.Time
	headers    []host.Header
	selected   uint32
	gone       map[uint32]bool
	replies    map[uint32][]int
	replied    []host.Header // of the last reply
	resumed    map[uint32]int
	backend    []host.Header // as the edits of the last stream left them
	edits      int
	kept       int // how often headers were left to a stream
	asked      int // how often for the client's address
	failAt     int // the edit that is refused, counted from 1; 0 for none
	status     int // of the response
	attributes map[string]string
	observed   map[string][]int64
	landings   []func(host.Answer)
	engine     *engine.Engine
	names      []string // of metrics
	sums       map[string]int
	lines      []string
	broken     func(call string) // may panic
	refuses    bool              // to change the trailers
	trailers   []host.Header     // nil when the host does not give them
}

func newProxy() *proxy {
	return &proxy{Store: memstore.New(nil), now: time.Unix(1_800_000_000, 0), gone: map[uint32]bool{}, replies: map[uint32][]int{},
		resumed: map[uint32]int{}, sums: map[string]int{}, attributes: map[string]string{}, observed: map[string][]int64{}, broken: func(string) {}, headers: request("GET", "/a/orders"), trailers: []host.Header{}}
}

func request(method, path string) []host.Header {
	return []host.Header{{Name: ":method", Value: method}, {Name: ":path", Value: path}, {Name: ":authority", Value: "api.example.com"},
		{Name: "authorization", Value: "Bearer token-of-jane"}, {Name: "x-sallyport-app", Value: "forged"}}
}

func (p *proxy) NowNanos() int64 { return p.now.UnixNano() }
func (p *proxy) RequestHeaders() ([]host.Header, bool) {
	p.broken("headers")
	p.backend, p.edits = slices.Clone(p.headers), 0
	return p.headers, p.headers != nil
}
func (p *proxy) KeepRequest()                    { p.kept++ }
func (p *proxy) ClientAddress() string           { p.asked++; return "127.0.0.1:1" }
func (p *proxy) ResponseStatus() int             { return p.status }
func (p *proxy) SetAttribute(name, value string) { p.broken("attribute"); p.attributes[name] = value }
func (p *proxy) ClientCertificate() string       { p.broken("certificate"); return "" }

func (p *proxy) RemoveHeader(name string) bool {
	return p.edited(func(h host.Header) bool { return h.Name == name })
}

func (p *proxy) RequestTrailers() ([]host.Header, bool) {
	return slices.Clone(p.trailers), p.trailers != nil
}

func (p *proxy) RemoveTrailer(name string) bool {
	p.edits++
	if p.refuses {
		return false
	}
	p.trailers = slices.DeleteFunc(p.trailers, func(h host.Header) bool { return h.Name == name })
	return true
}

func (p *proxy) ReplaceHeader(name, value string) bool {
	ok := p.RemoveHeader(name)
	if ok {
		p.backend = append(p.backend, host.Header{Name: name, Value: value})
	}
	return ok
}

func (p *proxy) edited(goes func(host.Header) bool) bool {
	p.broken("set")
	p.edits++
	if p.edits == p.failAt {
		return false
	}
	p.backend = slices.DeleteFunc(p.backend, goes)
	return true
}

func (p *proxy) Reply(r *denial.Response, _ string) bool {
	p.replies[p.selected] = append(p.replies[p.selected], r.Status)
	p.replied = r.Headers
	return true
}

func (p *proxy) Resume() bool { p.resumed[p.selected]++; return true }

func (p *proxy) Select(id uint32) bool {
	p.selected = id
	return !p.gone[id]
}

// DispatchGRPC refuses: no test here calls by gRPC.
func (p *proxy) DispatchGRPC(host.GRPCCall, func(host.GRPCAnswer)) bool { return false }

func (p *proxy) Dispatch(_ host.Callout, land func(host.Answer)) host.Failure {
	p.landings = append(p.landings, land)
	return host.NoFailure
}

func (p *proxy) Log(_ engine.Level, line string)           { p.broken("log"); p.lines = append(p.lines, line) }
func (p *proxy) CallForeign(string, []byte) ([]byte, bool) { return nil, false }

func (p *proxy) RegisterQueue(string) (uint32, bool)      { return 0, false }
func (p *proxy) Enqueue(uint32, []byte) bool              { return false }
func (p *proxy) Dequeue(uint32) (message []byte, ok bool) { return nil, false }

// DefineMetric leaves out gauges.
func (p *proxy) DefineMetric(kind metrics.Kind, name string) (uint32, bool) {
	if kind == metrics.Gauge {
		return 0, false
	}
	p.names = append(p.names, name)
	return uint32(len(p.names) - 1), true
}

func (p *proxy) AddMetric(id uint32, n int64) { p.broken("count"); p.sums[p.names[id]] += int(n) }

func (p *proxy) RecordMetric(id uint32, v int64) {
	p.broken("observe")
	p.observed[p.names[id]] = append(p.observed[p.names[id]], v)
}

// counted are the counters, with those that come at the next tick.
func (p *proxy) counted() map[string]int {
	if p.engine != nil {
		p.engine.Report()
	}
	return p.sums
}

// open begins stream id and gives its headers to the engine.
func (p *proxy) open(e *engine.Engine, id uint32) (*engine.Stream, engine.Action) {
	p.selected, p.engine = id, e
	s := e.Open(id)
	return s, s.OnRequestHeaders()
}

func (p *proxy) land(a host.Answer) {
	landings := p.landings
	p.landings, p.selected = nil, 0
	for _, land := range landings {
		land(a)
	}
}

const introspecting = `{"version":1,"usage":{"attributes":["decision"]},"apis":[{"name":"a","version":"v1","base_path":"/a"},{"name":"open","version":"v1","base_path":"/open","sequence":[]}],
"sequence":[{"introspect_token":{"cluster":"okta","authority":"okta.example.com","path":"/introspect","client_id":"gw","client_secret":{"env":"SECRET"},"timeout":"2s","cache":"off","breaker":"off","retry":false}}]}`

func configured(t *testing.T, p *proxy) *engine.Engine {
	t.Helper()
	e := engine.New(p)
	if !e.Configure([]byte(introspecting), func(string) (string, bool) { return "s3cret", true }) {
		t.Fatalf("configuration refused: %q", p.lines)
	}
	return e
}

func active() host.Answer {
	body := `{"active":true,"sub":"jane","client_id":"shop","exp":1900000000}`
	return host.Answer{Failure: host.NoFailure, Status: 200, Body: []byte(body), BodySize: len(body)}
}

func inactive() host.Answer {
	body := `{"active":false}`
	return host.Answer{Failure: host.NoFailure, Status: 200, Body: []byte(body), BodySize: len(body)}
}

func TestAParkedRequestHoldsItsBody(t *testing.T) {
	p := newProxy()
	s, action := p.open(configured(t, p), 1)
	for name, got := range map[string]engine.Action{"headers": action, "body": s.OnRequestBody(), "trailers": s.OnRequestTrailers(), "headers again": s.OnRequestHeaders()} {
		if got != engine.Pause {
			t.Errorf("%s pass while the verdict is open", name)
		}
	}
	if p.kept != 1 {
		t.Errorf("headers were left to the parked request %d times, want once", p.kept)
	}
	p.land(active())
	if p.resumed[1] != 1 || len(p.replies[1]) != 0 {
		t.Errorf("resumed %d times with replies %v, want resumed once", p.resumed[1], p.replies[1])
	}
	if s.OnRequestBody() != engine.Pass || s.OnRequestTrailers() != engine.Pass {
		t.Error("an admitted request's body is held")
	}
}

func TestARefusedRequestGivesNothingToTheBackend(t *testing.T) {
	p := newProxy()
	s, _ := p.open(configured(t, p), 1)
	p.land(inactive())
	if !slices.Equal(p.replies[1], []int{401}) || p.resumed[1] != 0 {
		t.Errorf("replies %v, resumed %d; want one 401", p.replies[1], p.resumed[1])
	}
	if s.OnRequestBody() != engine.Pause || s.OnRequestTrailers() != engine.Pause {
		t.Error("a refused request's body passes")
	}
	if p.edits != 0 {
		t.Errorf("a refused request was edited: %v", p.backend)
	}
}

func TestABodyWithoutHeadersIsRefused(t *testing.T) {
	p := newProxy()
	e := configured(t, p)
	p.selected = 1
	s := e.Open(1)
	if s.OnRequestBody() != engine.Pause || !slices.Equal(p.replies[1], []int{500}) {
		t.Errorf("replies %v, want one 500", p.replies[1])
	}
}

func TestAnUnconfiguredGateRefuses(t *testing.T) {
	p := newProxy()
	if _, action := p.open(engine.New(p), 1); action != engine.Pause || !slices.Equal(p.replies[1], []int{500}) {
		t.Errorf("action %v, replies %v; want one 500", action, p.replies[1])
	}
}

func TestAStreamThatIsGoneIsNotTouched(t *testing.T) {
	tests := []struct {
		name string
		end  func(p *proxy, s *engine.Stream)
	}{
		{"closed before the answer", func(_ *proxy, s *engine.Stream) { s.Close() }},
		{"gone for the host before the answer", func(p *proxy, _ *engine.Stream) { p.gone[1] = true }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := newProxy()
			e := configured(t, p)
			first, _ := p.open(e, 1)
			second, _ := p.open(e, 2) // waits for the same call
			tt.end(p, first)
			if calls := len(p.landings); calls != 1 {
				t.Fatalf("%d calls for one token, want 1", calls)
			}
			p.land(active())
			if p.resumed[1] != 0 || len(p.replies[1]) != 0 {
				t.Errorf("the gone stream was resumed %d times and answered %v", p.resumed[1], p.replies[1])
			}
			if p.resumed[2] != 1 || second.OnRequestBody() != engine.Pass {
				t.Error("the stream that waits for the same call was lost with it")
			}
			if e.Parked() != 0 {
				t.Errorf("%d streams still parked", e.Parked())
			}
		})
	}
}

// stuck is a step that waits for what never comes.
type stuck struct {
	flight pipeline.Flight
	late   denial.Reason // 0: as usual
}

func (s *stuck) Name() string { return "stuck" }
func (s *stuck) Apply(*pipeline.Exchange) pipeline.Outcome {
	resume := func(*pipeline.Exchange) pipeline.Outcome { return pipeline.Continue() }
	if s.late != 0 {
		return pipeline.AwaitOr(s.late, &s.flight, resume)
	}
	return pipeline.Await(&s.flight, resume)
}

// TestALateStepSaysWhy: a wait that is not introspection's is not called so.
func TestALateStepSaysWhy(t *testing.T) {
	p := newProxy()
	e := configured(t, p)
	e.Run(&stuck{late: denial.QuotaUnavailable})
	p.open(e, 1)
	p.now = p.now.Add(2500 * time.Millisecond)
	e.Tick()
	if got := p.counted()["sallyport_decisions.sp_decision=deny|sp_reason=quota.unavailable|"]; got != 1 {
		t.Errorf("quota.unavailable counted %d times: %v", got, p.counted())
	}
}

// TestEveryParkedStreamEnds: whatever a step waits for, the stream has a deadline of its own, and what comes later
// changes nothing.
func TestEveryParkedStreamEnds(t *testing.T) {
	p := newProxy()
	e := configured(t, p)
	step := &stuck{}
	e.Run(step)
	p.open(e, 1)
	p.now = p.now.Add(2400 * time.Millisecond)
	e.Tick()
	if len(p.replies[1]) != 0 {
		t.Fatalf("answered %v before its deadline", p.replies[1])
	}
	p.now = p.now.Add(100 * time.Millisecond)
	e.Tick()
	e.Tick()
	step.flight.Land()
	if !slices.Equal(p.replies[1], []int{503}) || p.resumed[1] != 0 {
		t.Errorf("replies %v, resumed %d; want one 503", p.replies[1], p.resumed[1])
	}
	if got := p.counted()["sallyport_decisions.sp_decision=deny|sp_reason=introspection.deadline|"]; got != 1 {
		t.Errorf("deadline counted %d times", got)
	}
}

func TestAPanicDeniesOneRequest(t *testing.T) {
	t.Run("in a parked stream's own turn", func(t *testing.T) {
		p := newProxy()
		e := configured(t, p)
		p.open(e, 1)
		p.open(e, 2)
		p.broken = func(call string) {
			if call == "set" && p.selected == 1 {
				panic("a secret")
			}
		}
		p.land(active())
		if !slices.Equal(p.replies[1], []int{500}) || p.resumed[1] != 0 {
			t.Errorf("the panicking stream: replies %v, resumed %d; want one 500", p.replies[1], p.resumed[1])
		}
		if p.resumed[2] != 1 || len(p.replies[2]) != 0 {
			t.Errorf("its neighbour: replies %v, resumed %d; want resumed", p.replies[2], p.resumed[2])
		}
		if p.counted()["sallyport_panics"] != 1 {
			t.Errorf("panics counted: %d", p.counted()["sallyport_panics"])
		}
		if strings.Contains(strings.Join(p.lines, "\n"), "secret") {
			t.Errorf("the panic's value was logged: %q", p.lines)
		}
	})
	t.Run("at a deadline, where others end too", func(t *testing.T) {
		p := newProxy()
		e := configured(t, p)
		p.open(e, 1)
		p.open(e, 2)
		p.now = p.now.Add(time.Hour)
		p.broken = func(string) { p.broken = func(string) {}; panic("a secret") }
		e.Tick()
		for id := uint32(1); id <= 2; id++ {
			if !slices.Equal(p.replies[id], []int{503}) || p.resumed[id] != 0 {
				t.Errorf("stream %d: replies %v, resumed %d; want one 503", id, p.replies[id], p.resumed[id])
			}
		}
		if p.counted()["sallyport_panics"] != 1 || e.Parked() != 0 {
			t.Errorf("%d panics counted, %d streams still parked", p.counted()["sallyport_panics"], e.Parked())
		}
	})
	t.Run("in the request callback, recovered outside", func(t *testing.T) {
		p := newProxy()
		e := configured(t, p)
		p.broken = func(call string) {
			if call == "headers" {
				panic("boom")
			}
		}
		p.selected = 1
		s := e.Open(1)
		func() {
			defer func() { _ = recover() }()
			s.OnRequestHeaders()
		}()
		s.Fail()
		s.Fail()
		if !slices.Equal(p.replies[1], []int{500}) || s.OnRequestBody() != engine.Pause {
			t.Errorf("replies %v, want one 500", p.replies[1])
		}
	})
}

// TestAnEditThatTheHostRefusesDenies: whichever of a request's edits fails, the client is refused and nothing goes on,
// neither the headers nor a body behind them.
func TestAnEditThatTheHostRefusesDenies(t *testing.T) {
	const edits = 3 // the forged header removed, subject and client set
	for failAt := 1; failAt <= edits; failAt++ {
		p := newProxy()
		e := configured(t, p)
		p.headers = append(p.headers, host.Header{Name: "x-sallyport-app", Value: "forged again"})
		s, _ := p.open(e, 1)
		p.failAt = failAt
		p.land(active())
		if !slices.Equal(p.replies[1], []int{500}) || p.resumed[1] != 0 || s.OnRequestBody() != engine.Pause || s.OnRequestTrailers() != engine.Pause {
			t.Errorf("the %d. edit: replies %v, resumed %d; want one 500 and everything held", failAt, p.replies[1], p.resumed[1])
		}
		if p.edits != failAt {
			t.Errorf("the %d. edit: %d were tried", failAt, p.edits)
		}
		if got := p.counted()["sallyport_decisions.sp_decision=allow|"]; got != 0 {
			t.Errorf("the %d. edit: counted as admitted", failAt)
		}
	}
	p := newProxy()
	p.failAt = edits + 1
	p.open(configured(t, p), 1)
	p.land(active())
	if p.edits != edits || p.resumed[1] != 1 {
		t.Errorf("without a failure %d edits, resumed %d; want %d and once", p.edits, p.resumed[1], edits)
	}
}

func TestAnOpenAPIStillLosesForgedIdentity(t *testing.T) {
	p := newProxy()
	p.headers = request("GET", "/open")
	if _, action := p.open(configured(t, p), 1); action != engine.Pass {
		t.Fatal("an open API refused")
	}
	want := slices.DeleteFunc(slices.Clone(p.headers), func(h host.Header) bool { return h.Name == "x-sallyport-app" })
	if diff := cmp.Diff(want, p.backend); diff != "" {
		t.Errorf("the backend's headers (-want +got):\n%s", diff)
	}
}

func TestMalformedRequests(t *testing.T) {
	without := func(name string) []host.Header {
		return slices.DeleteFunc(request("GET", "/a"), func(h host.Header) bool { return h.Name == name })
	}
	tests := []struct {
		name    string
		headers []host.Header
		status  int
	}{
		{"no path", without(":path"), 400},
		{"no method", without(":method"), 400},
		{"no authority", without(":authority"), 400},
		{"two paths", append(request("GET", "/a"), host.Header{Name: ":path", Value: "/open"}), 400},
		{"asterisk", request("OPTIONS", "*"), 400},
		{"absolute form", request("GET", "http://other/a"), 400},
		{"a target beyond the bound", request("GET", "/a/"+strings.Repeat("x", 16<<10)), 400},
		{"dot segments", request("GET", "/open/../a"), 400},
		{"an encoded slash", request("GET", "/open%2f..%2fa"), 400},
		{"an unknown API", request("GET", "/b"), 404},
		{"no headers at all", nil, 500},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := newProxy()
			e := configured(t, p)
			p.headers = tt.headers
			if _, action := p.open(e, 1); action != engine.Pause || !slices.Equal(p.replies[1], []int{tt.status}) {
				t.Errorf("action %v, replies %v; want one %d", action, p.replies[1], tt.status)
			}
			if len(p.landings) != 0 {
				t.Error("a call was made")
			}
		})
	}
}

func TestAStreamThatNeverAskedCountsNothing(t *testing.T) {
	p := newProxy()
	e := configured(t, p)
	p.engine = e
	e.Open(1).Close()
	if len(p.counted()) != 0 || len(p.replies) != 0 {
		t.Errorf("counted %v, replies %v", p.counted(), p.replies)
	}
}

func TestAnOutageDoesNotFloodTheLog(t *testing.T) {
	p := newProxy()
	e := configured(t, p)
	for id := uint32(1); id <= 100; id++ {
		p.open(e, id)
		p.land(host.Answer{Failure: host.Unreachable})
	}
	if len(p.lines) != 1 {
		t.Errorf("%d lines within one second, want 1: %q", len(p.lines), p.lines)
	}
	p.now = p.now.Add(time.Second)
	p.open(e, 200)
	p.land(host.Answer{Failure: host.Unreachable})
	if len(p.lines) != 2 {
		t.Errorf("%d lines after a second, want 2", len(p.lines))
	}
}

func TestABadConfigurationIsRefusedWhole(t *testing.T) {
	p := newProxy()
	e := configured(t, p)
	if e.Configure([]byte(`{"version":2}`), func(string) (string, bool) { return "", false }) {
		t.Fatal("taken")
	}
	if len(p.lines) == 0 || !strings.HasPrefix(p.lines[0], "sallyport: config refused: ") {
		t.Errorf("lines %q", p.lines)
	}
}

// TestTheClientsAddressIsAskedForOnce, and only by a sequence that reads it.
func TestTheClientsAddressIsAskedForOnce(t *testing.T) {
	for _, tt := range []struct {
		name, sequence string
		asked          int
	}{
		{"nobody reads it", `[{"spike_arrest":{"rate":"100ps"}}]`, 0},
		{"a limit for each client", `[{"spike_arrest":{"rate":"100ps","per":"client_ip"}}]`, 1},
		{"three steps", `[{"ip_access":{"rules":[],"default":"allow"}},{"spike_arrest":{"rate":"100ps","per":"client_ip"}},{"ip_access":{"rules":[],"default":"allow"}}]`, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := newProxy()
			e := engine.New(p)
			config := `{"version":1,"apis":[{"name":"a","version":"v1","base_path":"/a"}],"sequence":` + tt.sequence + `}`
			if !e.Configure([]byte(config), nil) {
				t.Fatalf("refused: %q", p.lines)
			}
			for id := range uint32(3) {
				p.asked = 0
				if _, action := p.open(e, 1+id); action != engine.Pass || p.asked != tt.asked {
					t.Errorf("action %v, asked %d times, want %d", action, p.asked, tt.asked)
				}
			}
		})
	}
}
