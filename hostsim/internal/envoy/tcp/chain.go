package tcp

import (
	"github.com/sallyport-gateway/sallyport/hostsim/event"
	"github.com/sallyport-gateway/sallyport/hostsim/internal/envoy"
)

// The way of bytes through the network filter chain: our plugin, then tcp_proxy. Source: Envoy
// source/common/network/filter_manager_impl.cc and connection_impl.cc, source/common/tcp_proxy/tcp_proxy.cc; the
// plugin's part is source/extensions/common/wasm/context.cc from onNewConnection on.

// readable makes the connection read its socket. buffered: also what it has already read.
func (c *Connection) readable(buffered bool) {
	if c.readOff || c.closed {
		return
	}
	if c.arrivedReset {
		c.close(closing{how: closedRemotely, reset: true})
		return
	}
	fresh := len(c.arrived) > 0 || c.arrivedEnd && !c.readEnd
	c.read = append(c.read, c.arrived...)
	c.received += len(c.arrived)
	c.arrived = nil
	if !fresh && (!buffered || c.readEnd || len(c.read) == 0) {
		return // the end is reported once
	}
	c.readEnd = c.arrivedEnd
	c.iterate(true)
	if c.readEnd && c.sentEnd && !c.closed {
		c.close(closing{how: closedRemotely})
	}
}

// continueReading does what the guest asks for: the filters behind it see what there is.
func (c *Connection) continueReading() { c.iterate(false) }

// iterate shows what was read to the filters; the plugin comes first, or is left out.
func (c *Connection) iterate(plugin bool) {
	if c.closed || plugin && c.ctx != nil && !c.pluginReads() {
		return
	}
	if !c.proxied { // tcp_proxy reads nothing more until the backend has accepted
		c.proxied, c.readOff = true, true
		c.backend = backendConnecting
		c.Emit(event.Event{Kind: event.UpstreamConnect})
		return
	}
	if c.backend != backendOpen || len(c.read) == 0 && !c.readEnd {
		return
	}
	c.active()
	c.Emit(event.Event{Kind: event.ToUpstreamData, Data: c.read, End: c.readEnd})
	c.read = nil
	if c.readEnd {
		c.backend = backendHalfClosed
		if c.writeEnd {
			c.backend = backendGone
		}
	}
}

// toClient shows what the backend sent to the plugin, and sends it on.
func (c *Connection) toClient() {
	if c.closed || c.ctx != nil && !c.pluginWrites() {
		return
	}
	if c.sentEnd {
		c.write = nil
		return
	}
	c.sentEnd = c.writeEnd
	c.sent += len(c.write)
	c.Emit(event.Event{Kind: event.ToClientData, Data: c.write, End: c.writeEnd})
	c.write = nil
	if c.sentEnd && c.backend == backendHalfClosed {
		c.backend = backendGone
	}
	if c.sentEnd && c.readEnd {
		c.close(closing{how: closedLocally})
	}
}

// active restarts tcp_proxy's idle timer.
func (c *Connection) active() {
	c.idle.Stop()
	c.idle = c.Thread.After(tcpIdleTimeout, func() {
		c.Flags |= envoy.FlagStreamIdleTimeout
		c.close(closing{how: closedLocally})
	})
}

// closing is how a connection is closed.
type closing struct {
	how     closeType
	reset   bool // the other side is reset too
	details string
}

// close closes the client's connection, and tcp_proxy then the backend's.
func (c *Connection) close(by closing) {
	if c.closed {
		return
	}
	c.closed = true
	if c.CodeDetails == "" {
		c.CodeDetails = by.details
	}
	c.idle.Stop()
	if by.how == closedLocally {
		c.Emit(event.Event{Kind: event.ClientReset, End: !by.reset || !c.Host.Process.Profile.ResetsClient, Reason: by.details})
	}
	if c.ctx != nil {
		c.pluginClosed(by.how)
	}
	if c.backend != backendNone && c.backend != backendGone {
		c.Emit(event.Event{Kind: event.UpstreamReset, End: !by.reset || !c.Host.Process.Profile.ResetsBackend})
	}
	c.backend = backendGone
	c.Over = true
	c.pluginDestroyed()
	delete(c.Instance.Running, c)
	c.Emit(event.Event{Kind: event.StreamEnd, Reason: c.CodeDetails})
}
