package header

// Kind is what a map holds: it decides which names have one entry.
type Kind uint8

// The kinds of maps.
const (
	Request Kind = 1 << iota
	Response
	ResponseTrailers
	RequestTrailers Kind = 0 // no name has one entry
)

// inlineNames are the headers that a full Envoy build keeps in one entry each, and in maps of which kinds.
// Source: Envoy envoy/http/header_map.h INLINE_REQ_*, INLINE_RESP_*, and the RegisterCustomInlineHeader of its filters;
// measured.
var inlineNames = kindsOf(map[Kind][]string{
	Request: {
		":authority", ":method", ":path", ":protocol", ":scheme", "accept", "accept-encoding",
		"access-control-request-headers", "access-control-request-method", "access-control-request-private-network",
		"authorization", "cdn-loop", "expect", "grpc-accept-encoding", "grpc-timeout", "if-match",
		"if-modified-since", "if-none-match", "if-range", "if-unmodified-since", "origin", "pragma", "referer", "te",
		"user-agent", "x-client-trace-id", "x-envoy-downstream-service-cluster", "x-envoy-downstream-service-node",
		"x-envoy-expected-rq-timeout-ms", "x-envoy-external-address", "x-envoy-force-trace",
		"x-envoy-hedge-on-per-try-timeout", "x-envoy-internal", "x-envoy-ip-tags", "x-envoy-is-timeout-retry",
		"x-envoy-max-retries", "x-envoy-original-host", "x-envoy-original-path", "x-envoy-original-url",
		"x-envoy-retriable-header-names", "x-envoy-retriable-status-codes", "x-envoy-retry-grpc-on",
		"x-envoy-retry-on", "x-envoy-upstream-alt-stat-name", "x-envoy-upstream-rq-per-try-timeout-ms",
		"x-envoy-upstream-rq-timeout-alt-response", "x-envoy-upstream-rq-timeout-ms",
		"x-envoy-upstream-stream-duration-ms", "x-forwarded-client-cert", "x-forwarded-for", "x-forwarded-host",
		"x-forwarded-port", "x-forwarded-proto",
	},
	Response: {
		":status", "access-control-allow-credentials", "access-control-allow-headers",
		"access-control-allow-methods", "access-control-allow-origin", "access-control-allow-private-network",
		"access-control-expose-headers", "access-control-max-age", "age", "date", "etag", "expires", "last-modified",
		"location", "server", "vary", "x-envoy-degraded", "x-envoy-immediate-health-check-fail",
		"x-envoy-ratelimited", "x-envoy-upstream-canary", "x-envoy-upstream-healthchecked-cluster",
		"x-envoy-upstream-service-time",
	},
	Request | Response: {
		"cache-control", "connection", "content-encoding", "content-length", "content-type", "keep-alive",
		"proxy-connection", "proxy-status", "transfer-encoding", "upgrade", "via", "x-envoy-attempt-count",
		"x-envoy-decorator-operation", "x-request-id",
	},
	Response | ResponseTrailers: {
		"grpc-message", "grpc-status",
	},
})

func kindsOf(names map[Kind][]string) map[string]Kind {
	kinds := map[string]Kind{}
	for kind, list := range names {
		for _, name := range list {
			kinds[name] = kind
		}
	}
	return kinds
}
