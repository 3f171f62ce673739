package command

import (
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	envoyconfig "github.com/sallyport-gateway/sallyport/envoy-config"
	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/document"
	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/render"
)

// targets are what a manifest can be for.
var targets = []string{"envoy"}

func newRender() *cobra.Command {
	var target, backend string
	var d envoyconfig.Deployment
	c := &cobra.Command{
		Use:   "render",
		Short: "Make the complete manifest of a gateway from its configuration",
		Long: `Render puts the configuration into the manifest that comes with Sallyport, with one cluster for each authorization server
that it names, and the environment variables that it reads. What the filter would refuse is not rendered.

Secrets stay where they are: the manifest names variables and files, and holds a secret only if the configuration does.`,
		Example: `  sallyport render --for envoy --backend backend.example.internal:8443 > envoy.yaml
  sallyport render --for envoy --file sallyport.yaml --backend 10.0.0.7:8443 --backend-name orders.internal > envoy.yaml
  envoy --mode validate --config-path envoy.yaml`,
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
	must(c.MarkFlagRequired("for"))
	must(c.MarkFlagRequired("backend"))
	must(c.RegisterFlagCompletionFunc("for", cobra.FixedCompletions(targets, cobra.ShellCompDirectiveNoFileComp)))
	c.RunE = func(c *cobra.Command, _ []string) error {
		if !slices.Contains(targets, target) {
			return fmt.Errorf("--for must be one of %s, got %q", strings.Join(targets, ", "), target)
		}
		host, _, err := net.SplitHostPort(backend)
		if err != nil {
			return fmt.Errorf("--backend must be host:port, got %q", backend)
		}
		d.Backend.Address = backend
		if d.Backend.ServerName == "" {
			d.Backend.ServerName = host
		}
		config, err := goodConfig(*file)
		if err != nil {
			return err
		}
		text, err := render.Envoy(config, d)
		if err != nil {
			return err
		}
		_, err = c.OutOrStdout().Write(text)
		return err
	}
	return c
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
