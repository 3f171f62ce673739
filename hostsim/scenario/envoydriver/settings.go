package envoydriver

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim/scenario"
)

// Unsayable: see scenario.Sayer. A listener that the caller makes follows no settings.
func (d *Driver) Unsayable(s scenario.Setup, word string) string {
	if s.Settings.Network && strings.HasPrefix(word, "properties ") {
		return "a network filter's listener has no place for them"
	}
	if path, ok := strings.CutPrefix(word, "properties "); ok && d.options.Listener == nil {
		return unsayableProperty(s.Properties, path)
	}
	if strings.HasPrefix(word, "hostcall") {
		return "a real Envoy makes hostcalls as they are, and shows none"
	}
	if strings.HasPrefix(word, "cluster ") || strings.HasPrefix(word, "request ") || word == "upstream fault" {
		return ""
	}
	if d.options.Listener != nil && word != "settings workers" {
		return "its listener is not the plain one"
	}
	return ""
}

// withWorkers is a driver like d, whose Envoy has so many workers: d starts it once, and Close ends it.
func (d *Driver) withWorkers(ctx context.Context, n int) (*Driver, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if other := d.others[n]; other != nil {
		return other, nil
	}
	options := d.options
	options.Concurrency = n
	other, err := newDriver(ctx, options)
	if err != nil {
		return nil, fmt.Errorf("start an Envoy with %d workers: %w", n, err)
	}
	if d.others == nil {
		d.others = map[int]*Driver{}
	}
	d.others[n] = other
	return other, nil
}

func seconds(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', -1, 64) + "s" }

func stringValue(text string) object {
	return typed("google.protobuf.StringValue", object{"value": text})
}

var policies = map[scenario.Policy]string{scenario.PolicyOpen: "FAIL_OPEN", scenario.PolicyReload: "FAIL_RELOAD"}

// plugin is Envoy's PluginConfig.
func (l Listener) plugin() object {
	s := l.Settings
	vm := object{
		"vm_id": l.vmID(), "runtime": "envoy.wasm.runtime.v8", "code": object{"local": object{"filename": l.Module}},
	}
	if len(l.Env) > 0 {
		vm["environment_variables"] = object{"key_values": l.Env}
	}
	if s.VMConfig != "" {
		vm["configuration"] = stringValue(s.VMConfig)
	}
	plugin := object{"name": l.Name, "root_id": l.RootID, "vm_config": vm}
	if len(l.Config) > 0 {
		plugin["configuration"] = stringValue(string(l.Config))
	}
	if policy, ok := policies[s.Policy]; ok {
		plugin["failure_policy"] = policy
	}
	if s.Policy == scenario.PolicyOpenAlways {
		plugin["fail_open"] = true
	}
	if s.Backoff > 0 {
		plugin["reload_config"] = object{"backoff": object{"base_interval": seconds(s.Backoff)}}
	}
	if s.StopIteration {
		plugin["allow_on_headers_stop_iteration"] = true
	}
	return plugin
}

func (l Listener) vmID() string {
	if l.Settings.VMID != "" {
		return l.Settings.VMID
	}
	return l.Name
}

// route is the one of the listener.
func (l Listener) route() object {
	route := object{"name": cmp.Or(l.propertyText(routeName), l.Route), "match": object{"prefix": "/"}}
	given(l.Properties, routeMetadata).put(route)
	if d := l.Settings.DirectResponse; d != nil {
		route["direct_response"] = object{"status": d.Status, "body": object{"inline_string": string(d.Body)}}
		return route
	}
	action := object{"cluster": l.Backend}
	if t := l.Settings.RouteTimeout; t != 0 {
		action["timeout"] = seconds(max(t, 0))
	}
	route["route"] = action
	return route
}

// manage changes the connection manager.
func (l Listener) manage(manager object) {
	s := l.Settings
	if s.Hops > 0 {
		manager["xff_num_trusted_hops"] = s.Hops
	}
	if s.NoRequestID {
		manager["generate_request_id"] = false
	}
	if s.Idle != 0 {
		manager["stream_idle_timeout"] = seconds(max(s.Idle, 0))
	}
	if s.RequestTimeout > 0 {
		manager["request_timeout"] = seconds(s.RequestTimeout)
	}
}
