package scenario

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim/scenario/internal/guestconfig"
)

// Driver is something that a scenario runs on: the pure pipeline ("native"),
// the compiled Wasm under the simulated host ("hostsim"), or a real Envoy ("envoy").
type Driver interface {
	// Name is the driver's word in reports and in "-- skip NAME --" sections.
	Name() string

	// Start brings up a host for one scenario. It must call Setup.Expand with
	// its own clock and cluster names before it reads anything else of the Setup.
	// The error is a *ConfigError when the guest refused its configuration, and
	// any other error when the driver could not do its work.
	Start(ctx context.Context, s Setup) (Instance, error)
}

// Instance is a running host with its clusters and its backend.
// One goroutine at a time uses it.
type Instance interface {
	// Do sends one request and returns when the exchange is over, its log phase
	// included. A fake clock is moved as far as that needs, such as to the end of
	// a callout's timeout. A stream that ends without a response is an error.
	Do(ctx context.Context, r Request) (Result, error)

	// SetCluster and SetUpstream change an answer from the next exchange on.
	// The name is the file's; the answer is expanded; its fault is not Static.
	SetCluster(name string, a Answer)
	SetUpstream(a Answer)

	// Now is the guest's wall clock.
	Now() time.Time

	// Advance lets d pass: a fake clock moves and due ticks run, a real host waits.
	Advance(d time.Duration)

	// Metrics reads all counters and gauges of the guest, absolute, under the
	// names that the guest gave them, summed over its VMs. It lets a guest that
	// sums in the VM report first, which may take a tick of a quarter second.
	Metrics(ctx context.Context) (map[string]int64, error)

	// ClusterName is the driver's real name of a cluster of the file.
	ClusterName(name string) string

	Close() error
}

// Setup is what a scenario needs before its first exchange.
type Setup struct {
	// Name is the scenario's path below the folder, without extension.
	Name string
	// Config is the JSON document for the guest; Expand fills it.
	Config []byte
	// Settings is what the file says about the VM and the proxy around it.
	Settings Settings
	// Plugins are the others in the chain; see Chain.
	Plugins []Plugin
	// Properties are what the guest gets for these paths.
	Properties []Property
	// Env is the environment of the guest's VM.
	Env map[string]string
	// Clusters has every cluster that the file names, and no other.
	Clusters map[string]Answer
	// Upstream is how the backend answers.
	Upstream Answer
	// Hostcalls are those that the host answers otherwise from the start.
	Hostcalls []Hostcall
	// WatchHostcalls tells that the file lists the hostcalls that may be made.
	WatchHostcalls bool
	// Metrics tells that a step expects metrics, so that a driver whose guest
	// counts late may put earlier scenarios behind it before the clock of this one
	// begins to count.
	Metrics bool

	config guestconfig.Source
	later  []string // words of steps
	// byVariable has the clusters that the file calls by ${cluster.NAME}.
	byVariable map[string]bool
}

// Plain tells that the file calls a cluster by its name alone, never by
// ${cluster.NAME}: it must have that name.
func (s *Setup) Plain(cluster string) bool { return !s.byVariable[cluster] }

// Expand returns the Setup with its configuration rendered to JSON and every
// ${...} replaced. The error cannot occur for a Setup that came from Parse,
// unless a cluster's real name breaks the configuration's YAML.
func (s Setup) Expand(v Vars) (Setup, error) {
	x := newExpander(v)
	if s.config.Empty() {
		s.config = guestconfig.Source{Raw: s.Config}
	}
	config, err := s.config.Render(x.whole)
	if err != nil {
		return Setup{}, fmt.Errorf("render configuration of %s: %w", s.Name, err)
	}
	plugins, err := x.plugins(s.Plugins)
	if err != nil {
		return Setup{}, fmt.Errorf("render configuration of %s: %w", s.Name, err)
	}
	out := Setup{
		Plugins:    plugins,
		Name:       s.Name,
		Config:     config,
		Settings:   x.settings(s.Settings),
		Properties: x.properties(s.Properties),
		Env:        make(map[string]string, len(s.Env)),
		Clusters:   make(map[string]Answer, len(s.Clusters)),
		Upstream:   x.answer(s.Upstream),
		Metrics:    s.Metrics,

		WatchHostcalls: s.WatchHostcalls,
		later:          s.later,
		byVariable:     s.byVariable,
	}
	for _, h := range s.Hostcalls {
		out.Hostcalls = append(out.Hostcalls, x.hostcall(h))
	}
	for name, value := range s.Env {
		out.Env[name] = x.Text(value)
	}
	for name, a := range s.Clusters {
		out.Clusters[name] = x.answer(a)
	}
	if x.Err != nil {
		return Setup{}, fmt.Errorf("expand setup of %s: %w", s.Name, x.Err)
	}
	return out, nil
}

// Result is what came of one exchange.
type Result struct {
	// Response is what the client received.
	Response Response
	// Backend is the request that the backend read; nil when it read none.
	Backend *Request
	// Calls has the requests that each cluster read during this exchange, in
	// order of arrival, by the file's name of the cluster.
	Calls map[string][]Request
	// Ends is what the ends of a connection saw, as Converse gives it.
	Ends [][]string
	// Log has the guest's log lines of this exchange.
	Log []LogLine
}

// LogLine is one line that the guest wrote to the host's log.
type LogLine struct {
	Level   string // trace, debug, info, warn, error or critical
	Message string
}

// ConfigError says that the guest refused its configuration.
type ConfigError struct {
	// Log has what the host logged from the start to the refusal.
	Log []LogLine
}

func (e *ConfigError) Error() string {
	var b strings.Builder
	b.WriteString("guest refused its configuration")
	for _, l := range e.Log {
		b.WriteString("\n\t" + l.Level + ": " + l.Message)
	}
	return b.String()
}
