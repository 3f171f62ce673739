package command

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/render"
)

// targets are what a manifest can be for.
var targets = []string{"envoy", "istio", "envoy-gateway"}

// forms is what --...-tls can be for each target; the first is the default.
var backendForms, otherForms = []string{"mutual", "tls", "plain", "mesh"}, []string{"tls", "plain"}

// renderFlags are those of render.
type renderFlags struct {
	target, image                      string
	backends, engines                  []string
	backendTLS, identityTLS, listenTLS string
	backendName                        string
	json                               bool
	envoy                              render.EnvoySite
}

func newRender() *cobra.Command {
	var r renderFlags
	c := &cobra.Command{
		Use:   "render",
		Short: "Make the complete manifest of a gateway from its configuration",
		Long: `Render puts the configuration into the manifest that comes with Sallyport, with one cluster for each authorization server
that it names, and the environment variables that it reads. A configuration that the filter would refuse is not rendered.
With --json it prints only the configuration, as JSON: the value for a manifest that you maintain yourself.

The configuration does not say where the engine of a quota is: --quota-engine does, and adds its cluster.

A backend is HOST:PORT; another one is one more endpoint of it. API=HOST:PORT or API/VERSION=HOST:PORT is a backend for that
API only; the one without an API gets all others. --backend-tls says whether it needs a client certificate (mutual, the
default), needs none (tls), or is reached by plain HTTP, for a test (plain). A service of Istio's mesh
(NAME.NAMESPACE.svc.cluster.local) is left to the mesh's own TLS (mesh).

Istio and Envoy Gateway name clusters themselves: the names in the configuration are replaced. They fetch the filter as an
image (--image), by its digest, as 'make oci' prints it.

Secrets stay where they are: the manifest names variables and files, and holds a secret only if the configuration does.`,
		Example: `  sallyport render --for envoy --backend backend.example.internal:8443 > envoy.yaml
  sallyport render --for envoy --backend 127.0.0.1:8080 --backend-tls plain --listen 127.0.0.1:8000 --listen-tls plain > envoy.yaml
  sallyport render --for envoy --backend web.internal:8443 --backend customers/v1=10.0.0.7:8443 --backend customers/v1=10.0.0.8:8443 > envoy.yaml
  sallyport render --json | jq .apis
  sallyport render --for istio --backend orders.shop.svc.cluster.local:8080 --image registry.example.com/sallyport@sha256:... | kubectl apply -f -`,
		Args: exactly(0),
	}
	file := addFile(c)
	flags := c.Flags()
	flags.StringVar(&r.target, "for", "", "what runs the gateway: "+strings.Join(targets, ", "))
	flags.BoolVar(&r.json, "json", false, "print only the filter's configuration, as JSON")
	flags.StringArrayVar(&r.backends, "backend", nil, "host:port of the backend, or API=host:port; can be repeated")
	flags.StringArrayVar(&r.engines, "quota-engine", nil, "host:port of the engine that counts quotas, reached by plain gRPC, or CLUSTER=host:port; can be repeated")
	flags.StringVar(&r.backendTLS, "backend-tls", "", "how to connect to backends: "+strings.Join(backendForms, ", ")+" (default mutual; mesh for services of Istio's mesh)")
	flags.StringVar(&r.backendName, "backend-name", "", "the name in the backend's certificate (default: the backend's host)")
	flags.StringVar(&r.envoy.BackendCA, "backend-ca", "", "path on the gateway of the backend's CA (default /etc/sallyport/tls/backend-ca.crt)")
	flags.StringVar(&r.identityTLS, "identity-tls", otherForms[0], "how to connect to authorization servers: "+strings.Join(otherForms, ", ")+"; plain is for a test")
	flags.StringVar(&r.envoy.Okta.CA, "system-ca", "", "path on the gateway of the CAs for the authorization server (default /etc/ssl/certs/ca-certificates.crt)")
	flags.StringVar(&r.envoy.Module, "module", "", "path on the gateway of sallyport.wasm (default /etc/sallyport/sallyport.wasm)")
	flags.StringVar(&r.envoy.Secrets, "secrets", "", "path on the gateway of the folder with gateway.yaml and backend-client.yaml (default /etc/sallyport/secrets)")
	flags.StringVar(&r.envoy.Listen, "listen", "", "host:port to listen on (default 0.0.0.0:8443)")
	flags.StringVar(&r.listenTLS, "listen-tls", otherForms[0], "how clients connect to the gateway: "+strings.Join(otherForms, ", ")+"; plain is for a test, on loopback")
	flags.StringVar(&r.envoy.Admin, "admin", "", "host:port of Envoy's admin interface, on loopback (default 127.0.0.1:9901)")
	flags.StringVar(&r.image, "image", "", "for Istio and Envoy Gateway: registry/name@sha256:... of the filter")
	c.MarkFlagsMutuallyExclusive("for", "json")
	c.MarkFlagsMutuallyExclusive("backend", "json")
	c.MarkFlagsMutuallyExclusive("quota-engine", "json")
	for flag, forms := range map[string][]string{"for": targets, "backend-tls": backendForms, "identity-tls": otherForms, "listen-tls": otherForms} {
		must(c.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(forms, cobra.ShellCompDirectiveNoFileComp)))
	}
	c.RunE = func(c *cobra.Command, _ []string) error {
		if r.json {
			return renderJSON(c, *file)
		}
		if err := r.check(c); err != nil {
			return err
		}
		config, err := goodConfig(*file)
		if err != nil {
			return err
		}
		text, err := r.render(config)
		if err != nil {
			return err
		}
		if _, err := c.OutOrStdout().Write(text); err != nil {
			return err
		}
		return r.tellEngines(c, config)
	}
	return c
}

