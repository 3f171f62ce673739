package site

import (
	"encoding/json"
	"fmt"
)

// object is a JSON object.
type object = map[string]any

// policy is a configuration of the filter.
type policy struct {
	apis     int // 0 means 1
	apps     int // 0 means 1
	sequence []object
}

// The steps of the sequence, as an operator would write them.
var (
	spikeArrest  = object{"spike_arrest": object{"rate": "1000000ps", "burst": 1_000_000}}
	alwaysFull   = object{"spike_arrest": object{"rate": "1pm", "burst": 1}}
	ipAccess     = object{"ip_access": object{"rules": []object{{"deny": []string{"203.0.113.0/24"}}}, "default": "allow"}}
	verifyAPIKey = object{"verify_api_key": object{"from": []object{{"header": keyHeader}}}}
	removeAPIKey = object{"remove_api_key": object{}}
	requireToken = object{"require_token": object{"issuer": issuer, "audience": []string{audience}}}
)

// perCaller is a limit for each of these callers.
func perCaller(per string) object {
	return object{"spike_arrest": object{"rate": "1000000ps", "burst": 1_000_000, "per": per}}
}

// introspect asks the helper. Without a cache object the cache has its defaults.
func introspect(cache object) object {
	step := object{
		"cluster": introspectionCluster, "authority": "dev-123456.okta.com", "path": "/oauth2/default/v1/introspect",
		"client_id": "0oa1gateway", "client_secret": object{"inline": "bench-secret"},
	}
	if cache != nil {
		step["cache"] = cache
	}
	return object{"introspect_token": step}
}

// whole is the whole sequence.
func whole(limit, introspection object) []object {
	return []object{limit, verifyAPIKey, removeAPIKey, introspection, requireToken}
}

// document is the filter's configuration. The first app and the middle API are
// those of Request.
func (p policy) document() (string, error) {
	apis := make([]object, max(p.apis, 1))
	for i := range apis {
		apis[i] = object{"name": fmt.Sprintf("api-%d", i), "version": "v1", "hosts": []string{Host}, "base_path": fmt.Sprintf("/api-%d/v1", i)}
	}
	called := len(apis) / 2
	apis[called]["name"], apis[called]["base_path"] = "customers", "/customers/v1"

	apps := make([]object, max(p.apps, 1))
	for i := range apps {
		apps[i] = object{
			"name": fmt.Sprintf("app-%d", i), "developer": fmt.Sprintf("team-%d@example.com", i), "products": []string{"portal"},
			"token_clients": []string{clientID},
			"keys":          []object{{"id": fmt.Sprintf("k-%d", i), "sha256": digest(Key(i))}},
		}
	}
	sequence := p.sequence
	if sequence == nil {
		sequence = []object{}
	}
	text, err := json.Marshal(object{
		"version": 1, "apis": apis, "apps": apps, "sequence": sequence,
		"products": []object{{
			"name": "portal", "scopes": []string{"customers.read"},
			"apis": []object{{"name": "customers", "operations": []object{{"path": "/orders/**", "methods": []string{"GET"}}}}},
		}},
	})
	if err != nil {
		return "", fmt.Errorf("encode the filter's configuration: %w", err)
	}
	return string(text), nil
}

// Configuration is the filter's configuration at a listener that has it.
func Configuration(listener string) (string, error) {
	s, ok := sallyport()[listener]
	if !ok {
		return "", fmt.Errorf("listener %q has no Sallyport", listener)
	}
	return s.policy.document()
}
