package guestcover_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/sallyport-gateway/sallyport/hostsim"
	"github.com/sallyport-gateway/sallyport/hostsim/guestcover"
	"github.com/sallyport-gateway/sallyport/hostsim/wasmbuild"
)

// TestCoverageOfAGuest: a denied request runs all of the quick start's filter but what lets one through.
func TestCoverageOfAGuest(t *testing.T) {
	dir := t.TempDir()
	wasm := filepath.Join(dir, "gate.wasm")
	build := exec.CommandContext(t.Context(), "go", "build", "-cover", "-covermode=atomic", "-tags=guestcover", "-buildmode=c-shared", "-o", wasm, "../quickstart")
	build.Env = append(os.Environ(), wasmbuild.Environment()...)
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	module, err := hostsim.CompileFile(t.Context(), wasm, hostsim.CompileOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer module.Close(context.Background())
	options := []hostsim.Option{hostsim.WithCluster("auth", hostsim.Respond(403, ""))}
	for _, o := range guestcover.Keep(dir) {
		options = append(options, o)
	}
	host, err := module.New(t.Context(), options...)
	if err != nil {
		t.Fatal(err)
	}
	response, _, err := host.Do(t.Context(), hostsim.Request{Path: "/"})
	if err != nil || response.Status != 403 {
		t.Fatalf("%d, %v", response.Status, err)
	}
	if err := host.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "go", "tool", "covdata", "func", "-i="+dir).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{`quickstart/main.go:\d+:\s+onAnswer\s+[5-9]\d\.\d%`, `quickstart/main.go:\d+:\s+header\s+\d+`} {
		if !regexp.MustCompile(want).Match(out) {
			t.Errorf("no %s in\n%s", want, out)
		}
	}
}

func TestKeepRefuses(t *testing.T) {
	module, err := hostsim.CompileFile(t.Context(), wasmbuild.Package(t, "./hostsim/testdata/guests/scripted"), hostsim.CompileOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer module.Close(context.Background())
	const whole = "0123456789012345678901234567890123456789"
	for name, tt := range map[string]struct{ dir, call, want string }{
		"meta that is too short":          {t.TempDir(), "go_coverage_meta short", "-> 2"},
		"counters that are too short":     {t.TempDir(), "go_coverage_counters short", "-> 2"},
		"a folder that is not there":      {filepath.Join(t.TempDir(), "none"), "go_coverage_meta " + whole, "-> 10"},
		"a folder that is there, at last": {t.TempDir(), "go_coverage_meta " + whole, "-> 0"},
	} {
		t.Run(name, func(t *testing.T) {
			options := []hostsim.Option{hostsim.WithConfig([]byte("request_headers: foreign " + tt.call))}
			for _, o := range guestcover.Keep(tt.dir) {
				options = append(options, o)
			}
			host, err := module.New(t.Context(), options...)
			if err != nil {
				t.Fatal(err)
			}
			defer host.Close(context.Background())
			_, exchange, err := host.Do(t.Context(), hostsim.Request{Path: "/"})
			if err != nil {
				t.Fatal(err)
			}
			if len(exchange.Log) == 0 || !strings.Contains(exchange.Log[0].Message, tt.want) {
				t.Errorf("log %v, want %s", exchange.Log, tt.want)
			}
		})
	}
}
