package hostsim

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync/atomic"
	"time"
)

// generation is one plugin configuration in force, with an instance on every thread.
type generation struct {
	host      *listener
	config    []byte
	instances []*instance // by thread
	// draining: another has taken its place, and its listener ends.
	draining atomic.Bool
}

// instance is a generation on one thread. Only its thread touches it.
type instance struct {
	generation  *generation
	thread      *worker
	guest       *guest
	root        *rootContext
	loaded      time.Time
	streams     map[*httpStream]bool
	connections map[*tcpConnection]bool
}

// startGeneration tries a configuration on a canary VM, and then puts it in force on the main thread and each worker.
func (h *listener) startGeneration(config []byte) (*generation, error) {
	at := h.logs.end()
	g := &generation{host: h, config: config}
	refused := func(reason string, err error) error {
		if err != nil {
			reason += ": " + err.Error()
		}
		return &ConfigError{Reason: reason, Log: h.logs.from(at)}
	}
	var err error
	h.process.workers[0].Run(func() { err = h.canary(g) })
	if err != nil {
		return nil, refused("Unable to create Wasm plugin "+h.config.name, err)
	}
	g.instances = make([]*instance, len(h.process.workers))
	for _, each := range h.process.loop.Order() {
		t := h.process.workers[each.Index]
		in := &instance{generation: g, thread: t, streams: map[*httpStream]bool{}, connections: map[*tcpConnection]bool{}}
		t.Run(func() { err = in.load() })
		if err != nil {
			g.end()
			return nil, refused(fmt.Sprintf("Failed to start plugin %s on thread %d", h.config.name, t.Index), err)
		}
		g.instances[t.Index] = in
	}
	return g, nil
}

// canary starts and configures the plugin in a VM that is thrown away, without done or delete.
func (h *listener) canary(g *generation) error {
	w := h.process.workers[0]
	v, err := h.newGuest(w)
	if err != nil {
		return err
	}
	root := (&instance{generation: g, thread: w, guest: v}).newRoot()
	started := root.startVM()
	ok := started && root.configure()
	root.forget()
	err = v.Close()
	switch {
	case !started:
		return errors.New("Failed to start base Wasm") //nolint:staticcheck // Envoy's words
	case !ok:
		return errors.New("Failed to configure base Wasm plugin") //nolint:staticcheck // Envoy's words
	}
	return err
}

// load makes a root for the generation in the thread's VM, which it shares with others of the same key.
func (in *instance) load() error {
	h := in.generation.host
	v := in.thread.guests[h.vmKey]
	if v == nil {
		var err error
		if v, err = h.newGuest(in.thread); err != nil {
			return err
		}
		in.thread.guests[h.vmKey] = v
	}
	in.guest, in.loaded = v, h.process.clock.Now()
	in.root = in.newRoot()
	if !in.root.start() {
		in.root.forget()
		if !v.Failed() {
			v.Fail("proxy_on_configure", errors.New("Failed to configure plugin")) //nolint:staticcheck // Envoy's words
		}
		return errors.New("plugin did not start")
	}
	return nil
}

// end takes the generation out of all threads: its streams are reset, its roots done and deleted, VMs that nobody uses
// released.
func (g *generation) end() {
	for _, in := range g.instances {
		if in == nil {
			continue // it did not come to be
		}
		in.thread.Run(func() {
			for _, s := range inOrder(in.streams) {
				s.cut("downstream connection termination")
			}
			for _, c := range inOrder(in.connections) {
				c.close(closing{how: closedLocally, details: "listener_removed"})
			}
			if in.root != nil && !in.guest.Closed() {
				in.root.end()
			}
			in.guest.CloseUnused()
		})
	}
}

// inOrder are streams or connections as they came, so that a run is repeatable.
func inOrder[T interface {
	comparable
	number() uint64
}](set map[T]bool) []T {
	return slices.SortedFunc(maps.Keys(set), func(a, b T) int { return cmp.Compare(a.number(), b.number()) })
}