// tellEngines names the clusters of quota engines that the manifest does not have.
func (r *renderFlags) tellEngines(c *cobra.Command, config []byte) error {
	clusters, err := render.Engines(config)
	if err != nil {
		return err
	}
	engines, err := render.ParseEngines(r.engines, clusters)
	if err != nil {
		return err
	}
	remedy := map[string]string{
		"envoy":         "or add it, with HTTP/2 and without retries, as in envoy-config/quota-cluster.yaml",
		"istio":         "or name it as Istio does, outbound|PORT||HOST",
		"envoy-gateway": "or name it as Envoy Gateway does, grpcroute/NAMESPACE/NAME/rule/0",
	}
	for _, cluster := range render.WithoutEngine(r.target, clusters, engines) {
		fmt.Fprintf(c.ErrOrStderr(), "sallyport: the manifest has no cluster %q, which a quota step calls: give --quota-engine host:port, %s; "+
			"until then the engine counts as failed\n", cluster, remedy[r.target])
	}
	return nil
}

// renderJSON prints what Envoy's plugin configuration has as its value.
func renderJSON(c *cobra.Command, file string) error {
	for _, name := range slices.Concat(envoysOwn, []string{"image", "backend-tls", "identity-tls"}) {
		if c.Flags().Changed(name) {
			return fmt.Errorf("--%s cannot be used with --json", name)
		}
	}
	config, err := goodConfig(file)
	if err != nil {
		return err
	}
	var out bytes.Buffer
	if err := json.Indent(&out, config, "", "  "); err != nil {
		return fmt.Errorf("print the configuration: %w", err)
	}
	out.WriteByte('\n')
	_, err = c.OutOrStdout().Write(out.Bytes())
	return err
}

