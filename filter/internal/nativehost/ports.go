package nativehost

import (
	"slices"
	"strings"
	"time"

	"github.com/sallyport-gateway/sallyport/filter/internal/denial"
	"github.com/sallyport-gateway/sallyport/filter/internal/engine"
	"github.com/sallyport-gateway/sallyport/filter/internal/host"
	"github.com/sallyport-gateway/sallyport/filter/internal/metrics"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy/introspection"
	"github.com/sallyport-gateway/sallyport/filter/internal/sharedtable/memstore"
)

// clientIP is where every request comes from.
const clientIP = "127.0.0.1"

// Host is engine.Host in memory: one VM, one exchange at a time.
type Host struct {
	*memstore.Store
	engine   *engine.Engine
	now      time.Time
	nextTick time.Time
	landings []landing
	clusters map[string]ClusterAnswer
	upstream Response
	metrics  map[string]int64
	names    []string // of the metrics, by id

	nextID   uint32
	streams  map[uint32]*exchange
	selected *exchange
	lent     loan // what this callback may read of the request
	calls    map[string][]Request
	log      []LogLine
	status   int // of the response to the exchange that ends
}

var _ engine.Host = (*Host)(nil)

// exchange is what the host knows of a stream.
type exchange struct {
	headers []host.Header
	reply   *Response
	resumed bool
}

type landing struct {
	due    time.Time
	answer host.Answer
	land   func(host.Answer)
}

