// Package othersdks holds guests that were made with other SDKs than our own against a real Envoy: what can be seen of
// them from outside, and the order, parameters and status of every call across the ABI.
package othersdks

import (
	"path/filepath"
	"testing"

	"github.com/sallyport-gateway/sallyport/hostsim"
	"github.com/sallyport-gateway/sallyport/hostsim/envoyrun/envoytest"
	"github.com/sallyport-gateway/sallyport/hostsim/scenario"
)

const (
	builtDir    = "../testdata/guests/built"
	scenarioDir = "testdata"
	// rootID is what the AssemblyScript guests register under; the Rust ones take any.
	rootID = "guest"
)

// A folder of scenarios has the path of its module: testdata/rust/headers is played by built/rust/headers.wasm.
func TestOtherSDKs(t *testing.T) {
	modules, err := filepath.Glob(filepath.Join(builtDir, "*", "*.wasm"))
	if err != nil || len(modules) == 0 {
		t.Fatalf("no module below %s: %v", builtDir, err)
	}
	for _, path := range modules {
		name, err := filepath.Rel(builtDir, path)
		if err != nil {
			t.Fatal(err)
		}
		name = filepath.ToSlash(name[:len(name)-len(".wasm")])
		t.Run(name, func(t *testing.T) { playModule(t, path, filepath.Join(scenarioDir, name)) })
	}
}

func playModule(t *testing.T, path, dir string) {
	files, err := scenario.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	path, err = filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	module, err := hostsim.CompileFile(t.Context(), path, hostsim.CompileOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := module.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}()
	for _, f := range files {
		t.Run(f.Name, func(t *testing.T) { playBoth(t, module, path, f) })
	}
}

// playBoth holds both hosts to the scenario, and then one to the other.
func playBoth(t *testing.T, module *hostsim.Module, path string, f *scenario.File) {
	sim := &simulated{module: module}
	play(t, sim, f)
	want := sim.traces

	envoy, err := startReal(t.Context(), envoytest.Find(t), path, [2]int{len(want[0]) + baseLength(want[0]), len(want[1])})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := envoy.Close(); err != nil {
			t.Error(err)
		}
	}()
	play(t, envoy, f)
	var ok bool
	if envoy.traces[0], ok = withoutBase(envoy.traces[0], want[0]); !ok {
		t.Errorf("Envoy's main thread does not begin with a VM that only initialises: %v", envoy.traces[0][:min(4, len(envoy.traces[0]))])
	}
	for thread, name := range []string{"the main thread", "the worker"} {
		forgiveServiceTime(want[thread], envoy.traces[thread])
		if diff := diffTraces(want[thread], envoy.traces[thread]); diff != "" {
			t.Errorf("ABI trace of %s: %s", name, diff)
		}
	}
	t.Logf("%d calls and returns on the main thread, %d on the worker, equal in order, parameters and result", len(want[0]), len(want[1]))
}

func play(t *testing.T, d scenario.Driver, f *scenario.File) {
	t.Helper()
	report, err := scenario.Run(t.Context(), f, d)
	if err != nil {
		t.Fatalf("%s: %v", d.Name(), err)
	}
	if why, skip := f.Skip(d.Name()); skip { // its trace counts all the same
		t.Logf("%s: %s: %v", d.Name(), why, report)
	} else if !report.OK() {
		t.Errorf("%s: %s", d.Name(), report)
	}
}
