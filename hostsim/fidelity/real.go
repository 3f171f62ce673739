package fidelity

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim/envoyrun"
	"github.com/sallyport-gateway/sallyport/hostsim/scenario/verbatim"
)

// dyingTime bounds how long Envoy takes to end when it aborts.
const dyingTime = 5 * time.Second

// real is one case on a real Envoy.
type real struct {
	c       *Case
	envoy   *envoy
	module  string
	mark    int // of the log, at the start
	plugins map[string]Plugin
	servers map[string]*verbatim.Server // the backend by the empty name
	tcp     *verbatim.Backend           // the backend of a case with network filters
	pending map[string]*pendingRequest
	total   map[string]int // requests, by listener
	seen    observation
}

// play plays a case on a real Envoy. The error is technical; a refusal is an observation.
func (e *envoy) play(ctx context.Context, c *Case, module string) (*observation, error) {
	r := &real{c: c, envoy: e, module: module, mark: e.process.Log().Len(), plugins: map[string]Plugin{}, servers: map[string]*verbatim.Server{},
		pending: map[string]*pendingRequest{}, total: map[string]int{}}
	r.seen = observation{calls: map[string][]verbatim.Seen{}, log: map[string][]line{}, counts: map[string]uint64{}}
	err := r.play(ctx)
	for _, s := range r.servers {
		err = errors.Join(err, s.Close())
	}
	if r.tcp != nil {
		err = errors.Join(err, r.tcp.Close())
	}
	switch {
	case err == nil:
		return &r.seen, nil
	case e.died():
		return &observation{events: append(r.seen.events, "the process died")}, nil
	}
	return nil, fmt.Errorf("%w%s", err, envoyrun.Warnings(e.process.Log().Since(r.mark)))
}

// died reports whether the process has ended, and waits a while for one that no longer answers: it writes its stack.
func (e *envoy) died() bool {
	select {
	case <-e.process.Done():
		return true
	case <-time.After(dyingTime):
		return false
	}
}

func (r *real) play(ctx context.Context) error {
	if err := r.offerClusters(ctx); err != nil {
		return err
	}
	started, err := r.startPlugins(ctx)
	if err != nil {
		return err
	}
	if started {
		for i, step := range r.c.Steps {
			if err := r.step(ctx, i, step); err != nil {
				return fmt.Errorf("step %d: %w", i+1, err)
			}
		}
		for name := range r.pending {
			if err := r.wait(ctx, name); err != nil {
				return err
			}
		}
	}
	return r.collect(ctx)
}

func (r *real) converse(ctx context.Context, asked *Conversation, name string) error {
	address, err := r.envoy.process.Listener(ctx, r.c.listener(""))
	if err != nil {
		return err
	}
	seen, err := verbatim.Converse(ctx, address, r.tcp, asked.Moves)
	r.seen.ends(name, asked.Moves, seen)
	return err
}

func (r *real) offerClusters(ctx context.Context) error {
	var resources []any
	for _, s := range append([]Server{{"", r.c.Upstream}}, r.c.Clusters...) {
		address := ""
		switch s.Answer.Fault {
		case "unknown":
			continue
		case "no_endpoints":
		case "refuse":
			address = refusing
		default:
			if s.Name == "" && r.c.Settings.Network {
				var err error
				if r.tcp, err = verbatim.NewBackend(); err != nil {
					return err
				}
				address = r.tcp.Address()
				break
			}
			server, err := verbatim.NewServer(s.Answer)
			if err != nil {
				return err
			}
			r.servers[s.Name] = server
			address = server.Address()
		}
		name := s.Name
		if name == "" {
			name = backendName
		}
		resource, err := cluster(name, address)
		if err != nil {
			return err
		}
		resources = append(resources, resource)
	}
	ok, err := r.envoy.process.OfferClusters(ctx, resources)
	if err == nil && !ok {
		err = errors.New("envoy does not take the clusters")
	}
	return err
}

// startPlugins offers them one after the other, in the file's order.
func (r *real) startPlugins(ctx context.Context) (bool, error) {
	for _, p := range r.c.Plugins {
		mark := r.envoy.process.Log().Len()
		r.plugins[p.Name] = p
		ok, err := r.offerListeners(ctx, 1)
		if err != nil {
			return false, err
		}
		what := "ok"
		if !ok {
			if what, err = r.refusal(ctx, mark); err != nil {
				return false, err
			}
		}
		r.seen.events = append(r.seen.events, "start "+r.c.listener(p.Name)+": "+what)
		if !ok {
			return false, nil
		}
	}
	return true, nil
}

