package hostsim

import "time"

// guestContext is what the guest knows by a context id: context 0, a root (one plugin configuration), or a stream.
// It lives on its VM's thread.
type guestContext struct {
	vm   *vm
	id   uint32
	root *guestContext // itself for a root
	host *Host

	created bool // proxy_on_context_create was called
	// stream or connection is set for their contexts, and flow for both.
	stream     *Stream
	connection *Connection
	flow       *flow
	// declared are the properties declared in this context, and whether they are read only.
	declared map[string]bool
	rootState
}

// rootState is what only a root has.
type rootState struct {
	instance    *instance
	configuring bool // inside on_configure: the plugin configuration can be read
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

// newContext takes the next id. Source: proxy-wasm-cpp-host WasmBase::allocContextId.
func (v *vm) newContext(h *Host, root *guestContext) *guestContext {
	v.lastID++
	c := &guestContext{vm: v, id: v.lastID, host: h, root: root}
	if root == nil {
		c.root = c
		c.calls = map[uint32]*callout{}
		c.grpc = map[uint32]*grpcExchange{}
	}
	v.contexts[c.id] = c
	return c
}

func (c *guestContext) isRoot() bool { return c.root == c }

// parentID is what proxy_on_context_create gets: 0 for a root.
func (c *guestContext) parentID() uint32 {
	if c.isRoot() {
		return 0
	}
	return c.root.id
}

// callback calls the guest and then does the deferred work.
func (c *guestContext) callback(cb callback, args ...uint32) (uint32, bool) {
	if c.vm.failed || c.vm.callbacks[cb] == nil {
		return 0, false
	}
	result, ok := c.vm.invoke(c, cb, args...)
	c.vm.afterCall()
	return result, ok
}

// create tells the guest of the context, once.
func (c *guestContext) create() {
	if c.created {
		return
	}
	c.callback(onContextCreate, c.id, c.parentID())
	c.created = true
}

// forget takes the context out of the VM; a root's callouts and ticks end.
func (c *guestContext) forget() {
	delete(c.vm.contexts, c.id)
	if !c.isRoot() {
		return
	}
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
func (c *guestContext) setTick(period time.Duration) {
	if c.stopTick != nil {
		c.stopTick()
		c.stopTick = nil
	}
	c.tickPeriod = period
	if period > 0 {
		c.stopTick = c.vm.thread.after(period, c.tick)
	}
}

// tick is one-shot and re-armed after the callback, with the period that holds then.
func (c *guestContext) tick() {
	c.stopTick = nil
	c.callback(onTick, c.id)
	if c.stopTick == nil && c.tickPeriod > 0 && !c.vm.failed && c.vm.contexts[c.id] == c {
		c.stopTick = c.vm.thread.after(c.tickPeriod, c.tick)
	}
}

// start runs what a plugin's start runs on a root: create, vm_start, configure. False means that the plugin is refused.
func (c *guestContext) start() bool { return c.startVM() && c.configure() }

func (c *guestContext) startVM() bool {
	c.create()
	if c.vm.callbacks[onVMStart] == nil {
		return true
	}
	// Also when create has trapped. Source: proxy-wasm-cpp-host ContextBase::onStart.
	ok, _ := c.vm.invoke(c, onVMStart, c.id, uint32(len(c.vm.config)))
	c.vm.afterCall()
	return ok != 0
}

func (c *guestContext) configure() bool {
	defer c.vm.linear.started()
	// A VM that is lost already has nothing to say, and is taken. Source: proxy-wasm-cpp-host ContextBase::onConfigure.
	if c.vm.callbacks[onConfigure] == nil || c.vm.failed {
		return true
	}
	c.configuring = true
	ok, _ := c.vm.invoke(c, onConfigure, c.id, uint32(len(c.instance.generation.config)))
	c.vm.afterCall()
	c.configuring = false
	return ok != 0
}

// end is how a root goes: done, and delete at once or, when done was answered with false, after proxy_done.
// Source: proxy-wasm-cpp-host WasmBase::startShutdown.
func (c *guestContext) end() {
	done := uint32(1)
	if !c.vm.failed && c.vm.callbacks[onDone] != nil {
		done, _ = c.callback(onDone, c.id)
	}
	if done == 0 && !c.vm.failed {
		c.pendingDone = true
		return
	}
	c.delete()
}

func (c *guestContext) delete() {
	if c.created {
		c.callback(onDelete, c.id)
	}
	c.forget()
}
