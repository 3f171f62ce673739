package http

import (
	"strings"

	"github.com/sallyport-gateway/sallyport/hostsim/internal/envoy/header"
)

// maxNominated is how many names a Connection header may have before the request is refused.
const maxNominated = 10

// isUpgrade: the message asks for another protocol on its connection. Source: Envoy Utility::isUpgrade.
func isUpgrade(m *header.Map) bool {
	if _, ok := m.Get("upgrade"); !ok {
		return false
	}
	connection, _ := m.Get("connection")
	return hasToken(connection, "upgrade")
}

// asksForWebSocket: the one kind of upgrade whose answer the router looks at. Source: Envoy Utility::isWebSocketUpgradeRequest.
func asksForWebSocket(m *header.Map) bool {
	protocol, _ := m.Get("upgrade")
	return isUpgrade(m) && strings.EqualFold(protocol, "websocket")
}

// holdsBody: the request waits with its body until the backend agrees to another protocol.
func (s *Stream) holdsBody() bool {
	m := s.decode.headers
	method, _ := m.Get(":method")
	return method == connect || asksForWebSocket(m) || s.Host.Process.Profile.HoldsUpgrades && isUpgrade(m)
}

func hasToken(list, token string) bool {
	for t := range strings.SplitSeq(list, ",") {
		if strings.EqualFold(strings.Trim(t, " \t"), token) {
			return true
		}
	}
	return false
}

// dropNominated removes the headers that Connection names; false refuses the request.
// Source: Envoy Utility::sanitizeConnectionHeader.
func dropNominated(m *header.Map) bool {
	connection, _ := m.Get("connection")
	var names []string
	for t := range strings.SplitSeq(connection, ",") {
		if t != "" {
			names = append(names, strings.ToLower(strings.Trim(t, " \t")))
		}
	}
	if len(names) >= maxNominated {
		return false
	}
	var left []string
	for _, name := range names {
		switch {
		case name == "close" || name == "http2-settings" || name == "keep-alive" || name == "upgrade" || name == "":
			left = append(left, name)
		case name == "x-forwarded-for" || name == "x-forwarded-host" || name == "x-forwarded-proto" || name[0] == ':':
			return false
		case name == "te":
			if te, ok := m.Get("te"); ok && hasToken(te, "trailers") {
				m.Assign("te", "trailers")
				left = append(left, name)
				continue
			}
			m.Remove(name)
		default:
			m.Remove(header.NewName(name).In(header.Request).Text)
		}
	}
	if len(left) == 0 {
		m.Remove("connection")
	} else {
		m.Assign("connection", strings.Join(left, ","))
	}
	return true
}

// dropH2C forgets that the client would rather have HTTP/2. Source: Envoy ConnectionImpl::onHeadersCompleteImpl.
func dropH2C(m *header.Map) {
	protocol, _ := m.Get("upgrade")
	if !isUpgrade(m) || !strings.EqualFold(protocol, "h2c") {
		return
	}
	connection, _ := m.Get("connection")
	var left []string
	for t := range strings.SplitSeq(connection, ",") {
		if t = strings.Trim(t, " \t"); t != "" && !strings.EqualFold(t, "upgrade") && !strings.EqualFold(t, "http2-settings") {
			left = append(left, t)
		}
	}
	m.Remove("upgrade")
	m.Remove("http2-settings")
	m.Remove("connection")
	if len(left) > 0 {
		m.Add("connection", strings.Join(left, ","))
	}
}
