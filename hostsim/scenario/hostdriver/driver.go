// Package hostdriver plays scenarios on the simulated host: a compiled Wasm module, one process with one worker unless
// the scenario wants more, and a fake clock that starts at Start.
package hostdriver

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim"
	"github.com/sallyport-gateway/sallyport/hostsim/abi"
	"github.com/sallyport-gateway/sallyport/hostsim/scenario"
)

// Start is the instant at which every scenario's clock begins.
var Start = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// Driver is a scenario.Driver named "hostsim". Instances are independent of each other.
type Driver struct {
	module  *hostsim.Module
	options []hostsim.Option
	modules map[string]*hostsim.Module // that other plugins in the chain may be of
}

// New makes a driver for a module, which stays the caller's to close. The options come after the driver's own and may
// overrule them, but for the clock, the clusters, the backend, the plugin's configuration and environment, and what the
// scenario sets itself.
//
// The client is at 127.0.0.1 and the connection manager has use_remote_address on, so that no scenario's request can
// choose its source address.
func New(module *hostsim.Module, options ...hostsim.Option) *Driver {
	return &Driver{module: module, options: options}
}

// Name is hostsim.
func (d *Driver) Name() string { return "hostsim" }

// Start brings up a host of its own for one scenario.
func (d *Driver) Start(ctx context.Context, s scenario.Setup) (scenario.Instance, error) {
	s, err := s.Expand(scenario.Vars{Now: Start})
	if err != nil {
		return nil, err
	}
	in := &instance{clusters: map[string]*server{}, backend: &server{answer: s.Upstream}, idle: s.Settings.Idle, refuses: s.Upstream.Fault == scenario.FaultRefuse}
	options := append([]hostsim.Option{
		hostsim.WithConnectionManager(hostsim.ConnectionManager{UseRemoteAddress: true}),
	}, d.options...)
	options = append(options, settings(s.Settings)...)
	given, err := properties(s.Properties)
	if err != nil {
		return nil, err
	}
	options = append(options, given...)
	options = append(options, hostsim.WithClock(hostsim.NewFakeClock(Start)),
		hostsim.WithConfig(s.Config), hostsim.WithEnv(s.Env), hostsim.WithUpstream(in.backend))
	common := hostOptions(options) // with other plugins in the chain
	if in.hostcalls, err = newHostcalls(s); err != nil {
		return nil, err
	}
	if in.hostcalls != nil {
		options = append(options, hostsim.WithHostcalls(in.hostcalls.answer))
	}
	if s.WatchHostcalls {
		options = append(options, hostsim.WithTrace())
	}
	for name, answer := range s.Clusters {
		in.clusters[name] = &server{answer: answer}
		if answer.Fault != scenario.FaultUnknown {
			options = append(options, hostsim.WithCluster(name, cluster(in.clusters[name], answer)))
		}
	}
	in.host, err = d.module.New(ctx, options...)
	in.plugins = []*hostsim.Host{in.host}
	if in.front = in.host; err == nil && len(s.Plugins) > 0 {
		if err = in.chain(ctx, d, s, common); err != nil {
			err = errors.Join(err, in.Close())
		}
	}
	var refused *hostsim.ConfigError
	if errors.As(err, &refused) {
		return nil, &scenario.ConfigError{Log: logLines(refused.Log)}
	}
	if err != nil {
		return nil, fmt.Errorf("start simulated host: %w", err)
	}
	return in, nil
}

// Inside is an instance for tests that look further than a scenario can: Start gives no other.
type Inside interface {
	scenario.TrafficInstance
	// Host is the simulated host itself, until the instance is closed.
	Host() *hostsim.Host
	// LastExchange is the one of the last Do.
	LastExchange() hostsim.Exchange
}

// instance is one scenario's host.
type instance struct {
	host     *hostsim.Host
	front    *hostsim.Host // the first plugin of the chain, mostly host itself
	plugins  []*hostsim.Host
	clusters map[string]*server
	backend  *server
	last     hostsim.Exchange
	asked    int           // exchanges: workers take them in turn
	idle     time.Duration // the scenario's own limit, which it may want to see reached
	refuses  bool          // the backend takes no connections, behind a network filter
	owing    bool          // there was an exchange since metrics were read
	// hostcalls answers some of them; nil when no word of the file does.
	hostcalls *hostcalls
	traced    int // how much of the trace was taken
	traffic   traffic
}

var (
	_ Inside                      = (*instance)(nil)
	_ scenario.HostcallInstance   = (*instance)(nil)
	_ scenario.ConnectionInstance = (*instance)(nil)
)

func (in *instance) Host() *hostsim.Host            { return in.host }
func (in *instance) LastExchange() hostsim.Exchange { return in.last }

// Do plays one exchange. A stream that only the host's idle timeout ended is an error: no scenario wants one, and its
// 504 could pass for an answer.
func (in *instance) Do(ctx context.Context, r scenario.Request) (scenario.Result, error) {
	in.takeCalls()
	response, exchange, err := in.front.Do(ctx, in.next(r))
	if err != nil {
		return scenario.Result{}, err
	}
	in.last = exchange
	if err := in.whole(response, exchange); err != nil {
		return scenario.Result{}, err
	}
	return scenario.Result{
		Response: seenResponse(response), Backend: seenBackend(exchange), Calls: in.takeCalls(), Log: logLines(exchange.Log),
	}, nil
}

