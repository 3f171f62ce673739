// Package nativehost plays scenarios on the pure filter: no Wasm, no proxy, a fake
// clock. What it and a real host disagree on is a fault in one of the three.
package nativehost

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/sallyport-gateway/sallyport/filter/internal/engine"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
	"github.com/sallyport-gateway/sallyport/filter/internal/sharedtable/memstore"
	"github.com/sallyport-gateway/sallyport/hostsim/scenario"
)

// Driver is scenario.Driver over an engine.
type Driver struct {
	// SharedData runs before each use of the shared data, as a rival or a broken
	// host would; nil for none.
	SharedData memstore.Hook
	// Now is where the fake clock begins; the zero value is a fixed moment.
	Now time.Time
	// Watch sees the sequence at work; nil for nobody. See engine.Engine.Watch.
	Watch func(steps []string, step int, o pipeline.Outcome)
}

// start is the fixed moment.
var start = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// Name is native.
func (Driver) Name() string { return "native" }

// Start configures an engine, or gives *scenario.ConfigError.
func (d Driver) Start(_ context.Context, s scenario.Setup) (scenario.Instance, error) {
	if d.Now.IsZero() {
		d.Now = start
	}
	s, err := s.Expand(scenario.Vars{Now: d.Now})
	if err != nil {
		return nil, fmt.Errorf("expand %s: %w", s.Name, err)
	}
	h := &host{
		Store:    memstore.New(d.SharedData),
		now:      d.Now,
		nextTick: d.Now.Add(engine.TickPeriod),
		clusters: s.Clusters,
		upstream: s.Upstream,
		metrics:  map[string]int64{},
	}
	h.engine = engine.New(h)
	env := func(name string) (string, bool) { v, ok := s.Env[name]; return v, ok }
	if !h.engine.Configure(s.Config, env) {
		return nil, &scenario.ConfigError{Log: h.log}
	}
	if d.Watch != nil {
		h.engine.Watch(d.Watch)
	}
	return h, nil
}

// Now is the fake clock.
func (h *host) Now() time.Time { return h.now }

// NowNanos is the same for the engine.
func (h *host) NowNanos() int64 { return h.now.UnixNano() }

// Advance moves the clock; ticks and answers that fall due happen on the way.
func (h *host) Advance(d time.Duration) {
	end := h.now.Add(d)
	for h.step(end) {
	}
	h.now = end
}

// SetCluster changes how a cluster answers.
func (h *host) SetCluster(name string, a scenario.Answer) { h.clusters[name] = a }

// SetUpstream changes how the backend answers.
func (h *host) SetUpstream(a scenario.Answer) { h.upstream = a }

// ClusterName is the name itself: nothing is shared between instances.
func (h *host) ClusterName(name string) string { return name }

// Metrics gives the counters and gauges as they are after the next tick, which is
// when the engine reports them. The clock stands still.
func (h *host) Metrics(context.Context) (map[string]int64, error) {
	h.selected = nil
	h.engine.Tick()
	h.lent.end()
	return h.metrics, nil
}

// Close has nothing to free.
func (h *host) Close() error { return nil }

// maxWait bounds how long, on the fake clock, an exchange may take.
const maxWait = time.Minute

// Do plays one exchange to its end.
func (h *host) Do(_ context.Context, r scenario.Request) (scenario.Result, error) {
	h.nextID++
	h.calls, h.log = map[string][]scenario.Request{}, nil
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
			return scenario.Result{}, fmt.Errorf("the request hung for %s", maxWait)
		}
	}
	result := scenario.Result{Calls: h.calls}
	if ex.reply == nil && len(r.Body) > 0 && stream.OnRequestBody() != engine.Pass {
		return scenario.Result{}, fmt.Errorf("an admitted request's body was held back")
	}
	switch {
	case ex.reply != nil && ex.resumed:
		return scenario.Result{}, fmt.Errorf("two verdicts: the client was answered %d and the backend got the request", ex.reply.Status)
	case ex.reply != nil:
		result.Response = *ex.reply
	default:
		seen := backendRequest(ex.headers, r.Body)
		result.Backend, result.Response = &seen, h.upstream.OnWire()
	}
	h.status = result.Response.Status
	stream.OnLog()
	stream.Close()
	result.Log = h.log
	return result, nil
}

// requestHeaders lays a request out as hosts do: pseudo headers first, names in
// lower case.
func requestHeaders(r scenario.Request) []header {
	list := []header{{Name: ":method", Value: r.Method}, {Name: ":path", Value: r.Target}}
	for _, h := range r.Headers {
		name := strings.ToLower(h.Name)
		if name == "host" {
			name = ":authority"
		}
		list = append(list, header{Name: name, Value: h.Value})
	}
	return appendPeer(list)
}

// appendPeer adds the client's address to X-Forwarded-For, as a connection manager does that has use_remote_address.
func appendPeer(list []header) []header {
	for i := range list {
		if list[i].Name == "x-forwarded-for" {
			list[i].Value += "," + clientIP
			return list
		}
	}
	return append(list, header{Name: "x-forwarded-for", Value: clientIP})
}

func backendRequest(headers []header, body []byte) scenario.Request {
	r := scenario.Request{Body: body}
	for _, h := range headers {
		switch h.Name {
		case ":method":
			r.Method = h.Value
		case ":path":
			r.Target = h.Value
		case ":authority":
			r.Headers = append(r.Headers, scenario.Header{Name: "host", Value: h.Value})
		default:
			r.Headers = append(r.Headers, scenario.Header(h))
		}
	}
	return r
}
