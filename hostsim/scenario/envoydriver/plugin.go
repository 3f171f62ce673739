package envoydriver

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/sallyport-gateway/sallyport/hostsim/scenario"
)

// others puts the scenario's other plugins into the chain.
func (l *Listener) others(s scenario.Setup, modules map[string]string) error {
	before, after := s.Chain()
	for _, side := range []struct {
		plugins []scenario.Plugin
		into    *[]Listener
	}{{before, &l.Before}, {after, &l.Behind}} {
		for _, p := range side.plugins {
			other, err := l.other(p, modules)
			if err != nil {
				return err
			}
			*side.into = append(*side.into, other)
		}
	}
	return nil
}

// other is a plugin of the guest's VM, but for what the file says.
func (l *Listener) other(p scenario.Plugin, modules map[string]string) (Listener, error) {
	out := Listener{Name: l.Name + "." + p.Name, Module: l.Module, RootID: p.RootID, Config: p.Config, Env: l.Env, Settings: p.Settings}
	if p.Module == "" {
		out.RootID = cmp.Or(p.RootID, l.RootID)
	} else if out.Module = modules[p.Module]; out.Module == "" {
		return Listener{}, fmt.Errorf("plugin %s: the driver knows no module %q", p.Name, p.Module)
	}
	of := &out.Settings
	of.VMID, of.VMConfig = cmp.Or(of.VMID, l.vmID()), cmp.Or(of.VMConfig, l.Settings.VMConfig)
	of.Policy, of.Backoff = cmp.Or(of.Policy, l.Settings.Policy), cmp.Or(of.Backoff, l.Settings.Backoff)
	of.StopIteration = of.StopIteration || l.Settings.StopIteration
	return out, nil
}

// plugins are the filters of all of them, in the order of the chain.
func (l Listener) plugins() []any {
	var filters []any
	for _, p := range slices.Concat(l.Before, []Listener{l}, l.Behind) {
		filters = append(filters, object{"name": p.Name, "typed_config": typed("envoy.extensions.filters.http.wasm.v3.Wasm", object{"config": p.plugin()})})
	}
	return filters
}

// logPrefix is what Envoy puts before a plugin's line: its name (for streams), root id and VM id. Empty ones it leaves
// out, with their space.
func (l Listener) logPrefix() *regexp.Regexp {
	var each []string
	for _, p := range slices.Concat(l.Before, []Listener{l}, l.Behind) {
		root, name := "", regexp.QuoteMeta(p.Name)
		if p.RootID != "" {
			root = regexp.QuoteMeta(p.RootID) + ` `
		}
		each = append(each, `(`+name+` )?`+root+regexp.QuoteMeta(p.vmID())+`( `+name+`)?`)
	}
	return regexp.MustCompile(`^wasm log (` + strings.Join(each, `|`) + `): `)
}
