package hostsim

import (
	"net"
	"strconv"
	"strings"
)

// property resolves a path whose parts are divided by NUL. Source: Envoy context.cc findValue, getProperty, and
// filters/common/expr/context.cc.
func (c *guestContext) property(path string) (any, bool) {
	if s := c.stream; s != nil && len(s.info.Properties) > 0 {
		if value, ok := s.info.Properties[strings.ReplaceAll(path, "\x00", ".")]; ok {
			return value, true
		}
	}
	if props := c.host.config.properties; len(props) > 0 && c.stream != nil {
		if value, ok := props[strings.ReplaceAll(path, "\x00", ".")]; ok {
			return value, true
		}
	}
	top, rest, nested := strings.Cut(strings.TrimSuffix(path, "\x00"), "\x00")
	switch top {
	case "plugin_name":
		return known(c.host.config.name, !nested)
	case "plugin_root_id":
		return known(c.host.config.rootID, !nested)
	case "plugin_vm_id":
		return known(c.vm.vmID, !nested)
	case "xds":
		return c.xdsProperty(rest)
	}
	s := c.stream
	if s == nil {
		return nil, false
	}
	switch top {
	case "request":
		return s.requestProperty(rest)
	case "response":
		return s.responseProperty(rest)
	case "connection":
		return s.connectionProperty(rest)
	case "connection_id":
		return known(s.info.ConnectionID, !nested)
	case "source":
		return addressProperty(s.sourceAddress(), rest)
	case "destination":
		return addressProperty(s.host.config.localAddress, rest)
	case "upstream":
		return addressProperty(s.info.UpstreamAddr, rest)
	case "filter_state":
		return s.stateProperty(rest)
	case "metadata", "upstream_filter_state":
		return nil, false
	}
	if nested {
		return nil, false
	}
	return s.stateProperty(stateKeyPrefix + top)
}

// known is value, or nothing when it is not there.
func known(value any, ok bool) (any, bool) {
	if !ok {
		return nil, false
	}
	return value, true
}

func nonEmpty(s string) (any, bool) { return known(s, s != "") }

func addressProperty(address, field string) (any, bool) {
	if address == "" {
		return nil, false
	}
	switch field {
	case "address":
		return address, true
	case "port":
		_, port, err := net.SplitHostPort(address)
		if err != nil {
			return nil, false
		}
		n, err := strconv.ParseInt(port, 10, 32)
		return known(n, err == nil)
	}
	return nil, false
}

func (c *guestContext) xdsProperty(rest string) (any, bool) {
	if field, ok := strings.CutPrefix(rest, "node\x00"); ok {
		value, ok := c.vm.thread.process.node[field]
		return known(value, ok)
	}
	if rest == "listener_direction" {
		return int64(0), true
	}
	if c.stream == nil {
		return nil, false
	}
	info := &c.stream.info
	switch rest {
	case "route_name":
		return info.RouteName, true
	case "virtual_host_name":
		return nonEmpty(info.VirtualHost)
	case "cluster_name":
		return nonEmpty(info.ClusterName)
	case "filter_chain_name":
		return info.FilterChain, true
	}
	return nil, false
}

func (s *Stream) requestProperty(rest string) (any, bool) {
	switch rest {
	case "time":
		return s.startedAt, true
	case "protocol":
		return s.info.Protocol, true
	case "duration":
		return known(s.host.process.clock.Now().Sub(s.startedAt), s.over)
	}
	m := s.requestMap
	if m == nil {
		return nil, false
	}
	header := func(name string) (any, bool) { value, ok := m.get(name); return known(value, ok) }
	path, _ := m.get(":path")
	bare, query, _ := strings.Cut(path, "?")
	switch rest {
	case "path":
		return header(":path")
	case "url_path":
		return bare, true
	case "query":
		return query, true
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
			return n, true
		}
		return int64(s.bytesReceived), true
	case "total_size":
		return int64(m.byteSize() + s.bytesReceived), true
	case "headers":
		return m.h, true
	}
	return headerProperty(m, rest)
}

func headerProperty(m *headerMap, rest string) (any, bool) {
	name, ok := strings.CutPrefix(rest, "headers\x00")
	if !ok || m == nil {
		return nil, false
	}
	value, ok := m.joined(lowerName(name))
	return known(value, ok)
}

func (s *Stream) responseProperty(rest string) (any, bool) {
	switch rest {
	case "code":
		return known(int64(s.responseCode), s.responseCode != 0)
	case "code_details":
		return nonEmpty(s.details)
	case "flags":
		return int64(0), true
	case "headers":
		if s.responseMap != nil {
			return s.responseMap.h, true
		}
	case "trailers":
		if s.responseTrailerMap != nil {
			return s.responseTrailerMap.h, true
		}
	case "grpc_status":
		value, ok := s.responseTrailerMap.getOrNone("grpc-status")
		if !ok {
			value, ok = s.responseMap.getOrNone("grpc-status")
		}
		n, err := strconv.ParseInt(value, 10, 64)
		return known(n, ok && err == nil)
	}
	if name, ok := strings.CutPrefix(rest, "trailers\x00"); ok {
		return headerProperty(s.responseTrailerMap, "headers\x00"+name)
	}
	return headerProperty(s.responseMap, rest)
}

func (s *Stream) connectionProperty(rest string) (any, bool) {
	tls := s.info.TLS
	switch rest {
	case "id":
		return s.info.ConnectionID, true
	case "mtls":
		return tls != nil && tls.PeerPresented, true
	}
	if tls == nil {
		return nil, false
	}
	switch rest {
	case "requested_server_name":
		return tls.ServerName, true
	case "tls_version":
		return nonEmpty(tls.Version)
	case "subject_peer_certificate":
		return tls.PeerSubject, true
	case "uri_san_peer_certificate":
		return nonEmpty(tls.PeerURISAN)
	case "dns_san_peer_certificate":
		return nonEmpty(tls.PeerDNSSAN)
	case "sha256_peer_certificate_digest":
		return nonEmpty(tls.PeerSHA256)
	case "peer_certificate_valid":
		return known(tls.PeerValid, s.host.process.profile.peerCertificateValid)
	}
	return nil, false
}
