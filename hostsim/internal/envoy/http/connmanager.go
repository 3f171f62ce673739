package http

import (
	"net"
	"strings"

	"github.com/sallyport-gateway/sallyport/hostsim/abi"
	"github.com/sallyport-gateway/sallyport/hostsim/internal/envoy"
	"github.com/sallyport-gateway/sallyport/hostsim/internal/envoy/header"
)

// acceptRequest does what Envoy's connection manager does to a request before the first filter sees it: a header map
// with joined inline headers and pseudo headers first, the scheme, and its own headers.
func (s *Stream) acceptRequest(h abi.Headers) *header.Map {
	var authority, path, method, scheme string
	for _, f := range h {
		switch header.LowerName(f.Name) {
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
		if s.Info.TLS != nil {
			scheme = "https"
		}
	}
	m := &header.Map{List: make(abi.Headers, 0, len(h)+header.HostsOwn)}
	for _, f := range [...]abi.Header{{Name: ":authority", Value: authority}, {Name: ":path", Value: path}, {Name: ":method", Value: method}, {Name: ":scheme", Value: scheme}} {
		if f.Value != "" {
			m.Add(f.Name, f.Value)
		}
	}
	for _, f := range h {
		switch name := header.LowerName(f.Name); name {
		case ":authority", "host", ":path", ":method", ":scheme":
		default:
			if !s.isForged(name) {
				m.Add(name, f.Value)
			}
		}
	}
	s.ownConnection(m)
	s.HeadReq = method == "HEAD"
	contentType, _ := m.Get("content-type")
	s.grpcReq = envoy.IsGRPC(contentType)
	s.sharesRequest()
	s.forwarded(m, scheme)
	return m
}

// ownConnection removes what the client says about its own connection. Of te only trailers is left.
// Source: Envoy conn_manager_utility.cc mutateRequestHeaders; measured.
func (s *Stream) ownConnection(m *header.Map) {
	connection, _ := m.Get("connection")
	for token := range strings.SplitSeq(strings.ToLower(connection), ",") {
		switch strings.TrimSpace(token) {
		case "close":
			s.closesClient = true
		case "upgrade":
			return
		}
	}
	for _, name := range []string{"connection", "keep-alive", "proxy-connection", "upgrade"} {
		m.Remove(name)
	}
	if te, ok := m.Get("te"); ok && !strings.Contains(strings.ToLower(te), "trailers") {
		m.Remove("te")
	}
}

// isForged is true for a header that Envoy takes only from clients that it counts as internal; by its default there are
// none. At the edge, which use_remote_address makes it, there are more of them.
// Source: Envoy conn_manager_utility.cc cleanInternalHeaders; measured.
func (s *Stream) isForged(name string) bool {
	word, ok := strings.CutPrefix(name, "x-envoy-")
	if !ok {
		return false
	}
	switch word {
	case "decorator-operation", "downstream-service-cluster", "downstream-service-node", "original-path", "original-host":
		return s.Host.Config.ConnManager.UseRemoteAddress
	case "internal", "retriable-status-codes", "retriable-header-names", "retry-on", "retry-grpc-on", "max-retries",
		"upstream-alt-stat-name", "upstream-rq-timeout-ms", "upstream-rq-per-try-timeout-ms",
		"upstream-rq-timeout-alt-response", "expected-rq-timeout-ms", "force-trace", "ip-tags", "original-url",
		"hedge-on-per-try-timeout", "upstream-stream-duration-ms":
		return true
	}
	return false
}

// forwarded adds x-forwarded-for, -proto, x-envoy-external-address and x-request-id. Source: Envoy conn_manager_utility.cc mutateRequestHeaders.
func (s *Stream) forwarded(m *header.Map, scheme string) {
	cm := s.Host.Config.ConnManager
	if cm.UseRemoteAddress {
		ip := hostOf(s.Info.RemoteAddr)
		if net.ParseIP(ip).IsLoopback() { // Envoy gives its own address
			ip = hostOf(s.Host.Config.LocalAddress)
		}
		m.Add("x-forwarded-for", ip)
		if cm.XFFTrustedHops == 0 {
			m.Assign("x-forwarded-proto", scheme)
		}
	}
	if _, ok := m.Get("x-forwarded-proto"); !ok {
		m.Add("x-forwarded-proto", scheme)
	}
	if cm.UseRemoteAddress {
		m.Assign("x-envoy-external-address", hostOf(s.clientAddress(m)))
	}
	if _, ok := m.Get("x-request-id"); !cm.NoRequestID && (!ok || cm.UseRemoteAddress) {
		m.Assign("x-request-id", s.Host.Process.RequestID())
	}
}

// clientAddress is the client's address as the connection manager sees it; see the docs of the settings. The headers
// have the x-forwarded-for that forwarded leaves.
func (s *Stream) clientAddress(m *header.Map) string {
	cm := s.Host.Config.ConnManager
	hops := cm.XFFTrustedHops
	if cm.UseRemoteAddress {
		if hops == 0 {
			return s.Info.RemoteAddr
		}
	}
	xff, ok := m.GetOrNone("x-forwarded-for")
	if !ok {
		return s.Info.RemoteAddr
	}
	entries := strings.Split(xff, ",")
	// The last entry is 0 hops away; with UseRemoteAddress the connection manager has appended the peer itself.
	i := len(entries) - 1 - hops
	if i < 0 {
		return s.Info.RemoteAddr
	}
	ip := net.ParseIP(strings.TrimSpace(entries[i]))
	if ip == nil {
		return s.Info.RemoteAddr
	}
	return net.JoinHostPort(ip.String(), "0")
}

func hostOf(address string) string {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	return host
}
