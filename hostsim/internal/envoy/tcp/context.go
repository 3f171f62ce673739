package tcp

import (
	"github.com/sallyport-gateway/sallyport/hostsim/abi"
	"github.com/sallyport-gateway/sallyport/hostsim/internal/envoy"
	"github.com/sallyport-gateway/sallyport/hostsim/internal/wasmhost"
)

// connectionContext is the guest's context of a TCP connection.
type connectionContext struct {
	envoy.FlowContext
	connection *Connection
}

func newConnectionContext(conn *Connection) *connectionContext {
	c := &connectionContext{connection: conn}
	c.FlowContext = envoy.NewFlowContext(&conn.Flow, c, conn)
	return c
}

// Buffer also has what was read.
func (c *connectionContext) Buffer(kind uint32) (data []byte, found bool) {
	if p := c.connection.chunk(kind); p != nil {
		return *p, true
	}
	return c.BaseContext.Buffer(kind)
}

// SetBuffer also writes what was read.
func (c *connectionContext) SetBuffer(kind, start, length uint32, data []byte) abi.Status {
	if p := c.connection.chunk(kind); p != nil {
		return envoy.SetBuffer(p, start, length, data)
	}
	return c.BaseContext.SetBuffer(kind, start, length, data)
}

// ContinueStream lets the connection read on.
func (c *connectionContext) ContinueStream(kind uint32) abi.Status {
	if kind == wasmhost.StreamDownstream {
		c.Guest.Later(c.connection.continueReading)
	}
	return c.BaseContext.ContinueStream(kind)
}

// CloseStream closes the connection, for upstream too.
func (c *connectionContext) CloseStream(kind uint32) abi.Status {
	details := "wasm_downstream_close"
	switch kind {
	case wasmhost.StreamDownstream:
	case wasmhost.StreamUpstream:
		details = "wasm_upstream_close"
	default:
		return abi.StatusOK
	}
	c.Guest.Later(func() { c.connection.close(closing{how: closedLocally, details: details}) })
	return abi.StatusOK
}
