// Package e2e runs the shared scenarios on a real Envoy, and the shipped envoy.yaml with TLS on both sides.
package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"

	envoyconfig "github.com/sallyport-gateway/sallyport/envoy-config"
	"github.com/sallyport-gateway/sallyport/envoy-config/envoyrun"
	"github.com/sallyport-gateway/sallyport/hostsim/scenario"
)

const (
	ldsFile = "lds.json"
	cdsFile = "cds.json"
)

// Options say which module a Driver runs, and how.
type Options struct {
	Envoy       string   // path of the binary; empty means envoyrun.Find
	Module      string   // path of the Wasm module
	RootID      string   // root_id of the plugin
	Concurrency int      // worker threads; 0 means 1
	Args        []string // further arguments of Envoy
	// Cut has a listener that was removed end at once, with its streams, so that no scenario is played beside the end of
	// another; otherwise it drains for a second.
	Cut bool
	// Edit changes each listener, which is the shipped one of envoy.yaml less what would hide a filter's own behaviour.
	Edit func(*envoyconfig.Document)
}

// Driver is the scenario driver "envoy": one Envoy for all scenarios, each with a listener, a VM with shared data of
// its own, clusters and servers. Envoy compiles equal code once as long as a VM runs it, so the first scenario costs
// a second or two, and each further one about a tenth of a second.
type Driver struct {
	options Options
	dir     string // discovery files
	envoy   *envoyrun.Process

	mu        sync.Mutex // one Start, exchange or Close at a time: Envoy's metrics belong to the process
	started   int
	version   int // of what was published last
	instances []*instance
	reports   reports
}

var _ scenario.Driver = (*Driver)(nil)

// NewDriver starts Envoy without a listener. Close ends it.
func NewDriver(ctx context.Context, o Options) (*Driver, error) {
	dir, err := os.MkdirTemp("", "sallyport-e2e-*")
	if err != nil {
		return nil, fmt.Errorf("make a folder for discovery files: %w", err)
	}
	d := &Driver{options: o, dir: dir}
	if err := d.startEnvoy(ctx); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return d, nil
}

func (d *Driver) startEnvoy(ctx context.Context) error {
	config, err := bootstrap(d.dir)
	if err != nil {
		return fmt.Errorf("encode the bootstrap: %w", err)
	}
	if err := errors.Join(envoyrun.Publish(d.dir, cdsFile, 0, []any{}), envoyrun.Publish(d.dir, ldsFile, 0, []any{})); err != nil {
		return err
	}
	d.envoy, err = envoyrun.Start(ctx, envoyrun.Options{
		Binary: d.options.Envoy, Config: config, Concurrency: d.options.Concurrency,
		// A listener that was removed is gone after so long, and its VMs with it.
		Args: append([]string{"--drain-time-s", strconv.Itoa(d.drainSeconds()), "--drain-strategy", "immediate"}, d.options.Args...),
	})
	return err
}

func (d *Driver) drainSeconds() int {
	if d.options.Cut {
		return 0
	}
	return 1
}

// Name is "envoy".
func (d *Driver) Name() string { return "envoy" }

// Process is the Envoy that runs the scenarios.
func (d *Driver) Process() *envoyrun.Process { return d.envoy }

// Close ends Envoy and all servers.
func (d *Driver) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	errs := []error{d.envoy.Stop(), os.RemoveAll(d.dir)}
	for _, i := range d.instances {
		errs = append(errs, i.release())
	}
	d.instances = nil
	return errors.Join(errs...)
}

// Start adds a listener for the scenario; see scenario.Driver.
func (d *Driver) Start(ctx context.Context, s scenario.Setup) (scenario.Instance, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.started++
	i := &instance{driver: d, id: fmt.Sprintf("s%d", d.started), servers: map[string]*server{}}
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
		clusters = append(clusters, each.clusters...)
	}
	mark := d.envoy.Log().Len()
	if ok, err := d.offer(ctx, "cluster_manager.cds", cdsFile, clusters); err != nil || !ok {
		return errors.Join(fmt.Errorf("envoy does not take the clusters of %s", i.id), err, d.complaints(ctx, mark))
	}
	ok, err := d.offer(ctx, "listener_manager.lds", ldsFile, listeners)
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
	err := d.envoy.Poll(ctx, func() (bool, error) {
		now, err := d.envoy.Stats(ctx, `^listener_manager\.total_(listeners|filter_chains)_draining$`)
		return err == nil && drained(now), err
	})
	if err == nil {
		_, err = d.reports.read(ctx, d.envoy)
	}
	return err
}

// drained reports whether every listener that was removed is gone.
func drained(now envoyrun.Stats) bool {
	return now.Number["listener_manager.total_listeners_draining"]+now.Number["listener_manager.total_filter_chains_draining"] == 0
}

// offer publishes resources and reports whether Envoy took them.
func (d *Driver) offer(ctx context.Context, subscription, file string, resources []any) (bool, error) {
	d.version++
	o := envoyrun.Offer{Dir: d.dir, File: file, Version: d.version, Resources: resources, Subscription: subscription}
	if file == ldsFile {
		o.Listeners = 1
	}
	return d.envoy.Offer(ctx, o)
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
