package hostsim

import (
	"bytes"

	"github.com/sallyport-gateway/sallyport/hostsim/internal/wire"
)

// baseContext is what the guest's contexts have in common: a root (a plugin configuration, or the VM itself), and those
// of a stream or a connection. What belongs to a stream does nothing here. It lives on its VM's thread.
type baseContext struct {
	guest   *guest
	self    GuestContext // the context that this is a part of
	id      uint32
	host    *listener
	root    *rootContext // itself for a root
	created bool         // proxy_on_context_create was called
	// declared are the properties declared in this context, and whether they are read only.
	declared map[string]bool
}

// ID is the guest's number of the context.
func (c *baseContext) ID() uint32 { return c.id }

// RootID is the root's.
func (c *baseContext) RootID() uint32 { return c.root.id }

// Counted notes a hostcall.
func (c *baseContext) Counted() { c.guest.worker.hostcalls.Add(1) }

// Log writes a line.
func (c *baseContext) Log(level Level, message string, byHost bool) {
	c.host.log(c.guest.worker.Index, level, message, byHost)
}

// LogLevel is what WithLogLevel says.
func (c *baseContext) LogLevel() Level { return c.host.config.logLevel }

// Traces is the host's trace.
func (c *baseContext) Traces() *journal[TraceEntry] { return &c.host.traces }

// callback calls the guest and then does the deferred work.
func (c *baseContext) callback(cb callback, args ...uint32) (uint32, bool) {
	if c.guest.Failed() || !c.guest.Has(cb) {
		return 0, false
	}
	result, ok := c.guest.Invoke(c.self, cb, args...)
	c.guest.AfterCall()
	return result, ok
}

// callbackOrAfter is callback, but does what has been deferred also when the guest lacks the callback.
func (c *baseContext) callbackOrAfter(cb callback, args ...uint32) {
	if _, ok := c.callback(cb, args...); !ok {
		c.guest.AfterCall()
	}
}

// create tells the guest of the context, once.
func (c *baseContext) create(parent uint32) {
	if c.created {
		return
	}
	c.callback(onContextCreate, c.id, parent)
	c.created = true
}

// passesCrashed: the VM has crashed, and its streams go on without it.
func (c *baseContext) passesCrashed() bool {
	return c.guest.Failed() && c.host.config.policy == FailOpenAlways
}

// Done ends nothing: only a root waits for it.
func (c *baseContext) Done() Status { return StatusNotFound }

// HeaderValue finds no map but those of the root's callouts.
func (c *baseContext) HeaderValue(kind uint32, name []byte) (string, bool, Status) {
	return valueIn(c.root.callMap(kind), name)
}

func valueIn(m *headerMap, name []byte) (value string, found bool, status Status) {
	if m == nil {
		return "", false, StatusBadArgument
	}
	value, found = m.getBytes(name)
	return value, found, StatusOK
}

// AddHeader finds no map to write.
func (c *baseContext) AddHeader(uint32, []byte, []byte) Status { return StatusBadArgument }

// ReplaceHeader finds no map to write.
func (c *baseContext) ReplaceHeader(uint32, []byte, []byte) Status { return StatusBadArgument }

// RemoveHeader finds no map to write.
func (c *baseContext) RemoveHeader(uint32, []byte) Status { return StatusBadArgument }

// HeaderPairs are those of the root's callouts.
func (c *baseContext) HeaderPairs(kind uint32) []wire.Pair { return c.root.callMap(kind).pairs() }

// SetHeaderPairs finds no map to write.
func (c *baseContext) SetHeaderPairs(uint32, *wire.Pairs) Status { return StatusBadArgument }

// HeaderSize is only told of a map that may be written.
func (c *baseContext) HeaderSize(uint32) (int, Status) { return 0, StatusBadArgument }

// Buffer is one that does not belong to a stream. Those of a stream are there everywhere, and empty.
func (c *baseContext) Buffer(kind uint32) (data []byte, found bool) {
	switch kind {
	case bufferGRPC:
		if c.root.grpcMessage == nil {
			return nil, true
		}
		return *c.root.grpcMessage, true
	case bufferCallBody:
		if c.root.response == nil {
			return nil, false
		}
		return c.root.response.body, true
	case bufferVMConfig:
		return c.guest.Config(), true
	case bufferPluginConfig:
		return nil, false
	}
	return nil, true
}

// SetBuffer may write a gRPC message.
func (c *baseContext) SetBuffer(kind, start, length uint32, data []byte) Status {
	if kind != bufferGRPC {
		return StatusBadArgument
	}
	return setBuffer(c.root.grpcMessage, start, length, data)
}

// setBuffer puts data at the front of a buffer, in the place of length bytes, or at its end. BadArgument: there is none,
// or the place is neither.
func setBuffer(body *[]byte, start, length uint32, data []byte) Status {
	if body == nil {
		return StatusBadArgument
	}
	old := *body
	switch {
	case start == 0:
		rest := old[min(uint64(length), uint64(len(old))):]
		*body = append(append(make([]byte, 0, len(data)+len(rest)), data...), rest...)
	case uint64(start) >= uint64(len(old)):
		*body = append(old[:len(old):len(old)], data...)
	default:
		return StatusBadArgument
	}
	return StatusOK
}

// ContinueStream does nothing.
func (c *baseContext) ContinueStream(kind uint32) Status {
	if kind == streamUpstream {
		return StatusUnimplemented
	}
	return StatusOK
}

// CloseStream does nothing.
func (c *baseContext) CloseStream(uint32) Status { return StatusOK }

// SendLocalResponse does nothing.
func (c *baseContext) SendLocalResponse(LocalResponse) {}

// CallForeign is a function of WithForeignFunction, or else one of Envoy's.
func (c *baseContext) CallForeign(name string, argument []byte) ([]byte, Status, bool) {
	return c.callForeign(name, argument, nil)
}

// callForeign is CallForeign with the filter state of a stream.
func (c *baseContext) callForeign(name string, argument []byte, state map[string][]byte) (result []byte, status Status, known bool) {
	if f := c.host.config.foreign[name]; f != nil {
		result, status = f(bytes.Clone(argument))
		return result, status, true
	}
	f := envoyFunctions[name]
	if f == nil || name == "sign" && !c.host.process.profile.sign {
		return nil, StatusNotFound, false
	}
	result, status = f(foreignCall{c, state, argument})
	return result, status, true
}
