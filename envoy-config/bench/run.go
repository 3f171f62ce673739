// Package bench measures what Sallyport costs a request, next to other filters
// that do the same work or a part of it: one Envoy, one run, a listener for
// each, in rounds that take turns.
package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"time"

	"github.com/sallyport-gateway/sallyport/envoy-config/bench/internal/load"
	"github.com/sallyport-gateway/sallyport/envoy-config/bench/internal/site"
	"github.com/sallyport-gateway/sallyport/envoy-config/internal/quotaengine"
	"github.com/sallyport-gateway/sallyport/hostsim/envoyrun"
	"github.com/sallyport-gateway/sallyport/hostsim/wasmbuild"
)

const (
	// longest is how long a whole run may take.
	longest = 10 * time.Minute
	// reserve is what is left of it for the end.
	reserve = 15 * time.Second
	// roundTime is a case's share of a round; wrk takes whole seconds.
	roundTime = time.Second
	// noiseBound is the spread of the unfiltered baseline above which the figures
	// are not to be trusted.
	noiseBound = 0.05
	// foreignBound is the share of a core that other processes may use during a
	// run.
	foreignBound = 0.1
	rounds       = 5

	emptyPackage    = "./envoy-config/bench/testdata/empty"
	filterPackage   = "./filter"
	extAuthzPackage = "envoy-config/bench/extauthz"
)

// Parts are what is measured besides the cases; they have names of their own
// for Options.Only.
const (
	PartHalfLoad = "half load"
	PartStartup  = "startup"
	PartMemory   = "memory"
)

// Options say what to measure.
type Options struct {
	Envoy    string    // binary; empty means envoyrun.Find
	Only     string    // regular expression for "group/name" of cases and for parts; empty means all
	Against  []string  // paths of other builds of the filter, to measure next to this one
	Short    bool      // one round, without anything that takes long
	Progress io.Writer // nil means none
}

// bench is one run.
type bench struct {
	options Options
	only    *regexp.Regexp
	cases   []Case
	modules site.Modules
	around  *site.Around
	envoys  map[string]*site.Gateway
	filled  map[string]bool // listeners, by Case.Fill
	start   time.Time
	report  *Report
}

// Run measures. Without wrk it fails at once, with an error that
// names the package.
func Run(ctx context.Context, o Options) (report *Report, err error) {
	if err := load.Check(); err != nil {
		return nil, err
	}
	if o.Progress == nil {
		o.Progress = io.Discard
	}
	only, err := regexp.Compile(o.Only)
	if err != nil {
		return nil, fmt.Errorf("read what to measure: %w", err)
	}
	b := &bench{options: o, only: only, start: time.Now(), envoys: map[string]*site.Gateway{}, filled: map[string]bool{}}
	b.report = &Report{When: b.start.UTC().Format(time.RFC3339), Short: o.Short, Only: o.Only}
	if err := b.build(ctx); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, b.stop()) }()
	for _, step := range []func(context.Context) error{b.startAll, b.measureCases, b.measureHalfLoad, b.measureStartup, b.measureMemory} {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	b.report.Took = time.Since(b.start).Seconds()
	b.report.Criteria = criteria(b.report)
	return b.report, nil
}

func (b *bench) say(format string, a ...any) {
	fmt.Fprintf(b.options.Progress, "%4.0fs  %s\n", time.Since(b.start).Seconds(), fmt.Sprintf(format, a...))
}

// build compiles both modules and the ext_authz service.
func (b *bench) build(ctx context.Context) (err error) {
	b.say("compiling the filter, an empty one and the ext_authz service")
	if b.modules.Sallyport, err = wasmbuild.Build(ctx, filterPackage); err != nil {
		return err
	}
	if b.modules.Empty, err = wasmbuild.Build(ctx, emptyPackage); err != nil {
		return err
	}
	b.modules.Against = b.options.Against
	info, err := os.Stat(b.modules.Sallyport)
	if err != nil {
		return fmt.Errorf("measure the module: %w", err)
	}
	b.report.Module = info.Size()
	service, err := buildExtAuthz(ctx)
	if err != nil {
		return err
	}
	if b.options.Envoy == "" {
		if b.options.Envoy, err = envoyrun.Find(); err != nil {
			return err
		}
	}
	b.report.Machine = machine(ctx, b.options.Envoy)
	if b.around, err = site.StartAround(ctx, service); err == nil && b.around.Quota == nil {
		b.say("leaving out the quota cases: %v", quotaengine.ErrMissing)
	}
	return err
}

// possible are the cases whose servers are there.
func (b *bench) possible() []Case {
	all := Cases(b.around.Caller)
	all = append(all, against(all, b.options.Against)...)
	return slices.DeleteFunc(all, func(c Case) bool { return c.Quota && b.around.Quota == nil })
}

func buildExtAuthz(ctx context.Context) (string, error) {
	root, err := wasmbuild.Root()
	if err != nil {
		return "", err
	}
	service := filepath.Join(root, "build", "bench", "extauthz")
	cmd := exec.CommandContext(ctx, "go", "build", "-o", service, ".")
	cmd.Dir = filepath.Join(root, extAuthzPackage)
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("compile the ext_authz service: %w\n%s", err, out)
	}
	return service, nil
}

// startAll starts the Envoys that the chosen cases and parts need.
func (b *bench) startAll(ctx context.Context) error {
	b.cases = choose(b.possible(), b.only, b.options.Short)
	if len(b.cases) == 0 && !b.wants(PartHalfLoad) && !b.wants(PartStartup) && !b.wants(PartMemory) {
		return fmt.Errorf("nothing matches %q", b.options.Only)
	}
	for _, name := range []string{mainEnvoy, aloneOne, aloneTwo} {
		needed := slices.ContainsFunc(b.cases, func(c Case) bool { return c.Envoy == name }) ||
			name == mainEnvoy && b.wants(PartHalfLoad) || name == aloneTwo && b.wants(PartMemory)
		if !needed {
			continue
		}
		listeners := listenersOf(b.cases, name)
		b.say("starting an Envoy: %s, %d listeners", name, len(listeners))
		g, err := b.around.Start(ctx, site.Options{Envoy: b.options.Envoy, Modules: b.modules, Workers: envoys[name], Listeners: listeners})
		if err != nil {
			return err
		}
		b.envoys[name] = g
	}
	return nil
}

func (b *bench) stop() error {
	var errs []error
	for _, g := range b.envoys {
		errs = append(errs, g.Stop())
	}
	return errors.Join(append(errs, b.around.Stop())...)
}
