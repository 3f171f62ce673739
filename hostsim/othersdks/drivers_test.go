package othersdks

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim"
	"github.com/sallyport-gateway/sallyport/hostsim/abi"
	"github.com/sallyport-gateway/sallyport/hostsim/envoyrun"
	"github.com/sallyport-gateway/sallyport/hostsim/scenario"
	"github.com/sallyport-gateway/sallyport/hostsim/scenario/envoydriver"
	"github.com/sallyport-gateway/sallyport/hostsim/scenario/hostdriver"
)

// traces has the crossings of each thread: the main thread, then the one worker.
type traces [2][]crossing

// simulated plays one scenario on hostsim and keeps its trace. Its names are as long as those that the driver for Envoy
// gives, since the trace tells sizes.
type simulated struct {
	module *hostsim.Module

	mu     sync.Mutex
	traces traces
	over   bool
	log    func(hostsim.LogLine)
}

func (d *simulated) Name() string { return "hostsim" }

// nameInEnvoy is what the driver for Envoy makes of a cluster's name in its first scenario.
func nameInEnvoy(name string) string { return name + "-" + firstID }

// firstID is the id of its first scenario: the name of listener, plugin and VM.
const firstID = "s1"

func (d *simulated) Start(ctx context.Context, s scenario.Setup) (scenario.Instance, error) {
	s, err := s.Expand(scenario.Vars{Now: hostdriver.Start, ClusterName: nameInEnvoy})
	if err != nil {
		return nil, err
	}
	clusters := map[string]scenario.Answer{}
	for name, answer := range s.Clusters {
		clusters[nameInEnvoy(name)] = answer
	}
	s.Clusters = clusters
	in, err := hostdriver.New(d.module, hostsim.WithName(firstID), hostsim.WithVMID(firstID), hostsim.WithRootID(rootID),
		hostsim.WithLogLevel(abi.LevelTrace), hostsim.WithEnvoyTrace(d.receive), hostsim.WithLog(func(l hostsim.LogLine) {
			if d.log != nil {
				d.log(l)
			}
		})).Start(ctx, s)
	if err != nil {
		return nil, err
	}
	return renamed{in, d}, nil
}

func (d *simulated) receive(thread int, line string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if c, ok := parseCrossing(line); ok && !d.over {
		d.traces[thread] = append(d.traces[thread], c)
	}
}

// renamed is an instance whose clusters have the names of Envoy's.
type renamed struct {
	scenario.Instance
	driver *simulated
}

// Close ends the trace first: what the end of the host brings belongs to no scenario.
func (r renamed) Close() error {
	r.driver.mu.Lock()
	r.driver.over = true
	r.driver.mu.Unlock()
	return r.Instance.Close()
}

func (r renamed) ClusterName(name string) string { return nameInEnvoy(name) }

func (r renamed) SetCluster(name string, a scenario.Answer) {
	r.Instance.SetCluster(nameInEnvoy(name), a)
}

func (r renamed) Do(ctx context.Context, request scenario.Request) (scenario.Result, error) {
	result, err := r.Instance.Do(ctx, request)
	calls := map[string][]scenario.Request{}
	for name, seen := range result.Calls {
		calls[strings.TrimSuffix(name, "-"+firstID)] = seen
	}
	result.Calls = calls
	return result, err
}

// real plays one scenario on an Envoy of its own, and keeps its trace up to the scenario's end.
type real struct {
	*envoydriver.Driver
	// expected is how many crossings of each thread to wait for.
	expected [2]int
	traces   traces
}

func startReal(ctx context.Context, envoy, module string, expected [2]int) (*real, error) {
	d, err := envoydriver.NewDriver(ctx, envoydriver.Options{Envoy: envoy, Module: module, RootID: rootID,
		Args: []string{"--component-log-level", "wasm:trace"}})
	return &real{Driver: d, expected: expected}, err
}

func (d *real) Start(ctx context.Context, s scenario.Setup) (scenario.Instance, error) {
	in, err := d.Driver.Start(ctx, s)
	if err != nil {
		var refused *scenario.ConfigError
		if errors.As(err, &refused) {
			err = errors.Join(err, d.take(ctx))
		}
		return nil, err
	}
	return watched{in, d}, nil
}

// watched takes the trace when the scenario is over.
type watched struct {
	scenario.Instance
	driver *real
}

func (w watched) Close() error {
	return errors.Join(w.driver.take(context.Background()), w.Instance.Close())
}

// settleTimeout bounds the wait for what Envoy does after the last response: on_done and on_delete.
const settleTimeout = 3 * time.Second

// take reads Envoy's log once it has as many crossings as expected, or when it is clear that it never will.
func (d *real) take(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, settleTimeout)
	defer cancel()
	err := d.Process().Poll(ctx, func() (bool, error) {
		if err := d.Process().Log().Sync(ctx); err != nil {
			return false, err
		}
		d.traces = crossings(d.Process().Log().Since(0))
		return len(d.traces[0]) >= d.expected[0] && len(d.traces[1]) >= d.expected[1], nil
	})
	if errors.Is(err, context.DeadlineExceeded) {
		return nil // the comparison tells more
	}
	return err
}

// crossings sorts an Envoy's log: the thread of its first line is the main thread, any other the worker.
func crossings(lines []envoyrun.Line) traces {
	var t traces
	for _, l := range lines {
		if l.Logger != "wasm" || l.Level != "trace" {
			continue
		}
		thread := 0
		if l.Thread != lines[0].Thread {
			thread = 1
		}
		if c, ok := parseCrossing(l.Text); ok {
			t[thread] = append(t[thread], c)
		}
	}
	return t
}
