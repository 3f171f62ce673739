// Package plugin is the adaptor between abi and an engine: it translates
// callbacks, statuses and actions, and decides nothing. It is the only importer
// of abi.
package plugin

import (
	"syscall"

	"github.com/sallyport-gateway/sallyport/filter/internal/abi"
	"github.com/sallyport-gateway/sallyport/filter/internal/engine"
)

// Register makes this VM a Sallyport. It must be called in an init function:
// the host calls no main before the first callback.
func Register() {
	v := &vm{engines: map[uint32]*engine.Engine{}}
	abi.HandlePanics(v.panicked)
	abi.HandleDeletes(v.deleted)
	abi.HandleQueues(v.queueReady)
	abi.HandleRoots(v)
	abi.HandleStreams(&v.streams)
	v.streams.engines = v.engines
}

// vm holds all plugin instances of this VM, by the id of their root context: a
// config update puts a second one beside the first, whose requests go on.
type vm struct {
	engines map[uint32]*engine.Engine
	streams streams
}

var _ abi.Roots = (*vm)(nil)

// Create implements abi.Roots.
func (v *vm) Create(root uint32) {
	v.engines[root] = engine.New(&host{root: root})
	v.streams.forget()
}

// panicked refuses the request in whose callback a panic was recovered. When
// nothing is known of the request, it is answered all the same: it would hang.
func (v *vm) panicked(id uint32, callback, where string) {
	if s := v.streams.find(id); s != nil {
		s.Panicked(callback + ": " + where)
		s.Fail()
		return
	}
	if g, ok := v.engines[id]; ok {
		g.Panicked(callback + ": " + where)
		return
	}
	abi.Log(abi.Error, "sallyport: recovered a panic in "+callback+": "+where)
	abi.SendLocalResponse(500, "internal.error", nil, nil, 0)
}

// Configure implements abi.Roots.
func (v *vm) Configure(root uint32) (ok bool) {
	configuration, status := abi.PluginConfiguration()
	if status != abi.OK {
		configuration = nil // an absent configuration is refused like an empty one
	}
	if !v.engine(root).Configure(configuration, syscall.Getenv) {
		return false
	}
	if abi.SetTickPeriod(uint32(engine.TickPeriod.Milliseconds())) != abi.OK {
		abi.Log(abi.Error, "sallyport: the host refused a tick, without which no deadline can be kept")
		return false
	}
	return true
}

// Tick implements abi.Roots.
func (v *vm) Tick(root uint32) { v.engine(root).Tick() }

// engine is that of a callback's root context. A host that calls one which it
// has not created is broken: the panic is logged.
func (v *vm) engine(root uint32) *engine.Engine {
	g, ok := v.engines[root]
	if !ok {
		panic("a callback of a plugin that was not created")
	}
	return g
}

// deleted frees what hangs on a root context that the host deletes, after a last
// report of what was counted.
func (v *vm) deleted(root uint32) {
	if g, ok := v.engines[root]; ok {
		delete(v.engines, root)
		v.streams.forget()
		g.Close()
	}
}

func (v *vm) queueReady(root, queue uint32) {
	if g, ok := v.engines[root]; ok {
		g.QueueReady(queue)
	}
}
