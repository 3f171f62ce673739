// Package site is what the bench measures: an Envoy with a listener for each
// contender, and the servers around it.
package site

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os/exec"

	"github.com/sallyport-gateway/sallyport/envoy-config/bench/internal/helper"
	"github.com/sallyport-gateway/sallyport/envoy-config/bench/internal/load"
	"github.com/sallyport-gateway/sallyport/envoy-config/internal/quotaengine"
	"github.com/sallyport-gateway/sallyport/hostsim/envoyrun"
	"github.com/sallyport-gateway/sallyport/hostsim/wasmbuild"
)

// Around is the caller and the servers that all Envoys of a run share.
type Around struct {
	Caller        *Caller
	Introspection *helper.Process
	Upstream      *helper.Process
	ExtAuthz      *helper.Process
	Quota         *quotaengine.Engine // nil where it is not installed
}

// StartAround starts the servers. extAuthz is the path of the compiled command
// in ../../extauthz.
func StartAround(ctx context.Context, extAuthz string) (a *Around, err error) {
	a = &Around{}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.Stop())
			a = nil
		}
	}()
	if a.Caller, err = NewCaller(); err != nil {
		return a, err
	}
	if a.Introspection, err = helper.Start(helper.Introspection, string(a.Caller.Claims)); err != nil {
		return a, err
	}
	if a.Upstream, err = helper.Start(helper.Upstream); err != nil {
		return a, err
	}
	if a.ExtAuthz, err = helper.Run(exec.Command(extAuthz, "-key", Key(0))); err != nil { //nolint:noctx // Stop ends it
		return a, err
	}
	root, err := wasmbuild.Root()
	if err != nil {
		return a, err
	}
	a.Quota, err = quotaengine.Start(ctx, root, quotaDomains())
	if errors.Is(err, quotaengine.ErrMissing) {
		return a, nil
	}
	return a, err
}

// Stop ends the servers.
func (a *Around) Stop() error {
	var errs []error
	for _, p := range []*helper.Process{a.Introspection, a.Upstream, a.ExtAuthz} {
		if p != nil {
			errs = append(errs, p.Stop())
		}
	}
	if a.Quota != nil {
		errs = append(errs, a.Quota.Stop())
	}
	return errors.Join(errs...)
}

// Options say which Envoy to start.
type Options struct {
	Envoy     string // binary; empty means envoyrun.Find
	Modules   Modules
	Workers   int
	Listeners []string // names; all without any
}

// Gateway is a running Envoy.
type Gateway struct {
	Envoy     *envoyrun.Process
	addresses map[string]string
}

// Start starts an Envoy, and returns once it is live.
func (a *Around) Start(ctx context.Context, o Options) (*Gateway, error) {
	chosen, err := listeners(a.Caller, o.Modules, o.Listeners)
	if err != nil {
		return nil, err
	}
	var clusters []object
	for _, c := range []struct {
		name  string
		at    *helper.Process
		http2 bool
	}{{introspectionCluster, a.Introspection, false}, {upstreamCluster, a.Upstream, false}, {extAuthzCluster, a.ExtAuthz, true}} {
		made, err := cluster(c.name, c.at.Address, c.http2)
		if err != nil {
			return nil, err
		}
		clusters = append(clusters, made)
	}
	if a.Quota != nil {
		engine, err := a.Quota.Cluster()
		if err != nil {
			return nil, err
		}
		clusters = append(clusters, engine)
	}
	config, err := bootstrap(chosen, clusters)
	if err != nil {
		return nil, err
	}
	p, err := envoyrun.Start(ctx, envoyrun.Options{Binary: o.Envoy, Config: config, Concurrency: o.Workers, LogLevel: "warning"})
	if err != nil {
		return nil, err
	}
	addresses, err := p.Listeners(ctx)
	if err != nil {
		return nil, errors.Join(err, p.Stop())
	}
	return &Gateway{Envoy: p, addresses: addresses}, nil
}

// Address is the address of the listener.
func (g *Gateway) Address(listener string) string { return g.addresses[listener] }

// Stop ends the Envoy.
func (g *Gateway) Stop() error { return g.Envoy.Stop() }

// ReasonHeader says why the filter refused.
const ReasonHeader = "x-sallyport-reason"

// Ask sends one request as it is, and returns the status and the filter's reason.
func (g *Gateway) Ask(ctx context.Context, listener string, r load.Request) (status int, reason string, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+g.Address(listener)+r.Path, nil)
	if err != nil {
		return 0, "", fmt.Errorf("ask %s: %w", listener, err)
	}
	for _, h := range r.Headers {
		req.Header.Set(h.Name, h.Value)
	}
	req.Host, req.Close = Host, true
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return 0, "", fmt.Errorf("ask %s: %w", listener, err)
	}
	_ = resp.Body.Close()
	return resp.StatusCode, resp.Header.Get(ReasonHeader), nil
}

// PIDs are the processes of the servers.
func (a *Around) PIDs() []int {
	ids := []int{a.Introspection.PID(), a.Upstream.PID(), a.ExtAuthz.PID()}
	if a.Quota != nil {
		ids = append(ids, a.Quota.PIDs()...)
	}
	return ids
}
