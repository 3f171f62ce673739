package hostsim

import (
	"net"
	"strings"
	"time"
)

// acceptRequest does what Envoy's connection manager does to a request before the first filter sees it: a header map
// with joined inline headers and pseudo headers first, the scheme, and its own headers.
func (s *httpStream) acceptRequest(h Headers) *headerMap {
	var authority, path, method, scheme string
	for _, f := range h {
		switch lowerName(f.Name) {
		case ":authority":
			authority = f.Value
		case "host":
			if authority == "" {
				authority = f.Value
			}
		case ":path":
			path = f.Value
		case ":method":
			method = f.Value
		case ":scheme":
			scheme = f.Value
		}
	}
	if scheme == "" {
		scheme = "http"
		if s.info.TLS != nil {
			scheme = "https"
		}
	}
	m := &headerMap{h: make(Headers, 0, len(h)+hostsOwnHeaders)}
	for _, f := range [...]Header{{Name: ":authority", Value: authority}, {Name: ":path", Value: path}, {Name: ":method", Value: method}, {Name: ":scheme", Value: scheme}} {
		if f.Value != "" {
			m.add(f.Name, f.Value)
		}
	}
	for _, f := range h {
		switch name := lowerName(f.Name); name {
		case ":authority", "host", ":path", ":method", ":scheme":
		default:
			if !s.isForged(name) {
				m.add(name, f.Value)
			}
		}
	}
	s.ownConnection(m)
	s.headReq = method == "HEAD"
	contentType, _ := m.get("content-type")
	s.grpcReq = isGRPC(contentType)
	s.forwarded(m, scheme)
	return m
}

// ownConnection takes away what the client says about its own connection. Of te only trailers is left.
// Source: Envoy conn_manager_utility.cc mutateRequestHeaders; measured.
func (s *httpStream) ownConnection(m *headerMap) {
	connection, _ := m.get("connection")
	for token := range strings.SplitSeq(strings.ToLower(connection), ",") {
		switch strings.TrimSpace(token) {
		case "close":
			s.closesClient = true
		case "upgrade":
			return
		}
	}
	for _, name := range []string{"connection", "keep-alive", "proxy-connection", "upgrade"} {
		m.remove(name)
	}
	if te, ok := m.get("te"); ok && !strings.Contains(strings.ToLower(te), "trailers") {
		m.remove("te")
	}
}

// isForged is true for a header that Envoy takes only from clients that it counts as internal; by its default there are
// none. At the edge, which use_remote_address makes it, there are more of them.
// Source: Envoy conn_manager_utility.cc cleanInternalHeaders; measured.
func (s *httpStream) isForged(name string) bool {
	word, ok := strings.CutPrefix(name, "x-envoy-")
	if !ok {
		return false
	}
	switch word {
	case "decorator-operation", "downstream-service-cluster", "downstream-service-node", "original-path", "original-host":
		return s.host.config.connManager.UseRemoteAddress
	case "internal", "retriable-status-codes", "retriable-header-names", "retry-on", "retry-grpc-on", "max-retries",
		"upstream-alt-stat-name", "upstream-rq-timeout-ms", "upstream-rq-per-try-timeout-ms",
		"upstream-rq-timeout-alt-response", "expected-rq-timeout-ms", "force-trace", "ip-tags", "original-url",
		"hedge-on-per-try-timeout", "upstream-stream-duration-ms":
		return true
	}
	return false
}

// forwarded adds x-forwarded-for, -proto, x-envoy-external-address and x-request-id. Source: Envoy conn_manager_utility.cc mutateRequestHeaders.
func (s *httpStream) forwarded(m *headerMap, scheme string) {
	cm := s.host.config.connManager
	if cm.UseRemoteAddress {
		ip := hostOf(s.info.RemoteAddr)
		if net.ParseIP(ip).IsLoopback() { // Envoy says where it is itself
			ip = hostOf(s.host.config.localAddress)
		}
		m.add("x-forwarded-for", ip)
		if cm.XFFTrustedHops == 0 {
			m.assign("x-forwarded-proto", scheme)
		}
	}
	if _, ok := m.get("x-forwarded-proto"); !ok {
		m.add("x-forwarded-proto", scheme)
	}
	if cm.UseRemoteAddress {
		m.assign("x-envoy-external-address", hostOf(s.clientAddress(m)))
	}
	if _, ok := m.get("x-request-id"); !cm.NoRequestID && (!ok || cm.UseRemoteAddress) {
		m.assign("x-request-id", s.host.process.requestID())
	}
}

// clientAddress is the client's address in the connection manager's view; see the settings' docs. The headers have the
// x-forwarded-for that forwarded leaves.
func (s *httpStream) clientAddress(m *headerMap) string {
	cm := s.host.config.connManager
	hops := cm.XFFTrustedHops
	if cm.UseRemoteAddress {
		if hops == 0 {
			return s.info.RemoteAddr
		}
	}
	xff, ok := m.getOrNone("x-forwarded-for")
	if !ok {
		return s.info.RemoteAddr
	}
	entries := strings.Split(xff, ",")
	// The last entry is 0 hops away; with UseRemoteAddress the connection manager has appended the peer itself.
	i := len(entries) - 1 - hops
	if i < 0 {
		return s.info.RemoteAddr
	}
	ip := net.ParseIP(strings.TrimSpace(entries[i]))
	if ip == nil {
		return s.info.RemoteAddr
	}
	return net.JoinHostPort(ip.String(), "0")
}

func (m *headerMap) getOrNone(name string) (string, bool) {
	if m == nil {
		return "", false
	}
	return m.get(name)
}

func hostOf(address string) string {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	return host
}

// routeTimeout bounds the backend's answer; negative for none.
func (h *listener) routeTimeout() time.Duration {
	if d := h.config.connManager.RouteTimeout; d != 0 {
		return d
	}
	return defaultRouteTimeout
}
