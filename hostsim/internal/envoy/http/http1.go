package http

import (
	"strings"

	"github.com/sallyport-gateway/sallyport/hostsim/abi"
	"github.com/sallyport-gateway/sallyport/hostsim/internal/envoy/header"
)

// Envoy's defaults for the headers of a request.
const (
	maxHeaders     = 100
	maxHeadersSize = 60 << 10
)

// codecError is what the codec says to a request that it cannot take.
func codecError(details string) *localReply {
	return &localReply{status: badRequest, body: []byte("Bad Request"), details: details}
}

// http1Request is what Envoy's HTTP/1 codec makes of a request's head, or how it refuses it. Source: Envoy
// source/common/http/http1/codec_impl.cc onHeadersCompleteImpl, ServerConnectionImpl::onHeadersComplete and handlePath.
func (s *Stream) http1Request(h abi.Headers) (*header.Map, *localReply) {
	m, method, target, refused := http1Head(h)
	switch {
	case refused != nil:
		return nil, refused
	case method == query && !s.Host.Process.Profile.KnowsQuery:
		return nil, codecError("http1.codec_error")
	}
	dropH2C(m)
	if !isUpgrade(m) {
		if _, ok := m.Get("connection"); ok && !dropNominated(m) {
			return nil, codecError("http1.connection_header_rejected")
		}
	}
	if r := checkFraming(m, method); r != nil {
		return nil, r
	}
	switch {
	case method == connect, target[0] != '/' && (method != "OPTIONS" || target[0] != '*'):
		scheme, host, path, ok := parseURL(target, method == connect)
		if !ok {
			return nil, codecError("http1.invalid_url")
		}
		m.Assign(":authority", host)
		if method == connect {
			break
		}
		if scheme != "http" && scheme != "https" {
			return nil, codecError("http1.invalid_scheme")
		}
		m.Add(":scheme", scheme)
		m.Add(":path", path)
	default:
		m.Add(":path", target)
	}
	m.Add(":method", method)
	if host, _ := m.Get(":authority"); !isAuthority(host) {
		return nil, codecError("http.invalid_authority")
	}
	return m, nil
}

// http1Head is what the parser gives: header lines, with Host as :authority, and the parts of the request line.
func http1Head(h abi.Headers) (m *header.Map, method, target string, refused *localReply) {
	m = &header.Map{Kind: header.Request, List: make(abi.Headers, 0, len(h)+header.HostsOwn)}
	size, lines := 0, 0
	for _, f := range h {
		name, value := header.LowerName(f.Name), strings.Trim(f.Value, " \t")
		switch name {
		case ":method":
			method = f.Value
			continue
		case ":path":
			target = f.Value
			continue
		case ":scheme":
			continue
		case ":authority":
			name = "host"
		}
		size += len(name) + len(value)
		lines++
		switch {
		case name == "" || !header.IsName(name):
			return nil, "", "", codecError("http1.codec_error")
		case !header.IsValue(value):
			return nil, "", "", codecError("http1.invalid_characters")
		case size > maxHeadersSize:
			return nil, "", "", &localReply{status: 431, body: []byte("Request Header Fields Too Large"), details: "http1.headers_too_large"}
		case lines > maxHeaders:
			return nil, "", "", &localReply{status: 431, body: []byte("Request Header Fields Too Large"), details: "http1.too_many_headers"}
		case name == "content-length":
			if _, again := m.Get(name); again || value == "" || !header.Consists(value, header.IsDigit) {
				return nil, "", "", codecError("http1.codec_error")
			}
		}
		m.Add(name, value)
	}
	if !methods[method] || !isTarget(target, method == connect) {
		return nil, "", "", codecError("http1.codec_error")
	}
	return m, method, target, nil
}

// checkFraming refuses what says in two ways how long the body is, or in a way that Envoy does not know.
func checkFraming(m *header.Map, method string) *localReply {
	length, hasLength := m.Get("content-length")
	if method == connect && hasLength {
		if strings.Trim(length, "0") != "" {
			return codecError("http1.body_disallowed")
		}
		m.Remove("content-length")
	}
	encoding, ok := m.Get("transfer-encoding")
	switch {
	case !ok:
		return nil
	case !strings.EqualFold(encoding, "chunked") || method == connect:
		return &localReply{status: 501, body: []byte("Not Implemented"), details: "http1.invalid_transfer_encoding"}
	case hasLength:
		return codecError("http1.content_length_and_chunked_not_allowed")
	}
	return nil
}

// checkTrailers is what the codec says to trailers that it cannot take.
func (s *Stream) checkTrailers(h abi.Headers) *localReply {
	for _, f := range h {
		switch {
		case !s.IsHTTP1():
		case f.Name == "" || !header.IsName(f.Name):
			return codecError("http1.codec_error")
		case !header.IsValue(f.Value):
			return codecError("http1.invalid_characters")
		}
	}
	return nil
}
