package main_test

import (
	"context"
	"log"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim"
	"github.com/sallyport-gateway/sallyport/hostsim/upstream"
)

// module is the filter, compiled once for all tests.
var (
	ctx    = context.Background()
	module *hostsim.Module
)

func TestMain(m *testing.M) {
	build := exec.Command("go", "build", "-buildmode=c-shared", "-o", "filter.wasm", ".")
	build.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm")
	if out, err := build.CombinedOutput(); err != nil {
		log.Fatalf("%v\n%s", err, out)
	}
	var err error
	// CacheDir keeps machine code: the second run of the tests starts in milliseconds.
	module, err = hostsim.CompileFile(ctx, "filter.wasm", hostsim.CompileOptions{CacheDir: ".cache"})
	if err != nil {
		log.Fatal(err) // *hostsim.LoadError: this Envoy would not load it, and why
	}
	os.Exit(m.Run())
}

// gate starts the filter; auth is how the cluster that it asks answers.
func gate(t *testing.T, auth upstream.Answer, options ...hostsim.Option) *hostsim.Host {
	t.Helper()
	host, err := module.New(t.Context(), append(options, hostsim.WithCluster("auth", auth))...)
	if err != nil {
		t.Fatal(err) // *hostsim.ConfigError: the filter refused its configuration; its log lines are in it
	}
	t.Cleanup(func() { _ = host.Close(ctx) })
	return host
}

func TestAllowed(t *testing.T) {
	host := gate(t, upstream.Answer{Delay: 200 * time.Millisecond, Status: 200})
	response, exchange, err := host.Do(t.Context(), hostsim.Request{Path: "/orders"})
	if err != nil {
		t.Fatal(err)
	}
	// response is what the client got. exchange.Upstream is what the backend saw, nil when it saw nothing;
	// exchange.Calls, .Log, .Hostcalls, .Details and .Elapsed, on the simulated clock, are the rest.
	if response.Status != 200 || exchange.Upstream == nil || exchange.Elapsed != 200*time.Millisecond {
		t.Errorf("%+v, backend saw %+v, after %v", response, exchange.Upstream, exchange.Elapsed)
	}
}

// TestClientGone has the client leave while auth thinks; the answer comes later, to a request that is gone.
func TestClientGone(t *testing.T) {
	host := gate(t, upstream.Answer{Delay: 200 * time.Millisecond, Status: 403})
	response, exchange, err := host.Do(t.Context(), hostsim.Request{ClientGoneAfter: 100 * time.Millisecond})
	if err != nil || !response.Reset || exchange.Upstream != nil {
		t.Fatalf("%+v, %v", response, err)
	}
	host.Advance(time.Second)
	for _, line := range host.Log() {
		if line.Host {
			t.Errorf("the filter crashed: %s", line.Message)
		}
	}
}
