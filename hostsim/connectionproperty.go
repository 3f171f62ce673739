package hostsim

func (c *tcpConnection) upstreamChosen() bool     { return c.backend >= backendOpen }
func (c *tcpConnection) upstreamConnected() bool  { return c.upstreamChosen() }
func (c *tcpConnection) routed() bool             { return c.proxied }
func (c *tcpConnection) routeName() propertyValue { return propertyValue{} }
func (c *tcpConnection) attempts() propertyValue  { return propertyValue{} }
func (c *tcpConnection) sourceAddress() string    { return c.info.RemoteAddr }

// requestProperty is what request.* tells of a connection. Source: Envoy filters/common/expr/context.cc RequestWrapper.
func (c *tcpConnection) requestProperty(rest string) propertyValue {
	switch rest {
	case "time":
		return numberValue(c.startedAt.UnixNano())
	case "size", "total_size":
		return numberValue(int64(c.received))
	}
	return propertyValue{}
}

// responseProperty is what response.* tells of a connection.
func (c *tcpConnection) responseProperty(rest string) propertyValue {
	switch rest {
	case "flags":
		return numberValue(uint64(c.flags))
	case "size", "total_size":
		return numberValue(int64(c.sent))
	}
	return propertyValue{}
}
