package command

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"github.com/sallyport-gateway/sallyport/hostsim/okta"
)

// What the simulated Okta knows. None of it is a secret: it listens on loopback, and its tokens are worth nothing elsewhere.
const (
	simGateway, simGatewaySecret = "gateway", "gateway-secret"
	simPortal, simPortalSecret   = "portal", "portal-secret"

	simHeaderTimeout = 10 * time.Second
	simFarewell      = 2 * time.Second
)

func newSim() *cobra.Command {
	return group("sim", "Run simulated servers that a gateway needs", "Sim is for trying a gateway without an Okta of your own.", newSimOkta())
}

func newSimOkta() *cobra.Command {
	var listen, audience string
	var scopes []string
	c := &cobra.Command{
		Use:   "okta",
		Short: "Run a simulated Okta, until it is interrupted",
		Long: `Okta runs one custom authorization server with Okta's paths, texts and token shapes, in plain HTTP on loopback: tokens by client
credentials, introspection, revocation, keys. It is for tests, and forgets everything when it stops.`,
		Example: `  sallyport sim okta --scope customers.read
  sallyport init --issuer http://127.0.0.1:18080/oauth2/default --audience api://default --client-id gateway
  curl -u portal:portal-secret -d 'grant_type=client_credentials&scope=customers.read' http://127.0.0.1:18080/oauth2/default/v1/token`,
		Args: exactly(0),
	}
	c.Flags().StringVar(&listen, "listen", "127.0.0.1:18080", "host:port to listen on, on loopback")
	c.Flags().StringVar(&audience, "audience", okta.DefaultAudience, "audience of its tokens")
	c.Flags().StringSliceVar(&scopes, "scope", []string{"customers.read"}, "a scope that it knows and that the portal may have")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if !onLoopback(listen) {
			return errors.New("--listen must be on loopback, such as 127.0.0.1:18080: everybody knows its secrets")
		}
		l, err := (&net.ListenConfig{}).Listen(c.Context(), "tcp", listen)
		if err != nil {
			return err
		}
		issuer := "http://" + l.Addr().String() + "/oauth2/default"
		org, err := okta.New(okta.Config{Issuer: issuer, Audience: audience, Scopes: scopes, Clients: []okta.Client{
			{ID: simGateway, Secret: simGatewaySecret},
			{ID: simPortal, Secret: simPortalSecret, ClientCredentials: true, Scopes: scopes},
		}})
		if err != nil {
			return errors.Join(err, l.Close())
		}
		fmt.Fprintf(c.OutOrStdout(), "issuer    %s\naudience  %s\ngateway   client %s, secret %s\nportal    client %s, secret %s (client credentials)\n",
			issuer, printable(audience), simGateway, simGatewaySecret, simPortal, simPortalSecret)
		return serve(c.Context(), l, org.Handler())
	}
	return c
}

// serve answers until the context ends.
func serve(ctx context.Context, l net.Listener, h http.Handler) error {
	server := &http.Server{Handler: h, ReadHeaderTimeout: simHeaderTimeout}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(l) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	farewell, cancel := context.WithTimeout(context.WithoutCancel(ctx), simFarewell)
	defer cancel()
	return server.Shutdown(farewell)
}
