package nativehost

import (
	"slices"
	"strings"
	"time"

	"github.com/sallyport-gateway/sallyport/filter/internal/denial"
	"github.com/sallyport-gateway/sallyport/filter/internal/engine"
	wire "github.com/sallyport-gateway/sallyport/filter/internal/host"
	"github.com/sallyport-gateway/sallyport/filter/internal/metrics"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy/introspection"
	"github.com/sallyport-gateway/sallyport/filter/internal/sharedtable/memstore"
	"github.com/sallyport-gateway/sallyport/hostsim/scenario"
)

type header = pipeline.Header

// clientIP is where every request comes from.
const clientIP = "127.0.0.1"

// host is engine.Host in memory: one VM, one exchange at a time.
type host struct {
	*memstore.Store
	engine   *engine.Engine
	now      time.Time
	nextTick time.Time
	landings []landing
	clusters map[string]scenario.Answer
	upstream scenario.Answer
	metrics  map[string]int64
	names    []string // of the metrics, by id

	nextID   uint32
	streams  map[uint32]*exchange
	selected *exchange
	lent     loan // what this callback may read of the request
	calls    map[string][]scenario.Request
	log      []scenario.LogLine
	status   int // of the response to the exchange that ends
}

var (
	_ engine.Host       = (*host)(nil)
	_ scenario.Instance = (*host)(nil)
)

// exchange is what the host knows of a stream.
type exchange struct {
	headers []header
	reply   *scenario.Response
	resumed bool
}

type landing struct {
	due    time.Time
	answer pipeline.Answer
	land   func(pipeline.Answer)
}

// step moves the clock to the next thing that happens, at most to end, and lets
// it happen; false when there is none.
func (h *host) step(end time.Time) bool {
	next, due := -1, h.nextTick
	for i, l := range h.landings {
		if !l.due.After(due) && (next < 0 || l.due.Before(h.landings[next].due)) {
			next, due = i, l.due
		}
	}
	if due.After(end) {
		return false
	}
	h.now, h.selected = due, nil // callbacks of the root have no stream
	if next < 0 {
		h.nextTick = h.nextTick.Add(engine.TickPeriod)
		h.engine.Tick()
		h.lent.end()
		return true
	}
	l := h.landings[next]
	h.landings = slices.Delete(h.landings, next, next+1)
	l.land(l.answer)
	h.lent.end()
	return true
}

func (h *host) RequestHeaders() ([]header, bool) { return h.lent.lend(h.selected.headers), true }

// KeepRequest implements engine.Host.
func (h *host) KeepRequest() { h.lent = loan{} }

// ClientCertificate is none: a scenario's client comes without TLS.
func (h *host) ClientCertificate() string { return "" }

func (h *host) ClientAddress() string { return clientIP + ":50000" }

func (h *host) RemoveHeader(name string) bool {
	h.selected.headers = slices.DeleteFunc(h.selected.headers, func(have header) bool { return have.Name == name })
	return true
}

func (h *host) ReplaceHeader(name, value string) bool {
	name, value = strings.Clone(name), strings.Clone(value)
	list := h.selected.headers
	at := slices.IndexFunc(list, func(have header) bool { return have.Name == name })
	if at < 0 {
		h.selected.headers = append(list, header{Name: name, Value: value})
		return true
	}
	list[at].Value = value
	rest := slices.DeleteFunc(list[at+1:], func(have header) bool { return have.Name == name })
	h.selected.headers = list[:at+1+len(rest)]
	return true
}

// RequestTrailers are none: a scenario's request has none.
func (h *host) RequestTrailers() ([]header, bool) { return nil, true }

// RemoveTrailer has none to remove.
func (h *host) RemoveTrailer(string) bool { return true }

// ResponseStatus is known at the exchange's end only.
func (h *host) ResponseStatus() int { return h.status }

// SetAttribute keeps nothing: there is no access log here.
func (h *host) SetAttribute(string, string) {}

func (h *host) Reply(r *denial.Response, _ string) bool {
	if h.selected == nil {
		return true // as real hosts: accepted, and nothing happens
	}
	reply := scenario.Response{Status: r.Status, Body: r.Body}
	for _, have := range r.Headers {
		reply.Headers = append(reply.Headers, scenario.Header(have))
	}
	if isGRPC(h.selected.headers) {
		reply = grpcReply(reply, r.GRPC)
	}
	h.selected.reply = &reply
	return true
}

func (h *host) Resume() bool {
	if h.selected != nil {
		h.selected.resumed = true
	}
	return true
}

