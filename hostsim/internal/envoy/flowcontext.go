package envoy

import (
	"github.com/sallyport-gateway/sallyport/hostsim/abi"
	"github.com/sallyport-gateway/sallyport/hostsim/internal/wasmhost"
)

// FlowContext is what the contexts of a stream and of a connection have in common.
type FlowContext struct {
	BaseContext
	flow *Flow
	of   Asked // the stream or the connection
}

// NewFlowContext makes the part that self has of it: self is the context of the stream or connection that f belongs to
// and whose properties come from asked.
func NewFlowContext(f *Flow, self wasmhost.GuestContext, asked Asked) FlowContext {
	in := f.Instance
	return FlowContext{BaseContext: BaseContext{Guest: in.Guest, self: self, Host: f.Host, Root: in.Root}, flow: f, of: asked}
}

// Enter makes the guest's context, once, unless the VM has crashed.
func (c *FlowContext) Enter() {
	if c.Created || c.Guest.Failed() {
		return
	}
	c.id = c.Guest.NextID()
	c.flow.contextID = c.id
	c.Guest.Enter(c.self)
	c.create(c.Root.id)
}

// Forget takes the context out of the VM.
func (c *FlowContext) Forget() { c.Guest.Leave(c.id) }

// Counted notes a hostcall of the stream, too.
func (c *FlowContext) Counted() {
	c.BaseContext.Counted()
	c.flow.hostcalls++
}

// CallForeign may set filter state.
func (c *FlowContext) CallForeign(name string, argument []byte) ([]byte, abi.Status, bool) {
	return c.callForeign(name, argument, c.flow.state())
}

// SetProperty stores filter state of the stream. BadArgument: it is set and was declared read only.
func (c *FlowContext) SetProperty(name, value []byte) abi.Status {
	path := c.Guest.propertyPath(name)
	old, set := c.flow.filterState[path.StateKey]
	if set && c.Root.declared[path.Text] {
		return abi.StatusBadArgument
	}
	c.flow.state()[path.StateKey] = append(old[:0], value...)
	return abi.StatusOK
}

// BoolU32 is a boolean as the guest gets it.
func BoolU32(b bool) uint32 {
	if b {
		return 1
	}
	return 0
}
