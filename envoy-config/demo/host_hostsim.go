package demo

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"path/filepath"
	"runtime"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim"
	"github.com/sallyport-gateway/sallyport/hostsim/abi"
	"github.com/sallyport-gateway/sallyport/hostsim/gateway"
)

// startHostsim starts the simulated host as the gateway.
func (d *Demo) startHostsim(ctx context.Context, o Options, config []byte) error {
	// Compiled code is kept next to the module: the next start is quick.
	cache := filepath.Join(filepath.Dir(o.Wasm), "wazero")
	module, err := hostsim.CompileFile(ctx, o.Wasm, hostsim.CompileOptions{CacheDir: cache})
	if err != nil {
		return fmt.Errorf("load the filter: %w", err)
	}
	d.onClose(func() error { return module.Close(context.Background()) })

	okta, err := d.endpoint(d.OktaIssuer, oktaName)
	if err != nil {
		return err
	}
	backend, err := d.endpoint(d.BackendURL, backendName, d.certs.gatewayClient)
	if err != nil {
		return err
	}
	host, err := module.New(ctx, append(d.quotaEndpoint(),
		hostsim.WithClock(hostsim.RealClock()),
		hostsim.WithWorkers(max(2, runtime.NumCPU())),
		hostsim.WithConfig(config),
		hostsim.WithVMID("sallyport"), hostsim.WithRootID("sallyport"), hostsim.WithName("sallyport"),
		hostsim.WithEnv(map[string]string{secretVariable: d.secret}),
		hostsim.WithFailurePolicy(hostsim.FailReload),
		hostsim.WithConnectionManager(hostsim.ConnectionManager{UseRemoteAddress: true, RequestTimeout: 30 * time.Second}), // as in envoy.yaml
		hostsim.WithCluster("okta", okta),
		hostsim.WithTrace(),
		hostsim.WithLog(d.guestLog))...)
	if err != nil {
		return fmt.Errorf("start the simulated host: %w", err)
	}
	d.onClose(func() error {
		return errors.Join(host.Close(context.Background()), host.Process().Close(context.Background()))
	})
	handler, err := gateway.New(gateway.Config{Host: host, Upstream: backend, Done: d.console.visited})
	if err != nil {
		return err
	}
	d.console.series = func(context.Context) (map[string]uint64, error) {
		series := map[string]uint64{}
		for _, m := range host.Process().Metrics() {
			if m.Type == abi.Counter {
				series[m.Name] = m.Value
			}
		}
		return series, nil
	}
	l, err := listen(o.Gateway)
	if err != nil {
		return err
	}
	d.GatewayURL = "https://" + l.Addr().String()
	d.serve(l, handler, &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{d.certs.gateway}, NextProtos: []string{"http/1.1"}})
	return nil
}

// endpoint is base as the simulated host reaches it: over TLS, to a server that proves to be name.
func (d *Demo) endpoint(base, name string, certs ...tls.Certificate) (gateway.Endpoint, error) {
	u, err := url.Parse(base)
	if err != nil {
		return gateway.Endpoint{}, fmt.Errorf("read address: %w", err)
	}
	transport := gateway.NewTransport(&tls.Config{
		MinVersion: tls.VersionTLS12, RootCAs: d.certs.ca.Pool(), ServerName: name, Certificates: certs,
	})
	d.onClose(func() error { transport.CloseIdleConnections(); return nil })
	return gateway.Endpoint{Base: u, Transport: transport}, nil
}

// guestLog passes on what the filter and the host have to complain about.
func (d *Demo) guestLog(l hostsim.LogLine) {
	level := slog.LevelDebug
	switch {
	case l.Level >= abi.LevelError:
		level = slog.LevelError
	case l.Level >= abi.LevelWarn:
		level = slog.LevelWarn
	}
	d.log.Log(context.Background(), level, l.Message, "from", "gateway")
}

// maxCalls bounds the hostcalls that a visit lists.
const maxCalls = 100

// visited notes what the simulated host saw of a request.
func (c *console) visited(e gateway.Record) {
	state := e.Stream.FilterState()
	v := visit{
		At: e.Began, Method: e.Request.Method, Path: e.Request.URL.Path, Status: e.Status,
		Took: float64(e.Took.Microseconds()) / 1000, Hostcalls: e.Stream.Hostcalls(), Calls: []string{},
	}
	for _, entry := range e.Stream.Trace() {
		if isMark(entry) {
			v.Hostcalls-- // the marks are not the filter's
		}
	}
	v.Left = string(state["wasm.sallyport.ratelimit"])
	v.attributes(func(name string) string { return string(state["wasm.sallyport."+name]) })
	v.Doors = doorsOf(c.steps, v.Decision, v.Reason)
	timeDoors(v.Doors, e.Stream.Trace(), e.Began.Add(e.Took))
	for _, entry := range e.Stream.Trace() {
		if !entry.Callback && !isMark(entry) && len(v.Calls) < maxCalls {
			v.Calls = append(v.Calls, entry.String())
		}
	}
	c.visits.add(v)
}
