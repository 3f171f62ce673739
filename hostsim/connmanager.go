package hostsim

import (
	"fmt"
	"net"
	"strings"
	"time"
)

// acceptRequest does what Envoy's connection manager does to a request before the first filter sees it: a header map
// with joined inline headers and pseudo headers first, the scheme, and its own headers.
func (s *Stream) acceptRequest(h Headers) *headerMap {
	m := &headerMap{}
	var authority, path, method, scheme string
	for _, f := range h {
		switch name := lowerName(f.Name); name {
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
		default:
			m.add(name, f.Value)
		}
	}
	if scheme == "" {
		scheme = "http"
		if s.info.TLS != nil {
			scheme = "https"
		}
	}
	pseudo := &headerMap{}
	for _, f := range []Header{{Name: ":authority", Value: authority}, {Name: ":path", Value: path}, {Name: ":method", Value: method}, {Name: ":scheme", Value: scheme}} {
		if f.Value != "" {
			pseudo.add(f.Name, f.Value)
		}
	}
	m.h = append(pseudo.h, m.h...)
	s.headReq = method == "HEAD"
	contentType, _ := m.get("content-type")
	s.grpcReq = isGRPC(contentType)
	s.forwarded(m, scheme)
	return m
}

// forwarded adds x-forwarded-for, -proto and x-request-id. Source: Envoy conn_manager_utility.cc mutateRequestHeaders.
func (s *Stream) forwarded(m *headerMap, scheme string) {
	cm := s.host.config.connManager
	if cm.UseRemoteAddress {
		ip := hostOf(s.info.RemoteAddr)
		m.add("x-forwarded-for", ip)
		if cm.XFFTrustedHops == 0 {
			m.set("x-forwarded-proto", scheme)
		}
	}
	if _, ok := m.get("x-forwarded-proto"); !ok {
		m.add("x-forwarded-proto", scheme)
	}
	if _, ok := m.get("x-request-id"); !ok || cm.UseRemoteAddress {
		m.set("x-request-id", s.host.process.requestID())
	}
}

// sourceAddress is the property source.address, in the connection manager's view; see the settings' docs.
func (s *Stream) sourceAddress() string {
	cm := s.host.config.connManager
	hops := cm.XFFTrustedHops
	if cm.UseRemoteAddress {
		if hops == 0 {
			return s.info.RemoteAddr
		}
	}
	xff, ok := s.decode.headers.getOrNone("x-forwarded-for")
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

// requestID is a random UUID from the process's own source.
func (p *Process) requestID() string {
	p.mu.Lock()
	a, b := p.random.Uint64(), p.random.Uint64()
	p.mu.Unlock()
	return fmt.Sprintf("%08x-%04x-4%03x-%04x-%012x", a>>32, a>>16&0xffff, a&0xfff, b>>48&0x3fff|0x8000, b&0xffffffffffff)
}

// routeTimeout bounds the backend's answer; negative for none.
func (h *Host) routeTimeout() time.Duration {
	if d := h.config.connManager.RouteTimeout; d != 0 {
		return d
	}
	return defaultRouteTimeout
}
