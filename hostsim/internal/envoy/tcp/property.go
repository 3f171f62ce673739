package tcp

import (
	"github.com/sallyport-gateway/sallyport/hostsim/internal/envoy/property"
)

func (c *Connection) UpstreamChosen() bool      { return c.backend >= backendOpen }
func (c *Connection) UpstreamConnected() bool   { return c.UpstreamChosen() }
func (c *Connection) Routed() bool              { return c.proxied }
func (c *Connection) RouteName() property.Value { return property.Value{} }
func (c *Connection) Attempts() property.Value  { return property.Value{} }
func (c *Connection) SourceAddress() string     { return c.Info.RemoteAddr }

// RequestProperty is what request.* reports of a connection. Source: Envoy filters/common/expr/context.cc
// RequestWrapper.
func (c *Connection) RequestProperty(rest string) property.Value {
	switch rest {
	case "time":
		return property.Number(c.StartedAt.UnixNano())
	case "size", "total_size":
		return property.Number(int64(c.received))
	}
	return property.Value{}
}

// ResponseProperty is what response.* reports of a connection.
func (c *Connection) ResponseProperty(rest string) property.Value {
	switch rest {
	case "flags":
		return property.Number(uint64(c.Flags))
	case "size", "total_size":
		return property.Number(int64(c.sent))
	}
	return property.Value{}
}