// step moves the clock to the next thing that happens, at most to end, and lets
// it happen; false when there is none.
func (h *Host) step(end time.Time) bool {
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

func (h *Host) RequestHeaders() ([]host.Header, bool) { return h.lent.lend(h.selected.headers), true }

// KeepRequest implements engine.Host.
func (h *Host) KeepRequest() { h.lent = loan{} }

// ClientCertificate is none: a scenario's client does not use TLS.
func (h *Host) ClientCertificate() string { return "" }

func (h *Host) ClientAddress() string { return clientIP + ":50000" }

func (h *Host) RemoveHeader(name string) bool {
	h.selected.headers = slices.DeleteFunc(h.selected.headers, func(have host.Header) bool { return have.Name == name })
	return true
}

func (h *Host) ReplaceHeader(name, value string) bool {
	name, value = strings.Clone(name), strings.Clone(value)
	list := h.selected.headers
	at := slices.IndexFunc(list, func(have host.Header) bool { return have.Name == name })
	if at < 0 {
		h.selected.headers = append(list, host.Header{Name: name, Value: value})
		return true
	}
	list[at].Value = value
	rest := slices.DeleteFunc(list[at+1:], func(have host.Header) bool { return have.Name == name })
	h.selected.headers = list[:at+1+len(rest)]
	return true
}

// RequestTrailers are none: a scenario's request has none.
func (h *Host) RequestTrailers() ([]host.Header, bool) { return nil, true }

// RemoveTrailer has none to remove.
func (h *Host) RemoveTrailer(string) bool { return true }

// ResponseStatus is known only at the exchange's end.
func (h *Host) ResponseStatus() int { return h.status }

// SetAttribute keeps nothing: there is no access log here.
func (h *Host) SetAttribute(string, string) {}

func (h *Host) Reply(r *denial.Response, _ string) bool {
	if h.selected == nil {
		return true // as on real hosts: accepted, and nothing happens
	}
	reply := Response{Status: r.Status, Body: r.Body}
	reply.Headers = append(reply.Headers, r.Headers...)
	if isGRPC(h.selected.headers) {
		reply = grpcReply(reply, r.GRPC)
	}
	h.selected.reply = &reply
	return true
}

func (h *Host) Resume() bool {
	if h.selected != nil {
		h.selected.resumed = true
	}
	return true
}

func (h *Host) Select(stream uint32) bool {
	h.selected = h.streams[stream]
	return h.selected != nil
}

func (h *Host) Log(level engine.Level, line string) {
	words := [...]string{engine.Info: "info", engine.Warn: "warn", engine.Error: "error"}
	h.log = append(h.log, LogLine{Level: words[level], Message: line})
}

// DefineMetric keeps the name, for the id of a counter or a gauge. Histograms are
// not kept: real hosts do not show them among the metrics that scenarios read.
func (h *Host) DefineMetric(kind metrics.Kind, name string) (id uint32, ok bool) {
	if kind == metrics.Histogram {
		name = ""
	}
	h.names = append(h.names, name)
	return uint32(len(h.names) - 1), true
}

func (h *Host) AddMetric(id uint32, n int64) { h.metrics[h.names[id]] += n }

func (h *Host) RecordMetric(id uint32, value int64) {
	if name := h.names[id]; name != "" {
		h.metrics[name] = value
	}
}

// RegisterQueue refuses: there is only one VM, so nobody could write to it.
func (h *Host) RegisterQueue(string) (uint32, bool) { return 0, false }

// Enqueue has no queue.
func (h *Host) Enqueue(uint32, []byte) bool { return false }

// Dequeue has no queue.
func (h *Host) Dequeue(uint32) ([]byte, bool) { return nil, false }

// CallForeign has no functions: what a host could do for the filter, the filter
// does here itself.
func (h *Host) CallForeign(string, []byte) (result []byte, ok bool) { return nil, false }

// Dispatch answers as the scenario's cluster does.
func (h *Host) Dispatch(c host.Callout, land func(host.Answer)) host.Failure {
	a, ok := h.clusters[c.Cluster]
	switch {
	case !ok || a.Fault == "unknown":
		return host.UnknownCluster
	case a.Fault == "no_endpoints":
		return host.NoHost
	}
	if a.Fault != "refuse" {
		h.calls[c.Cluster] = append(h.calls[c.Cluster], calloutRequest(c))
	}
	answer, delay := outcome(a, c.Timeout)
	h.landings = append(h.landings, landing{due: h.now.Add(delay), answer: answer, land: land})
	return host.NoFailure
}

// DispatchGRPC fails as a call to a cluster without a gRPC server would.
func (h *Host) DispatchGRPC(c host.GRPCCall, land func(host.GRPCAnswer)) (ok bool) {
	a, ok := h.clusters[c.Cluster]
	if !ok || a.Fault == "unknown" || a.Fault == "no_endpoints" {
		return false
	}
	_, delay := outcome(a, c.Timeout)
	h.landings = append(h.landings, landing{due: h.now.Add(delay), land: func(host.Answer) { land(host.GRPCAnswer{}) }})
	return true
}

// outcome is what a host tells the guest about an answer, and when.
func outcome(a ClusterAnswer, timeout time.Duration) (host.Answer, time.Duration) {
	switch a.Fault {
	case "refuse":
		return host.Answer{Failure: host.NoConnection}, 0
	case "reset":
		return host.Answer{Failure: host.Unreachable}, 0
	case "reset_mid_body":
		return host.Answer{Failure: host.ResetMidAnswer}, 0
	case "not_http":
		return host.Answer{Failure: host.NotHTTP}, 0
	case "timeout", "timeout_mid_body":
		return host.Answer{Failure: host.TimedOut}, timeout
	}
	if a.Delay >= timeout {
		return host.Answer{Failure: host.TimedOut}, timeout
	}
	sent := a.Response
	answer := host.Answer{Failure: host.NoFailure, Status: sent.Status, BodySize: len(sent.Body)}
	for _, have := range sent.Headers {
		answer.Headers = append(answer.Headers, host.Header{Name: strings.ToLower(have.Name), Value: have.Value})
	}
	if len(sent.Body) <= introspection.MaxAnswerBytes {
		answer.Body = sent.Body
	}
	return answer, a.Delay
}

func calloutRequest(c host.Callout) Request {
	r := Request{Method: c.Method, Target: c.Path, Body: c.Body}
	r.Headers = append(r.Headers, host.Header{Name: "host", Value: c.Authority})
	r.Headers = append(r.Headers, c.Headers...)
	return r
}
