package demo

import (
	"context"
	"fmt"
	"net/url"
	"path/filepath"
	"time"

	envoyconfig "github.com/sallyport-gateway/sallyport/envoy-config"
	"github.com/sallyport-gateway/sallyport/envoy-config/envoyrun"
)

// envoyStart bounds how long Envoy may take to compile the filter and to serve.
const envoyStart = 2 * time.Minute

// startEnvoy puts a real Envoy with the shipped envoy.yaml into the gateway's place.
func (d *Demo) startEnvoy(ctx context.Context, o Options, config []byte) error {
	module, err := filepath.Abs(o.Wasm)
	if err != nil {
		return fmt.Errorf("find the filter: %w", err)
	}
	// Envoy takes a number for the port, and tells which one it took.
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
	bootstrap, err := deployment.Bootstrap()
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
	return nil
}
