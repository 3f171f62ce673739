package demo

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/sallyport-gateway/sallyport/envoy-config/internal/quotaengine"
	"github.com/sallyport-gateway/sallyport/hostsim/gateway"
	"github.com/sallyport-gateway/sallyport/hostsim/okta"
)

// The hosts that can be the gateway.
const (
	HostSim   = "hostsim"
	HostEnvoy = "envoy"
)

// Who counts the quota: each gateway by itself, or envoyproxy/ratelimit with Redis.
const (
	QuotaLocal = "local"
	QuotaRedis = "redis"
)

// Options say what to start. Addresses are host:port on this machine; an empty
// one means 127.0.0.1 and a free port.
type Options struct {
	Wasm string // path of the compiled filter
	Host string // HostSim or HostEnvoy; empty means HostSim
	// Quota is QuotaLocal or QuotaRedis, which needs `make ratelimit`; empty means QuotaLocal.
	Quota string
	// Clone is the folder of the clone, which QuotaRedis reads; empty means this one.
	Clone string
	// Addresses of the parts.
	Gateway, Okta, Backend, Portal string
	// Log receives what the parts log; nil means slog.Default.
	Log *slog.Logger
}

// Demo is a running demo. Close ends it.
type Demo struct {
	GatewayURL, OktaIssuer, BackendURL, PortalURL string
	// Login and Password are those of the person at Okta.
	Login, Password string

	org     *okta.Org
	apiKey  string
	secret  string // the gateway's at Okta
	certs   *certificates
	host    string
	log     *slog.Logger
	tokens  map[string]string // by file name
	ended   <-chan struct{}   // Envoy's end
	closers []func() error    // last first
	console *console
	quota   *quotaengine.Engine // nil with QuotaLocal
}

// Ended is closed when Envoy, the one part that is a process of its own, has ended by itself.
func (d *Demo) Ended() <-chan struct{} { return d.ended }

// Start starts everything and returns when it serves.
func Start(ctx context.Context, o Options) (*Demo, error) {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Host == "" {
		o.Host = HostSim
	}
	if o.Quota == "" {
		o.Quota = QuotaLocal
	}
	d := &Demo{
		Login: "ada@example.com", Password: strings.ToLower(rand.Text()[:10]),
		apiKey: "demo-" + rand.Text(), secret: rand.Text(), host: o.Host, log: o.Log,
	}
	if err := d.start(ctx, o); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

func (d *Demo) start(ctx context.Context, o Options) error {
	dir, err := os.MkdirTemp("", "sallyport-demo-*")
	if err != nil {
		return fmt.Errorf("make the demo's folder: %w", err)
	}
	d.onClose(func() error { return os.RemoveAll(dir) })
	if d.certs, err = newCertificates(dir); err != nil {
		return err
	}
	portal, err := listen(o.Portal)
	if err != nil {
		return err
	}
	d.PortalURL = "http://" + portal.Addr().String()
	d.onClose(func() error { return ignoreClosed(portal.Close()) })
	if err := d.startOkta(o.Okta); err != nil {
		return err
	}
	if err := d.startBackend(o.Backend); err != nil {
		return err
	}
	if err := d.startQuota(ctx, o.Quota, o.Clone); err != nil {
		return err
	}
	config, err := pluginConfig(d.apiKey, d.OktaIssuer, o.Quota)
	if err != nil {
		return err
	}
	if d.console, err = newConsole(o.Host, config, d.org.Faults()); err != nil {
		return err
	}
	switch o.Host {
	case HostSim:
		err = d.startHostsim(ctx, o, config)
	case HostEnvoy:
		err = d.startEnvoy(ctx, o, config)
	default:
		err = fmt.Errorf("host %q: want %s or %s", o.Host, HostSim, HostEnvoy)
	}
	if err != nil {
		return err
	}
	if err := d.writeTokens(); err != nil {
		return err
	}
	return d.startPortal(ctx, portal)
}

// Close ends every part, the last one started first.
func (d *Demo) Close() error {
	var problems []error
	for i := len(d.closers) - 1; i >= 0; i-- {
		problems = append(problems, d.closers[i]())
	}
	d.closers = nil
	return errors.Join(problems...)
}

func (d *Demo) onClose(f func() error) { d.closers = append(d.closers, f) }

func (d *Demo) startOkta(address string) error {
	l, err := listen(address)
	if err != nil {
		return err
	}
	d.OktaIssuer = "https://" + l.Addr().String() + "/oauth2/default"
	d.org, err = okta.New(okta.Config{
		Issuer:              d.OktaIssuer,
		AccessTokenLifetime: 30 * time.Minute,
		Scopes:              []string{"customers.read", "customers.write"},
		Clients: []okta.Client{
			{ID: gatewayClient, Secret: d.secret},
			{ID: portalClient, RedirectURIs: []string{d.PortalURL + PortalCallback}, Scopes: []string{"customers.read"}},
		},
		Users: []okta.User{{ID: "00u1ada", Login: d.Login, Password: d.Password, Name: "Ada Lovelace"}},
	})
	if err != nil {
		return errors.Join(err, l.Close())
	}
	d.serve(l, d.org.Handler(), &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{d.certs.okta}})
	return nil
}

