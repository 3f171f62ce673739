// Package tcp is a TCP connection through a plugin as a network filter, with Envoy's tcp_proxy behind it.
package tcp

import (
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim/internal/envoy"
	"github.com/sallyport-gateway/sallyport/hostsim/internal/simclock"
)

// Connection is one TCP connection through the plugin as a network filter, with tcp_proxy behind it. The caller plays
// the network: it feeds what the client and the backend do, and takes Events from Next. Methods may be called from any
// goroutine, one at a time.
//
// UpstreamConnect asks for a connection to the backend, and Connected or ConnectFailed answers it; until then the
// client's data waits. ToUpstreamData and ToClientData carry data, and with End the end of one direction. UpstreamReset
// and ClientReset close a connection: with End in order, else by a reset. StreamEnd is the last event.
type Connection struct {
	envoy.Flow
	ctx *connectionContext // nil when the plugin is skipped

	// read is what the client sent and nothing has taken yet; readEnd: nothing more comes.
	read    []byte
	readEnd bool
	// arrived is what lies in the socket while reading is off.
	arrived      []byte
	arrivedEnd   bool
	arrivedReset bool
	// readOff: nothing is read until the backend has accepted, or while the guest holds the new connection.
	readOff bool
	// write is what the backend sent and the plugin holds.
	write    []byte
	writeEnd bool

	// What the guest can reach; nil for what it cannot.
	downstream, upstream *[]byte

	opened     bool // on_new_connection was called
	proxied    bool // tcp_proxy has begun
	backend    backendState
	sentEnd    bool // to the client
	received   int  // bytes read from the client
	sent       int  // bytes written to it
	failedOnce bool // a crashed VM has closed it
	closed     bool // towards the client
	idle       *simclock.Timer
}

// backendState is tcp_proxy's side towards the backend.
type backendState int

const (
	backendNone backendState = iota
	backendConnecting
	backendOpen
	backendHalfClosed // towards it
	backendGone
)

// closeType is what on_downstream_connection_close and on_upstream_connection_close are given.
type closeType uint32

const (
	closedUnknown closeType = iota
	closedLocally
	closedRemotely
)

// tcpIdleTimeout is tcp_proxy's default idle_timeout.
const tcpIdleTimeout = time.Hour

// NewConnection accepts a connection on a worker, counted from 0: the plugin's on_context_create and on_new_connection
// run. RouteName, VirtualHost and Protocol of info have no meaning here.
func NewConnection(h *envoy.Listener, worker int, info envoy.StreamInfo) (*Connection, error) {
	c := &Connection{}
	if err := c.Begin(h, worker, info); err != nil {
		return nil, err
	}
	c.Do(func() {
		in := c.Instance
		in.MaybeReload()
		in.Running[c] = true
		if !in.Guest.Failed() || !h.Config.Policy.Open() {
			c.ctx = newConnectionContext(c)
		}
		c.iterate(true)
	})
	return c, nil
}

// ListenerGone closes the connection.
func (c *Connection) ListenerGone() {
	c.close(closing{how: closedLocally, details: "listener_removed"})
}

// ProcessGone closes the connection.
func (c *Connection) ProcessGone() { c.close(closing{how: closedRemotely, reset: true}) }

func (c *Connection) feed(f func()) error {
	err := envoy.ErrStreamOver
	c.Do(func() {
		if !c.Over {
			err = nil
			f()
		}
	})
	return err
}

// ClientData feeds what the client sends; end is its half-close.
func (c *Connection) ClientData(data []byte, end bool) error {
	return c.feed(func() {
		c.arrived = append(c.arrived, data...)
		c.arrivedEnd = c.arrivedEnd || end
		c.readable(false)
	})
}

// ClientReset reports that the client has reset the connection. Nothing notices until the connection is read again.
func (c *Connection) ClientReset() error {
	return c.feed(func() {
		c.arrivedReset = true
		c.readable(false)
	})
}

// Connected reports that the backend has accepted the connection that UpstreamConnect asked for.
func (c *Connection) Connected() error {
	return c.feed(func() {
		if c.backend != backendConnecting {
			return
		}
		c.backend = backendOpen
		c.readOff = false
		c.active()
		c.readable(true)
	})
}

// ConnectFailed reports that the backend cannot be reached: tcp_proxy closes the client's connection.
func (c *Connection) ConnectFailed() error {
	return c.feed(func() {
		if c.backend != backendConnecting {
			return
		}
		c.backend = backendGone
		c.Flags |= envoy.FlagUpstreamConnectionFailure
		c.close(closing{how: closedLocally})
	})
}

// BackendData feeds what the backend sends; end is its half-close.
func (c *Connection) BackendData(data []byte, end bool) error {
	return c.feed(func() {
		if c.backend != backendOpen && c.backend != backendHalfClosed {
			return
		}
		c.active()
		c.write = append(c.write, data...)
		c.writeEnd = c.writeEnd || end
		c.toClient()
	})
}

// Close ends the connection, as Envoy does when its listener goes.
func (c *Connection) Close() error {
	return c.feed(func() { c.close(closing{how: closedLocally}) })
}

// BackendReset reports that the backend has reset its connection: tcp_proxy closes the client's.
func (c *Connection) BackendReset() error {
	return c.feed(func() {
		if c.backend == backendOpen || c.backend == backendHalfClosed {
			c.backend = backendGone
			c.close(closing{how: closedLocally, reset: true})
		}
	})
}
