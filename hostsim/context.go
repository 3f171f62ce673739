package hostsim

import "time"

// rootContext is one plugin configuration in one VM, or with id 0 the VM itself. Callouts and ticks belong to it.
type rootContext struct {
	baseContext
	instance    *instance // nil for id 0
	configuring bool      // inside on_configure: the plugin configuration can be read
	calls       map[uint32]*callout
	grpc        map[uint32]*grpcExchange
	// What of a gRPC exchange the guest may read now.
	grpcInitial, grpcTrailing *headerMap
	grpcMessage               *[]byte
	// response is the callout whose answer the guest may read now.
	response *callResponse
	// statusCode and statusMessage are what proxy_get_status tells. The code is never reset.
	statusCode    Status
	statusMessage string
	pendingDone   bool

	tickPeriod time.Duration
	stopTick   func()
}

func newRoot(h *listener, g *guest, id uint32) *rootContext {
	c := &rootContext{
		baseContext: baseContext{guest: g, id: id, host: h},
		calls:       map[uint32]*callout{}, grpc: map[uint32]*grpcExchange{},
	}
	c.self, c.root = c, c
	return c
}

// newRoot makes a root for a configuration that starts in the guest.
func (in *instance) newRoot() *rootContext {
	c := newRoot(in.generation.host, in.guest, in.guest.NextID())
	c.instance = in
	in.guest.Enter(c)
	return c
}

// Buffer also has the plugin configuration.
func (c *rootContext) Buffer(kind uint32) (data []byte, found bool) {
	if kind == bufferPluginConfig && c.configuring {
		return c.instance.generation.config, true
	}
	return c.baseContext.Buffer(kind)
}

// callMap is a header map of a callout whose callback runs; nil when there is none.
func (c *rootContext) callMap(kind uint32) *headerMap {
	switch {
	case kind == mapGRPCInitial:
		return c.grpcInitial
	case kind == mapGRPCTrailing:
		return c.grpcTrailing
	case c.response == nil:
	case kind == mapCallHeaders:
		return c.response.headers
	case kind == mapCallTrailers:
		return c.response.trailers
	}
	return nil
}

// Status is the root's, whoever asks.
func (c *baseContext) Status() (code Status, message string) {
	return c.root.statusCode, c.root.statusMessage
}

// SetTickPeriod is the root's, whoever asks.
func (c *baseContext) SetTickPeriod(period time.Duration) { c.root.setTick(period) }

// forget takes the context out of the VM; its callouts and ticks end.
func (c *rootContext) forget() {
	c.guest.Leave(c.id)
	for _, call := range c.calls {
		call.cancel()
	}
	c.calls = nil
	for _, x := range c.grpc {
		x.finish()
	}
	c.grpc = nil
	if c.stopTick != nil {
		c.stopTick()
		c.stopTick = nil
	}
}

// setTick arms, changes or with 0 stops the root's tick. Source: Envoy wasm.cc setTimerPeriod.
func (c *rootContext) setTick(period time.Duration) {
	if c.stopTick != nil {
		c.stopTick()
		c.stopTick = nil
	}
	c.tickPeriod = period
	if period > 0 {
		c.stopTick = c.guest.worker.After(period, c.tick)
	}
}

// tick is one-shot and re-armed after the callback, with the period that holds then.
func (c *rootContext) tick() {
	c.stopTick = nil
	c.callback(onTick, c.id)
	if c.stopTick == nil && c.tickPeriod > 0 && !c.guest.Failed() && c.guest.Knows(c) {
		c.stopTick = c.guest.worker.After(c.tickPeriod, c.tick)
	}
}

// start runs what a plugin's start runs on a root: create, vm_start, configure. False means that the plugin is refused.
func (c *rootContext) start() bool { return c.startVM() && c.configure() }

func (c *rootContext) startVM() bool {
	c.create(0)
	if !c.guest.Has(onVMStart) {
		return true
	}
	// Also when create has trapped. Source: proxy-wasm-cpp-host ContextBase::onStart.
	ok, _ := c.guest.Invoke(c, onVMStart, c.id, uint32(len(c.guest.Config())))
	c.guest.AfterCall()
	return ok != 0
}

func (c *rootContext) configure() bool {
	defer c.guest.Started()
	// A VM that is lost already has nothing to say, and is taken. Source: proxy-wasm-cpp-host ContextBase::onConfigure.
	if !c.guest.Has(onConfigure) || c.guest.Failed() {
		return true
	}
	c.configuring = true
	ok, _ := c.guest.Invoke(c, onConfigure, c.id, uint32(len(c.instance.generation.config)))
	c.guest.AfterCall()
	c.configuring = false
	return ok != 0
}

// end is how a root goes: done, and delete at once or, when done was answered with false, after proxy_done.
// Source: proxy-wasm-cpp-host WasmBase::startShutdown.
func (c *rootContext) end() {
	done := uint32(1)
	if !c.guest.Failed() && c.guest.Has(onDone) {
		done, _ = c.callback(onDone, c.id)
	}
	if done == 0 && !c.guest.Failed() {
		c.pendingDone = true
		return
	}
	c.delete()
}

// Done ends a root whose on_done answered false.
func (c *rootContext) Done() Status {
	if !c.pendingDone {
		return StatusNotFound
	}
	c.pendingDone = false
	c.guest.Later(func() {
		c.delete()
		c.guest.CloseUnused()
	})
	return StatusOK
}

func (c *rootContext) delete() {
	if c.created {
		c.callback(onDelete, c.id)
	}
	c.forget()
}
