package fidelity

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim"
	"github.com/sallyport-gateway/sallyport/hostsim/scenario"
)

// mask hides what is not to be compared.
type mask struct {
	pattern *regexp.Regexp
	with    string
}

func (p *parser) settings(body string) error {
	for line := range strings.Lines(body) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		key, value, ok := strings.Cut(line, ":")
		if !ok {
			return fmt.Errorf("%q is not KEY: VALUE", line)
		}
		if err := p.setting(key, strings.TrimSpace(value)); err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
	}
	return nil
}

var policies = map[string]hostsim.FailurePolicy{"closed": hostsim.FailClosed, "open": hostsim.FailOpen, "reload": hostsim.FailReload, "open_always": hostsim.FailOpenAlways}

func (p *parser) setting(key, value string) (err error) {
	s := &p.c.Settings
	plugin := &p.c.Plugins[0]
	if name, rest, ok := strings.Cut(key, "."); ok {
		if plugin = p.c.plugin(name); plugin == nil {
			p.c.Plugins = append(p.c.Plugins, Plugin{Name: name, VMID: p.c.Name})
			plugin = p.c.plugin(name)
		}
		key = rest
	}
	number := func(to *int) { *to, err = strconv.Atoi(value) }
	duration := func(to *time.Duration) { *to, err = time.ParseDuration(value) }
	flag := func(to *bool) { *to, err = strconv.ParseBool(value) }
	switch key {
	case "vm_id":
		plugin.VMID = value
	case "vm_config":
		plugin.VMConfig = value
	case "covers":
		for row := range strings.SplitSeq(value, ",") {
			n, e := strconv.Atoi(strings.TrimSpace(row))
			if e != nil || n < 1 || n > len(Checklist) {
				return fmt.Errorf("%q is no row of the checklist", row)
			}
			s.Covers = append(s.Covers, n)
		}
	case "guest":
		s.Guest = value
	case "workers":
		number(&s.Workers)
	case "policy":
		policy, known := policies[value]
		if !known {
			return fmt.Errorf("%q: write closed, open, open_always or reload", value)
		}
		s.Policy = policy
	case "backoff":
		duration(&s.Backoff)
	case "network":
		flag(&s.Network)
	case "stop_iteration":
		flag(&s.StopIteration)
	case "buffer_limit":
		number(&s.BufferLimit)
	case "idle":
		duration(&s.Idle)
	case "request_timeout":
		duration(&s.RequestTimeout)
	case "route_timeout":
		duration(&s.RouteTimeout)
	case "use_remote_address":
		flag(&s.UseRemoteAddress)
	case "no_request_id":
		flag(&s.NoRequestID)
	case "suppress_envoy_headers":
		flag(&s.SuppressHeaders)
	case "hops":
		number(&s.Hops)
	case "direct_response":
		code, body, _ := strings.Cut(value, " ")
		s.DirectResponse = &scenario.Response{Body: []byte(body)}
		s.DirectResponse.Status, err = strconv.Atoi(code)
	case "mask":
		pattern, e := regexp.Compile(value)
		s.Masks, err = append(s.Masks, mask{pattern, "MASKED"}), e
	default:
		return errors.New("unknown")
	}
	return err
}
