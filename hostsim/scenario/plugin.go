package scenario

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sallyport-gateway/sallyport/hostsim/scenario/internal/guestconfig"
	"github.com/sallyport-gateway/sallyport/hostsim/scenario/internal/variables"
)

// Plugin is another one in the chain, beside the guest.
type Plugin struct {
	Name   string // the file's
	Before bool   // it gets requests before the guest, and responses after it
	// Module is the driver's name of a module; empty for the guest's own.
	Module string
	RootID string
	// Settings are of the plugin and its VM; what they leave out is as for the
	// guest.
	Settings Settings
	Config   []byte // Expand fills it; empty for none

	line   int
	source guestconfig.Source
}

// pluginKeys are the settings that a plugin has of its own.
var pluginKeys = []string{"vm_id", "vm_config", "policy", "backoff", "stop_iteration"}

// maxPlugins bounds a chain.
const maxPlugins = 8

// plugin reads a section "plugin NAME before" or "plugin NAME after".
func (r *reader) plugin(arg string, s passage) {
	name, place, _ := strings.Cut(arg, " ")
	if !variables.IsClusterName(name) || place != "before" && place != "after" {
		r.addf(s.line-1, "section plugin wants a name of a-z, 0-9, _ and -, and then before or after: the side of the guest on which it gets requests")
		return
	}
	if r.pluginNamed(name) != nil {
		r.addf(s.line-1, "second section for plugin %s: join them", name)
		return
	}
	if len(r.file.setup.Plugins) == maxPlugins {
		r.addf(s.line-1, "more than %d plugins: leave some out", maxPlugins)
		return
	}
	p := Plugin{Name: name, Before: place == "before", line: s.line - 1}
	keyValues(s, r.problems, func(key, value string) error {
		switch {
		case key == "module":
			p.Module = value
		case key == "root_id":
			p.RootID = value
		case !slices.Contains(pluginKeys, key):
			return fmt.Errorf("unknown key %s: write one of module, root_id, %s", quote(key), strings.Join(pluginKeys, ", "))
		default:
			if _, err := p.Settings.Set(key, value); err != nil {
				return fmt.Errorf("%s: %w", key, err)
			}
		}
		return nil
	})
	r.file.setup.Plugins = append(r.file.setup.Plugins, p)
}

func (r *reader) pluginNamed(name string) *Plugin {
	for i := range r.file.setup.Plugins {
		if p := &r.file.setup.Plugins[i]; p.Name == name {
			return p
		}
	}
	return nil
}

// pluginConfig reads a section "config.yaml NAME" or "config.json NAME".
func (r *reader) pluginConfig(word, name string, s passage) {
	p := r.pluginNamed(name)
	switch {
	case p == nil:
		r.addf(s.line-1, "section %s takes no argument: write %s, or first a section plugin %s before or after", quote(word+" "+name), quote(word), name)
	case !p.source.Empty():
		r.addf(s.line-1, "second configuration of plugin %s: keep one", name)
	case word == "config.yaml":
		p.source.Whole = []byte(s.text)
	default:
		p.source.Raw = []byte(strings.TrimSuffix(s.text, "\n"))
	}
}

// plugins are those of a setup, expanded.
func (x *expander) plugins(in []Plugin) ([]Plugin, error) {
	out := slices.Clone(in)
	for i := range out {
		p := &out[i]
		p.Settings, p.RootID = x.settings(p.Settings), x.Text(p.RootID)
		if p.source.Empty() {
			continue
		}
		var err error
		if p.Config, err = p.source.Render(x.whole); err != nil {
			return nil, fmt.Errorf("plugin %s: %w", p.Name, err)
		}
	}
	return out, nil
}

func (r *reader) rehearsePlugins(x *expander) {
	for _, p := range r.file.setup.Plugins {
		if _, err := x.plugins([]Plugin{p}); err != nil {
			r.addf(p.line, "%v", err)
			x.Err = nil
		}
		r.drain(x, p.line)
	}
}

// Chain is the plugins before and behind the guest, in the order in which
// requests come to them.
func (s *Setup) Chain() (before, after []Plugin) {
	for _, p := range s.Plugins {
		if p.Before {
			before = append(before, p)
		} else {
			after = append(after, p)
		}
	}
	return before, after
}
