package main_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/sallyport-gateway/sallyport/filter/internal/host"
	"github.com/sallyport-gateway/sallyport/filter/internal/nativehost"
	"github.com/sallyport-gateway/sallyport/filter/internal/sharedtable/memstore"
	"github.com/sallyport-gateway/sallyport/hostsim/scenario"
)

// nativeDriver plays scenarios on the pure filter, without Wasm.
type nativeDriver struct {
	// sharedData runs before each use of the shared data; nil for nothing.
	sharedData memstore.Hook
}

// nativeStart is where the native driver's clock begins.
var nativeStart = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func (nativeDriver) Name() string { return "native" }

// Unsayable: see scenario.Sayer.
func (nativeDriver) Unsayable(_ scenario.Setup, word string) string {
	if strings.HasPrefix(word, "cluster ") {
		return "there is no host that makes gRPC calls"
	}
	return "there is no VM, and no proxy around it"
}

func (d nativeDriver) Start(_ context.Context, s scenario.Setup) (scenario.Instance, error) {
	s, err := s.Expand(scenario.Vars{Now: nativeStart})
	if err != nil {
		return nil, fmt.Errorf("expand %s: %w", s.Name, err)
	}
	setup := nativehost.Setup{
		Config: s.Config, Upstream: nativeResponse(s.Upstream.OnWire()), Clusters: map[string]nativehost.ClusterAnswer{},
		Now: nativeStart, SharedData: d.sharedData,
		Env: func(name string) (string, bool) { v, ok := s.Env[name]; return v, ok },
	}
	for name, answer := range s.Clusters {
		setup.Clusters[name] = nativeAnswer(answer)
	}
	h, err := nativehost.Start(setup)
	var refused *nativehost.ConfigError
	if errors.As(err, &refused) {
		return nil, &scenario.ConfigError{Log: scenarioLog(refused.Log)}
	}
	return nativeInstance{h}, err
}

// nativeInstance is scenario.Instance over a host in memory.
type nativeInstance struct{ *nativehost.Host }

func (i nativeInstance) Do(_ context.Context, r scenario.Request) (scenario.Result, error) {
	got, err := i.Host.Do(nativehost.Request{Method: r.Method, Target: r.Target, Headers: nativeHeaders(r.Headers), Body: r.Body})
	if err != nil {
		return scenario.Result{}, err
	}
	result := scenario.Result{
		Response: scenario.Response{Status: got.Response.Status, Headers: scenarioHeaders(got.Response.Headers), Body: got.Response.Body},
		Calls:    map[string][]scenario.Request{}, Log: scenarioLog(got.Log),
	}
	if got.Backend != nil {
		seen := scenarioRequest(*got.Backend)
		result.Backend = &seen
	}
	for name, calls := range got.Calls {
		for _, call := range calls {
			result.Calls[name] = append(result.Calls[name], scenarioRequest(call))
		}
	}
	return result, nil
}

func (i nativeInstance) SetCluster(name string, a scenario.Answer) {
	i.Host.SetCluster(name, nativeAnswer(a))
}

func (i nativeInstance) SetUpstream(a scenario.Answer) {
	i.Host.SetUpstream(nativeResponse(a.OnWire()))
}

func (i nativeInstance) Metrics(context.Context) (map[string]int64, error) {
	return i.Host.Metrics(), nil
}

// ClusterName is the name itself: nothing is shared between instances.
func (nativeInstance) ClusterName(name string) string { return name }

func (nativeInstance) Close() error { return nil }

func nativeAnswer(a scenario.Answer) nativehost.ClusterAnswer {
	return nativehost.ClusterAnswer{Fault: string(a.Fault), Delay: a.Delay, Response: nativeResponse(a.OnWire())}
}

func nativeResponse(r scenario.Response) nativehost.Response {
	return nativehost.Response{Status: r.Status, Headers: nativeHeaders(r.Headers), Body: r.Body}
}

func nativeHeaders(headers []scenario.Header) (out []host.Header) {
	for _, h := range headers {
		out = append(out, host.Header(h))
	}
	return out
}

func scenarioRequest(r nativehost.Request) scenario.Request {
	return scenario.Request{Method: r.Method, Target: r.Target, Headers: scenarioHeaders(r.Headers), Body: r.Body}
}

func scenarioHeaders(headers []host.Header) (out []scenario.Header) {
	for _, h := range headers {
		out = append(out, scenario.Header(h))
	}
	return out
}

func scenarioLog(lines []nativehost.LogLine) (out []scenario.LogLine) {
	for _, l := range lines {
		out = append(out, scenario.LogLine(l))
	}
	return out
}
