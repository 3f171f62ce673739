package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"time"

	envoyconfig "github.com/sallyport-gateway/sallyport/envoy-config"
	"github.com/sallyport-gateway/sallyport/hostsim/envoyrun"
)

// envoyStart bounds how long Envoy may take to compile the filter and to serve.
const envoyStart = 2 * time.Minute

// startEnvoy starts a real Envoy with the shipped envoy.yaml as the gateway.
func (d *Demo) startEnvoy(ctx context.Context, o Options, config []byte) error {
	module, err := filepath.Abs(o.Wasm)
	if err != nil {
		return fmt.Errorf("find the filter: %w", err)
	}
	// Envoy takes a number for the port, and reports which one it bound.
	address := o.Gateway
	l, err := listen(address)
	if err != nil {
		return err
	}
	if address = l.Addr().String(); o.Gateway == "" {
		address = "127.0.0.1:0"
	}
	if err := l.Close(); err != nil {
		return fmt.Errorf("free the gateway's port: %w", err)
	}
	okta, err := url.Parse(d.OktaIssuer)
	if err != nil {
		return fmt.Errorf("read issuer: %w", err)
	}
	backend, err := url.Parse(d.BackendURL)
	if err != nil {
		return fmt.Errorf("read backend address: %w", err)
	}
	deployment := envoyconfig.Deployment{
		Secrets: d.certs.dir, Watched: d.certs.dir,
		Listen: address, Admin: "127.0.0.1:0", Module: module, PluginConfig: config,
		Certificate: d.certs.file("gateway.pem"), Key: d.certs.file("gateway-key.pem"),
		Okta: envoyconfig.Upstream{Address: okta.Host, ServerName: oktaName, CA: d.certs.file("ca.pem")},
		Backend: envoyconfig.Upstream{
			Address: backend.Host, ServerName: backendName, CA: d.certs.file("ca.pem"),
			Certificate: d.certs.file("gateway-client.pem"), Key: d.certs.file("gateway-client-key.pem"),
		},
	}
	if err := deployment.WriteSecrets(); err != nil {
		return err
	}
	document := deployment.Document()
	if err := d.addQuotaCluster(document); err != nil {
		return err
	}
	bootstrap, err := document.JSON()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, envoyStart)
	defer cancel()
	process, err := envoyrun.Start(ctx, envoyrun.Options{
		Config: bootstrap, Concurrency: 2, Env: []string{secretVariable + "=" + d.secret},
	})
	if err != nil {
		return fmt.Errorf("start envoy: %w", err)
	}
	d.onClose(process.Stop)
	d.ended = process.Done()
	bound, err := process.Listener(ctx, "gateway")
	if err != nil {
		return fmt.Errorf("find envoy's port: %w", err)
	}
	d.GatewayURL = "https://" + bound
	d.console.series = func(ctx context.Context) (map[string]uint64, error) {
		stats, err := process.Stats(ctx, `^wasmcustom\.sallyport_usage`)
		if err != nil {
			return nil, err
		}
		series := map[string]uint64{}
		for name, value := range stats.Number {
			series[strings.TrimPrefix(name, "wasmcustom.")] = value
		}
		return series, nil
	}
	log := &accessLog{log: process.Output()}
	d.console.refresh = func() { log.read(d.console) }
	return nil
}

// accessLog reads what envoy.yaml makes Envoy write about each request.
type accessLog struct {
	mu   sync.Mutex
	log  *envoyrun.Log
	next int // line
}

// read notes the requests that were logged since it was last called.
func (a *accessLog) read(c *console) {
	a.mu.Lock()
	defer a.mu.Unlock()
	lines := a.log.Since(a.next)
	a.next += len(lines)
	for _, line := range lines {
		var entry map[string]any
		if json.Unmarshal([]byte(line.Text), &entry) != nil {
			continue // not a line of the access log
		}
		text := func(name string) string { s, _ := entry[name].(string); return s }
		number := func(name string) float64 { n, _ := entry[name].(float64); return n }
		at, err := time.Parse(time.RFC3339, text("time"))
		if err != nil {
			continue
		}
		v := visit{At: at, Method: text("method"), Path: text("path"), Status: int(number("status")), Took: number("duration_ms"), Hostcalls: -1}
		v.attributes(text)
		v.Doors = doorsOf(c.steps, v.Decision, v.Reason)
		c.visits.add(v)
	}
}
