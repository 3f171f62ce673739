package demo

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"os"

	"sigs.k8s.io/yaml"
)

//go:embed config.yaml
var configYAML string

// secretVariable is the variable in the VM's environment that holds the gateway's secret for Okta.
const secretVariable = "OKTA_CLIENT_SECRET"

// The OAuth clients of the demo.
const (
	gatewayClient = "0oa1gateway"
	portalClient  = "0oa1portal"
)

// pluginConfig is config.yaml with its names filled in, as the JSON that the filter reads.
func pluginConfig(apiKey, issuer, quota string) ([]byte, error) {
	okta, err := url.Parse(issuer)
	if err != nil {
		return nil, fmt.Errorf("read issuer: %w", err)
	}
	digest := sha256.Sum256([]byte(apiKey))
	values := map[string]string{
		"API_KEY_SHA256":    hex.EncodeToString(digest[:]),
		"GATEWAY_CLIENT_ID": gatewayClient,
		"PORTAL_CLIENT_ID":  portalClient,
		"OKTA_AUTHORITY":    okta.Host,
		"OKTA_ISSUER":       issuer,
	}
	var missing string
	text := os.Expand(configYAML, func(name string) string {
		value, ok := values[name]
		if !ok {
			missing = name
		}
		return value
	})
	if missing != "" {
		return nil, fmt.Errorf("config.yaml: no value for ${%s}", missing)
	}
	var document map[string]any
	if err := yaml.UnmarshalStrict([]byte(text), &document); err != nil {
		return nil, fmt.Errorf("config.yaml: %w", err)
	}
	if quota == QuotaRedis {
		countByEngine(document)
	}
	out, err := json.Marshal(document)
	if err != nil {
		return nil, fmt.Errorf("config.yaml: %w", err)
	}
	return out, nil
}

// countByEngine makes the filter ask the engine about each request.
func countByEngine(document map[string]any) {
	steps, _ := document["sequence"].([]any)
	for _, step := range steps {
		if named, _ := step.(map[string]any); named["quota"] != nil {
			quota, _ := named["quota"].(map[string]any)
			quota["mode"], quota["engine"] = "exact", map[string]any{"cluster": quotaCluster}
		}
	}
}
