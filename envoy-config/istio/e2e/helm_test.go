package e2e

import (
	"testing"

	envoyconfig "github.com/sallyport-gateway/sallyport/envoy-config"
	"github.com/sallyport-gateway/sallyport/envoy-config/internal/meshtest"
)

var chart = meshtest.Chart{Name: "sallyport-istio", Namespace: "istio-system"}

// TestValidateIstioHelm: what the chart makes is what is shipped, and valid with other values too.
func TestValidateIstioHelm(t *testing.T) {
	if err := chart.Lint(t, "{}"); err != nil {
		t.Error(err)
	}
	chart.WantShipped(t, "{}", oneGateway(t))
	v := validator(t)
	for name, values := range map[string]string{
		"its own values":    `{}`,
		"nobody is refused": `{refusedAddresses: []}`,
		"no public route":   `{publicRoute: {enabled: false}}`,
		"another gateway":   `{gateway: {selector: {app: edge, istio: null}}}`,
		"two hosts":         `{hosts: [a.example.com, b.example.com]}`,
		"an engine outside of the mesh": `{quotaEngine: {host: counts.example.com, port: 8082}, config: {sequence: [` +
			`{quota: {per: api, limit: 5, interval: day, mode: exact, engine: {cluster: "outbound|8082||counts.example.com"}}}]}}`,
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

// TestValidateIstioHelmQuota: with an engine of quotas the chart makes what overlays/quota is, for a Service of the mesh; for
// another host an entry too.
func TestValidateIstioHelmQuota(t *testing.T) {
	shipped, err := build("../overlays/quota")
	if err != nil {
		t.Fatal(err)
	}
	chart.WantShipped(t, meshtest.QuotaValues(t, pluginConfig(shipped), "ratelimit.sallyport-quota.svc.cluster.local"), shipped)
	outside, err := chart.Render(t, `{quotaEngine: {host: counts.example.com}, catalog: {apis: [{name: a, version: v1, base_path: /a, sequence: [`+
		`{quota: {per: api, limit: 5, interval: day, mode: exact, engine: {cluster: "outbound|8081||counts.example.com"}}}]}]}}`)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range outside {
		if m.Is("ServiceEntry", "ratelimit") && m.Get(envoyconfig.Path{"spec", "ports", 0, "protocol"}) == "GRPC" {
			return
		}
	}
	t.Error("there is no entry for an engine outside of the mesh")
}

func TestValidateIstioHelmRefuses(t *testing.T) {
	chart.Refuses(t, map[string]meshtest.Refusal{
		"a catalog in two places":     {Values: `{config: {apps: []}}`, Says: "config.apps: write it as catalog.apps"},
		"a cluster that nobody makes": {Values: `{okta: {host: login.example.com}}`, Says: "no introspect_token has the cluster outbound|443||login.example.com"},
		"an authority that is not the host": {Values: `{config: {sequence: [{introspect_token: {cluster: "outbound|443||dev-123456.okta.com", authority: login.example.com}}]}}`,
			Says: "introspect_token.authority is login.example.com, and its cluster outbound|443||dev-123456.okta.com calls okta.host, dev-123456.okta.com: write the same host in both"},
		"an engine that nobody asks":   {Values: `{quotaEngine: {host: a.example.com, port: 8082}}`, Says: "no quota has the engine.cluster outbound|8082||a.example.com"},
		"an engine that is missing":    {Values: `{config: {sequence: [{quota: {engine: {cluster: ratelimit}}}]}}`, Says: `there is no cluster "ratelimit" for the quota`},
		"an engine by a short name":    {Values: `{quotaEngine: {host: ratelimit.quota.svc}}`, Says: "ratelimit.quota.svc.cluster.local"},
		"an engine at an address":      {Values: `{quotaEngine: {host: 10.0.0.9}}`, Says: "10.0.0.9 is an address"},
		"a tag in a digest's place":    {Values: `{image: {digest: v1}}`, Says: "/image/digest"},
		"a value that is misspelt":     {Values: `{backends: {}}`, Says: "backends"},
		"a port that is a word":        {Values: `{backend: {port: https}}`, Says: "/backend/port"},
		"a duration without its unit":  {Values: `{requestTimeout: "30"}`, Says: "/requestTimeout"},
		"no host":                      {Values: `{hosts: []}`, Says: "/hosts"},
		"a variable that cannot exist": {Values: `{okta: {secret: {env: "A-B"}}}`, Says: "/okta/secret/env"},
	})
}
