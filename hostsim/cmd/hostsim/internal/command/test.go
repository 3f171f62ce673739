package command

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"github.com/spf13/cobra"

	"github.com/sallyport-gateway/sallyport/hostsim"
	"github.com/sallyport-gateway/sallyport/hostsim/cmd/hostsim/internal/junit"
	"github.com/sallyport-gateway/sallyport/hostsim/scenario"
	"github.com/sallyport-gateway/sallyport/hostsim/scenario/envoydriver"
	"github.com/sallyport-gateway/sallyport/hostsim/scenario/hostdriver"
)

// testFlags are the flags of test.
type testFlags struct {
	*guest
	driver, output *choice
	update         bool
	junit, run     string
	timeout        time.Duration
	modules        []string // NAME=FILE
}

func newTest() *cobra.Command {
	f := &testFlags{}
	c := newCommand("test", "PATH", "Play scenario files and compare what happens with what they expect",
		`Plays every scenario file (*.txtar) below the folder PATH, or the one file PATH, and compares what the client, the backend, the clusters, the metrics
and the log saw with what the file says. --driver envoy plays the same files on a real Envoy: $ENVOY, the one that
'make envoy' installs, or envoy on the PATH.`,
		"a scenario failed, or the module cannot be loaded",
		`  hostsim test scenarios --wasm filter.wasm
  hostsim test scenarios/allowed.txtar --wasm filter.wasm
  hostsim test scenarios --wasm filter.wasm --run 'key/' --profile 1.38
  hostsim test scenarios --wasm filter.wasm --junit report.xml
  hostsim test scenarios --wasm filter.wasm --update
  hostsim test scenarios --wasm filter.wasm --driver envoy`,
		func(c *cobra.Command, dir string) error { return f.test(c, dir) })
	f.guest = addGuest(c)
	f.driver = addChoice(c, "driver", "what to play on", "hostsim", "envoy")
	f.output = addOutput(c, "text")
	c.Flags().BoolVar(&f.update, "update", false, "replace wrong expectations with what was seen, then play again; log and config_error are left alone")
	addFile(c, &f.junit, "junit", "also write the results as JUnit XML to this file", "xml")
	c.Flags().StringVar(&f.run, "run", "", "only scenarios whose name (path below PATH) matches this regular expression")
	c.Flags().StringArrayVar(&f.modules, "module", nil, "NAME=FILE of a module that scenarios put into the chain next to the filter (plugin NAME ...: module: NAME); repeatable")
	c.Flags().DurationVar(&f.timeout, "timeout", time.Minute, "how long one scenario may take in real time")
	c.ValidArgsFunction = func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return nil, cobra.ShellCompDirectiveDefault
	}
	return c
}

func (f *testFlags) test(c *cobra.Command, dir string) error {
	if f.timeout <= 0 {
		return fmt.Errorf("--timeout %v: must be above 0", f.timeout)
	}
	if f.driver.value == "envoy" && c.Flags().Changed("profile") {
		return errors.New("--profile with --driver envoy: the version is that of the real Envoy: leave --profile out, and choose the binary with $ENVOY")
	}
	files, err := f.load(dir)
	if err != nil {
		return err
	}
	driver, closeDriver, err := f.start(c.Context())
	if err != nil {
		return err
	}
	s := &session{driver: driver, timeout: f.timeout}
	if f.output.value == "text" {
		s.progress = c.OutOrStdout()
	}
	if f.update {
		if err := s.update(c.Context(), files); err != nil {
			return errors.Join(err, closeDriver())
		}
		if files, err = f.load(dir); err != nil {
			return errors.Join(fmt.Errorf("read the updated scenarios again: %w", err), closeDriver())
		}
	}
	s.play(c.Context(), files)
	if !s.stuck { // a guest that does not return would never be closed
		err = closeDriver()
	}
	if err == nil && f.junit != "" {
		err = s.writeJUnit(f.junit)
	}
	if err == nil && f.output.value == "json" {
		err = printJSON(c.OutOrStdout(), s.document())
	}
	if err == nil && !s.ok() {
		return errFound
	}
	return err
}

// load reads the scenarios that --run selects.
func (f *testFlags) load(dir string) ([]*scenario.File, error) {
	pattern, err := regexp.Compile(f.run)
	if err != nil {
		return nil, fmt.Errorf("--run %q: %w", f.run, err)
	}
	if _, err := os.Stat(dir); err != nil {
		return nil, fmt.Errorf("read scenarios %s: %w: give the folder that holds them, or one file", dir, cause(err))
	}
	all, err := scenario.Load(dir)
	if err != nil {
		return nil, err
	}
	var files []*scenario.File
	for _, file := range all {
		if pattern.MatchString(file.Name) {
			files = append(files, file)
		}
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("--run %q matches none of the %s in %s", f.run, plural(len(all), "scenario"), dir)
	}
	return files, nil
}

// start brings up the driver.
func (f *testFlags) start(ctx context.Context) (scenario.Driver, func() error, error) {
	others, err := f.others()
	if err != nil {
		return nil, nil, err
	}
	if f.driver.value == "envoy" {
		module, err := absolute(f.wasm)
		if err != nil {
			return nil, nil, err
		}
		for name, path := range others {
			if others[name], err = absolute(path); err != nil {
				return nil, nil, err
			}
		}
		d, err := envoydriver.NewDriver(ctx, envoydriver.Options{Module: module, Modules: others, RootID: f.rootID, Cut: true})
		if err != nil {
			return nil, nil, fmt.Errorf("start Envoy: %w", err)
		}
		return d, d.Close, nil
	}
	module, err := f.compile(ctx)
	if err != nil {
		return nil, nil, err
	}
	d := hostdriver.New(module, hostsim.WithProfile(f.profile.value), hostsim.WithRootID(f.rootID))
	modules := []*hostsim.Module{module}
	closeAll := func() (err error) {
		for _, m := range modules {
			err = errors.Join(err, m.Close(context.WithoutCancel(ctx)))
		}
		return err
	}
	for name, path := range others {
		other := *f.guest
		other.wasm = path
		m, err := other.compile(ctx)
		if err != nil {
			return nil, nil, errors.Join(err, closeAll())
		}
		modules = append(modules, m)
		d = d.WithModule(name, m)
	}
	return d, closeAll, nil
}

// others are the files of --module by name.
func (f *testFlags) others() (map[string]string, error) {
	out, taken := map[string]string{}, map[string]bool{}
	for _, text := range f.modules {
		name, path, err := pair("module", text, taken)
		if err != nil {
			return nil, err
		}
		out[name] = path
	}
	return out, nil
}

// absolute is the absolute path of a module, which must be readable.
func absolute(path string) (string, error) {
	if _, err := readModule(path); err != nil {
		return "", err
	}
	found, err := filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("find %s: %w", path, err)
	}
	return found, nil
}

func (s *session) writeJUnit(path string) error {
	var b bytes.Buffer
	err := junit.Write(&b, "hostsim test on "+s.driver.Name(), s.cases())
	if err == nil {
		err = cause(os.WriteFile(path, b.Bytes(), 0o644))
	}
	if err != nil {
		return fmt.Errorf("write --junit %s: %w: give a file in a writable folder", path, err)
	}
	return nil
}
