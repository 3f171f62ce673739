package e2e

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/sallyport-gateway/sallyport/hostsim/envoyrun"
	"github.com/sallyport-gateway/sallyport/hostsim/envoyrun/envoytest"
	"github.com/sallyport-gateway/sallyport/hostsim/pki"
)

const (
	rotations       = 3
	rotationClients = 2
	// rotationTraffic is how many requests must have passed between one rotation and the next.
	rotationTraffic = 50
)

// serials are the certificates that one side has shown, in the order in which they were first seen.
type serials struct {
	mu   sync.Mutex
	seen []string
}

func (s *serials) note(state *tls.ConnectionState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if serial := state.PeerCertificates[0].SerialNumber.String(); !slices.Contains(s.seen, serial) {
		s.seen = append(s.seen, serial)
	}
}

func (s *serials) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.seen)
}

// TestEnvoyTLSRotation swaps the certificates on disk while requests are under way, as secrets/gateway.yaml says: none
// fails, and new connections on both sides have the new ones.
func TestEnvoyTLSRotation(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var ofGateway, ofClient serials
	certificate := issued(t)
	w.deployment.Backend.Address = w.serve(t, certificate(w.ca.Server(backend)), true, func(rw http.ResponseWriter, r *http.Request) {
		ofClient.note(r.TLS)
		rw.Header().Set("connection", "close") // a handshake for each request
		_, _ = io.WriteString(rw, "orders")
	})
	folder := t.TempDir()
	rotate := func(version int) {
		t.Helper()
		name := fmt.Sprintf("v%d", version)
		err := pki.WriteDir(filepath.Join(folder, name), w.ca, map[string]*pki.Cert{
			"gateway": certificate(w.ca.Server(apiHost)),
			"client":  certificate(w.ca.Client(gatewayName)),
		})
		next := filepath.Join(folder, "next")
		if err = errors.Join(err, os.Symlink(name, next), os.Rename(next, filepath.Join(folder, "current"))); err != nil {
			t.Fatal(err)
		}
	}
	rotate(0)
	current := func(name string) string { return filepath.Join(folder, "current", name) }
	d := &w.deployment
	d.PluginConfig = []byte(strings.Replace(string(pluginConfig(t)), `"200ps"`, `"100000ps"`, 1))
	d.Watched, d.Certificate, d.Key = folder, current("gateway.pem"), current("gateway-key.pem")
	d.Backend.Certificate, d.Backend.Key = current("client.pem"), current("client-key.pem")
	p := envoytest.Start(t, withEnvoy(t, w.options(t)))

	c := w.client(t, p)
	transport := c.Transport.(*http.Transport)
	transport.DisableKeepAlives = true
	transport.TLSClientConfig.VerifyConnection = func(state tls.ConnectionState) error { ofGateway.note(&state); return nil }
	served, failed, stop := askOn(t, c)
	for version := 1; version <= rotations; version++ {
		waitFor(t, p, func() bool { return served.Load() >= int64(version)*rotationTraffic })
		rotate(version)
		waitFor(t, p, func() bool { return ofGateway.count() > version && ofClient.count() > version })
	}
	stop()
	t.Logf("%d rotations under %d requests, %d failed; clients saw %d certificates, the backend %d",
		rotations, served.Load()+failed.Load(), failed.Load(), ofGateway.count(), ofClient.count())
	if failed.Load() > 0 || ofGateway.count() != rotations+1 || ofClient.count() != rotations+1 {
		t.Errorf("want no failure and %d certificates on each side", rotations+1)
	}
}

// askOn sends requests until it is stopped.
func askOn(t *testing.T, c *http.Client) (served, failed *atomic.Int64, stop func()) {
	t.Helper()
	served, failed = new(atomic.Int64), new(atomic.Int64)
	var over atomic.Bool
	var wg sync.WaitGroup
	for range rotationClients {
		wg.Go(func() {
			for !over.Load() {
				status, reason, err := ask(t.Context(), c, order, testKey, testToken)
				if err != nil || status != http.StatusOK {
					failed.Add(1)
					t.Log(status, reason, err)
					continue
				}
				served.Add(1)
			}
		})
	}
	return served, failed, func() { over.Store(true); wg.Wait() }
}

// waitFor polls as often as Envoy's own statistics are polled.
func waitFor(t *testing.T, p *envoyrun.Process, ok func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := p.Poll(ctx, func() (bool, error) { return ok(), nil }); err != nil {
		t.Fatal(err)
	}
}
