package http

import (
	"net"
	"slices"
	"strings"

	"github.com/sallyport-gateway/sallyport/hostsim/abi"
	"github.com/sallyport-gateway/sallyport/hostsim/internal/envoy"
	"github.com/sallyport-gateway/sallyport/hostsim/internal/envoy/header"
)

// admit does what the codec and the connection manager do to a request before the first filter sees it. With a reply they
// have refused it; the map is nil when the codec has.
func (s *Stream) admit(h abi.Headers, end bool) (*header.Map, *localReply) {
	if !s.IsHTTP1() {
		m := http2Request(h)
		s.decode.headers, s.decode.complete = m, end
		return m, s.refuse(m)
	}
	m, refused := s.http1Request(h)
	if refused != nil {
		s.flag(envoy.FlagDownstreamProtocolError)
		s.closesClient = true
		return nil, refused
	}
	method, _ := m.Get(":method")
	// What follows the head of these belongs to another protocol, and has no end.
	end = end && method != connect && !isUpgrade(m)
	s.decode.headers, s.decode.complete = m, end
	return m, s.refuse(m)
}

// http2Request takes headers as HTTP/2 and 3 have them. It does not check them.
func http2Request(h abi.Headers) *header.Map {
	m := &header.Map{Kind: header.Request, List: make(abi.Headers, 0, len(h)+header.HostsOwn)}
	for _, name := range []string{":authority", ":path", ":method", ":scheme"} {
		for _, f := range h {
			if key := header.LowerName(f.Name); key == name || key == "host" && name == ":authority" {
				m.Assign(name, f.Value)
				break
			}
		}
	}
	for _, f := range h {
		switch name := header.LowerName(f.Name); name {
		case ":authority", "host", ":path", ":method", ":scheme":
		default:
			m.Add(name, f.Value)
		}
	}
	return m
}

// refuse is the connection manager's own answer to a request, or nil. It makes the headers what filters see.
// Source: Envoy conn_manager_impl.cc ActiveStream::decodeHeaders.
func (s *Stream) refuse(m *header.Map) *localReply {
	if expect, _ := m.Get("expect"); strings.EqualFold(expect, "100-continue") { // it is told to go on
		m.Remove("expect")
	}
	if s.Info.Protocol == "HTTP/1.0" {
		s.closesClient = true
		return &localReply{status: 426, details: "low_version"}
	}
	host, _ := m.Get(":authority")
	path, _ := m.Get(":path")
	method, _ := m.Get(":method")
	_, typed := m.Get("content-type")
	switch {
	case host == "":
		s.closesClient = true
		return &localReply{status: badRequest, details: "missing_host_header"}
	case method == query && !typed:
		return &localReply{status: badRequest, details: "query_missing_content_type"}
	case method != connect && !strings.HasPrefix(path, "/"):
		return &localReply{status: 404, details: "absolute_path_rejected"}
	case strings.Contains(path, "#"):
		// Source: Envoy conn_manager_utility.cc maybeNormalizePath.
		return &localReply{status: badRequest, details: "path_normalization_failed"}
	}
	s.mutateRequest(m, method)
	if isUpgrade(m) {
		return &localReply{status: 403, details: "upgrade_failed"} // no upgrade is configured
	}
	return nil
}

// mutateRequest makes the headers the connection manager's own. Source: Envoy conn_manager_utility.cc mutateRequestHeaders.
func (s *Stream) mutateRequest(m *header.Map, method string) {
	m.List = slices.DeleteFunc(m.List, func(f abi.Header) bool { return s.isForged(f.Name) })
	s.ownConnection(m)
	if referer, ok := m.Get("referer"); ok && !isReferer(referer) {
		m.Remove("referer")
	}
	s.HeadReq = method == "HEAD"
	contentType, _ := m.Get("content-type")
	s.grpcReq = envoy.IsGRPC(contentType)
	s.sharesRequest()
	s.forwarded(m)
	if _, ok := m.Get(":scheme"); !ok {
		m.Add(":scheme", s.scheme(m))
	}
}

// scheme is what x-forwarded-proto says, or else that of the connection.
func (s *Stream) scheme(m *header.Map) string {
	proto, _ := m.Get("x-forwarded-proto")
	switch proto = strings.ToLower(proto); {
	case proto == "http" || proto == "https":
		return proto
	case s.Info.TLS != nil:
		return "https"
	}
	return "http"
}

// ownConnection removes what the client says about its own connection. Of te only trailers is left.
// Source: Envoy conn_manager_utility.cc mutateRequestHeaders; measured.
func (s *Stream) ownConnection(m *header.Map) {
	connection, _ := m.Get("connection")
	s.closesClient = s.closesClient || hasToken(connection, "close")
	m.Remove("transfer-encoding")
	if !isUpgrade(m) {
		for _, name := range []string{"connection", "keep-alive", "proxy-connection", "upgrade"} {
			m.Remove(name)
		}
	}
	if te, ok := m.Get("te"); ok {
		if hasToken(te, "trailers") {
			m.Assign("te", "trailers")
		} else {
			m.Remove("te")
		}
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
func (s *Stream) forwarded(m *header.Map) {
	scheme := "http"
	if s.Info.TLS != nil {
		scheme = "https"
	}
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
