package scenario

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"
)

// toy is a driver in memory: a gateway that asks a key service about x-key,
// removes it, and passes the call on. sabotage changes what it shows of an
// exchange, so that a test can see whether the runner notices.
type toy struct {
	sabotage  func(*Result, map[string]int64)
	failDo    error
	failStart error
	failClose error
	started   *Setup
}

func (d *toy) Name() string { return "toy" }

var toyStart = time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)

func (d *toy) Start(_ context.Context, s Setup) (Instance, error) {
	if d.failStart != nil {
		return nil, d.failStart
	}
	in := &toyInstance{driver: d, now: toyStart, metrics: map[string]int64{"toy.allowed": 5}}
	s, err := s.Expand(Vars{Now: in.now, ClusterName: in.ClusterName})
	if err != nil {
		return nil, err
	}
	d.started = &s
	var config struct{ Realm, Service string }
	if err := json.Unmarshal(s.Config, &config); err != nil {
		return nil, &ConfigError{Log: []LogLine{{"error", "config: not JSON"}}}
	}
	if config.Realm == "" {
		return nil, &ConfigError{Log: []LogLine{{"error", "realm: is missing, want a text"}}}
	}
	in.realm, in.clusters, in.upstream = config.Realm, maps.Clone(s.Clusters), s.Upstream
	return in, nil
}

type toyInstance struct {
	driver   *toy
	now      time.Time
	realm    string
	clusters map[string]Answer
	upstream Answer
	metrics  map[string]int64
}

func (in *toyInstance) Do(_ context.Context, r Request) (Result, error) {
	if in.driver.failDo != nil {
		return Result{}, in.driver.failDo
	}
	out := Result{Calls: map[string][]Request{}}
	key := ""
	r.Headers = slices.DeleteFunc(slices.Clone(r.Headers), func(h Header) bool {
		if h.Name == "x-key" {
			key = h.Value
			return true
		}
		return false
	})
	in.decide(&out, r, key)
	out.Response.Headers = append(out.Response.Headers, Header{"Server", "toy"}, Header{"x-envoy-upstream-service-time", "1"})
	if in.driver.sabotage != nil {
		in.driver.sabotage(&out, in.metrics)
	}
	return out, nil
}

func (in *toyInstance) decide(out *Result, r Request, key string) {
	if key == "" {
		in.deny(out, "key.missing")
		return
	}
	out.Log = append(out.Log, LogLine{"info", "toy asked the key service at " + in.now.Format(time.RFC3339)})
	out.Calls["keys"] = append(out.Calls["keys"], Request{Method: "POST", Target: "/check",
		Headers: []Header{{"host", in.ClusterName("keys")}, {"Content-Type", "text/plain"}, {"X-Forwarded-For", "127.0.0.1"}}, Body: []byte(key)})
	if in.clusters["keys"].OnWire().Status != 200 {
		in.deny(out, "key.refused")
		return
	}
	r.Headers = append(r.Headers, Header{"x-user", "alice"}, Header{"x-request-id", "1234"})
	out.Backend = &r
	out.Response = in.upstream.OnWire()
	out.Response.Headers = slices.Clone(out.Response.Headers)
	in.metrics["toy.allowed"]++
}

func (in *toyInstance) deny(out *Result, reason string) {
	in.metrics["toy.denied"]++
	out.Response = Response{Status: 401, Body: []byte(`{"reason":"` + reason + `"}`),
		Headers: []Header{{"content-type", "application/json"}, {"www-authenticate", `Key realm="` + in.realm + `"`}}}
}

func (in *toyInstance) SetCluster(name string, a Answer) { in.clusters[name] = a }
func (in *toyInstance) SetUpstream(a Answer)             { in.upstream = a }
func (in *toyInstance) Now() time.Time                   { return in.now }
func (in *toyInstance) Advance(d time.Duration)          { in.now = in.now.Add(d) }
func (in *toyInstance) ClusterName(name string) string   { return "toy_" + name }
func (in *toyInstance) Close() error                     { return in.driver.failClose }
func (in *toyInstance) Metrics(context.Context) (map[string]int64, error) {
	if in.metrics["broken"] != 0 {
		return nil, errors.New("metrics are broken")
	}
	return in.metrics, nil // live, as a careless driver would
}

// dedent makes a scenario out of an indented literal.
func dedent(s string) []byte {
	return []byte(strings.TrimPrefix(strings.ReplaceAll(s, "\n\t\t", "\n"), "\n"))
}
