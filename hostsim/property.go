package hostsim

import (
	"net"
	"strconv"
	"strings"
)

// asked is what the properties of a stream and of a connection are had from.
type asked interface {
	requestProperty(rest string) propertyValue
	responseProperty(rest string) propertyValue
	// sourceAddress is the client's, "ip:port".
	sourceAddress() string
	// upstreamChosen: the router has chosen a host. upstreamConnected: it talks to it.
	upstreamChosen() bool
	upstreamConnected() bool
	// attempts is upstream.request_attempt_count; routed: there is a route to tell of.
	attempts() propertyValue
	routed() bool
	routeName() propertyValue
}

// Property is what is known without a stream.
func (c *baseContext) Property(path []byte) (text string, data []byte, status Status) {
	p := c.guest.propertyPath(path)
	value, _ := c.pluginProperty(p)
	if p.top == "xds" {
		value = c.xdsProperty(p.rest)
	}
	return c.guest.render(value)
}

// SetProperty has nowhere to store.
func (c *baseContext) SetProperty([]byte, []byte) Status { return StatusNotFound }

// pluginProperty is what is about the plugin; final is false when others may know the path.
func (c *baseContext) pluginProperty(path *propertyPath) (value propertyValue, final bool) {
	if path.text == "" {
		return wholeValue(), true
	}
	switch path.top {
	case "plugin_name":
		return textValue(c.host.config.name).when(!path.nested), true
	case "plugin_root_id":
		return textValue(c.host.config.rootID).when(!path.nested), true
	case "plugin_vm_id":
		return textValue(c.host.config.vmID).when(!path.nested), true
	}
	return propertyValue{}, false
}

// Property is what the test gives, or else what is known.
func (c *flowContext) Property(path []byte) (text string, data []byte, status Status) {
	p := c.guest.propertyPath(path)
	for _, given := range [...]map[string]any{c.flow.info.Properties, c.host.config.properties} {
		if len(given) == 0 {
			continue
		}
		if value, ok := given[p.dotted]; ok {
			v, _ := propertyOf(value) // checked when it was given
			return c.guest.render(v)
		}
	}
	value, final := c.pluginProperty(p)
	if !final {
		value = c.property(p)
	}
	return c.guest.render(value)
}

// property resolves a path. Source: Envoy context.cc findValue, getProperty, and filters/common/expr/context.cc.
func (c *flowContext) property(path *propertyPath) propertyValue {
	if path.top == "xds" {
		return c.xdsProperty(path.rest)
	}
	if !path.nested && wholes[path.top] {
		return wholeValue()
	}
	s := c.flow
	switch path.top {
	case "request":
		return c.of.requestProperty(path.rest)
	case "response":
		return c.of.responseProperty(path.rest)
	case "connection":
		return s.connectionProperty(path.rest)
	case "connection_id":
		return numberValue(s.info.ConnectionID).when(!path.nested)
	case "source":
		return addressProperty(c.of.sourceAddress(), path.rest)
	case "destination":
		return addressProperty(s.host.config.localAddress, path.rest)
	case "upstream":
		return c.upstreamProperty(path.rest)
	case "filter_state":
		return s.stateProperty(path.rest)
	case "metadata": // dynamic metadata, which nobody here sets
		return emptyMetadata(path.rest)
	case "upstream_filter_state":
		return wholeValue().when(!path.nested && c.of.upstreamConnected())
	}
	if path.nested {
		return propertyValue{}
	}
	return s.stateProperty(path.topStateKey)
}

// emptyMetadata is a Metadata message without anything in it, or its only field.
func emptyMetadata(rest string) propertyValue {
	switch rest {
	case "":
		return bytesValue(nil)
	case "filter_metadata":
		return headersValue(nil)
	}
	return propertyValue{}
}

// wholes are the names that alone stand for more than can be told.
var wholes = map[string]bool{"request": true, "response": true, "connection": true, "source": true, "destination": true,
	"upstream": true, "filter_state": true}

func addressProperty(address, field string) propertyValue {
	if address == "" {
		return propertyValue{}
	}
	switch field {
	case "address":
		return textValue(address)
	case "port":
		_, port, err := net.SplitHostPort(address)
		if err != nil {
			return propertyValue{}
		}
		n, err := strconv.ParseInt(port, 10, 32)
		return numberValue(n).when(err == nil)
	}
	return propertyValue{}
}

func (s *httpStream) upstreamChosen() bool     { return s.chosen }
func (s *httpStream) upstreamConnected() bool  { return s.connected }
func (s *httpStream) routed() bool             { return true }
func (s *httpStream) routeName() propertyValue { return textValue(s.info.RouteName) }
func (s *httpStream) attempts() propertyValue  { return numberValue(uint64(boolU32(s.isRouted))) }
func (s *httpStream) sourceAddress() string    { return s.clientAddress(s.decode.headers) }

