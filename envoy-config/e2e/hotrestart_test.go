//go:build linux

package e2e

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim/envoyrun"
	"github.com/sallyport-gateway/sallyport/hostsim/envoyrun/envoytest"
)

const (
	restartClients = 6
	// restartDrain is how long the old Envoy asks its clients to come again on another connection, and restartEnd when
	// it leaves; both in seconds.
	restartDrain, restartEnd = "1", "3"
)

// TestHotRestart has one Envoy take over from another under load, as docs/upgrade.md says: each client keeps its
// connection for as long as it may, over HTTP/1.1 and HTTP/2, and no request fails. The new Envoy runs the new
// configuration; what the old one knew of tokens and limits is gone with it.
func TestHotRestart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deployment.Listen = fmt.Sprintf("127.0.0.1:%d", freePort(t))
	asked := w.countIntrospections(t)
	w.deployment.Backend.Address = w.serve(t, issued(t)(w.ca.Server(backend)), true, func(rw http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(rw, r.Header.Get("X-Sallyport-Developer"))
	})
	old := w.epoch(t, 0)
	load := w.keepUsing(t, old)
	load.until(t, "the old one serves", func() bool { return load.count("dev-0") >= 20*restartClients })

	next := w.epoch(t, 1)
	load.until(t, "the new one serves", func() bool { return load.count("dev-1") >= 20*restartClients })
	select {
	case <-old.Done():
	case <-time.After(patience):
		t.Fatal("the old envoy is still there")
	}
	load.until(t, "the new one serves alone", func() bool { return load.count("dev-1") >= 100*restartClients })
	outcomes := load.stop()
	t.Logf("outcomes %v; the token was asked about %d times", outcomes, asked.Load())
	for what, n := range outcomes {
		if what != "dev-0" && what != "dev-1" {
			t.Errorf("%d requests ended in %s", n, what)
		}
	}
	// One call an Envoy, or as many as those of its workers that missed at once: shared data is of one process.
	if n := asked.Load(); n < 2 || n > 4 {
		t.Errorf("the token was asked about %d times, want one call by each Envoy", n)
	}
	if line := envoyrun.Warnings(next.Log().Since(0)); strings.Contains(line, "wasm") {
		t.Errorf("the new envoy: %s", line)
	}
}

// epoch starts the n-th Envoy in line; each sends the backend another developer.
func (w *world) epoch(t *testing.T, n int) *envoyrun.Process {
	t.Helper()
	deployed := w.deployment.PluginConfig
	defer func() { w.deployment.PluginConfig = deployed }()
	w.deployment.PluginConfig = []byte(strings.NewReplacer(
		"portal-team@example.com", fmt.Sprintf("dev-%d", n), `["GET"]`, `["POST"]`, `"200ps"`, `"1000000pm"`).Replace(string(deployed)))
	o := withEnvoy(t, w.options(t))
	o.BaseIDFile, o.Epoch, o.Concurrency = filepath.Join(w.dir, "base-id"), n, 2
	o.Args = []string{"--drain-time-s", restartDrain, "--parent-shutdown-time-s", restartEnd}
	return envoytest.Start(t, o)
}

// countIntrospections puts a counting Okta in the place of the world's.
func (w *world) countIntrospections(t *testing.T) *atomic.Int64 {
	t.Helper()
	var asked atomic.Int64
	certificate := issued(t)(w.ca.Server("*.okta.com"))
	w.deployment.Okta.Address = w.serve(t, certificate, false, func(rw http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		introspect(rw, r)
	})
	return &asked
}

// users are clients of a gateway that count how each request ended: by the developer whom the backend was told of, or
// by what went wrong.
type users struct {
	over    atomic.Bool
	running sync.WaitGroup
	mu      sync.Mutex
	counts  map[string]int
}

// keepUsing sends requests by HTTP/1.1 and by HTTP/2, each client one after the other over the connection that it has.
func (w *world) keepUsing(t *testing.T, p *envoyrun.Process) *users {
	t.Helper()
	u := &users{counts: map[string]int{}}
	for n := range restartClients {
		client := w.client(t, p)
		client.Timeout = patience
		if n%2 == 0 {
			transport := client.Transport.(*http.Transport)
			transport.ForceAttemptHTTP2 = false
			transport.TLSNextProto = map[string]func(string, *tls.Conn) http.RoundTripper{}
		}
		u.running.Go(func() {
			for !u.over.Load() {
				what := u.one(t.Context(), client)
				u.mu.Lock()
				u.counts[what]++
				u.mu.Unlock()
			}
		})
	}
	t.Cleanup(func() { u.stop() })
	return u
}

func (u *users) one(ctx context.Context, c *http.Client) string {
	// No client sends a POST again by itself when its connection has gone, unless it knows that nobody has seen it.
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://"+apiHost+"/customers/v1/orders/7", io.NopCloser(strings.NewReader("{}")))
	if err != nil {
		return err.Error()
	}
	r.Header.Set("x-api-key", testKey)
	r.Header.Set("authorization", "Bearer "+testToken)
	response, err := c.Do(r)
	if err != nil {
		return err.Error()
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	switch {
	case err != nil:
		return err.Error()
	case response.StatusCode != http.StatusOK:
		return fmt.Sprintf("%d %s", response.StatusCode, response.Header.Get("x-sallyport-reason"))
	}
	return string(body)
}

func (u *users) count(what string) int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.counts[what]
}

func (u *users) until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			u.mu.Lock()
			defer u.mu.Unlock()
			t.Fatalf("wait until %s: %v", what, u.counts)
		}
	}
}

func (u *users) stop() map[string]int {
	u.over.Store(true)
	u.running.Wait()
	return u.counts
}
