package fidelity

import (
	"github.com/sallyport-gateway/sallyport/hostsim/scenario/envoydriver"
)

// Names that properties tell, the same on both hosts.
const (
	nodeID      = "fidelity"
	routeName   = "route"
	hostName    = "host"
	backendName = "backend"
)

// refusing is an address where nobody listens.
const refusing = "127.0.0.1:1"

// cluster is the Envoy resource for a server at address; without one it has no endpoint.
func cluster(name, address string) (any, error) {
	return envoydriver.Cluster{Name: name, Address: address}.Plain()
}

// listener is the Envoy resource for a plugin of a case.
func listener(c *Case, p Plugin, module string) any {
	s := c.Settings
	l := envoydriver.Listener{
		Name: c.listener(p.Name), Backend: backendName, Module: module, RootID: c.Name, Config: p.Config, Env: s.Env,
		Settings: s.Settings, Network: s.Network, TrustsClient: !s.UseRemoteAddress, Route: routeName, VirtualHost: hostName,
	}
	l.Settings.VMID, l.Settings.VMConfig = p.VMID, p.VMConfig
	return l.Plain()
}
