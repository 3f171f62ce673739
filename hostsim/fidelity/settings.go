package fidelity

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
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
				return fmt.Errorf("%q is not a row of the checklist", row)
			}
			s.Covers = append(s.Covers, n)
		}
	case "guest":
		s.Guest = value
	case "network":
		flag(&s.Network)
	case "use_remote_address":
		flag(&s.UseRemoteAddress)
	case "mask":
		pattern, e := regexp.Compile(value)
		s.Masks, err = append(s.Masks, mask{pattern, "MASKED"}), e
	default:
		known, err := s.Set(key, value)
		if !known {
			return errors.New("unknown")
		}
		return err
	}
	return err
}
