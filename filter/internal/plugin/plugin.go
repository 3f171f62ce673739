// Package plugin is the adaptor between the proxy-wasm SDK's contexts, abi and an
// engine: it translates callbacks, statuses and actions, and decides nothing. It
// is the only importer of abi. Contexts and their life cycle are the SDK's;
// streams come straight from abi.
package plugin

import (
	"syscall"

	"github.com/tetratelabs/proxy-wasm-go-sdk/proxywasm/types"

	"github.com/sallyport-gateway/sallyport/filter/internal/abi"
	"github.com/sallyport-gateway/sallyport/filter/internal/engine"
)

// Register makes this VM a Sallyport filter. It must be called in an init
// function: the host calls no main before the first callback.
func Register() {
	v := &vm{engines: map[uint32]*engine.Engine{}}
	abi.HandlePanics(v.panicked)
	abi.HandleDeletes(v.deleted)
	abi.HandleQueues(v.queueReady)
	abi.HandleStreams(&v.streams)
	v.streams.engines = v.engines
	abi.SetVMContext(v)
}

// vm holds all plugin instances of this VM, by the id of their root context: a
// config update puts a second one beside the first, whose requests go on.
type vm struct {
	types.DefaultVMContext
	engines map[uint32]*engine.Engine
	streams streams
}

// NewPluginContext implements types.VMContext.
func (v *vm) NewPluginContext(root uint32) types.PluginContext {
	e := engine.New(&proxy{root: root})
	v.engines[root] = e
	v.streams.forget()
	return &instance{engine: e}
}

// instance is one plugin instance.
type instance struct {
	types.DefaultPluginContext
	engine *engine.Engine
}

// OnPluginStart implements types.PluginContext.
func (p *instance) OnPluginStart(int) types.OnPluginStartStatus {
	configuration, status := abi.PluginConfiguration()
	if status != abi.OK {
		configuration = nil // an absent configuration is refused like an empty one
	}
	if !p.engine.Configure(configuration, syscall.Getenv) {
		return types.OnPluginStartStatusFailed
	}
	if abi.SetTickPeriod(uint32(engine.TickPeriod.Milliseconds())) != abi.OK {
		abi.Log(abi.Error, "sallyport: the host refused a tick, without which no deadline can be kept")
		return types.OnPluginStartStatusFailed
	}
	return types.OnPluginStartStatusOK
}

// OnTick implements types.PluginContext.
func (p *instance) OnTick() { p.engine.Tick() }

// panicked refuses the request in whose callback a panic was recovered. If
// nothing is known about the request, it is answered too: it would hang
// otherwise.
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

// deleted frees what belongs to a root context that the host deletes, after a
// last report of what was counted.
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
