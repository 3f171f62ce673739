package e2e

import (
	"testing"

	"github.com/sallyport-gateway/sallyport/envoy-config/internal/meshtest"
)

var chart = meshtest.Chart{Name: "sallyport-istio", Namespace: "istio-system"}

// TestValidateIstioHelm: what the chart makes is what is shipped, and valid with other values too.
func TestValidateIstioHelm(t *testing.T) {
	if err := chart.Lint(t, "{}"); err != nil {
		t.Error(err)
	}
	chart.WantShipped(t, oneGateway(t))
	v := validator(t)
	for name, values := range map[string]string{
		"its own values":        `{}`,
		"nobody is refused":     `{refusedAddresses: []}`,
		"no public route":       `{publicRoute: {enabled: false}}`,
		"another gateway":       `{gateway: {selector: {app: edge, istio: null}}}`,
		"two hosts":             `{hosts: [a.example.com, b.example.com]}`,
		"no token is asked for": `{config: {sequence: [{verify_api_key: {from: [{header: x-api-key}]}}, {remove_api_key: {}}]}}`,
		"another identity server": `{okta: {host: login.example.com}, config: {sequence: [{introspect_token: {cluster: "outbound|443||login.example.com", ` +
			`authority: login.example.com, path: /introspect, client_id: gw, client_secret: {env: OKTA_CLIENT_SECRET}}}]}}`,
	} {
		t.Run(name, func(t *testing.T) {
			all, err := chart.Render(t, values)
			if err != nil {
				t.Fatal(err)
			}
			if err := check(v, meshtest.WithCRD(all)); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestValidateIstioHelmRefuses(t *testing.T) {
	chart.Refuses(t, map[string]meshtest.Refusal{
		"a catalog in two places":     {Values: `{config: {apps: []}}`, Says: "config.apps: write it as catalog.apps"},
		"a cluster that nobody makes": {Values: `{okta: {host: login.example.com}}`, Says: "no introspect_token has the cluster outbound|443||login.example.com"},
		"an authority that is not the host": {Values: `{config: {sequence: [{introspect_token: {cluster: "outbound|443||dev-123456.okta.com", authority: login.example.com}}]}}`,
			Says: "introspect_token.authority is login.example.com, and its cluster outbound|443||dev-123456.okta.com calls okta.host, dev-123456.okta.com: write the same host in both"},
		"a tag in a digest's place":    {Values: `{image: {digest: v1}}`, Says: "/image/digest"},
		"a value that is misspelt":     {Values: `{backends: {}}`, Says: "backends"},
		"a port that is a word":        {Values: `{backend: {port: https}}`, Says: "/backend/port"},
		"a duration without its unit":  {Values: `{requestTimeout: "30"}`, Says: "/requestTimeout"},
		"no host":                      {Values: `{hosts: []}`, Says: "/hosts"},
		"a variable that cannot exist": {Values: `{okta: {secret: {env: "A-B"}}}`, Says: "/okta/secret/env"},
	})
}