func (r *real) offerListeners(ctx context.Context, fresh int) (bool, error) {
	resources := []any{r.envoy.keeper}
	for _, p := range r.c.Plugins {
		if p, ok := r.plugins[p.Name]; ok {
			resources = append(resources, listener(r.c, p, r.module))
		}
	}
	return r.envoy.process.OfferListeners(ctx, resources, fresh*r.envoy.workers)
}

func (r *real) refusal(ctx context.Context, mark int) (string, error) {
	if err := r.envoy.process.Log().Sync(ctx); err != nil {
		return "", err
	}
	var text strings.Builder
	for _, l := range r.envoy.process.Log().Since(mark) {
		text.WriteString(l.Text + "\n")
	}
	if !strings.Contains(text.String(), "Unable to create Wasm plugin") {
		return "", errors.New("envoy refused the listener for another reason than the plugin")
	}
	return "refused" + loadReason(text.String()), nil
}

func (r *real) step(ctx context.Context, i int, step Step) error {
	switch {
	case step.Request != nil:
		return r.request(ctx, step.Request, label(step.Request.Name, i))
	case step.Talk != nil:
		return r.converse(ctx, step.Talk, label(step.Talk.Name, i))
	case step.Wait != "":
		return r.wait(ctx, step.Wait)
	case step.Advance > 0:
		time.Sleep(step.Advance)
	case step.Answer != nil:
		r.servers[step.Answer.Name].SetAnswer(step.Answer.Answer)
	case step.Update != nil:
		return r.update(ctx, i, step.Update)
	case step.Drain:
		return r.envoy.process.Drained(ctx)
	case step.Remove != nil:
		delete(r.plugins, *step.Remove)
		_, err := r.offerListeners(ctx, 0)
		return err
	}
	return nil
}

func (r *real) update(ctx context.Context, i int, u *Update) error {
	old := r.plugins[u.Plugin]
	changed := old
	changed.Config = []byte(u.Config)
	r.plugins[u.Plugin] = changed
	mark := r.envoy.process.Log().Len()
	ok, err := r.offerListeners(ctx, 1)
	if err != nil {
		return err
	}
	what := "ok"
	if !ok {
		r.plugins[u.Plugin] = old
		if what, err = r.refusal(ctx, mark); err != nil {
			return err
		}
	}
	r.seen.events = append(r.seen.events, fmt.Sprintf("update in step %d: %s", i+1, what))
	return nil
}

// collect takes what is known at the end.
func (r *real) collect(ctx context.Context) error {
	time.Sleep(verbatim.Settling)
	process := r.envoy.process
	if err := process.Log().Sync(ctx); err != nil {
		return err
	}
	r.keepLog(process.Log().Since(r.mark))
	for name, s := range r.servers {
		if name == "" {
			r.seen.upstream = s.TakeAll()
		} else {
			r.seen.calls[name] = s.TakeAll()
		}
	}
	stats, err := process.Stats(ctx, `^(wasmcustom\..*`+regexp.QuoteMeta(r.c.Name)+`|wasm\.`+regexp.QuoteMeta(r.c.Name)+`(\.[^.]+)?\.vm_reload_)`)
	if err != nil {
		return err
	}
	for name, n := range stats.Number {
		if metric, ok := strings.CutPrefix(name, "wasmcustom."); ok {
			r.seen.counts[metric] = n
			continue
		}
		at := strings.LastIndex(name, ".")
		r.seen.counts[name[at+1:]+" of "+strings.TrimPrefix(name[:at], "wasm.")] = n
	}
	return nil
}

// keepLog keeps the lines of the case's guests, by thread. Envoy puts plugin name, root id and vm_id before a line.
func (r *real) keepLog(lines []envoyrun.Line) {
	prefix := regexp.MustCompile(`^wasm log (?:[^ :]+ )*?` + regexp.QuoteMeta(r.c.Name) + `(?:\.[^ :]+)?(?: [^ :]+)*: `)
	main := strconv.Itoa(r.envoy.process.PID())
	for _, l := range lines {
		at := prefix.FindStringIndex(l.Text)
		if l.Logger != "wasm" || at == nil {
			continue
		}
		thread := l.Thread
		if thread == main {
			thread = mainThread
		}
		level := l.Level
		if level == "warning" {
			level = "warn"
		}
		r.seen.log[thread] = append(r.seen.log[thread], line{level, l.Text[at[1]:]})
	}
}
