package http

import (
	"strconv"
	"strings"

	"github.com/sallyport-gateway/sallyport/hostsim/internal/envoy"
	"github.com/sallyport-gateway/sallyport/hostsim/internal/envoy/property"
)

func (s *Stream) UpstreamChosen() bool      { return s.chosen }
func (s *Stream) UpstreamConnected() bool   { return s.connected }
func (s *Stream) Routed() bool              { return true }
func (s *Stream) RouteName() property.Value { return property.Text(s.Info.RouteName) }
func (s *Stream) Attempts() property.Value  { return property.Number(attempts(s.isRouted)) }
func (s *Stream) SourceAddress() string     { return s.first().clientAddress(s.decode.headers) }

func (s *Stream) RequestProperty(rest string) property.Value {
	switch rest {
	case "time":
		return property.Number(s.StartedAt.UnixNano())
	case "protocol":
		return property.Text(s.Info.Protocol)
	case "duration":
		return property.Number(s.Host.Process.Clock.Now().Sub(s.StartedAt)).When(s.Over)
	}
	m := s.decode.seenHeaders
	if m == nil {
		switch rest {
		case "headers":
			return property.Pairs(nil)
		case "size", "total_size":
			return property.Number(int64(s.bytesReceived))
		}
		return property.Value{}
	}
	header := func(name string) property.Value { value, ok := m.Get(name); return property.Text(value).When(ok) }
	switch rest {
	case "path":
		return header(":path")
	case "url_path":
		path, _ := m.Get(":path")
		bare, _, _ := strings.Cut(path, "?")
		return property.Text(bare)
	case "query":
		path, _ := m.Get(":path")
		_, query, _ := strings.Cut(path, "?")
		return property.Text(query)
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
		length, _ := m.Get("content-length")
		if n, err := strconv.ParseInt(length, 10, 64); err == nil {
			return property.Number(n)
		}
		return property.Number(int64(s.bytesReceived))
	case "total_size":
		return property.Number(int64(m.ByteSize() + s.bytesReceived))
	case "headers":
		return property.Pairs(m.Unique())
	}
	return property.Header(m, rest)
}

func (s *Stream) ResponseProperty(rest string) property.Value {
	switch rest {
	case "code":
		return property.Number(int64(s.responseCode)).When(s.hasCode)
	case "code_details":
		return property.Text(s.CodeDetails).When(s.detailed)
	case "flags":
		return property.Number(uint64(s.Flags))
	case "headers":
		return property.Pairs(s.encode.seenHeaders.Unique())
	case "trailers":
		return property.Pairs(s.encode.seenTrailers.Unique())
	case "size":
		return property.Number(int64(s.bytesSent))
	case "total_size":
		return property.Number(int64(s.bytesSent + s.encode.seenHeaders.SizeOrNone() + s.encode.seenTrailers.SizeOrNone()))
	case "backend_latency":
		return property.Number(s.answeredAt.Sub(s.routedAt)).When(s.Over && !s.answeredAt.IsZero())
	case "grpc_status":
		value, ok := s.encode.seenTrailers.GetOrNone("grpc-status")
		if !ok {
			value, ok = s.encode.seenHeaders.GetOrNone("grpc-status")
		}
		n, err := strconv.ParseInt(value, 10, 64)
		if !ok && s.responseCode != 0 {
			return property.Number(int64(envoy.GRPCStatusOf(s.responseCode)))
		}
		return property.Number(n).When(ok && err == nil)
	}
	if name, ok := strings.CutPrefix(rest, "trailers\x00"); ok {
		return property.Header(s.encode.seenTrailers, "headers\x00"+name)
	}
	return property.Header(s.encode.seenHeaders, rest)
}

// attempts is upstream.request_attempt_count.
func attempts(routed bool) uint64 {
	if routed {
		return 1
	}
	return 0
}