func (s *httpStream) requestProperty(rest string) propertyValue {
	switch rest {
	case "time":
		return numberValue(s.startedAt.UnixNano())
	case "protocol":
		return textValue(s.info.Protocol)
	case "duration":
		return numberValue(s.host.process.clock.Now().Sub(s.startedAt)).when(s.over)
	}
	m := s.requestMap
	if m == nil {
		switch rest {
		case "headers":
			return headersValue(nil)
		case "size", "total_size":
			return numberValue(int64(s.bytesReceived))
		}
		return propertyValue{}
	}
	header := func(name string) propertyValue { value, ok := m.get(name); return textValue(value).when(ok) }
	switch rest {
	case "path":
		return header(":path")
	case "url_path":
		path, _ := m.get(":path")
		bare, _, _ := strings.Cut(path, "?")
		return textValue(bare)
	case "query":
		path, _ := m.get(":path")
		_, query, _ := strings.Cut(path, "?")
		return textValue(query)
	case "host":
		return header(":authority")
	case "scheme":
		return header(":scheme")
	case "method":
		return header(":method")
	case "referer":
		return header("referer")
	case "useragent":
		return header("user-agent")
	case "id":
		return header("x-request-id")
	case "size":
		length, _ := m.get("content-length")
		if n, err := strconv.ParseInt(length, 10, 64); err == nil {
			return numberValue(n)
		}
		return numberValue(int64(s.bytesReceived))
	case "total_size":
		return numberValue(int64(m.byteSize() + s.bytesReceived))
	case "headers":
		return headersValue(m.unique())
	}
	return headerProperty(m, rest)
}

func headerProperty(m *headerMap, rest string) propertyValue {
	name, ok := strings.CutPrefix(rest, "headers\x00")
	if !ok || m == nil {
		return propertyValue{}
	}
	value, ok := m.joined(lowerName(name))
	return textValue(value).when(ok)
}

func (s *httpStream) responseProperty(rest string) propertyValue {
	switch rest {
	case "code":
		return numberValue(int64(s.responseCode)).when(s.hasCode)
	case "code_details":
		return textValue(s.details).when(s.detailed)
	case "flags":
		return numberValue(uint64(s.flags))
	case "headers":
		return headersValue(s.responseMap.unique())
	case "trailers":
		return headersValue(s.responseTrailerMap.unique())
	case "size":
		return numberValue(int64(s.bytesSent))
	case "total_size":
		return numberValue(int64(s.bytesSent + s.responseMap.sizeOrNone() + s.responseTrailerMap.sizeOrNone()))
	case "backend_latency":
		return numberValue(s.answeredAt.Sub(s.routedAt)).when(s.over && !s.answeredAt.IsZero())
	case "grpc_status":
		value, ok := s.responseTrailerMap.getOrNone("grpc-status")
		if !ok {
			value, ok = s.responseMap.getOrNone("grpc-status")
		}
		n, err := strconv.ParseInt(value, 10, 64)
		if !ok && s.responseCode != 0 {
			return numberValue(int64(grpcStatusOf(s.responseCode)))
		}
		return numberValue(n).when(ok && err == nil)
	}
	if name, ok := strings.CutPrefix(rest, "trailers\x00"); ok {
		return headerProperty(s.responseTrailerMap, "headers\x00"+name)
	}
	return headerProperty(s.responseMap, rest)
}

func (s *flow) connectionProperty(rest string) propertyValue {
	tls := s.info.TLS
	switch rest {
	case "id":
		return numberValue(s.info.ConnectionID)
	case "mtls":
		return boolValue(tls != nil && tls.PeerPresented)
	}
	if tls == nil {
		switch rest {
		case "requested_server_name":
			return textValue("")
		case "peer_certificate_valid":
			return boolValue(false).when(s.host.process.profile.peerCertificateValid)
		}
		return propertyValue{}
	}
	switch rest {
	case "requested_server_name":
		return textValue(tls.ServerName)
	case "tls_version":
		return nonEmpty(tls.Version)
	case "subject_peer_certificate":
		return textValue(tls.PeerSubject)
	case "uri_san_peer_certificate":
		return nonEmpty(tls.PeerURISAN)
	case "dns_san_peer_certificate":
		return nonEmpty(tls.PeerDNSSAN)
	case "sha256_peer_certificate_digest":
		return nonEmpty(tls.PeerSHA256)
	case "peer_certificate_valid":
		return boolValue(tls.PeerValid).when(s.host.process.profile.peerCertificateValid)
	}
	return propertyValue{}
}
