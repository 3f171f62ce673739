// Package envoydriver plays scenarios on a real Envoy.
package envoydriver

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/sallyport-gateway/sallyport/hostsim/envoyrun"
	"github.com/sallyport-gateway/sallyport/hostsim/scenario"
)

// Options say which module a Driver runs, and how.
type Options struct {
	Envoy  string // path of the binary; empty means envoyrun.Find
	Module string // path of the Wasm module
	// Modules are paths of those that other plugins in the chain may be of, by the names that scenarios give them.
	Modules     map[string]string
	RootID      string   // root_id of the plugin
	Concurrency int      // worker threads; 0 means 1
	Args        []string // further arguments of Envoy
	// Cut has a listener that was removed end at once, with its streams, so that no scenario is played beside the end of
	// another; otherwise it drains for a second.
	Cut bool
	// Listener and Cluster make Envoy's resources; nil for plain ones, which have use_remote_address and else Envoy's
	// defaults.
	Listener func(Listener) (any, error)
	Cluster  func(Cluster) (any, error)
}

// Driver is the scenario driver "envoy": one Envoy for all scenarios, each with a listener, a VM with shared data of
// its own, clusters and servers. Envoy compiles equal code once as long as a VM runs it, so the first scenario costs
// a second or two, and each further one about a tenth of a second.
type Driver struct {
	options Options
	envoy   *envoyrun.Dynamic

	mu        sync.Mutex // one Start, exchange or Close at a time: Envoy's metrics belong to the process
	started   int
	instances []*instance
	reports   reports
	others    map[int]*Driver // by the number of workers that a scenario wants
}

var _ scenario.Driver = (*Driver)(nil)

// NewDriver starts Envoy without a listener. Close ends it.
func NewDriver(ctx context.Context, o Options) (*Driver, error) {
	o.Concurrency = max(o.Concurrency, 1)
	return newDriver(ctx, o)
}

func newDriver(ctx context.Context, o Options) (*Driver, error) {
	envoy, err := StartEnvoy(ctx, o)
	if err != nil {
		return nil, err
	}
	return &Driver{options: o, envoy: envoy}, nil
}

// StartEnvoy runs an Envoy as a Driver has it, for tests that play no scenarios: it keeps the statistics of traffic and
// guests alone, since hundreds of clusters have tens of thousands.
func StartEnvoy(ctx context.Context, o Options) (*envoyrun.Dynamic, error) {
	prefix := func(text string) any { return map[string]any{"prefix": text} }
	regex := func(text string) any { return map[string]any{"safe_regex": map[string]any{"regex": text}} }
	return envoyrun.StartDynamic(ctx, envoyrun.DynamicOptions{
		Options: envoyrun.Options{
			Binary: o.Envoy, Concurrency: o.Concurrency,
			// A listener that was removed is gone after so long, and its VMs with it.
			Args: append([]string{"--drain-time-s", strconv.Itoa(o.drainSeconds()), "--drain-strategy", "immediate"}, o.Args...),
		},
		Node: "e2e",
		Stats: []any{
			prefix("wasmcustom."), prefix("wasm."), prefix("listener_manager."), prefix("extension_config_discovery."), prefix("cluster_manager."),
			regex(`(http|cluster)\..*\.(up|down)stream_rq_(total|active)`),
			regex(`http\..*\.downstream_cx_rx_bytes_total`),
			regex(`listener\.[0-9._]+\.downstream_cx_active`),
			regex(`listener\..*\.worker_[0-9]+\.downstream_cx_total`),
		},
	})
}

func (o Options) drainSeconds() int {
	if o.Cut {
		return 0
	}
	return 1
}

// Name is "envoy".
func (d *Driver) Name() string { return "envoy" }

// Process is the Envoy that runs the scenarios.
func (d *Driver) Process() *envoyrun.Process { return d.envoy.Process }

// Close ends Envoy and all servers.
func (d *Driver) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	errs := []error{d.envoy.Stop()}
	for _, i := range d.instances {
		errs = append(errs, i.release())
	}
	d.instances = nil
	for _, other := range d.others {
		errs = append(errs, other.Close())
	}
	d.others = nil
	return errors.Join(errs...)
}

