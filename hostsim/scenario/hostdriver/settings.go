package hostdriver

import (
	"github.com/sallyport-gateway/sallyport/hostsim"
	"github.com/sallyport-gateway/sallyport/hostsim/scenario"
	"github.com/sallyport-gateway/sallyport/hostsim/upstream"
)

var policies = map[scenario.Policy]hostsim.FailurePolicy{
	scenario.PolicyClosed: hostsim.FailClosed, scenario.PolicyOpen: hostsim.FailOpen,
	scenario.PolicyOpenAlways: hostsim.FailOpenAlways, scenario.PolicyReload: hostsim.FailReload,
}

// ProcessOptions are what settings say about the process.
func ProcessOptions(s scenario.Settings) []hostsim.ProcessOption {
	if s.Workers == 0 {
		return nil
	}
	return []hostsim.ProcessOption{hostsim.WithWorkers(s.Workers)}
}

// HostOptions are what settings say about the plugin and its listener; what they do not set has no option.
func HostOptions(s scenario.Settings, useRemoteAddress bool) []hostsim.HostOption {
	var options []hostsim.HostOption
	add := func(given bool, o hostsim.HostOption) {
		if given {
			options = append(options, o)
		}
	}
	add(s.VMID != "", hostsim.WithVMID(s.VMID))
	add(s.VMConfig != "", hostsim.WithVMConfig([]byte(s.VMConfig)))
	add(s.Policy != "", hostsim.WithFailurePolicy(policies[s.Policy]))
	add(s.Backoff > 0, hostsim.WithReloadBackoff(s.Backoff))
	add(s.StopIteration, hostsim.WithAllowOnHeadersStopIteration())
	manager := hostsim.ConnectionManager{
		XFFTrustedHops: s.Hops, StreamIdleTimeout: s.Idle, RequestTimeout: s.RequestTimeout, RouteTimeout: s.RouteTimeout,
		NoRequestID: s.NoRequestID, SuppressEnvoyHeaders: s.SuppressHeaders, BufferLimit: s.BufferLimit,
	}
	if d := s.DirectResponse; d != nil {
		manager.DirectResponse = &upstream.Answer{Status: d.Status, Body: d.Body}
	}
	if manager != (hostsim.ConnectionManager{}) {
		manager.UseRemoteAddress = useRemoteAddress
		options = append(options, hostsim.WithConnectionManager(manager))
	}
	return options
}

// settings are both, for a client of this driver's.
func settings(s scenario.Settings) []hostsim.Option {
	var options []hostsim.Option
	for _, o := range ProcessOptions(s) {
		options = append(options, o)
	}
	for _, o := range HostOptions(s, true) {
		options = append(options, o)
	}
	return options
}

// properties win over what the host would answer.
func properties(list []scenario.Property) (options []hostsim.Option, err error) {
	for _, p := range list {
		var value any = p.Text
		switch p.Kind {
		case scenario.PropertyInt:
			value, err = p.Int()
		case scenario.PropertyBool:
			value, err = p.Bool()
		}
		if err != nil {
			return nil, err
		}
		options = append(options, hostsim.WithProperty(p.Path, value))
	}
	return options, nil
}

// Unsayable is empty: whatever a scenario says can be played here.
func (d *Driver) Unsayable(scenario.Setup, string) string { return "" }
