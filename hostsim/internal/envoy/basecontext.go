package envoy

import (
	"bytes"

	"github.com/sallyport-gateway/sallyport/hostsim/abi"
	"github.com/sallyport-gateway/sallyport/hostsim/internal/envoy/foreign"
	"github.com/sallyport-gateway/sallyport/hostsim/internal/envoy/header"
	"github.com/sallyport-gateway/sallyport/hostsim/internal/wasmhost"
	"github.com/sallyport-gateway/sallyport/hostsim/internal/wire"
)

// BaseContext is what the guest's contexts have in common: a root (a plugin configuration, or the VM itself), and those
// of a stream or a connection. What belongs to a stream does nothing here. It lives on its VM's thread.
type BaseContext struct {
	Guest   *guest
	self    wasmhost.GuestContext // the context that this is a part of
	id      uint32
	Host    *Listener
	Root    *rootContext // itself for a root
	Created bool         // proxy_on_context_create was called
	// declared are the properties declared in this context, and whether they are read only.
	declared map[string]bool
}

// ID is the guest's number of the context.
func (c *BaseContext) ID() uint32 { return c.id }

// RootID is the root's id.
func (c *BaseContext) RootID() uint32 { return c.Root.id }

// Counted notes a hostcall.
func (c *BaseContext) Counted() { c.Guest.worker.hostcalls.Add(1) }

// Log writes a line.
func (c *BaseContext) Log(level abi.Level, message string, byHost bool) {
	c.Host.Log(c.Guest.worker.Index, level, message, byHost)
}

// LogLevel is what WithLogLevel says.
func (c *BaseContext) LogLevel() abi.Level { return c.Host.Config.LogLevel }

// Traces is the host's trace.
func (c *BaseContext) Traces() *wasmhost.Journal[wasmhost.TraceEntry] { return &c.Host.Traces }

// Callback calls the guest and then does the deferred work.
func (c *BaseContext) Callback(cb wasmhost.Callback, args ...uint32) (uint32, bool) {
	if c.Guest.Failed() || !c.Guest.Has(cb) {
		return 0, false
	}
	result, ok := c.Guest.Invoke(c.self, cb, args...)
	c.Guest.AfterCall()
	return result, ok
}

// callbackOrAfter is Callback, but does the deferred work even when the guest lacks the callback.
func (c *BaseContext) callbackOrAfter(cb wasmhost.Callback, args ...uint32) {
	if _, ok := c.Callback(cb, args...); !ok {
		c.Guest.AfterCall()
	}
}

// create announces the context to the guest, once.
func (c *BaseContext) create(parent uint32) {
	if c.Created {
		return
	}
	c.Callback(wasmhost.OnContextCreate, c.id, parent)
	c.Created = true
}

// PassesCrashed: the VM has crashed, and its streams go on without it.
func (c *BaseContext) PassesCrashed() bool {
	return c.Guest.Failed() && c.Host.Config.Policy == FailOpenAlways
}

// Done ends nothing: only a root waits for it.
func (c *BaseContext) Done() abi.Status { return abi.StatusNotFound }

// HeaderValue finds no map but those of the root's callouts.
func (c *BaseContext) HeaderValue(kind uint32, name []byte) (string, bool, abi.Status) {
	return ValueIn(c.Root.CallMap(kind), name)
}

func ValueIn(m *header.Map, name []byte) (value string, found bool, status abi.Status) {
	if m == nil {
		return "", false, abi.StatusBadArgument
	}
	value, found = m.GetBytes(name)
	return value, found, abi.StatusOK
}

// AddHeader finds no map to write.
func (c *BaseContext) AddHeader(uint32, []byte, []byte) abi.Status { return abi.StatusBadArgument }

// ReplaceHeader finds no map to write.
func (c *BaseContext) ReplaceHeader(uint32, []byte, []byte) abi.Status { return abi.StatusBadArgument }

// RemoveHeader finds no map to write.
func (c *BaseContext) RemoveHeader(uint32, []byte) abi.Status { return abi.StatusBadArgument }