// Start adds a listener for the scenario; see scenario.Driver.
func (d *Driver) Start(ctx context.Context, s scenario.Setup) (scenario.Instance, error) {
	if n := s.Settings.Workers; n > 0 && n != d.options.Concurrency {
		other, err := d.withWorkers(ctx, n)
		if err != nil {
			return nil, err
		}
		return other.Start(ctx, s)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	// What earlier scenarios still owe may never come, which is found out after seconds: before this one's clock begins.
	if s.Metrics && d.reports.owed > 0 {
		if _, err := d.reports.wait(ctx, d.envoy.Process); err != nil {
			return nil, err
		}
	}
	d.started++
	i := &instance{driver: d, id: fmt.Sprintf("s%d", d.started), servers: map[string]server{}, plain: s.Plain}
	s, err := s.Expand(scenario.Vars{Now: i.Now(), ClusterName: i.ClusterName})
	if err != nil {
		return nil, err
	}
	if err := i.prepare(s, d.options); err != nil {
		return nil, errors.Join(err, i.release())
	}
	d.forgetClosed()
	d.instances = append(d.instances, i)
	if err := d.add(ctx, i); err != nil {
		d.instances = d.instances[:len(d.instances)-1]
		return nil, errors.Join(err, i.release())
	}
	return i, nil
}

// forgetClosed drops closed instances but the last: a VM must go on running, or Envoy compiles the module again.
func (d *Driver) forgetClosed() {
	kept := d.instances[:0]
	for n, i := range d.instances {
		if !i.closed || n == len(d.instances)-1 {
			kept = append(kept, i)
		}
	}
	d.instances = kept
}

// add publishes clusters first: a listener that names an unknown one is refused.
func (d *Driver) add(ctx context.Context, i *instance) error {
	var listeners, clusters []any
	for _, each := range d.instances {
		listeners = append(listeners, each.listener)
		for n, cluster := range each.clusters {
			if each == i || !slices.Contains(i.names, each.names[n]) {
				clusters = append(clusters, cluster)
			}
		}
	}
	before, err := i.counts(ctx) // the guest may make calls as soon as it is there
	if err != nil {
		return err
	}
	i.older = before.Number
	mark := d.envoy.Log().Len()
	if ok, err := d.envoy.OfferClusters(ctx, clusters); err != nil || !ok {
		return errors.Join(fmt.Errorf("envoy does not take the clusters of %s", i.id), err, d.complaints(ctx, mark))
	}
	ok, err := d.envoy.OfferListeners(ctx, listeners, d.options.Concurrency)
	if err != nil {
		return fmt.Errorf("add the listener of %s: %w", i.id, err)
	}
	if !ok {
		return d.refusal(ctx, i, mark)
	}
	if err := d.awaitDrained(ctx); err != nil {
		return fmt.Errorf("wait for the end of the listeners before %s: %w", i.id, err)
	}
	i.address, err = d.envoy.Listener(ctx, i.id)
	return err
}

// awaitDrained waits until the listeners of earlier scenarios are gone, and looks at what is left of their counters: Envoy
// forgets a counter with the last listener that used it, which must not come between two looks at one that counts again.
func (d *Driver) awaitDrained(ctx context.Context) error {
	if !d.options.Cut {
		return nil
	}
	err := d.envoy.Drained(ctx)
	if err == nil {
		_, err = d.reports.read(ctx, d.envoy.Process)
	}
	return err
}

// refusal is a *scenario.ConfigError when the guest said no, and another error when Envoy did without the guest.
func (d *Driver) refusal(ctx context.Context, i *instance, mark int) error {
	if err := d.envoy.Log().Sync(ctx); err != nil {
		return err
	}
	lines := d.envoy.Log().Since(mark)
	byGuest := false
	e := &scenario.ConfigError{Log: i.guestLines(lines)}
	for _, l := range lines {
		if strings.Contains(l.Text, "Unable to create Wasm plugin "+i.id) {
			byGuest = true
		}
		if l.Logger == "config" {
			e.Log = append(e.Log, scenario.LogLine{Level: level(l.Level), Message: l.Text})
		}
	}
	if !byGuest {
		return fmt.Errorf("envoy refused the listener: %w", d.complaints(ctx, mark))
	}
	return e
}

// complaints is what Envoy has warned of since mark.
func (d *Driver) complaints(ctx context.Context, mark int) error {
	if err := d.envoy.Log().Sync(ctx); err != nil {
		return err
	}
	return errors.New("envoy's log:" + envoyrun.Warnings(d.envoy.Log().Since(mark)))
}
