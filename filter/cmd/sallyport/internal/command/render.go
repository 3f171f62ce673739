package command

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	envoyconfig "github.com/sallyport-gateway/sallyport/envoy-config"
	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/document"
	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/render"
)

// targets are what a manifest can be for.
var targets = []string{"envoy", "istio", "envoy-gateway"}

func newRender() *cobra.Command {
	var target, backend, image string
	var d envoyconfig.Deployment
	c := &cobra.Command{
		Use:   "render",
		Short: "Make the complete manifest of a gateway from its configuration",
		Long: `Render puts the configuration into the manifest that comes with Sallyport, with one cluster for each authorization server
that it names, and the environment variables that it reads. What the filter would refuse is not rendered.

Istio and Envoy Gateway name clusters themselves: what the configuration calls them is replaced. They fetch the filter as an
image (--image), by its digest, as 'make oci' prints it.

Secrets stay where they are: the manifest names variables and files, and holds a secret only if the configuration does.`,
		Example: `  sallyport render --for envoy --backend backend.example.internal:8443 > envoy.yaml
  sallyport render --for envoy --file sallyport.yaml --backend 10.0.0.7:8443 --backend-name orders.internal > envoy.yaml
  envoy --mode validate --config-path envoy.yaml
  sallyport render --for istio --backend orders.internal:8443 --image registry.example.com/sallyport@sha256:... | kubectl apply -f -`,
		Args: exactly(0),
	}
	file := addFile(c)
	flags := c.Flags()
	flags.StringVar(&target, "for", "", "what runs the gateway: "+strings.Join(targets, ", "))
	flags.StringVar(&backend, "backend", "", "host:port of the backend")
	flags.StringVar(&d.Backend.ServerName, "backend-name", "", "the name in the backend's certificate (default: the backend's host)")
	flags.StringVar(&d.Backend.CA, "backend-ca", "", "path on the gateway of the backend's CA")
	flags.StringVar(&d.Okta.CA, "system-ca", "", "path on the gateway of the CAs for the authorization server")
	flags.StringVar(&d.Module, "module", "", "path on the gateway of sallyport.wasm")
	flags.StringVar(&d.Secrets, "secrets", "", "path on the gateway of the folder with gateway.yaml and backend-client.yaml")
	flags.StringVar(&d.Listen, "listen", "", "host:port to listen on")
	flags.StringVar(&image, "image", "", "for Istio and Envoy Gateway: registry/name@sha256:... of the filter")
	must(c.MarkFlagRequired("for"))
	must(c.MarkFlagRequired("backend"))
	must(c.RegisterFlagCompletionFunc("for", cobra.FixedCompletions(targets, cobra.ShellCompDirectiveNoFileComp)))
	c.RunE = func(c *cobra.Command, _ []string) error {
		if !slices.Contains(targets, target) {
			return fmt.Errorf("--for must be one of %s, got %q", strings.Join(targets, ", "), target)
		}
		host, portText, err := net.SplitHostPort(backend)
		port, portErr := strconv.ParseUint(portText, 10, 16)
		if err != nil || portErr != nil || port == 0 || host == "" {
			return fmt.Errorf("--backend must be host:port, got %q", backend)
		}
		if err := onlyFor(c, target); err != nil {
			return err
		}
		config, err := goodConfig(*file)
		if err != nil {
			return err
		}
		d.Backend.Address = backend
		d.Backend.ServerName = cmp.Or(d.Backend.ServerName, host)
		site := render.Site{Image: image, BackendHost: host, BackendPort: int(port)}
		var text []byte
		switch target {
		case "envoy":
			text, err = render.Envoy(config, d)
		case "istio":
			text, err = render.Istio(config, site)
		case "envoy-gateway":
			text, err = render.EnvoyGateway(config, site)
		}
		if err != nil {
			return err
		}
		_, err = c.OutOrStdout().Write(text)
		return err
	}
	return c
}

// onlyFor refuses a flag that the target has no use for: whoever gave it meant another one.
func onlyFor(c *cobra.Command, target string) error {
	envoys := []string{"backend-name", "backend-ca", "system-ca", "module", "secrets", "listen"}
	if target == "envoy" && c.Flags().Changed("image") {
		return errors.New("--image has no use for envoy: see --module")
	}
	for _, name := range envoys {
		if target != "envoy" && c.Flags().Changed(name) {
			return fmt.Errorf("--%s has no use for %s", name, target)
		}
	}
	return nil
}

// goodConfig is the file as the filter wants it, JSON, if the filter takes it.
func goodConfig(file string) ([]byte, error) {
	d, err := document.Read(file)
	if err != nil {
		return nil, err
	}
	if _, problems := load(d); len(problems) > 0 {
		return nil, fmt.Errorf("%s: the filter refuses this configuration: see 'sallyport check %s'", file, file)
	}
	return d.JSON()
}