// render makes the manifest for the target.
func (r *renderFlags) render(config []byte) ([]byte, error) {
	backends, err := render.ParseBackends(r.backends)
	if err != nil {
		return nil, err
	}
	tls := render.TLS(r.backendTLS)
	if tls == "" {
		tls = render.DefaultTLS(r.target == "istio", backends)
	}
	site := render.Site{Image: r.image, Backends: backends, BackendTLS: tls, IdentityTLS: render.TLS(r.identityTLS), BackendName: r.backendName, Engines: r.engines}
	switch r.target {
	case "istio":
		return render.Istio(config, site)
	case "envoy-gateway":
		return render.EnvoyGateway(config, site)
	}
	r.envoy.Backends, r.envoy.BackendTLS, r.envoy.IdentityTLS = backends, tls, render.TLS(r.identityTLS)
	r.envoy.ListenTLS, r.envoy.BackendName, r.envoy.Engines = render.TLS(r.listenTLS), r.backendName, r.engines
	return render.Envoy(config, r.envoy)
}

// check refuses flags that do not fit together.
func (r *renderFlags) check(c *cobra.Command) error {
	if r.target == "" {
		return errors.New(`required flag(s) "for" not set`)
	}
	if !slices.Contains(targets, r.target) {
		return fmt.Errorf("--for must be one of %s, got %q", strings.Join(targets, ", "), r.target)
	}
	if len(r.backends) == 0 {
		return errors.New(`required flag(s) "backend" not set`)
	}
	if r.backendTLS != "" && !slices.Contains(backendForms, r.backendTLS) {
		return fmt.Errorf("--backend-tls must be one of %s, got %q", strings.Join(backendForms, ", "), r.backendTLS)
	}
	for name, form := range map[string]string{"identity-tls": r.identityTLS, "listen-tls": r.listenTLS} {
		if !slices.Contains(otherForms, form) {
			return fmt.Errorf("--%s must be one of %s, got %q", name, strings.Join(otherForms, ", "), form)
		}
	}
	if r.backendTLS == string(render.Mesh) && r.target != "istio" {
		return fmt.Errorf("--backend-tls mesh cannot be used for %s", r.target)
	}
	if r.backendTLS == string(render.Plain) && (r.backendName != "" || r.envoy.BackendCA != "") {
		return errors.New("--backend-name and --backend-ca cannot be used with --backend-tls plain, which verifies nothing")
	}
	if r.listenTLS == string(render.Plain) && !onLoopback(r.envoy.Listen) {
		return errors.New("--listen-tls plain needs --listen on loopback, such as 127.0.0.1:8000: keys and tokens are sent unencrypted")
	}
	if r.envoy.Admin != "" && !onLoopback(r.envoy.Admin) {
		return errors.New("--admin must be on loopback, such as 127.0.0.1:9901: it can stop Envoy and shows its configuration")
	}
	return onlyFor(c, r.target)
}

func onLoopback(hostPort string) bool {
	host, _, err := net.SplitHostPort(hostPort)
	address, addressErr := netip.ParseAddr(host)
	return err == nil && addressErr == nil && address.IsLoopback()
}

// envoysOwn are the flags that are only for Envoy.
var envoysOwn = []string{"backend-ca", "system-ca", "module", "secrets", "listen", "listen-tls", "admin"}

// onlyFor refuses a flag that is not for the target: whoever gave it meant another one.
func onlyFor(c *cobra.Command, target string) error {
	if target == "envoy" && c.Flags().Changed("image") {
		return errors.New("--image cannot be used for envoy: see --module")
	}
	for _, name := range envoysOwn {
		if target != "envoy" && c.Flags().Changed(name) {
			return fmt.Errorf("--%s cannot be used for %s", name, target)
		}
	}
	return nil
}

// goodConfig is the file as JSON, if the filter accepts it.
func goodConfig(file string) ([]byte, error) {
	d, err := read(file)
	if err != nil {
		return nil, err
	}
	if _, problems := load(d); len(problems) > 0 {
		return nil, fmt.Errorf("%s: the filter refuses this configuration: see 'sallyport check %s'", file, file)
	}
	return d.JSON()
}
