// Package nativehost is a host in memory for the pure filter: no Wasm, no proxy, a fake clock. 'sallyport explain' uses
// it, and scenarios run on it. Where it, the simulated host and a real one disagree, one of the three is wrong.
package nativehost

import (
	"fmt"
	"strings"
	"time"

	"github.com/sallyport-gateway/sallyport/filter/internal/engine"
	"github.com/sallyport-gateway/sallyport/filter/internal/host"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
	"github.com/sallyport-gateway/sallyport/filter/internal/sharedtable/memstore"
)

// Setup is what surrounds a Host.
type Setup struct {
	Config   []byte // JSON
	Env      func(name string) (string, bool)
	Clusters map[string]ClusterAnswer // all that are defined
	Upstream Response                 // the backend's
	Now      time.Time                // where the clock begins
	// SharedData runs before each use of the shared data, as a competing VM or a broken host would; nil for none.
	SharedData memstore.Hook
	// Watch sees the sequence at work; nil for none. See engine.Engine.Watch.
	Watch func(steps []string, step int, o pipeline.Outcome)
}

// Request is an HTTP/1.1 request. The authority is the header "host".
type Request struct {
	Method  string
	Target  string // path and query verbatim
	Headers []host.Header
	Body    []byte
}

// Response is an HTTP/1.1 response.
type Response struct {
	Status  int
	Headers []host.Header
	Body    []byte
}

// ClusterAnswer is how a cluster answers.
type ClusterAnswer struct {
	Fault    string        // "" for none; the words are those of scenario files
	Delay    time.Duration // until the first byte
	Response Response
}

// LogLine is one line of the filter's log.
type LogLine struct{ Level, Message string }

// Result is what came of one exchange.
type Result struct {
	Response Response             // what the client received
	Backend  *Request             // what the backend read; nil for nothing
	Calls    map[string][]Request // what each cluster read
	Log      []LogLine
}

// ConfigError says that the filter refused its configuration.
type ConfigError struct{ Log []LogLine }

func (e *ConfigError) Error() string {
	var b strings.Builder
	b.WriteString("the filter refused its configuration")
	for _, l := range e.Log {
		b.WriteString("\n\t" + l.Level + ": " + l.Message)
	}
	return b.String()
}

// Start configures an engine, or returns *ConfigError.
func Start(s Setup) (*Host, error) {
	h := &Host{
		Store:    memstore.New(s.SharedData),
		now:      s.Now,
		nextTick: s.Now.Add(engine.TickPeriod),
		clusters: map[string]ClusterAnswer{},
		upstream: s.Upstream,
		metrics:  map[string]int64{},
	}
	for name, answer := range s.Clusters {
		h.clusters[name] = answer
	}
	h.engine = engine.New(h)
	if !h.engine.Configure(s.Config, s.Env) {
		return nil, &ConfigError{Log: h.log}
	}
	if s.Watch != nil {
		h.engine.Watch(s.Watch)
	}
	return h, nil
}

// Now is the fake clock.
func (h *Host) Now() time.Time { return h.now }

// NowNanos is the same for the engine.
func (h *Host) NowNanos() int64 { return h.now.UnixNano() }

// Advance moves the clock; ticks and answers that fall due happen on the way.
func (h *Host) Advance(d time.Duration) {
	end := h.now.Add(d)
	for h.step(end) {
	}
	h.now = end
}

// SetCluster changes how a cluster answers.
func (h *Host) SetCluster(name string, a ClusterAnswer) { h.clusters[name] = a }

// SetUpstream changes how the backend answers.
func (h *Host) SetUpstream(r Response) { h.upstream = r }

// Metrics gives the counters and gauges as they are after the next tick, which is
// when the engine reports them. The clock stands still.
func (h *Host) Metrics() map[string]int64 {
	h.selected = nil
	h.engine.Tick()
	h.lent.end()
	return h.metrics
}

// maxWait bounds how long, on the fake clock, an exchange may take.
const maxWait = time.Minute

// Do plays one exchange to its end.
func (h *Host) Do(r Request) (Result, error) {
	h.nextID++
	h.calls, h.log = map[string][]Request{}, nil
	ex := &exchange{headers: requestHeaders(r)}
	h.streams = map[uint32]*exchange{h.nextID: ex}
	h.selected = ex
	stream := h.engine.Open(h.nextID)
	if stream.OnRequestHeaders() == engine.Pass {
		ex.resumed = true
	}
	h.lent.end()
	for end := h.now.Add(maxWait); !ex.resumed && ex.reply == nil; {
		if !h.step(end) {
			return Result{}, fmt.Errorf("the request hung for %s", maxWait)
		}
	}
	result := Result{Calls: h.calls}
	if ex.reply == nil && len(r.Body) > 0 && stream.OnRequestBody() != engine.Pass {
		return Result{}, fmt.Errorf("an admitted request's body was held back")
	}
	switch {
	case ex.reply != nil && ex.resumed:
		return Result{}, fmt.Errorf("two verdicts: the client was answered %d and the backend got the request", ex.reply.Status)
	case ex.reply != nil:
		result.Response = *ex.reply
	default:
		seen := backendRequest(ex.headers, r.Body)
		result.Backend, result.Response = &seen, h.upstream
	}
	h.status = result.Response.Status
	stream.OnLog()
	stream.Close()
	result.Log = h.log
	return result, nil
}

// requestHeaders lays a request out as hosts do: pseudo headers first, names in
// lower case.
func requestHeaders(r Request) []host.Header {
	list := []host.Header{{Name: ":method", Value: r.Method}, {Name: ":path", Value: r.Target}}
	for _, h := range r.Headers {
		name := strings.ToLower(h.Name)
		if name == "host" {
			name = ":authority"
		}
		list = append(list, host.Header{Name: name, Value: h.Value})
	}
	return appendPeer(list)
}

// appendPeer adds the client's address to X-Forwarded-For, as a connection manager with use_remote_address does.
func appendPeer(list []host.Header) []host.Header {
	for i := range list {
		if list[i].Name == "x-forwarded-for" {
			list[i].Value += "," + clientIP
			return list
		}
	}
	return append(list, host.Header{Name: "x-forwarded-for", Value: clientIP})
}

func backendRequest(headers []host.Header, body []byte) Request {
	r := Request{Body: body}
	for _, h := range headers {
		switch h.Name {
		case ":method":
			r.Method = h.Value
		case ":path":
			r.Target = h.Value
		case ":authority":
			r.Headers = append(r.Headers, host.Header{Name: "host", Value: h.Value})
		default:
			r.Headers = append(r.Headers, h)
		}
	}
	return r
}