func (h *host) Select(stream uint32) bool {
	h.selected = h.streams[stream]
	return h.selected != nil
}

func (h *host) Log(level engine.Level, line string) {
	words := [...]string{engine.Info: "info", engine.Warn: "warn", engine.Error: "error"}
	h.log = append(h.log, scenario.LogLine{Level: words[level], Message: line})
}

// DefineMetric keeps the name, for the id of a counter or a gauge. Histograms are
// not kept: real hosts do not show them among the metrics that scenarios read.
func (h *host) DefineMetric(kind metrics.Kind, name string) (id uint32, ok bool) {
	if kind == metrics.Histogram {
		name = ""
	}
	h.names = append(h.names, name)
	return uint32(len(h.names) - 1), true
}

func (h *host) AddMetric(id uint32, n int64) { h.metrics[h.names[id]] += n }

func (h *host) RecordMetric(id uint32, value int64) {
	if name := h.names[id]; name != "" {
		h.metrics[name] = value
	}
}

// RegisterQueue refuses: there is one VM, and nobody who could write to it.
func (h *host) RegisterQueue(string) (uint32, bool) { return 0, false }

// Enqueue has no queue.
func (h *host) Enqueue(uint32, []byte) bool { return false }

// Dequeue has no queue.
func (h *host) Dequeue(uint32) ([]byte, bool) { return nil, false }

// CallForeign has no function: what a host can do instead of the filter is left
// to the filter here.
func (h *host) CallForeign(string, []byte) (result []byte, ok bool) { return nil, false }

// Dispatch answers as the scenario's cluster does.
func (h *host) Dispatch(c pipeline.Callout, land func(pipeline.Answer)) pipeline.Failure {
	a, ok := h.clusters[c.Cluster]
	switch {
	case !ok || a.Fault == "unknown":
		return pipeline.UnknownCluster
	case a.Fault == "no_endpoints":
		return pipeline.NoHost
	}
	if a.Fault != "refuse" {
		h.calls[c.Cluster] = append(h.calls[c.Cluster], calloutRequest(c))
	}
	answer, delay := outcome(a, c.Timeout)
	h.landings = append(h.landings, landing{due: h.now.Add(delay), answer: answer, land: land})
	return pipeline.NoFailure
}

// DispatchGRPC fails as a call to the scenario's cluster would that has no server
// of gRPC behind it.
func (h *host) DispatchGRPC(c wire.GRPCCall, land func(wire.GRPCAnswer)) (ok bool) {
	a, ok := h.clusters[c.Cluster]
	if !ok || a.Fault == "unknown" || a.Fault == "no_endpoints" {
		return false
	}
	_, delay := outcome(a, c.Timeout)
	h.landings = append(h.landings, landing{due: h.now.Add(delay), land: func(pipeline.Answer) { land(wire.GRPCAnswer{}) }})
	return true
}

// outcome is what a host tells the guest of an answer, and when.
func outcome(a scenario.Answer, timeout time.Duration) (pipeline.Answer, time.Duration) {
	switch a.Fault {
	case "refuse":
		return pipeline.Answer{Failure: pipeline.NoConnection}, 0
	case "reset":
		return pipeline.Answer{Failure: pipeline.Unreachable}, 0
	case "reset_mid_body":
		return pipeline.Answer{Failure: pipeline.ResetMidAnswer}, 0
	case "not_http":
		return pipeline.Answer{Failure: pipeline.NotHTTP}, 0
	case "timeout":
		return pipeline.Answer{Failure: pipeline.TimedOut}, timeout
	}
	if a.Delay >= timeout {
		return pipeline.Answer{Failure: pipeline.TimedOut}, timeout
	}
	wire := a.OnWire()
	answer := pipeline.Answer{Failure: pipeline.NoFailure, Status: wire.Status, BodySize: len(wire.Body)}
	for _, have := range wire.Headers {
		answer.Headers = append(answer.Headers, header{Name: strings.ToLower(have.Name), Value: have.Value})
	}
	if len(wire.Body) <= introspection.MaxAnswerBytes {
		answer.Body = wire.Body
	}
	return answer, a.Delay
}

func calloutRequest(c pipeline.Callout) scenario.Request {
	r := scenario.Request{Method: c.Method, Target: c.Path, Body: c.Body}
	r.Headers = append(r.Headers, scenario.Header{Name: "host", Value: c.Authority})
	for _, have := range c.Headers {
		r.Headers = append(r.Headers, scenario.Header(have))
	}
	return r
}
