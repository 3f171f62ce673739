package fidelity

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/tools/txtar"

	"github.com/sallyport-gateway/sallyport/hostsim/scenario"
)

// Load reads all cases of a folder, in the order of their names. It tells of all faulty files at once.
func Load(dir string) ([]*Case, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.txtar"))
	if err != nil {
		return nil, fmt.Errorf("list cases: %w", err)
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("no cases in %s", dir)
	}
	var cases []*Case
	var errs []error
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("read case: %w", err)
		}
		c, err := Parse(strings.TrimSuffix(filepath.Base(file), ".txtar"), text)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", file, err))
		}
		cases = append(cases, c)
	}
	return cases, errors.Join(errs...)
}

// Parse reads one case.
func Parse(name string, text []byte) (*Case, error) {
	archive := txtar.Parse(text)
	c := &Case{Name: name, Upstream: scenario.DefaultUpstream()}
	c.Settings.Workers, c.Settings.Guest = 1, "scripted"
	c.Plugins = []Plugin{{VMID: name}}
	c.Behaviour = strings.TrimSpace(string(archive.Comment))
	if c.Behaviour == "" || strings.Contains(c.Behaviour, "\n") {
		return c, errors.New("the comment on top must be one sentence on one line: the behaviour")
	}
	p := parser{c: c}
	// ${case} keeps names of metrics apart, which live as long as the process.
	for _, f := range archive.Files {
		body := strings.ReplaceAll(string(f.Data), "${case}", name)
		words := strings.Fields(f.Name)
		if len(words) == 0 {
			return c, errors.New("a section without a name")
		}
		if err := p.section(words[0], words[1:], body); err != nil {
			return c, fmt.Errorf("section %q: %w", f.Name, err)
		}
	}
	return c, p.finish()
}

type parser struct {
	c         *Case
	requested bool // answers now are changes
}

func (p *parser) section(name string, args []string, body string) error {
	switch name {
	case "expect":
		for line := range strings.Lines(body) {
			if line = strings.TrimSpace(line); line != "" {
				p.c.Expect = append(p.c.Expect, Expectation{args, line})
			}
		}
		return nil
	case "differs":
		reason := strings.Join(strings.Fields(body), " ")
		if len(args) == 0 || reason == "" {
			return errors.New("wants versions, or all, and a reason")
		}
		if slices.Equal(args, []string{"all"}) {
			args = nil
		}
		p.c.Differs = append(p.c.Differs, Difference{args, reason})
		return nil
	}
	if len(args) > 1 {
		return errors.New("wants one argument at most")
	}
	arg := strings.Join(args, "")
	switch name {
	case "settings":
		return p.settings(body)
	case "env":
		p.c.Settings.Env = map[string]string{}
		for line := range strings.Lines(body) {
			k, v, ok := strings.Cut(strings.TrimSpace(line), "=")
			if !ok {
				return fmt.Errorf("%q is not NAME=value", line)
			}
			p.c.Settings.Env[k] = v
		}
		return nil
	case "config":
		pl := p.c.plugin(arg)
		if pl == nil {
			p.c.Plugins = append(p.c.Plugins, Plugin{Name: arg, VMID: p.c.Name})
			pl = p.c.plugin(arg)
		}
		pl.Config = []byte(strings.TrimSuffix(body, "\n"))
		return nil
	case "cluster", "upstream":
		return p.answer(name, arg, body)
	}
	return p.step(name, arg, body)
}

func (p *parser) answer(section, arg, body string) error {
	if (section == "cluster") != (arg != "") {
		return errors.New("a cluster has a name, the upstream none")
	}
	a, err := scenario.ParseAnswer(p.c.Name, []byte(body), scenario.Vars{})
	switch {
	case err != nil:
		return err
	case p.requested:
		p.c.Steps = append(p.c.Steps, Step{Answer: &Server{arg, a}})
	case section == "cluster":
		p.c.Clusters = append(p.c.Clusters, Server{arg, a})
	default:
		p.c.Upstream = a
	}
	return nil
}

// maxWait bounds what passes for real.
const maxWait = 3 * time.Second

func (p *parser) step(name, arg, body string) error {
	var s Step
	switch name {
	case "request":
		r, err := p.request(arg, body)
		if err != nil {
			return err
		}
		s.Request = r
	case "wait":
		s.Wait = arg
	case "advance":
		d, err := time.ParseDuration(strings.TrimSpace(body))
		if err != nil || d <= 0 || d > maxWait {
			return fmt.Errorf("%q is not a duration up to %v", strings.TrimSpace(body), maxWait)
		}
		s.Advance = d
	case "connection":
		moves, err := scenario.ParseMoves(p.c.Name, []byte(body), scenario.Vars{})
		if err != nil {
			return err
		}
		if slices.ContainsFunc(moves, func(m scenario.Move) bool { return m.Passes > maxWait }) {
			return fmt.Errorf("a wait is not a duration up to %v", maxWait)
		}
		s.Talk = &Conversation{arg, moves}
	case "update":
		s.Update = &Update{arg, strings.TrimSuffix(body, "\n")}
	case "drain":
		s.Drain = true
	case "remove":
		s.Remove = &arg
	default:
		return errors.New("unknown: write one of settings, env, config, cluster, upstream, request, connection, wait, advance, update, drain, remove, expect, differs")
	}
	p.requested = true
	p.c.Steps = append(p.c.Steps, s)
	return nil
}

// finish checks what only the whole file tells.
func (p *parser) finish() error {
	if len(p.c.Expect) == 0 {
		return errors.New("no section expect: a case must show something")
	}
	started := map[string]bool{}
	for _, s := range p.c.Steps {
		switch {
		case p.c.Settings.Network && s.Request != nil, !p.c.Settings.Network && s.Talk != nil:
			return errors.New("requests are for HTTP plugins, connections for those with the setting network")
		case s.Request != nil:
			if p.c.plugin(s.Request.Plugin) == nil {
				return fmt.Errorf("request to plugin %q, which has no section config", s.Request.Plugin)
			}
			if s.Request.Background {
				started[s.Request.Name] = true
			}
		case s.Wait != "" && !started[s.Wait]:
			return fmt.Errorf("wait for %q, which is not a request in the background", s.Wait)
		case s.Update != nil && p.c.plugin(s.Update.Plugin) == nil:
			return fmt.Errorf("update of plugin %q, which has no section config", s.Update.Plugin)
		case s.Answer != nil && s.Answer.Name != "" && !slices.ContainsFunc(p.c.Clusters, func(c Server) bool { return c.Name == s.Answer.Name }):
			return fmt.Errorf("cluster %s was not there before the first request", s.Answer.Name)
		}
	}
	return nil
}