// next is a request for the worker whose turn it is.
func (in *instance) next(r scenario.Request) hostsim.Request {
	in.owing = true
	asked := Request(r)
	asked.Worker = in.asked % in.host.Process().Workers()
	in.asked++
	return asked
}

// whole is an error for an exchange that no file can want.
func (in *instance) whole(response hostsim.Response, exchange hostsim.Exchange) error {
	switch {
	case exchange.Details == "stream_idle_timeout" && in.idle == 0:
		return fmt.Errorf("the stream hung until the host's idle timeout, after %v", exchange.Elapsed)
	case len(exchange.Misframed) > 0:
		return fmt.Errorf("content-length is stale: %s", strings.Join(exchange.Misframed, "; "))
	case response.Status == 0 || response.Reset:
		return fmt.Errorf("the stream ended without a whole response: %s", exchange.Details)
	}
	return nil
}

// takeCalls gives what the clusters read since the last time.
func (in *instance) takeCalls() map[string][]scenario.Request {
	calls := map[string][]scenario.Request{}
	for name, s := range in.clusters {
		if seen := s.take(); len(seen) > 0 {
			calls[name] = seen
		}
	}
	return calls
}

func seenResponse(r hostsim.Response) scenario.Response {
	return scenario.Response{Status: r.Status, Headers: Headers(r.Headers), Body: r.Body, Trailers: Headers(r.Trailers)}
}

// seenBackend is what the backend read of an exchange; nil when that is no whole request.
func seenBackend(e hostsim.Exchange) *scenario.Request {
	if e.Upstream == nil || !e.Upstream.Complete {
		return nil
	}
	seen := SeenRequest(e.Upstream.Headers, e.Upstream.Body)
	seen.Trailers = Headers(e.Upstream.Trailers)
	return &seen
}

func (in *instance) SetCluster(name string, a scenario.Answer) { in.clusters[name].set(a) }
func (in *instance) SetUpstream(a scenario.Answer)             { in.backend.set(a) }
func (in *instance) Now() time.Time                            { return in.host.Clock().Now() }
func (in *instance) Advance(d time.Duration)                   { in.host.Advance(d) }
func (in *instance) ClusterName(name string) string            { return name }
func (in *instance) Close() error                              { return in.host.Close(context.Background()) }

// reportTime is how long a guest has to tell the host what it counted: guests that sum in the VM report with a tick.
const reportTime = 250 * time.Millisecond

// Metrics reads the process's counters and gauges, once what the last exchange moved was reported.
func (in *instance) Metrics(context.Context) (map[string]int64, error) {
	if in.owing {
		in.host.Advance(reportTime)
		in.owing = false
	}
	out := map[string]int64{}
	for _, m := range in.host.Process().Metrics() {
		if m.Type != abi.Histogram {
			out[m.Name] = int64(m.Value) // a gauge below zero comes back as it went in
		}
	}
	return out, nil
}

// Request is a scenario's request as a client of the simulated host sends it.
func Request(r scenario.Request) hostsim.Request {
	out := hostsim.Request{Method: r.Method, Path: r.Target, NoAuthority: true, Body: r.Body, BodyIn: r.Pieces}
	for _, h := range r.Headers {
		if strings.EqualFold(h.Name, "host") && out.NoAuthority {
			out.Authority, out.NoAuthority = h.Value, false
			continue
		}
		out.Headers = append(out.Headers, abi.Header(h))
	}
	for _, h := range r.Trailers {
		out.Trailers = append(out.Trailers, abi.Header(h))
	}
	return out
}

// SeenRequest is a request that left the simulated host, as an HTTP/1.1 server reads it.
func SeenRequest(list abi.Headers, body []byte) scenario.Request {
	out := scenario.Request{Body: slices.Clone(body)}
	for _, h := range list {
		switch {
		case h.Name == ":method":
			out.Method = h.Value
		case h.Name == ":path":
			out.Target = h.Value
		case h.Name == ":authority":
			out.Headers = append(out.Headers, scenario.Header{Name: "host", Value: h.Value})
		case !strings.HasPrefix(h.Name, ":"):
			out.Headers = append(out.Headers, scenario.Header(h))
		}
	}
	return out
}

// Headers are those of a message of the simulated host.
func Headers(list abi.Headers) []scenario.Header {
	if len(list) == 0 {
		return nil
	}
	out := make([]scenario.Header, len(list))
	for i, h := range list {
		out[i] = scenario.Header(h)
	}
	return out
}

func logLines(list []hostsim.LogLine) []scenario.LogLine {
	out := make([]scenario.LogLine, len(list))
	for i, l := range list {
		out[i] = scenario.LogLine{Level: l.Level.String(), Message: l.Message}
	}
	return out
}
