package tcp

import (
	"github.com/sallyport-gateway/sallyport/hostsim/internal/envoy"
	"github.com/sallyport-gateway/sallyport/hostsim/internal/wasmhost"
)

// pluginReads is the plugin's onNewConnection and onData; false stops the iteration.
func (c *Connection) pluginReads() bool {
	if !c.opened {
		c.opened = true
		c.ctx.Enter()
		if !c.ask(wasmhost.OnNewConnection) {
			c.readOff = true
			return false
		}
	}
	if len(c.read) == 0 && !c.readEnd {
		return true
	}
	if !c.ctx.Created {
		return true
	}
	c.downstream = &c.read
	goOn := c.ask(wasmhost.OnDownstreamData, uint32(len(c.read)), envoy.BoolU32(c.readEnd))
	if goOn {
		c.downstream = nil
	}
	return goOn
}

// pluginWrites is the plugin's onWrite. The end of the backend's data is all that it learns of the backend's closing.
func (c *Connection) pluginWrites() bool {
	if !c.ctx.Created {
		return true
	}
	c.upstream = &c.write
	goOn := c.ask(wasmhost.OnUpstreamData, uint32(len(c.write)), envoy.BoolU32(c.writeEnd))
	if goOn {
		c.upstream = nil
	}
	if c.writeEnd {
		c.ctx.Callback(wasmhost.OnUpstreamClose, c.ctx.ID(), uint32(closedUnknown))
	}
	return goOn
}

// ask calls the guest and reports whether the chain goes on. A crash closes the connection, once.
func (c *Connection) ask(cb wasmhost.Callback, args ...uint32) bool {
	g := c.ctx
	if g.PassesCrashed() {
		return true
	}
	if c.checkFailed() {
		return false
	}
	if !g.Guest.Has(cb) {
		return true
	}
	action, _ := g.Guest.Invoke(g, cb, append([]uint32{g.ID()}, args...)...)
	goOn := g.PassesCrashed() || !c.checkFailed() && action == 0
	g.Guest.AfterCall()
	return goOn && !c.closed
}

func (c *Connection) checkFailed() bool {
	if !c.ctx.Guest.Failed() {
		return false
	}
	if !c.failedOnce {
		c.failedOnce = true
		c.close(closing{how: closedLocally})
	}
	return true
}

// pluginClosed is the plugin's onEvent. Unlike in HTTP, done comes before log. Source: Envoy context.cc onCloseTCP.
func (c *Connection) pluginClosed(how closeType) {
	g := c.ctx
	if !g.Created {
		return
	}
	g.Callback(wasmhost.OnDownstreamClose, g.ID(), uint32(how))
	g.Callback(wasmhost.OnDone, g.ID())
	g.Callback(wasmhost.OnLog, g.ID())
	g.Callback(wasmhost.OnDelete, g.ID())
}

// pluginDestroyed is called when the filter is gone.
func (c *Connection) pluginDestroyed() {
	if g := c.ctx; g != nil && g.Created {
		c.downstream, c.upstream = nil, nil
		g.Forget()
		if g.Guest.Failed() {
			g.Guest.CloseUnused()
		}
	}
}

// chunk is a buffer of the guest; nil when the guest may not reach it now.
func (c *Connection) chunk(kind uint32) *[]byte {
	switch kind {
	case wasmhost.BufferDownstream:
		return c.downstream
	case wasmhost.BufferUpstream:
		return c.upstream
	}
	return nil
}
