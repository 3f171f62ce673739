package hostsim_test

import (
	"testing"

	"github.com/sallyport-gateway/sallyport/hostsim"
)

// The words of most tests, which those of others are written in: none of them goes away.
var (
	_ hostsim.Headers                                    = []hostsim.Header{{Name: "x", Value: "y"}}
	_ hostsim.Cluster                                    = hostsim.ClusterFunc(func(hostsim.Call) hostsim.Answer { return hostsim.Respond(200, "", "x", "y") })
	_ []hostsim.Answer                                   = []hostsim.Answer{hostsim.RespondGRPC(0, "", "message"), hostsim.Fail("")}
	_ []hostsim.HostOption                               = []hostsim.HostOption{hostsim.WithUpstream(nil)}
	_ func(string, any) hostsim.HostOption               = hostsim.WithProperty
	_ func(hostsim.ConnectionManager) hostsim.HostOption = hostsim.WithConnectionManager
)

// TestSettingsThatHaveAnOptionAlone hold beside those of the connection manager, in whatever order they are given.
func TestSettingsThatHaveAnOptionAlone(t *testing.T) {
	manager := hostsim.WithConnectionManager(hostsim.ConnectionManager{NoRequestID: true})
	answered := hostsim.WithDirectResponse(418, "tea")
	bounded := hostsim.WithBufferLimit(100)
	for name, tt := range map[string]struct {
		options []hostsim.Option
		status  int
	}{
		"an answer before": {[]hostsim.Option{answered, manager}, 418},
		"an answer behind": {[]hostsim.Option{manager, answered}, 418},
		"a limit before":   {[]hostsim.Option{bounded, manager}, 413},
		"a limit behind":   {[]hostsim.Option{manager, bounded}, 413},
		"neither":          {[]hostsim.Option{manager}, 200},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHost(t, "request_body: pauseuntilend", tt.options...)
			response, _ := do(t, h, hostsim.Request{Method: "POST", Body: make([]byte, 200), BodyIn: 30})
			wantStatus(t, response, tt.status)
		})
	}
}
