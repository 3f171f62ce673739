package fidelity

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/sallyport-gateway/sallyport/hostsim"
	"github.com/sallyport-gateway/sallyport/hostsim/envoyrun"
	"github.com/sallyport-gateway/sallyport/hostsim/wasmbuild"
)

// atOnce is how many Envoys run at the same time; most of a case is waiting.
const atOnce = 3

// Options say what to run.
type Options struct {
	Versions []string
	Cases    []*Case
	// Binary finds the Envoy of a version; nil means envoyrun.FindVersion.
	Binary func(version string) (string, error)
}

// Dir is the folder of the cases.
func Dir() (string, error) {
	root, err := wasmbuild.Root()
	return filepath.Join(root, "hostsim", "testdata", "fidelity"), err
}

// Run plays all cases on all versions, on both hosts.
func Run(ctx context.Context, o Options) (*Report, error) {
	if o.Binary == nil {
		o.Binary = envoyrun.FindVersion
	}
	r := &runner{options: o, guests: map[string]*guest{}}
	defer r.close()
	if err := r.build(ctx); err != nil {
		return nil, err
	}
	report := &Report{Versions: o.Versions, Cases: o.Cases, Verdicts: map[string]map[string]Comparison{}}
	var (
		running sync.WaitGroup
		mu      sync.Mutex
		errs    []error
		slots   = make(chan struct{}, atOnce)
	)
	for _, version := range o.Versions {
		report.Verdicts[version] = map[string]Comparison{}
		cases := queued(o.Cases)
		for range max(1, atOnce/len(o.Versions)) {
			running.Go(func() {
				slots <- struct{}{}
				defer func() { <-slots }()
				verdicts, err := r.column(ctx, version, cases)
				mu.Lock()
				defer mu.Unlock()
				maps.Copy(report.Verdicts[version], verdicts)
				if err != nil {
					errs = append(errs, fmt.Errorf("envoy %s: %w", version, err))
				}
			})
		}
	}
	running.Wait()
	return report, errors.Join(errs...)
}

// guest is a module, compiled once for all simulated hosts.
type guest struct {
	path   string
	module *hostsim.Module
	err    error // no Envoy would load it
}

type runner struct {
	options Options
	guests  map[string]*guest
}

// build makes the guests that the cases name. A file NAME.wasm of the folder of guests is taken as it is.
func (r *runner) build(ctx context.Context) error {
	for _, c := range r.options.Cases {
		if r.guests[c.Settings.Guest] != nil {
			continue
		}
		g := &guest{}
		r.guests[c.Settings.Guest] = g
		var err error
		if g.path, err = wasmbuild.Build(ctx, "./hostsim/testdata/guests/"+c.Settings.Guest); err != nil {
			return err
		}
		code, err := os.ReadFile(g.path)
		if err != nil {
			return fmt.Errorf("read guest: %w", err)
		}
		var load *hostsim.LoadError
		if g.module, g.err = hostsim.Compile(ctx, code, hostsim.CompileOptions{}); g.err != nil && !errors.As(g.err, &load) {
			return g.err
		}
	}
	return nil
}

func (r *runner) close() {
	for _, g := range r.guests {
		if g.module != nil {
			_ = g.module.Close(context.Background()) // an in-memory module has nothing to fail at
		}
	}
}

// queued are the cases in the order to play them. Those with the same number of workers and the same guest come
// together: a process each for the former, one compilation for the latter.
func queued(cases []*Case) <-chan *Case {
	cases = slices.Clone(cases)
	slices.SortStableFunc(cases, func(a, b *Case) int {
		if a.Settings.Workers != b.Settings.Workers {
			return a.Settings.Workers - b.Settings.Workers
		}
		return strings.Compare(a.Settings.Guest, b.Settings.Guest)
	})
	queue := make(chan *Case, len(cases))
	for _, c := range cases {
		queue <- c
	}
	close(queue)
	return queue
}

// column plays cases on one version, on an Envoy of its own.
func (r *runner) column(ctx context.Context, version string, cases <-chan *Case) (map[string]Comparison, error) {
	binary, err := r.options.Binary(version)
	if err != nil {
		return nil, err
	}
	keeper, err := wasmbuild.Build(ctx, "./hostsim/testdata/guests/scripted")
	if err != nil {
		return nil, err
	}
	verdicts := map[string]Comparison{}
	var e *envoy
	defer func() {
		if e != nil {
			_ = e.process.Stop() // the cases are done
		}
	}()
	for c := range cases {
		if e == nil || e.workers != c.Settings.Workers || e.ended() {
			if e != nil {
				_ = e.process.Stop() // a new one comes
			}
			if e, err = startEnvoy(ctx, binary, c.Settings.Workers, keeper); err != nil {
				return verdicts, err
			}
		}
		verdicts[c.Name] = r.judge(ctx, e, c, version)
	}
	return verdicts, nil
}

func (e *envoy) ended() bool {
	select {
	case <-e.process.Done():
		return true
	default:
		return false
	}
}

// judge plays one case on both hosts.
func (r *runner) judge(ctx context.Context, e *envoy, c *Case, version string) Comparison {
	g := r.guests[c.Settings.Guest]
	real, err := e.play(ctx, c, g.path)
	if err != nil {
		return Comparison{Case: c, Version: version, Fault: "cannot be played on Envoy: " + err.Error()}
	}
	simulated, err := simulate(ctx, c, g.module, g.err, version)
	if err != nil {
		return Comparison{Case: c, Version: version, Fault: "cannot be played on hostsim: " + err.Error()}
	}
	return compare(c, version, real, simulated)
}
