package hostsim

import (
	"context"

	"github.com/sallyport-gateway/sallyport/hostsim/abi"
	"github.com/sallyport-gateway/sallyport/hostsim/event"
	"github.com/sallyport-gateway/sallyport/hostsim/internal/envoy/http"
	"github.com/sallyport-gateway/sallyport/hostsim/internal/envoy/tcp"
	"github.com/sallyport-gateway/sallyport/hostsim/upstream"
)

// Stream is one HTTP request on its way through the filter chain: Envoy's filter manager with our plugin and the
// router in it. The caller plays the network: it feeds the client's request and the backend's response, and takes
// events from Next. What is fed to a stream that has ended is refused. Methods may be called from any goroutine, one at
// a time.
type Stream struct{ envoy *http.Stream }

// NewStream begins a stream on a worker, counted from 0.
func (h *Host) NewStream(worker int, info StreamInfo) (*Stream, error) {
	s, err := h.newStream(worker, info)
	if err != nil {
		return nil, err
	}
	return &Stream{s}, nil
}

// RequestHeaders feeds the client's request headers, :method, :path and :authority among them, as they are on the wire.
// The connection manager's own are added: see WithConnectionManager.
func (s *Stream) RequestHeaders(h abi.Headers, end bool) error { return s.envoy.RequestHeaders(h, end) }

// RequestBody feeds a piece of the client's request body.
func (s *Stream) RequestBody(data []byte, end bool) error { return s.envoy.RequestBody(data, end) }

// RequestTrailers feeds the client's trailers.
func (s *Stream) RequestTrailers(h abi.Headers) error { return s.envoy.RequestTrailers(h) }

// RequestMetadata feeds an HTTP/2 METADATA frame of the client. The guest learns how many entries it has; it cannot
// read them, and the frame goes no further.
func (s *Stream) RequestMetadata(h abi.Headers) error { return s.envoy.RequestMetadata(h) }

// ResponseHeaders feeds the backend's response headers, :status among them.
func (s *Stream) ResponseHeaders(h abi.Headers, end bool) error {
	return s.envoy.ResponseHeaders(h, end)
}

// ResponseBody feeds a piece of the backend's response body.
func (s *Stream) ResponseBody(data []byte, end bool) error { return s.envoy.ResponseBody(data, end) }

// ResponseTrailers feeds the backend's trailers.
func (s *Stream) ResponseTrailers(h abi.Headers) error { return s.envoy.ResponseTrailers(h) }

// ResponseMetadata is RequestMetadata for a frame of the backend.
func (s *Stream) ResponseMetadata(h abi.Headers) error { return s.envoy.ResponseMetadata(h) }

// UpstreamFailed reports that the backend did not answer, or not to the end. The router replies accordingly.
func (s *Stream) UpstreamFailed(f upstream.Fault) error { return s.envoy.UpstreamFailed(f) }

// ClientGone reports that the client has gone: log, done and delete run at once.
func (s *Stream) ClientGone() { s.envoy.ClientGone() }

// RejectEarlier plays a filter before ours, or the codec, that answers by itself: our plugin sees only create, log,
// done and delete. headers may be nil for a request so malformed that it has none.
func (s *Stream) RejectEarlier(headers abi.Headers, status int, body string) error {
	return s.envoy.RejectEarlier(headers, status, body)
}

// Next returns the next event. On a fake clock it moves the clock as far as it takes; on the real one it waits. After
// the last event it returns io.EOF, and when nothing can ever happen any more, another error.
func (s *Stream) Next(ctx context.Context) (event.Event, error) { return s.envoy.Next(ctx, false) }

// Poll returns the next event if it is there already.
func (s *Stream) Poll() (event.Event, bool) { return s.envoy.Poll() }

// Details are Envoy's response code details, once there is a response.
func (s *Stream) Details() string { return s.envoy.Details() }

// Hostcalls is how many hostcalls the guest made for this stream so far: those in its context, or with it as the
// effective one. WASI is left out.
func (s *Stream) Hostcalls() int { return s.envoy.Hostcalls() }

// Trace has the hostcalls and callbacks in the stream's own context so far, when the host was made WithTrace. What a
// callback of the root context does for it, such as the answer to a call, is in Host.Trace.
func (s *Stream) Trace() []TraceEntry { return s.envoy.Trace() }

// FilterState is what the guest stored with set_property, by key ("wasm." and the path).
func (s *Stream) FilterState() map[string][]byte { return s.envoy.FilterState() }

// Connection is one TCP connection through the plugin as a network filter, with tcp_proxy behind it. The caller plays
// the network: it feeds what the client and the backend do, and takes events from Next. Methods may be called from any
// goroutine, one at a time.
//
// UpstreamConnect asks for a connection to the backend, and Connected or ConnectFailed answers it; until then the
// client's data waits. ToUpstreamData and ToClientData carry data, and with End the end of one direction. UpstreamReset
// and ClientReset close a connection: with End in order, else by a reset. StreamEnd is the last event.
type Connection struct{ envoy *tcp.Connection }

// NewConnection accepts a connection on a worker, counted from 0: the plugin's on_context_create and on_new_connection
// run. RouteName, VirtualHost and Protocol of info have no meaning here.
func (h *Host) NewConnection(worker int, info StreamInfo) (*Connection, error) {
	c, err := tcp.NewConnection(h.listener, worker, info)
	if err != nil {
		return nil, err
	}
	return &Connection{c}, nil
}

// ClientData feeds what the client sends; end is its half-close.
func (c *Connection) ClientData(data []byte, end bool) error { return c.envoy.ClientData(data, end) }

// ClientReset reports that the client has reset the connection. Nothing notices until the connection is read again.
func (c *Connection) ClientReset() error { return c.envoy.ClientReset() }

// Connected reports that the backend has accepted the connection that UpstreamConnect asked for.
func (c *Connection) Connected() error { return c.envoy.Connected() }

// ConnectFailed reports that the backend cannot be reached: tcp_proxy closes the client's connection.
func (c *Connection) ConnectFailed() error { return c.envoy.ConnectFailed() }

// BackendData feeds what the backend sends; end is its half-close.
func (c *Connection) BackendData(data []byte, end bool) error { return c.envoy.BackendData(data, end) }

// BackendReset reports that the backend has reset its connection: tcp_proxy closes the client's.
func (c *Connection) BackendReset() error { return c.envoy.BackendReset() }

// Close ends the connection, as Envoy does when its listener goes.
func (c *Connection) Close() error { return c.envoy.Close() }

// Next is Stream.Next.
func (c *Connection) Next(ctx context.Context) (event.Event, error) { return c.envoy.Next(ctx, false) }

// Poll returns the next event if it is there already.
func (c *Connection) Poll() (event.Event, bool) { return c.envoy.Poll() }

// Details says why the connection was closed.
func (c *Connection) Details() string { return c.envoy.Details() }

// Hostcalls is Stream.Hostcalls.
func (c *Connection) Hostcalls() int { return c.envoy.Hostcalls() }

// Trace is Stream.Trace.
func (c *Connection) Trace() []TraceEntry { return c.envoy.Trace() }

// FilterState is Stream.FilterState.
func (c *Connection) FilterState() map[string][]byte { return c.envoy.FilterState() }
