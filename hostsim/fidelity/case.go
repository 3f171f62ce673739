// Package fidelity plays the same case on the simulated host and on real Envoys, and compares all that can be seen.
//
// The cases are data: hostsim/testdata/fidelity/*.txtar. README.md in that folder describes their format.
package fidelity

import (
	"slices"
	"strings"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim/scenario"
)

// Versions are the Envoys that are compared, oldest first. `make envoys` installs them.
var Versions = []string{"1.36.4", "1.37.0", "1.38.2", "1.39.3", "1.40.0"}

// profile is the simulated host's name for a version: "1.40" for "1.40.0".
func profile(version string) string { return version[:strings.LastIndex(version, ".")] }

// Case is one behaviour: a guest, its surroundings, and what happens to it.
type Case struct {
	Name      string // of the file, without .txtar: also plugin name, root id and vm_id unless the file says otherwise
	Behaviour string // one sentence
	Settings  Settings
	Plugins   []Plugin // the first is the unnamed one
	Clusters  []Server
	Upstream  scenario.Answer
	Steps     []Step
	Expect    []Expectation
	Differs   []Difference
}

// Settings are those of the whole case.
type Settings struct {
	scenario.Settings        // without vm_id and vm_config, which a Plugin has
	Guest             string // folder under hostsim/testdata/guests
	Covers            []int  // rows of Checklist
	Network           bool   // the plugin is a network filter before tcp_proxy
	UseRemoteAddress  bool
	Env               map[string]string
	Masks             []mask
}

// Plugin is a listener with one plugin in it.
type Plugin struct {
	Name     string // empty for the first
	Config   []byte
	VMID     string
	VMConfig string
}

// Server is what stands behind a cluster.
type Server struct {
	Name   string
	Answer scenario.Answer
}

// Request is one that a client sends.
type Request struct {
	scenario.Sent
	Plugin     string
	Background bool // the case goes on without waiting for the response
	Timed      bool // how long it takes is shown, in whole seconds
}

// Conversation is what happens on one TCP connection through a network filter.
type Conversation struct {
	Name  string
	Moves []scenario.Move
}

// Step is one thing that happens, in the file's order. Exactly one member is set.
type Step struct {
	Request *Request
	Talk    *Conversation
	Wait    string // the name of a request in the background
	Advance time.Duration
	Answer  *Server // how a cluster, or the backend with an empty name, answers from now on
	Update  *Update
	Drain   bool // what was replaced or removed ends
	Remove  *string
}

// Update is a new configuration for a plugin.
type Update struct{ Plugin, Config string }

// Expectation is a line that must occur, so that a case cannot pass by showing nothing.
type Expectation struct {
	Versions []string // empty for all
	Line     string   // contained in one line of the observation
}

// Difference is a deviation that is known, and why.
type Difference struct {
	Versions []string
	Reason   string
}

// speaksOf reports whether versions are empty or one of them is this one or its beginning, such as 1.39.
func speaksOf(versions []string, version string) bool {
	return len(versions) == 0 || slices.ContainsFunc(versions, func(v string) bool {
		return v == version || strings.HasPrefix(version, v+".")
	})
}

// reason is why the case may differ on a version.
func (c *Case) reason(version string) string {
	for _, d := range c.Differs {
		if speaksOf(d.Versions, version) {
			return d.Reason
		}
	}
	return ""
}

func (c *Case) plugin(name string) *Plugin {
	for i := range c.Plugins {
		if c.Plugins[i].Name == name {
			return &c.Plugins[i]
		}
	}
	return nil
}

// listener is the name of a plugin's listener and of the plugin itself.
func (c *Case) listener(plugin string) string {
	if plugin == "" {
		return c.Name
	}
	return c.Name + "." + plugin
}
