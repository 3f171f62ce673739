package fidelity

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/sallyport-gateway/sallyport/hostsim"
	"github.com/sallyport-gateway/sallyport/hostsim/abi"
	"github.com/sallyport-gateway/sallyport/hostsim/scenario"
	"github.com/sallyport-gateway/sallyport/hostsim/scenario/hostdriver"
	"github.com/sallyport-gateway/sallyport/hostsim/scenario/verbatim"
	"github.com/sallyport-gateway/sallyport/hostsim/upstream"
)

// simulation is one case on the simulated host.
type simulation struct {
	c       *Case
	process *hostsim.Process
	hosts   map[string]*hostsim.Host // by plugin
	removed []*hostsim.Host
	pending map[string][]*hostsim.Pending
	seen    observation

	mu       sync.Mutex
	upstream scenario.Answer
	clusters map[string]scenario.Answer
}

// simulate plays a case on the simulated host as one version. The error is technical; a refusal is an observation.
func simulate(ctx context.Context, c *Case, module *hostsim.Module, loadError error, version string) (*observation, error) {
	s := &simulation{c: c, hosts: map[string]*hostsim.Host{}, pending: map[string][]*hostsim.Pending{}, upstream: c.Upstream, clusters: map[string]scenario.Answer{}}
	s.seen = observation{calls: map[string][]verbatim.Seen{}, log: map[string][]line{}, counts: map[string]uint64{}}
	options := []hostsim.ProcessOption{hostsim.WithProfile(profile(version)), hostsim.WithWorkers(c.Settings.Workers),
		hostsim.WithNode(map[string]string{"id": nodeID, "cluster": nodeID})}
	for _, cluster := range c.Clusters {
		s.clusters[cluster.Name] = cluster.Answer
		options = append(options, hostsim.WithCluster(cluster.Name, upstream.ClusterFunc(func(call upstream.Call) upstream.Answer { return s.answer(call.Cluster) })))
	}
	var err error
	if s.process, err = hostsim.NewProcess(options...); err != nil {
		return nil, err
	}
	err = s.play(ctx, module, loadError)
	s.collect()
	seen := s.seen // what Close says comes too late
	seen.log = maps.Clone(s.seen.log)
	return &seen, errors.Join(err, s.process.Close(ctx))
}

