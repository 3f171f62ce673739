package hostsim

// responseFlags are Envoy's, as the property response.flags has them: a bit each.
// Source: Envoy envoy/stream_info/stream_info.h CoreResponseFlag.
type responseFlags uint64

const (
	flagNoHealthyUpstream             responseFlags = 1 << 1
	flagUpstreamRequestTimeout        responseFlags = 1 << 2
	flagUpstreamConnectionFailure     responseFlags = 1 << 5
	flagUpstreamConnectionTermination responseFlags = 1 << 6
	flagNoRouteFound                  responseFlags = 1 << 8
	flagDownstreamGone                responseFlags = 1 << 14
	flagStreamIdleTimeout             responseFlags = 1 << 16
	flagUpstreamProtocolError         responseFlags = 1 << 23
	flagNoClusterFound                responseFlags = 1 << 24
)

// endFlags are what the details of a stream's end tell.
var endFlags = map[string]responseFlags{
	"downstream_remote_disconnect": flagDownstreamGone, "stream_idle_timeout": flagStreamIdleTimeout,
}

// faultFlags are the router's.
var faultFlags = map[Fault]responseFlags{
	FaultUnknown: flagNoClusterFound, FaultNoEndpoints: flagNoHealthyUpstream, FaultRefuse: flagUpstreamConnectionFailure,
	FaultReset: flagUpstreamConnectionTermination, FaultNotHTTP: flagUpstreamProtocolError,
	FaultTimeout: flagUpstreamRequestTimeout, FaultTimeoutMidBody: flagUpstreamRequestTimeout,
}
