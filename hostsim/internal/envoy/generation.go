package envoy

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
	host      *Listener
	config    []byte
	instances []*instance // by thread
	// Draining: another has replaced it, and its listener is ending.
	Draining atomic.Bool
}

// instance is a generation on one thread. Only its thread touches it.
type instance struct {
	Generation *generation
	thread     *worker
	Guest      *guest
	Root       *rootContext
	loaded     time.Time
	// Running are the streams or connections that have begun and not ended.
	Running map[Running]bool
}

// Running is a stream or a connection under way.
type Running interface {
	// Number is its place in the order in which they began.
	Number() uint64
	// ListenerGone and ProcessGone end it, on its thread.
	ListenerGone()
	ProcessGone()
}

// startGeneration tries a configuration on a canary VM, and then puts it in force on the main thread and each worker.
func (h *Listener) startGeneration(config []byte) (*generation, error) {
	at := h.Logs.End()
	g := &generation{host: h, config: config}
	refused := func(reason string, err error) error {
		if err != nil {
			reason += ": " + err.Error()
		}
		return &ConfigError{Reason: reason, Log: h.Logs.From(at)}
	}
	var err error
	h.Process.Workers[0].Run(func() { err = h.canary(g) })
	if err != nil {
		return nil, refused("Unable to create Wasm plugin "+h.Config.Name, err)
	}
	g.instances = make([]*instance, len(h.Process.Workers))
	for _, each := range h.Process.Loop.Order() {
		t := h.Process.Workers[each.Index]
		in := &instance{Generation: g, thread: t, Running: map[Running]bool{}}
		t.Run(func() { err = in.load() })
		if err != nil {
			g.end()
			return nil, refused(fmt.Sprintf("Failed to start plugin %s on thread %d", h.Config.Name, t.Index), err)
		}
		g.instances[t.Index] = in
	}
	return g, nil
}

// canary starts and configures the plugin in a VM that is thrown away, without done or delete.
func (h *Listener) canary(g *generation) error {
	w := h.Process.Workers[0]
	v, err := h.newGuest(w)
	if err != nil {
		return err
	}
	root := (&instance{Generation: g, thread: w, Guest: v}).newRoot()
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
	h := in.Generation.host
	v := in.thread.guests[h.vmKey]
	if v == nil {
		var err error
		if v, err = h.newGuest(in.thread); err != nil {
			return err
		}
		in.thread.guests[h.vmKey] = v
	}
	in.Guest, in.loaded = v, h.Process.Clock.Now()
	in.Root = in.newRoot()
	if !in.Root.start() {
		in.Root.forget()
		if !v.Failed() {
			v.Fail("proxy_on_configure", errors.New("Failed to configure plugin")) //nolint:staticcheck // Envoy's words
		}
		return errors.New("plugin did not start")
	}
	return nil
}

// end takes the generation out of all threads: its streams are reset, its roots done and deleted, and unused VMs
// released.
func (g *generation) end() {
	for _, in := range g.instances {
		if in == nil {
			continue // it was never made
		}
		in.thread.Run(func() {
			for _, r := range in.inOrder() {
				r.ListenerGone()
			}
			if in.Root != nil && !in.Guest.Closed() {
				in.Root.end()
			}
			in.Guest.CloseUnused()
		})
	}
}

// inOrder are those under way, in the order in which they began, so that a run is repeatable.
func (in *instance) inOrder() []Running {
	return slices.SortedFunc(maps.Keys(in.Running), func(a, b Running) int { return cmp.Compare(a.Number(), b.Number()) })
}
