package site

// The listeners with quotas, of an app. Those with an upstream are compared
// with Envoy's own filter, which leaves direct responses alone.
const (
	NoQuota         = "no-quota"
	QuotaLocal      = "quota-local"
	QuotaReconciled = "quota-reconciled"
	NoQuotaUpstream = "no-quota-upstream"
	QuotaExact      = "quota-exact"
	NativeQuota     = "native-quota"
)

// benchLimit is never reached.
const benchLimit = 1_000_000_000

// nativeDomain is the service's domain for Envoy's own filter.
const nativeDomain = "native"

// quotaDomains are the service's files.
func quotaDomains() map[string]string {
	return map[string]string{
		"sallyport.yaml": "domain: sallyport\n",
		"native.yaml": "domain: " + nativeDomain + "\ndescriptors:\n" +
			"- {key: generic_key, value: app-0, rate_limit: {unit: hour, requests_per_unit: 1000000000}}\n",
	}
}

// quota is a quota of an app in one of its modes. A batch is many times what an
// app sends during a call.
func quota(mode string) object {
	of := object{"per": "app", "limit": benchLimit, "interval": "hour", "mode": mode}
	if mode != "local" {
		of["engine"] = object{"cluster": quotaCluster, "timeout": "1s"}
	}
	if mode == "reconciled" {
		of["batch"] = 1000
	}
	return object{"quota": of}
}

// nativeQuota is Envoy's own filter with the same service, which it asks about every request.
func nativeQuota() listener {
	return listener{
		name: NativeQuota, upstream: true,
		filters: []object{filter("envoy.filters.http.ratelimit", "ratelimit.v3.RateLimit", object{
			"domain": nativeDomain, "timeout": "1s", "failure_mode_deny": true,
			"rate_limit_service": object{
				"transport_api_version": "V3",
				"grpc_service":          object{"envoy_grpc": object{"cluster_name": quotaCluster}},
			},
		})},
		rateLimits: []object{{"actions": []object{{"generic_key": object{"descriptor_value": "app-0"}}}}},
	}
}
