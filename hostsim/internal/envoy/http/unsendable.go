package http

import (
	"fmt"
	"strings"

	"github.com/sallyport-gateway/sallyport/hostsim/internal/envoy"
	"github.com/sallyport-gateway/sallyport/hostsim/internal/envoy/header"
)

// unsendable says why the codec of the backend's connection does not take request headers; empty when it does.
// Source: Envoy HeaderUtility::checkRequiredRequestHeaders and checkValidRequestHeaders.
func unsendable(m *header.Map) string {
	has := func(name string) bool { _, ok := m.Get(name); return ok }
	method, ok := m.Get(":method")
	switch {
	case !ok:
		return "missing required header: :method"
	case method == connect && !has(":protocol"): // no request comes here without a path
		return "missing required header: :protocol"
	}
	for i := range m.List {
		h := &m.List[i]
		if !strings.HasPrefix(h.Name, ":") && !header.IsName(h.Name) {
			return "invalid header name: " + escapedName(h.Name)
		}
		if !header.IsValue(h.Value) {
			return "invalid header value for: " + escapedName(h.Name)
		}
	}
	return ""
}

// escapedName has control characters as JSON writes them.
func escapedName(name string) string {
	var b strings.Builder
	for i := range len(name) {
		switch c := name[i]; {
		case c == '"' || c == '\\':
			b.WriteString("\\" + string(rune(c)))
		case c < ' ' || c == 0x7f:
			if at := strings.IndexByte("\b\f\n\r\t", c); at >= 0 {
				b.WriteString("\\" + "bfnrt"[at:at+1])
			} else {
				fmt.Fprintf(&b, "\\u%04x", c)
			}
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// refusedByCodec answers a request that cannot be sent. The connection has to be there first, and the rest of the request
// comes meanwhile.
func (s *Stream) refusedByCodec(text string, end bool) {
	s.upstreamEnd, s.UpstreamDone, s.connected = true, true, true
	s.routerTold()
	s.flag(envoy.FlagDownstreamProtocolError)
	r := &localReply{status: 503, body: []byte(text), details: "filter_removed_required_request_headers{" + detailsText(text) + "}"}
	if end {
		s.localReply(r)
		return
	}
	s.Thread.After(0, func() { s.Fed(func() { s.localReply(r) }) })
}
