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
	host      *Host
	config    []byte
	instances []*instance // by thread
	// draining: another has taken its place, and its listener ends.
	draining atomic.Bool
}

// instance is a generation on one thread. Only its thread touches it.
type instance struct {
	generation  *generation
	thread      *thread
	vm          *vm
	root        *guestContext
	loaded      time.Time
	streams     map[*Stream]bool
	connections map[*Connection]bool
}

// startGeneration tries a configuration on a canary VM, and then puts it in force on the main thread and each worker.
func (h *Host) startGeneration(config []byte) (*generation, error) {
	at := h.logs.end()
	g := &generation{host: h, config: config}
	refused := func(reason string, err error) error {
		if err != nil {
			reason += ": " + err.Error()
		}
		return &ConfigError{Reason: reason, Log: h.logs.from(at)}
	}
	var err error
	h.process.threads[0].run(func() { err = h.canary(g) })
	if err != nil {
		return nil, refused("Unable to create Wasm plugin "+h.config.name, err)
	}
	g.instances = make([]*instance, len(h.process.threads))
	for _, t := range h.process.order() {
		in := &instance{generation: g, thread: t, streams: map[*Stream]bool{}, connections: map[*Connection]bool{}}
		t.run(func() { err = in.load() })
		if err != nil {
			g.end()
			return nil, refused(fmt.Sprintf("Failed to start plugin %s on thread %d", h.config.name, t.index), err)
		}
		g.instances[t.index] = in
	}
	return g, nil
}

// canary starts and configures the plugin in a VM that is thrown away, without done or delete.
func (h *Host) canary(g *generation) error {
	t := h.process.threads[0]
	v, err := newVM(t, h, h.linked)
	if err != nil {
		return err
	}
	root := v.newContext(h, nil)
	root.instance = &instance{generation: g, thread: t, vm: v, root: root}
	started := root.startVM()
	ok := started && root.configure()
	root.forget()
	err = v.close()
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
	v := in.thread.vms[h.vmKey]
	if v == nil {
		var err error
		if v, err = newVM(in.thread, h, h.linked); err != nil {
			return err
		}
		in.thread.vms[h.vmKey] = v
	}
	in.vm, in.loaded = v, h.process.clock.Now()
	in.root = v.newContext(h, nil)
	in.root.instance = in
	if !in.root.start() {
		in.root.forget()
		if !v.failed {
			v.fail("proxy_on_configure", errors.New("Failed to configure plugin")) //nolint:staticcheck // Envoy's words
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
		in.thread.run(func() {
			for _, s := range inOrder(in.streams) {
				s.cut("downstream connection termination")
			}
			for _, c := range inOrder(in.connections) {
				c.close(closing{how: closedLocally, details: "listener_removed"})
			}
			if in.root != nil && !in.vm.closed {
				in.root.end()
			}
			in.vm.closeUnused()
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

// closeUnused releases a VM without roots.
func (v *vm) closeUnused() {
	for _, c := range v.contexts {
		if c != v.nowhere {
			return
		}
	}
	_ = v.close() // an instance without files has nothing to fail at
}