// HeaderPairs are those of the root's callouts.
func (c *BaseContext) HeaderPairs(kind uint32) []wire.Pair { return c.Root.CallMap(kind).Pairs() }

// SetHeaderPairs finds no map to write.
func (c *BaseContext) SetHeaderPairs(uint32, *wire.Pairs) abi.Status { return abi.StatusBadArgument }

// HeaderSize is only given for a map that may be written.
func (c *BaseContext) HeaderSize(uint32) (int, abi.Status) { return 0, abi.StatusBadArgument }

// Buffer is a buffer that does not belong to a stream. Those of a stream exist everywhere, and are empty.
func (c *BaseContext) Buffer(kind uint32) (data []byte, found bool) {
	switch kind {
	case wasmhost.BufferGRPC:
		if c.Root.grpcMessage == nil {
			return nil, true
		}
		return *c.Root.grpcMessage, true
	case wasmhost.BufferCallBody:
		if c.Root.response == nil {
			return nil, false
		}
		return c.Root.response.body, true
	case wasmhost.BufferVMConfig:
		return c.Guest.Config(), true
	case wasmhost.BufferPluginConfig:
		return nil, false
	}
	return nil, true
}

// SetBuffer may write a gRPC message.
func (c *BaseContext) SetBuffer(kind, start, length uint32, data []byte) abi.Status {
	if kind != wasmhost.BufferGRPC {
		return abi.StatusBadArgument
	}
	return SetBuffer(c.Root.grpcMessage, start, length, data)
}

// SetBuffer puts data at the front of a buffer, replacing length bytes, or at its end. BadArgument: there is no buffer,
// or the position is neither.
func SetBuffer(body *[]byte, start, length uint32, data []byte) abi.Status {
	if body == nil {
		return abi.StatusBadArgument
	}
	old := *body
	switch {
	case start == 0:
		rest := old[min(uint64(length), uint64(len(old))):]
		*body = append(append(make([]byte, 0, len(data)+len(rest)), data...), rest...)
	case uint64(start) >= uint64(len(old)):
		*body = append(old[:len(old):len(old)], data...)
	default:
		return abi.StatusBadArgument
	}
	return abi.StatusOK
}

// ContinueStream does nothing.
func (c *BaseContext) ContinueStream(kind uint32) abi.Status {
	if kind == wasmhost.StreamUpstream {
		return abi.StatusUnimplemented
	}
	return abi.StatusOK
}

// CloseStream does nothing.
func (c *BaseContext) CloseStream(uint32) abi.Status { return abi.StatusOK }

// SendLocalResponse does nothing.
func (c *BaseContext) SendLocalResponse(wasmhost.LocalResponse) {}

// CallForeign calls a function of WithForeignFunction, or else one of Envoy's.
func (c *BaseContext) CallForeign(name string, argument []byte) ([]byte, abi.Status, bool) {
	return c.callForeign(name, argument, nil)
}

// callForeign is CallForeign with the filter state of a stream.
func (c *BaseContext) callForeign(name string, argument []byte, state map[string][]byte) (result []byte, status abi.Status, known bool) {
	if f := c.Host.Config.Foreign[name]; f != nil {
		result, status = f(bytes.Clone(argument))
		return result, status, true
	}
	f := foreign.Find(name, c)
	if f == nil {
		return nil, abi.StatusNotFound, false
	}
	result, status = f(foreign.Call{Context: c, State: state, Argument: argument})
	return result, status, true
}

// Signs is true when this Envoy has the foreign function sign.
func (c *BaseContext) Signs() bool { return c.Host.Process.Profile.sign }

// Declare notes a property that the guest will set; false when it was declared before.
func (c *BaseContext) Declare(name string, readOnly bool) bool {
	if _, ok := c.declared[name]; ok {
		return false
	}
	if c.declared == nil {
		c.declared = map[string]bool{}
	}
	c.declared[name] = readOnly
	return true
}
