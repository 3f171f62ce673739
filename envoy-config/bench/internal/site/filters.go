package site

import "fmt"

const filterTypes = "type.googleapis.com/envoy.extensions.filters.http."

// filter is one of Envoy's HTTP filters; a is its own configuration.
func filter(name, typed string, a object) object {
	config := object{"@type": filterTypes + typed}
	for k, v := range a {
		config[k] = v
	}
	return object{"name": name, "typed_config": config}
}

// wasm is a plugin. Plugins with the same vm have one VM in each worker, with
// one shared memory.
func wasm(name, vm, module, configuration string) object {
	return filter("envoy.filters.http.wasm", "wasm.v3.Wasm", object{"config": object{
		"name": name, "root_id": name, "failure_policy": "FAIL_RELOAD",
		"vm_config": object{"vm_id": vm, "runtime": "envoy.wasm.runtime.v8", "code": object{"local": object{"filename": module}}},
		"configuration": object{
			"@type": "type.googleapis.com/google.protobuf.StringValue", "value": configuration,
		},
	}})
}

var always = object{"default_value": object{"numerator": 100, "denominator": "HUNDRED"}}

// native are Envoy's own filters for a rate limit and for keys.
func native() []object {
	return []object{
		filter("envoy.filters.http.local_ratelimit", "local_ratelimit.v3.LocalRateLimit", object{
			"stat_prefix": "limit", "token_bucket": object{"max_tokens": 1_000_000_000, "tokens_per_fill": 1_000_000_000, "fill_interval": "1s"},
			"filter_enabled": always, "filter_enforced": always,
		}),
		filter("envoy.filters.http.api_key_auth", "api_key_auth.v3.ApiKeyAuth", object{
			"credentials": []object{{"key": Key(0), "client": "app-0"}},
			"key_sources": []object{{"header": keyHeader}},
			"forwarding":  object{"header": "x-app", "hide_credentials": true},
		}),
	}
}

// nativeJWT checks the token too, with Envoy's cache of tokens that it has
// found valid.
func nativeJWT(jwks []byte) object {
	return filter("envoy.filters.http.jwt_authn", "jwt_authn.v3.JwtAuthentication", object{
		"providers": object{"okta": object{
			"issuer": issuer, "audiences": []string{audience}, "forward": true,
			"local_jwks": object{"inline_string": string(jwks)}, "jwt_cache_config": object{"jwt_cache_size": 1000},
		}},
		"rules": []object{{"match": object{"prefix": "/"}, "requires": object{"provider_name": "okta"}}},
	})
}

// lua looks the key up and removes it.
func lua() object {
	return filter("envoy.filters.http.lua", "lua.v3.Lua", object{"default_source_code": object{"inline_string": fmt.Sprintf(`
local apps = {[%q] = "app-0"}

function envoy_on_request(handle)
  local headers = handle:headers()
  if apps[headers:get(%[2]q)] == nil then
    handle:respond({[":status"] = "401"}, "")
    return
  end
  headers:remove(%[2]q)
end
`, Key(0), keyHeader)}})
}

// extAuthz asks the helper about every request.
func extAuthz() object {
	return filter("envoy.filters.http.ext_authz", "ext_authz.v3.ExtAuthz", object{
		"transport_api_version": "V3",
		"grpc_service":          object{"envoy_grpc": object{"cluster_name": extAuthzCluster}, "timeout": "2s"},
	})
}

var router = filter("envoy.filters.http.router", "router.v3.Router", nil)
