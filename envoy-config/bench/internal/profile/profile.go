// Package profile profiles the guest by function: the filter, compiled with its
// names kept, plays requests in Node, whose V8 is the same kind of engine as
// Envoy's, on a host in JavaScript. It also counts what the guest allocates
// and, on the simulated host, the calls that it makes.
package profile

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/sallyport-gateway/sallyport/envoy-config/bench/internal/load"
	"github.com/sallyport-gateway/sallyport/envoy-config/bench/internal/site"
	"github.com/sallyport-gateway/sallyport/hostsim/envoyrun"
	"github.com/sallyport-gateway/sallyport/hostsim/wasmbuild"
)

// ErrNoNode says how to get Node.
var ErrNoNode = errors.New("no node found: apt-get install nodejs")

var (
	//go:embed host.mjs
	host []byte
	//go:embed counters.go.txt
	counters []byte
)

// samplingMicros is the sampling interval of V8's profiler.
const samplingMicros = 200

// Request is one that is profiled.
type Request struct {
	Name     string
	Listener string // the filter has its configuration
	Request  load.Request
	Status   int
}

// Requests are those of the tables.
func Requests(c *site.Caller) []Request {
	good := site.Request(site.Key(0), c.Token)
	return []Request{
		{"whole sequence", site.Whole, good, 200},
		{"empty sequence", site.Empty, good, 200},
		{"unknown key", site.Whole, site.Request("bench-key-of-nobody", c.Token), 401},
		{"spike arrest", site.SpikeFull, good, 429},
	}
}

// Guest is what Node found about one request.
type Guest struct {
	Status    int
	Requests  int
	Micros    float64 // of guest and host together, for a request
	Objects   float64 // allocated in the guest by a request
	Bytes     float64
	Functions []Function
}

// Build compiles the filter with its names, and with two more exports that
// report what it has allocated.
func Build(ctx context.Context) (module string, err error) {
	root, err := wasmbuild.Root()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(root, "build", "bench")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("make a folder for the profile: %w", err)
	}
	// Not a .go file: build/ is part of ./...
	source := filepath.Join(dir, "counters.go.txt")
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{filepath.Join(root, "filter", "bench_counters.go"): source}})
	if err != nil {
		return "", fmt.Errorf("encode the overlay: %w", err)
	}
	overlayFile := filepath.Join(dir, "overlay.json")
	if err := errors.Join(os.WriteFile(source, counters, 0o644), os.WriteFile(overlayFile, overlay, 0o644)); err != nil {
		return "", fmt.Errorf("write the overlay: %w", err)
	}
	module = filepath.Join(dir, "profiled.wasm")
	cmd := exec.CommandContext(ctx, "go", "build", "-modfile=guest.mod", "-overlay", overlayFile, "-buildmode=c-shared", "-trimpath", "-buildvcs=false", "-ldflags=-w", "-o", module, "./filter")
	cmd.Dir = root
	cmd.Env = append(os.Environ(), wasmbuild.Environment()...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("compile the filter with its names: %w\n%s", err, bytes.TrimSpace(out))
	}
	return module, nil
}

// InNode plays a request for the given number of seconds.
func InNode(ctx context.Context, module string, c *site.Caller, r Request, seconds float64) (*Guest, error) {
	node, err := exec.LookPath("node")
	if err != nil {
		return nil, ErrNoNode
	}
	dir, err := os.MkdirTemp("", "sallyport-profile-*")
	if err != nil {
		return nil, fmt.Errorf("make a folder for the profile: %w", err)
	}
	defer os.RemoveAll(dir)
	plan, err := r.plan(c, seconds)
	if err != nil {
		return nil, err
	}
	hostFile, planFile := filepath.Join(dir, "host.mjs"), filepath.Join(dir, "plan.json")
	if err := errors.Join(os.WriteFile(hostFile, host, 0o600), os.WriteFile(planFile, plan, 0o600)); err != nil {
		return nil, fmt.Errorf("write the plan: %w", err)
	}
	cmd := exec.CommandContext(ctx, node, "--cpu-prof", "--cpu-prof-dir", dir, "--cpu-prof-name", "guest.cpuprofile",
		"--cpu-prof-interval", fmt.Sprint(samplingMicros), hostFile, module, planFile)
	cmd.SysProcAttr = envoyrun.DieWithParent()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &limited{Buffer: &stderr}
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("%s in Node: %w\n%s", r.Name, err, bytes.TrimSpace(stderr.Bytes()))
	}
	g := &Guest{}
	if err := json.Unmarshal(stdout.Bytes(), g); err != nil {
		return nil, fmt.Errorf("%s in Node: read its answer: %w", r.Name, err)
	}
	if g.Status != r.Status {
		return nil, fmt.Errorf("%s in Node: the answer is %d, want %d\n%s", r.Name, g.Status, r.Status, bytes.TrimSpace(stderr.Bytes()))
	}
	text, err := os.ReadFile(filepath.Join(dir, "guest.cpuprofile"))
	if err != nil {
		return nil, fmt.Errorf("read V8's profile: %w", err)
	}
	g.Functions, err = functions(text)
	return g, err
}

// plan is what host.mjs reads.
func (r Request) plan(c *site.Caller, seconds float64) ([]byte, error) {
	config, err := site.Configuration(r.Listener)
	if err != nil {
		return nil, err
	}
	headers := [][2]string{{":method", "GET"}, {":path", r.Request.Path}, {":authority", site.Host}, {":scheme", "http"}}
	for _, h := range r.Request.Headers {
		if name := strings.ToLower(h.Name); name != "host" {
			headers = append(headers, [2]string{name, h.Value})
		}
	}
	text, err := json.Marshal(map[string]any{"config": config, "headers": headers, "seconds": seconds, "claims": string(c.Claims)})
	if err != nil {
		return nil, fmt.Errorf("encode the plan: %w", err)
	}
	return text, nil
}

// maxStderr bounds how much of the guest's log is kept.
const maxStderr = 4 << 10

// limited drops what is beyond maxStderr.
type limited struct{ *bytes.Buffer }

func (l *limited) Write(p []byte) (int, error) {
	if room := maxStderr - l.Len(); room > 0 {
		l.Buffer.Write(p[:min(len(p), room)])
	}
	return len(p), nil
}
