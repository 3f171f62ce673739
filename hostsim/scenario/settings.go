package scenario

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Settings is what a file says about the VM of the guest and the proxy around
// it. The zero value is what a driver does without being told.
type Settings struct {
	VMID     string // namespace of shared data and queues; a driver has one of its own
	VMConfig string // what the guest gets in proxy_on_vm_start
	Workers  int    // worker threads, each with a VM; 0 for the driver's number
	Policy   Policy
	// Backoff is the base interval of PolicyReload; 0 means Envoy's second.
	Backoff       time.Duration
	StopIteration bool // allow_on_headers_stop_iteration
	BufferLimit   int  // per_connection_buffer_limit_bytes; 0 means Envoy's 1 MiB

	// Idle, RequestTimeout and RouteTimeout are stream_idle_timeout,
	// request_timeout and the route's timeout; 0 means Envoy's default, negative
	// (but for RequestTimeout) none.
	Idle, RequestTimeout, RouteTimeout time.Duration
	Hops                               int       // xff_num_trusted_hops
	NoRequestID                        bool      // generate_request_id: false
	SuppressHeaders                    bool      // suppress_envoy_headers
	DirectResponse                     *Response // what the route answers by itself; nil: it leads to the backend

	Network bool // the guest is a network filter before tcp_proxy, not an HTTP filter

	given []string // keys, in order
}

// Policy is what happens to new streams once the guest's VM has crashed.
type Policy string

// The policies. The empty one is PolicyClosed, as in Envoy.
const (
	PolicyClosed     Policy = "closed"      // 503
	PolicyOpen       Policy = "open"        // they pass without the plugin
	PolicyOpenAlways Policy = "open_always" // so do those that were there: the older fail_open
	PolicyReload     Policy = "reload"      // 503 until the backoff is over, then a new VM
)

var policies = []Policy{PolicyClosed, PolicyOpen, PolicyOpenAlways, PolicyReload}

// Bounds of settings.
const (
	maxWorkers     = 64
	maxHops        = 100
	maxBufferLimit = 64 << 20
	maxTimeout     = 24 * time.Hour
)

// settingKeys are all that Set knows.
const settingKeys = "vm_id, vm_config, workers, policy, backoff, stop_iteration, buffer_limit, idle, request_timeout, route_timeout, hops, no_request_id, suppress_envoy_headers, direct_response, network"

// Given are the keys that the file sets, in its order.
func (s *Settings) Given() []string { return slices.Clone(s.given) }

// Set gives a setting its value as a file writes it. known is false for a key
// that it does not have.
func (s *Settings) Set(key, value string) (known bool, err error) {
	switch key {
	case "vm_id":
		s.VMID = value
	case "vm_config":
		s.VMConfig = value
	case "workers":
		s.Workers, err = number(value, 1, maxWorkers)
	case "policy":
		s.Policy, err = policy(value)
	case "backoff":
		s.Backoff, err = timespan(value, 1)
	case "stop_iteration":
		s.StopIteration, err = truth(value)
	case "buffer_limit":
		s.BufferLimit, err = number(value, 1, maxBufferLimit)
	case "idle":
		s.Idle, err = timespan(value, -maxTimeout)
	case "request_timeout":
		s.RequestTimeout, err = timespan(value, 1)
	case "route_timeout":
		s.RouteTimeout, err = timespan(value, -maxTimeout)
	case "hops":
		s.Hops, err = number(value, 0, maxHops)
	case "no_request_id":
		s.NoRequestID, err = truth(value)
	case "suppress_envoy_headers":
		s.SuppressHeaders, err = truth(value)
	case "direct_response":
		s.DirectResponse, err = directResponse(value)
	case "network":
		s.Network, err = truth(value)
	default:
		return false, nil
	}
	s.given = append(s.given, key)
	return true, err
}

func policy(value string) (Policy, error) {
	if p := Policy(value); slices.Contains(policies, p) {
		return p, nil
	}
	return "", fmt.Errorf("%s is not a policy: write closed, open, open_always or reload", quote(value))
}

func number(value string, least, most int) (int, error) {
	n, err := strconv.Atoi(value)
	if err != nil || n < least || n > most {
		return 0, fmt.Errorf("%s is not a number from %d to %d", quote(value), least, most)
	}
	return n, nil
}

func truth(value string) (bool, error) {
	switch value {
	case "true", "false":
		return value == "true", nil
	}
	return false, fmt.Errorf("%s is neither true nor false", quote(value))
}

func timespan(value string, least time.Duration) (time.Duration, error) {
	d, err := time.ParseDuration(value)
	switch {
	case err != nil || d == 0 || d > maxTimeout:
		return 0, fmt.Errorf("%s is not a duration up to %v, such as 250ms", quote(value), maxTimeout)
	case d < least:
		return 0, fmt.Errorf("%s is below 0: leave the line out", quote(value))
	}
	return d, nil
}

func directResponse(value string) (*Response, error) {
	status, body, _ := strings.Cut(value, " ")
	code, err := number(status, 200, 599)
	if err != nil {
		return nil, fmt.Errorf("%s is not STATUS TEXT: the status %w", quote(value), err)
	}
	return &Response{Status: code, Body: []byte(body)}, nil
}

// keyValues calls f for each line "KEY: VALUE" of a section, each key once. What
// f returns is a problem of the line.
func keyValues(s passage, p *problems, f func(key, value string) error) {
	seen := map[string]bool{}
	for i, line := range lines(s.text) {
		key, value, ok := strings.Cut(line, ":")
		if key = strings.TrimSpace(key); !ok || key == "" {
			p.addf(s.line+i, "line %s is not KEY: VALUE", quote(line))
			continue
		}
		if seen[key] {
			p.addf(s.line+i, "second line for %s: keep one", quote(key))
			continue
		}
		seen[key] = true
		if err := f(key, strings.TrimSpace(value)); err != nil {
			p.addf(s.line+i, "%v", err)
		}
	}
}

func parseSettings(s passage, p *problems) Settings {
	var out Settings
	if len(lines(s.text)) == 0 {
		p.addf(s.line, "section has no line KEY: VALUE: write one, or remove it")
	}
	keyValues(s, p, func(key, value string) error {
		known, err := out.Set(key, value)
		switch {
		case !known:
			return fmt.Errorf("unknown setting %s: write one of %s", quote(key), settingKeys)
		case err != nil:
			return fmt.Errorf("%s: %w", key, err)
		}
		return nil
	})
	return out
}

// settings are those of a setup, ${...} replaced.
func (x *expander) settings(s Settings) Settings {
	s.VMID, s.VMConfig = x.Text(s.VMID), x.Text(s.VMConfig)
	if d := s.DirectResponse; d != nil {
		s.DirectResponse = &Response{Status: d.Status, Body: []byte(x.Text(string(d.Body)))}
	}
	return s
}
