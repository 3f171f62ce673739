package hostsim

// pluginReads is the plugin's onNewConnection and onData; false stops the iteration.
func (c *tcpConnection) pluginReads() bool {
	if !c.opened {
		c.opened = true
		c.ctx.enter()
		if !c.ask(onNewConnection) {
			c.readOff = true
			return false
		}
	}
	if len(c.read) == 0 && !c.readEnd {
		return true
	}
	if !c.ctx.created {
		return true
	}
	c.downstream = &c.read
	goOn := c.ask(onDownstreamData, uint32(len(c.read)), boolU32(c.readEnd))
	if goOn {
		c.downstream = nil
	}
	return goOn
}

// pluginWrites is the plugin's onWrite. The end of the backend's data is all that it learns of the backend's closing.
func (c *tcpConnection) pluginWrites() bool {
	if !c.ctx.created {
		return true
	}
	c.upstream = &c.write
	goOn := c.ask(onUpstreamData, uint32(len(c.write)), boolU32(c.writeEnd))
	if goOn {
		c.upstream = nil
	}
	if c.writeEnd {
		c.ctx.callback(onUpstreamClose, c.ctx.id, uint32(closedUnknown))
	}
	return goOn
}

// ask calls the guest and reports whether the chain goes on. A crash closes the connection, once.
func (c *tcpConnection) ask(cb callback, args ...uint32) bool {
	g := c.ctx
	if g.passesCrashed() {
		return true
	}
	if c.checkFailed() {
		return false
	}
	if !g.guest.Has(cb) {
		return true
	}
	action, _ := g.guest.Invoke(g, cb, append([]uint32{g.id}, args...)...)
	goOn := g.passesCrashed() || !c.checkFailed() && action == 0
	g.guest.AfterCall()
	return goOn && !c.closed
}

func (c *tcpConnection) checkFailed() bool {
	if !c.ctx.guest.Failed() {
		return false
	}
	if !c.failedOnce {
		c.failedOnce = true
		c.close(closing{how: closedLocally})
	}
	return true
}

// pluginClosed is the plugin's onEvent. Unlike in HTTP, done comes before log. Source: Envoy context.cc onCloseTCP.
func (c *tcpConnection) pluginClosed(how closeType) {
	g := c.ctx
	if !g.created {
		return
	}
	g.callback(onDownstreamClose, g.id, uint32(how))
	g.callback(onDone, g.id)
	g.callback(onLog, g.id)
	g.callback(onDelete, g.id)
}

// pluginDestroyed: the filter is gone.
func (c *tcpConnection) pluginDestroyed() {
	if g := c.ctx; g != nil && g.created {
		c.downstream, c.upstream = nil, nil
		g.forget()
		if g.guest.Failed() {
			g.guest.CloseUnused()
		}
	}
}

// chunk is a buffer of the guest; nil when it may not reach it now.
func (c *tcpConnection) chunk(kind uint32) *[]byte {
	switch kind {
	case bufferDownstream:
		return c.downstream
	case bufferUpstream:
		return c.upstream
	}
	return nil
}