func (s *simulation) play(ctx context.Context, module *hostsim.Module, loadError error) error {
	for _, p := range s.c.Plugins {
		err := loadError
		if err == nil {
			var h *hostsim.Host
			h, err = s.process.NewHost(ctx, module, s.options(p)...)
			s.hosts[p.Name] = h
		}
		if refused, technical := refusal(err); technical != nil {
			return technical
		} else if refused != "" {
			s.seen.events = append(s.seen.events, "start "+s.c.listener(p.Name)+": "+refused)
			return nil
		}
		s.seen.events = append(s.seen.events, "start "+s.c.listener(p.Name)+": ok")
	}
	for i, step := range s.c.Steps {
		if err := s.step(ctx, i, step); err != nil {
			return err
		}
	}
	for _, step := range s.c.Steps {
		if step.Request != nil {
			if err := s.wait(ctx, step.Request.Name); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *simulation) options(p Plugin) []hostsim.HostOption {
	c := s.c.Settings
	options := []hostsim.HostOption{
		hostsim.WithName(s.c.listener(p.Name)), hostsim.WithRootID(s.c.Name), hostsim.WithVMID(p.VMID), hostsim.WithConfig(p.Config),
		hostsim.WithEnv(c.Env), hostsim.WithVMConfig([]byte(p.VMConfig)), hostsim.WithLog(s.keep),
		hostsim.WithUpstream(upstream.ClusterFunc(func(upstream.Call) upstream.Answer { return s.answer("") })),
		hostsim.WithConnectionManager(hostsim.ConnectionManager{UseRemoteAddress: c.UseRemoteAddress}),
	}
	return append(options, hostdriver.HostOptions(c.Settings, c.UseRemoteAddress)...)
}

// answer is how a cluster, or the backend with an empty name, answers now.
func (s *simulation) answer(cluster string) upstream.Answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.upstream
	if cluster != "" {
		a = s.clusters[cluster]
	}
	out := hostdriver.Answer(a)
	if name, value := verbatim.Framing(a.Response); name != "" && out.Status != 0 {
		out.Headers = append(out.Headers, abi.Header{Name: name, Value: value})
	}
	return out
}

func (s *simulation) step(ctx context.Context, i int, step Step) error {
	switch {
	case step.Request != nil && step.Request.Background:
		s.seen.responses = append(s.seen.responses, response{request: step.Request.Name})
		for range max(step.Request.Times, 1) {
			p, err := s.hosts[step.Request.Plugin].Start(s.request(step.Request))
			if err != nil {
				return err
			}
			s.pending[step.Request.Name] = append(s.pending[step.Request.Name], p)
		}
	case step.Request != nil:
		r, e, err := s.hosts[step.Request.Plugin].Do(ctx, s.request(step.Request))
		if err != nil {
			return err
		}
		s.seen.responses = append(s.seen.responses, simulatedResponse(label(step.Request.Name, i), step.Request, r, e))
		s.keepUpstream(e.Upstream)
	case step.Talk != nil:
		seen, err := hostdriver.Converse(s.hosts[""], 0, hostsim.StreamInfo{ClusterName: backendName, UpstreamAddr: "127.0.0.1:20000"},
			s.upstream.Fault == scenario.FaultRefuse, step.Talk.Moves)
		s.seen.ends(label(step.Talk.Name, i), step.Talk.Moves, seen)
		return err
	case step.Wait != "":
		return s.wait(ctx, step.Wait)
	case step.Advance > 0:
		s.process.Advance(step.Advance)
	case step.Answer != nil:
		s.mu.Lock()
		defer s.mu.Unlock()
		if step.Answer.Name == "" {
			s.upstream = step.Answer.Answer
		} else {
			s.clusters[step.Answer.Name] = step.Answer.Answer
		}
	case step.Update != nil:
		refused, technical := refusal(s.hosts[step.Update.Plugin].UpdateConfig([]byte(step.Update.Config)))
		if refused == "" {
			refused = "ok"
		}
		s.seen.events = append(s.seen.events, fmt.Sprintf("update in step %d: %s", i+1, refused))
		return technical
	case step.Drain:
		for _, h := range s.hosts {
			h.Drain()
		}
		for _, h := range s.removed {
			if err := h.Close(ctx); err != nil {
				return err
			}
		}
		s.removed = nil
	case step.Remove != nil:
		s.removed = append(s.removed, s.hosts[*step.Remove])
	}
	return nil
}

// label names a request or a connection in observations.
func label(name string, step int) string {
	if name != "" {
		return name
	}
	return "in step " + strconv.Itoa(step+1)
}

func (s *simulation) request(r *Request) hostsim.Request {
	out := hostdriver.Request(r.Request)
	out.ClientGoneAfter = r.Gone
	out.Info = hostsim.StreamInfo{RouteName: routeName, VirtualHost: hostName, ClusterName: backendName}
	return out
}

// wait collects a request in the background, once.
func (s *simulation) wait(ctx context.Context, name string) error {
	pending, ok := s.pending[name]
	if !ok {
		return nil
	}
	delete(s.pending, name)
	var responses []response
	for _, p := range pending {
		r, e, err := p.Wait(ctx)
		if err != nil {
			return err
		}
		s.keepUpstream(e.Upstream)
		responses = append(responses, simulatedResponse(name, s.c.request(name), r, e))
	}
	for i := range s.seen.responses {
		if s.seen.responses[i].request == name {
			s.seen.responses[i] = together(responses)
			s.seen.responses[i].request = name
		}
	}
	return nil
}

func (c *Case) request(name string) *Request {
	i := slices.IndexFunc(c.Steps, func(s Step) bool { return s.Request != nil && s.Request.Name == name })
	return c.Steps[i].Request
}

func simulatedResponse(name string, asked *Request, r hostsim.Response, e hostsim.Exchange) response {
	out := response{request: name}
	if asked.Gone > 0 {
		out.Left = true
		return out
	}
	out.Reply = verbatim.Reply{Reset: r.Reset, Hangs: r.Hangs, Excess: r.Excess, Response: scenario.Response{
		Status: r.Status, Headers: hostdriver.Headers(r.Headers), Body: r.Body, Trailers: hostdriver.Headers(r.Trailers),
	}}
	if asked.Timed {
		out.took = &e.Elapsed
	}
	return out
}

func (s *simulation) keepUpstream(u *upstream.Request) {
	if u == nil || s.upstream.Fault.Static() {
		return
	}
	m := verbatim.Seen{Request: hostdriver.SeenRequest(u.Headers, u.Body), Incomplete: !u.Complete}
	m.Trailers = hostdriver.Headers(u.Trailers)
	s.seen.upstream = append(s.seen.upstream, m)
}

// collect takes what is known at the end.
func (s *simulation) collect() {
	for name, h := range s.hosts {
		if h == nil {
			continue
		}
		reloads, plugin := h.ReloadStats(), s.c.listener(name)
		s.seen.counts["vm_reload_success of "+plugin] = uint64(reloads.Success)
		s.seen.counts["vm_reload_backoff of "+plugin] = uint64(reloads.Backoff)
		s.seen.counts["vm_reload_failure of "+plugin] = uint64(reloads.Failure)
	}
	for _, call := range s.process.Calls() {
		if call.Status == abi.StatusOK && !s.clusters[call.Cluster].Fault.Static() {
			m := verbatim.Seen{Request: hostdriver.SeenRequest(call.Headers, call.Body), Incomplete: call.Awaits > 0}
			s.seen.calls[call.Cluster] = append(s.seen.calls[call.Cluster], m)
		}
	}
	for _, m := range s.process.Metrics() {
		if m.Type != abi.Histogram && strings.Contains(m.Name, s.c.Name) {
			s.seen.counts[m.Name] = m.Value
		}
	}
}

// keep takes a line as it is logged, so that several plugins' lines stay in order.
func (s *simulation) keep(l hostsim.LogLine) {
	if l.Host {
		return
	}
	thread := mainThread
	if l.Thread > 0 {
		thread = strconv.Itoa(l.Thread)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen.log[thread] = append(s.seen.log[thread], line{l.Level.String(), l.Message})
}
