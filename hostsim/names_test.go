package hostsim_test

import "github.com/sallyport-gateway/sallyport/hostsim"

// The words of most tests, which those of others are written in: none of them goes away.
var (
	_ hostsim.Headers                                    = []hostsim.Header{{Name: "x", Value: "y"}}
	_ hostsim.Cluster                                    = hostsim.ClusterFunc(func(hostsim.Call) hostsim.Answer { return hostsim.Respond(200, "", "x", "y") })
	_ []hostsim.Answer                                   = []hostsim.Answer{hostsim.RespondGRPC(0, "", "message"), hostsim.Fail("")}
	_ []hostsim.HostOption                               = []hostsim.HostOption{hostsim.WithBufferLimit(1), hostsim.WithDirectResponse(204, ""), hostsim.WithUpstream(nil)}
	_ func(string, any) hostsim.HostOption               = hostsim.WithProperty
	_ func(hostsim.ConnectionManager) hostsim.HostOption = hostsim.WithConnectionManager
)
