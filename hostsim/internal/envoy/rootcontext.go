package envoy

import (
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim/abi"
	"github.com/sallyport-gateway/sallyport/hostsim/internal/envoy/header"
	"github.com/sallyport-gateway/sallyport/hostsim/internal/simclock"
	"github.com/sallyport-gateway/sallyport/hostsim/internal/wasmhost"
)

// rootContext is one plugin configuration in one VM, or with id 0 the VM itself. Callouts and ticks belong to it.
type rootContext struct {
	BaseContext
	instance    *instance // nil for id 0
	configuring bool      // inside on_configure: the plugin configuration can be read
	calls       map[uint32]*callout
	grpc        map[uint32]*grpcExchange
	// What the guest may read now of a gRPC exchange.
	grpcInitial, grpcTrailing *header.Map
	grpcMessage               *[]byte
	// response is the callout whose answer the guest may read now.
	response *callResponse
	// statusCode and statusMessage are what proxy_get_status reports. The code is never reset.
	statusCode    abi.Status
	statusMessage string
	pendingDone   bool

	tickPeriod time.Duration
	ticker     *simclock.Timer
}

func newRoot(h *Listener, g *guest, id uint32) *rootContext {
	c := &rootContext{
		BaseContext: BaseContext{Guest: g, id: id, Host: h},
		calls:       map[uint32]*callout{}, grpc: map[uint32]*grpcExchange{},
	}
	c.self, c.Root = c, c
	return c
}

// newRoot makes a root for a configuration that starts in the guest.
func (in *instance) newRoot() *rootContext {
	c := newRoot(in.Generation.host, in.Guest, in.Guest.NextID())
	c.instance = in
	in.Guest.Enter(c)
	return c
}

// Buffer also has the plugin configuration.
func (c *rootContext) Buffer(kind uint32) (data []byte, found bool) {
	if kind == wasmhost.BufferPluginConfig && c.configuring {
		return c.instance.Generation.config, true
	}
	return c.BaseContext.Buffer(kind)
}

// CallMap is a header map of a callout whose callback runs; nil when there is none.
func (c *rootContext) CallMap(kind uint32) *header.Map {
	switch {
	case kind == wasmhost.MapGRPCInitial:
		return c.grpcInitial
	case kind == wasmhost.MapGRPCTrailing:
		return c.grpcTrailing
	case c.response == nil:
	case kind == wasmhost.MapCallHeaders:
		return c.response.headers
	case kind == wasmhost.MapCallTrailers:
		return c.response.trailers
	}
	return nil
}

// Status is the root's, whichever context asks.
func (c *BaseContext) Status() (code abi.Status, message string) {
	return c.Root.statusCode, c.Root.statusMessage
}

// SetTickPeriod is the root's, whichever context asks.
func (c *BaseContext) SetTickPeriod(period time.Duration) { c.Root.setTick(period) }

// forget takes the context out of the VM; its callouts and ticks end.
func (c *rootContext) forget() {
	c.Guest.Leave(c.id)
	for _, call := range c.calls {
		call.cancel()
	}
	c.calls = nil
	for _, x := range c.grpc {
		x.finish()
	}
	c.grpc = nil
	c.ticker.Stop()
	c.ticker = nil
}

// setTick arms, changes or with 0 stops the root's tick. Source: Envoy wasm.cc setTimerPeriod.
func (c *rootContext) setTick(period time.Duration) {
	c.ticker.Stop()
	c.ticker = nil
	c.tickPeriod = period
	if period > 0 {
		c.ticker = c.Guest.worker.After(period, c.tick)
	}
}

// tick is one-shot and re-armed after the callback, with the period then in force.
func (c *rootContext) tick() {
	c.ticker = nil
	c.Callback(wasmhost.OnTick, c.id)
	if c.ticker == nil && c.tickPeriod > 0 && !c.Guest.Failed() && c.Guest.Knows(c) {
		c.ticker = c.Guest.worker.After(c.tickPeriod, c.tick)
	}
}

// Tick calls proxy_on_tick now on each thread whose VM has asked for ticks, the main thread first, and says on how many.
// The next tick of each is a period away.
func (h *Listener) Tick() (threads int) {
	h.mu.Lock()
	current := h.current
	h.mu.Unlock()
	for _, in := range current.instances {
		in.thread.Run(func() {
			if root := in.Root; root != nil && root.ticker != nil && !root.Guest.Failed() {
				root.ticker.Stop()
				root.tick()
				threads++
			}
		})
	}
	h.Process.Loop.Settle()
	return threads
}

// start runs what a plugin's start runs on a root: create, vm_start, configure. False means that the plugin is refused.
func (c *rootContext) start() bool { return c.startVM() && c.configure() }

func (c *rootContext) startVM() bool {
	c.create(0)
	if !c.Guest.Has(wasmhost.OnVMStart) {
		return true
	}
	// Even when create has trapped. Source: proxy-wasm-cpp-host ContextBase::onStart.
	ok, _ := c.Guest.Invoke(c, wasmhost.OnVMStart, c.id, uint32(len(c.Guest.Config())))
	c.Guest.AfterCall()
	return ok != 0
}

func (c *rootContext) configure() bool {
	defer c.Guest.Started()
	// A VM that is already lost has no say, and is accepted. Source: proxy-wasm-cpp-host ContextBase::onConfigure.
	if !c.Guest.Has(wasmhost.OnConfigure) || c.Guest.Failed() {
		return true
	}
	c.configuring = true
	ok, _ := c.Guest.Invoke(c, wasmhost.OnConfigure, c.id, uint32(len(c.instance.Generation.config)))
	c.Guest.AfterCall()
	c.configuring = false
	return ok != 0
}

// end is how a root ends: done, and delete at once or, when done returned false, after proxy_done.
// Source: proxy-wasm-cpp-host WasmBase::startShutdown.
func (c *rootContext) end() {
	done := uint32(1)
	if !c.Guest.Failed() && c.Guest.Has(wasmhost.OnDone) {
		done, _ = c.Callback(wasmhost.OnDone, c.id)
	}
	if done == 0 && !c.Guest.Failed() {
		c.pendingDone = true
		return
	}
	c.delete()
}

// Done ends a root whose on_done returned false.
func (c *rootContext) Done() abi.Status {
	if !c.pendingDone {
		return abi.StatusNotFound
	}
	c.pendingDone = false
	c.Guest.Later(func() {
		c.delete()
		c.Guest.CloseUnused()
	})
	return abi.StatusOK
}

func (c *rootContext) delete() {
	if c.Created {
		c.Callback(wasmhost.OnDelete, c.id)
	}
	c.forget()
}
