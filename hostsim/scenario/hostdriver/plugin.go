package hostdriver

import (
	"context"
	"fmt"

	"github.com/sallyport-gateway/sallyport/hostsim"
	"github.com/sallyport-gateway/sallyport/hostsim/scenario"
)

// WithModule has a driver like d know a module by the name that scenarios give it. It stays the caller's to close.
func (d *Driver) WithModule(name string, m *hostsim.Module) *Driver {
	other := *d
	other.modules = map[string]*hostsim.Module{name: m}
	for known, module := range d.modules {
		if known != name {
			other.modules[known] = module
		}
	}
	return &other
}

// chain starts the other plugins, and makes the one that requests come to first the front.
func (in *instance) chain(ctx context.Context, d *Driver, s scenario.Setup, common []hostsim.HostOption) error {
	before, after := s.Chain()
	var hosts []*hostsim.Host
	for _, p := range before {
		h, err := d.plugin(ctx, in.host.Process(), p, common)
		if err != nil {
			return err
		}
		hosts = append(hosts, h)
	}
	hosts = append(hosts, in.host)
	for _, p := range after {
		h, err := d.plugin(ctx, in.host.Process(), p, common)
		if err != nil {
			return err
		}
		hosts = append(hosts, h)
	}
	for i, h := range hosts[1:] {
		hosts[i].SetNext(h)
	}
	in.front, in.plugins = hosts[0], hosts
	return nil
}

// plugin starts one. The common options are the guest's.
func (d *Driver) plugin(ctx context.Context, process *hostsim.Process, p scenario.Plugin, common []hostsim.HostOption) (*hostsim.Host, error) {
	module := d.module
	if p.Module != "" {
		if module = d.modules[p.Module]; module == nil {
			return nil, fmt.Errorf("plugin %s: the driver knows no module %q", p.Name, p.Module)
		}
	}
	options := append(append([]hostsim.HostOption{}, common...), hostsim.WithName(p.Name), hostsim.WithConfig(p.Config))
	if p.RootID != "" || p.Module != "" {
		options = append(options, hostsim.WithRootID(p.RootID))
	}
	h, err := process.NewHost(ctx, module, append(options, HostOptions(p.Settings, true)...)...)
	if err != nil {
		return nil, fmt.Errorf("plugin %s: %w", p.Name, err)
	}
	return h, nil
}

// hostOptions are those of a list that are about a host.
func hostOptions(list []hostsim.Option) (out []hostsim.HostOption) {
	for _, o := range list {
		if h, ok := o.(hostsim.HostOption); ok {
			out = append(out, h)
		}
	}
	return out
}