func (d *Demo) startBackend(address string) error {
	l, err := listen(address)
	if err != nil {
		return err
	}
	d.BackendURL = "https://" + l.Addr().String()
	cfg := BackendConfig{
		Certificate: d.certs.backend, ClientCAs: d.certs.ca.Pool(), ClientSAN: gatewaySAN,
		AllowedSources: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
	}
	d.serve(l, cfg.Handler(), cfg.TLSConfig())
	return nil
}

func (d *Demo) startPortal(ctx context.Context, l net.Listener) error {
	transport := d.Transport()
	d.onClose(func() error { transport.CloseIdleConnections(); return nil })
	portal, err := NewPortal(ctx, PortalConfig{
		BaseURL: d.PortalURL, Issuer: d.OktaIssuer, ClientID: portalClient,
		Scopes:     []string{"openid", "profile", "customers.read"},
		GatewayURL: d.GatewayURL, APIKey: d.apiKey,
		Client: &http.Client{Transport: transport, Timeout: 30 * time.Second},
		Pages:  d.console.routes,
	})
	if err != nil {
		return err
	}
	d.console.burst = func(ctx context.Context) ([]statusCount, error) {
		form := callForm{WithKey: true, WithToken: true, Times: burstSize}
		answered, err := portal.repeat(ctx, apiCalls[dashboardCards], form, d.tokens[goodToken])
		if err != nil {
			return nil, err
		}
		return answered.Counts, nil
	}
	d.serve(l, portal, nil)
	return nil
}

// Transport trusts the demo's CA. The caller closes its idle connections.
func (d *Demo) Transport() *http.Transport {
	return gateway.NewTransport(&tls.Config{RootCAs: d.certs.ca.Pool(), MinVersion: tls.VersionTLS12})
}

// serve serves h on l, by TLS when config is given, until Close.
func (d *Demo) serve(l net.Listener, h http.Handler, config *tls.Config) {
	srv := &http.Server{
		Handler: h, TLSConfig: config, ReadHeaderTimeout: 10 * time.Second,
		// A client that does not trust our CA is a warning of net/http: not worth a line.
		ErrorLog: slog.NewLogLogger(d.log.Handler(), slog.LevelDebug),
	}
	done := make(chan error, 1)
	go func() {
		if config == nil {
			done <- srv.Serve(l)
		} else {
			done <- srv.ServeTLS(l, "", "")
		}
	}()
	d.onClose(func() error {
		err := srv.Close()
		if served := <-done; !errors.Is(served, http.ErrServerClosed) {
			err = errors.Join(err, served)
		}
		return ignoreClosed(err)
	})
}

// ignoreClosed ignores a second close of a listener.
func ignoreClosed(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

func listen(address string) (net.Listener, error) {
	if address == "" {
		address = "127.0.0.1:0"
	}
	if strings.HasPrefix(address, ":") {
		address = "127.0.0.1" + address
	}
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen for the demo: %w", err)
	}
	return l, nil
}
