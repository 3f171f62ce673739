package envoy

import (
	"github.com/sallyport-gateway/sallyport/hostsim/upstream"
)

// ResponseFlags are Envoy's, as the property response.flags has them: a bit each.
// Source: Envoy envoy/stream_info/stream_info.h CoreResponseFlag.
type ResponseFlags uint64

const (
	flagNoHealthyUpstream             ResponseFlags = 1 << 1
	FlagUpstreamRequestTimeout        ResponseFlags = 1 << 2
	FlagUpstreamConnectionFailure     ResponseFlags = 1 << 5
	flagUpstreamConnectionTermination ResponseFlags = 1 << 6
	FlagNoRouteFound                  ResponseFlags = 1 << 8
	flagDownstreamGone                ResponseFlags = 1 << 14
	FlagStreamIdleTimeout             ResponseFlags = 1 << 16
	FlagUpstreamProtocolError         ResponseFlags = 1 << 23
	flagNoClusterFound                ResponseFlags = 1 << 24
)

// EndFlags are the flags by the details of a stream's end.
var EndFlags = map[string]ResponseFlags{
	"downstream_remote_disconnect": flagDownstreamGone, "stream_idle_timeout": FlagStreamIdleTimeout,
}

// FaultFlags are the router's, by fault.
var FaultFlags = map[upstream.Fault]ResponseFlags{
	upstream.FaultUnknown: flagNoClusterFound, upstream.FaultNoEndpoints: flagNoHealthyUpstream, upstream.FaultRefuse: FlagUpstreamConnectionFailure,
	upstream.FaultReset: flagUpstreamConnectionTermination, upstream.FaultNotHTTP: FlagUpstreamProtocolError,
	upstream.FaultTimeout: FlagUpstreamRequestTimeout, upstream.FaultTimeoutMidBody: FlagUpstreamRequestTimeout,
}
