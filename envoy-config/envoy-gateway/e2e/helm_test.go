package e2e

import (
	"testing"

	envoyconfig "github.com/sallyport-gateway/sallyport/envoy-config"
	"github.com/sallyport-gateway/sallyport/envoy-config/internal/meshtest"
)

var chart = meshtest.Chart{Name: "sallyport-envoy-gateway", Namespace: "default"}

// TestValidateEnvoyGatewayHelm: what the chart makes is what is shipped, and valid with other values too.
func TestValidateEnvoyGatewayHelm(t *testing.T) {
	if err := chart.Lint(t, "{}"); err != nil {
		t.Error(err)
	}
	chart.WantShipped(t, "{}", all(t), withoutSecret(t))
	v := crds(t)
	for name, values := range map[string]string{
		"its own values":    `{}`,
		"nobody is refused": `{refusedAddresses: []}`,
		"no public route":   `{publicRoute: {enabled: false}}`,
		"no proxy in front": `{gateway: {trustedHops: 0}}`,
		"two hosts":         `{hosts: [a.example.com, b.example.com]}`,
		"a quota's engine": `{quotaEngine: {host: counts.example.com, port: 8082}, config: {sequence: [` +
			`{quota: {per: api, limit: 5, interval: day, mode: exact, engine: {cluster: grpcroute/default/ratelimit/rule/0}}}]}}`,
		"the authority's port":     `{okta: {host: login.example.com}, config: {sequence: [{introspect_token: {cluster: httproute/default/okta/rule/0, authority: "Login.example.com:443", path: /introspect, client_id: gw, client_secret: {env: OKTA_CLIENT_SECRET}}}]}}`,
		"a server by another name": `{okta: {host: keycloak.iam.svc}, config: {sequence: [{introspect_token: {cluster: httproute/default/okta/rule/0, authority: login.example.com, path: /introspect, client_id: gw, client_secret: {env: OKTA_CLIENT_SECRET}}}]}}`,
		"no token is asked for":    `{config: {sequence: [{verify_api_key: {from: [{header: x-api-key}]}}, {remove_api_key: {}}]}}`,
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

// withoutSecret takes out of the chart's EnvoyProxy the secret in the environment of Envoy's pods, which the manifests leave
// to the reader.
func withoutSecret(t *testing.T) func(envoyconfig.Manifest) {
	t.Helper()
	return func(m envoyconfig.Manifest) {
		if !m.Is("EnvoyProxy", "sallyport") {
			return
		}
		env := m.Get(envoyconfig.Path{"spec", "provider", "kubernetes", "envoyDeployment", "container", "env", 0, "valueFrom", "secretKeyRef", "name"})
		if env != "sallyport-okta" {
			t.Errorf("the pods' secret is %v", env)
		}
		delete(m.Get(envoyconfig.Path{"spec"}).(map[string]any), "provider")
	}
}

// TestValidateEnvoyGatewayHelmQuota: with an engine of quotas the chart makes quota/engine.yaml too.
func TestValidateEnvoyGatewayHelmQuota(t *testing.T) {
	manifests, step := engine(t)
	shipped := all(t)
	config := pluginConfig(shipped).(map[string]any)
	config["sequence"] = append(config["sequence"].([]any), step)
	chart.WantShipped(t, meshtest.QuotaValues(t, config, "ratelimit.sallyport-quota.svc.cluster.local"), append(shipped, manifests...), withoutSecret(t))
}

func TestValidateEnvoyGatewayHelmRefuses(t *testing.T) {
	chart.Refuses(t, map[string]meshtest.Refusal{
		"a catalog in two places":     {Values: `{config: {products: []}}`, Says: "config.products: write it as catalog.products"},
		"a cluster that nobody makes": {Values: `{config: {sequence: [{introspect_token: {cluster: okta}}]}}`, Says: "no introspect_token has the cluster httproute/default/okta/rule/0"},
		"an authority that is not the host": {Values: `{okta: {host: login.example.com}}`,
			Says: "introspect_token.authority is dev-123456.okta.com, and its cluster httproute/default/okta/rule/0 calls okta.host, login.example.com: write the same host in both"},
		"an engine that nobody asks":  {Values: `{quotaEngine: {host: a.example.com}}`, Says: "no quota has the engine.cluster grpcroute/default/ratelimit/rule/0"},
		"an engine that is missing":   {Values: `{config: {sequence: [{quota: {engine: {cluster: grpcroute/default/ratelimit/rule/0}}}]}}`, Says: `there is no cluster "grpcroute/default/ratelimit/rule/0" for the quota`},
		"an engine at an address":     {Values: `{quotaEngine: {host: "2001:db8::9"}}`, Says: "2001:db8::9 is an address"},
		"a digest with its name":      {Values: `{image: {sha256: "sha256:00"}}`, Says: "/image/sha256"},
		"a value that is misspelt":    {Values: `{host: [a.example.com]}`, Says: "host"},
		"more hops than there can be": {Values: `{gateway: {trustedHops: 99}}`, Says: "/gateway/trustedHops"},
	})
}
