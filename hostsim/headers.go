package hostsim

import (
	"slices"
	"strings"
)

// headerMap is Envoy's header map: names in lower case, pseudo headers first, and a repeated inline header joined to
// one entry. Source: Envoy source/common/http/header_map_impl.cc.
type headerMap struct {
	h Headers
}

// hostsOwnHeaders is about how many headers the host adds to a map: room for them is made in advance.
const hostsOwnHeaders = 6

// newHeaderMap takes headers as they come from the wire.
func newHeaderMap(h Headers) *headerMap {
	m := &headerMap{h: make(Headers, 0, len(h)+hostsOwnHeaders)}
	for _, f := range h {
		m.add(lowerName(f.Name), f.Value)
	}
	return m
}

func lowerName(name string) string { return strings.ToLower(name) }

func (m *headerMap) get(name string) (string, bool) {
	for i := range m.h {
		if m.h[i].Name == name {
			return m.h[i].Value, true
		}
	}
	return "", false
}

// getBytes is get without making a string of the name; an upper-case letter takes the slow way.
func (m *headerMap) getBytes(name []byte) (string, bool) {
	for _, c := range name {
		if 'A' <= c && c <= 'Z' {
			return m.get(lowerName(string(name)))
		}
	}
	for i := range m.h {
		if m.h[i].Name == string(name) {
			return m.h[i].Value, true
		}
	}
	return "", false
}

// joined is all values of name with commas between, as the request.headers property gives them.
// unique are the headers with those of one name joined, as maps of properties have them.
func (m *headerMap) unique() Headers {
	if m == nil {
		return nil
	}
	out := make(Headers, 0, len(m.h))
	for _, h := range m.h {
		if _, seen := out.Get(h.Name); !seen {
			value, _ := m.joined(h.Name)
			out = append(out, Header{Name: h.Name, Value: value})
		}
	}
	return out
}

// sizeOrNone is byteSize, and 0 of no map.
func (m *headerMap) sizeOrNone() int {
	if m == nil {
		return 0
	}
	return m.byteSize()
}

func (m *headerMap) joined(name string) (value string, found bool) {
	for i := range m.h {
		switch {
		case m.h[i].Name != name:
		case found:
			return strings.Join(m.h.Values(name), ","), true
		default:
			value, found = m.h[i].Value, true
		}
	}
	return value, found
}

// add is put for a name in lower case.
func (m *headerMap) add(name, value string) { m.put(newHeaderName(name), value) }

// put appends a header; an inline header that is there already is joined with a comma.
func (m *headerMap) put(name headerName, value string) {
	if name.inline {
		for i := range m.h {
			if m.h[i].Name == name.text {
				m.h[i].Value = joinInline(m.h[i].Value, value)
				return
			}
		}
	}
	if name.pseudo {
		at := 0
		for at < len(m.h) && strings.HasPrefix(m.h[at].Name, ":") {
			at++
		}
		if at < len(m.h) {
			m.h = slices.Insert(m.h, at, Header{Name: name.text, Value: value})
			return
		}
	}
	m.h = append(m.h, Header{Name: name.text, Value: value})
}

func joinInline(a, b string) string {
	switch {
	case a == "":
		return b
	case b == "":
		return a
	}
	return a + "," + b
}

// set is what a guest's replace does: the entry is a new one, at the end.
func (m *headerMap) set(name, value string) {
	m.remove(name)
	m.add(name, value)
}

// assign is what Envoy's own code does: an entry that is there keeps its place.
func (m *headerMap) assign(name, value string) {
	for i := range m.h {
		if m.h[i].Name == name {
			m.h[i].Value = value
			return
		}
	}
	m.add(name, value)
}

func (m *headerMap) remove(name string) {
	m.h = slices.DeleteFunc(m.h, func(f Header) bool { return f.Name == name })
}

func (m *headerMap) byteSize() int {
	n := 0
	for i := range m.h {
		n += len(m.h[i].Name) + len(m.h[i].Value)
	}
	return n
}

// pairs is a view of the headers, none of no map.
func (m *headerMap) pairs() []Header {
	if m == nil {
		return nil
	}
	return m.h
}

func (m *headerMap) snapshot() Headers {
	if m == nil {
		return nil
	}
	return m.h.Clone()
}

// size is the number of entries, 0 for no map.
func (m *headerMap) size() int {
	if m == nil {
		return 0
	}
	return len(m.h)
}

// inlineNames are the headers that a full Envoy build keeps in one entry each.
// Source: Envoy envoy/http/header_map.h INLINE_REQ_*, INLINE_RESP_*, and the RegisterCustomInlineHeader of its filters.
var inlineNames = map[string]bool{
	":authority": true, ":method": true, ":path": true, ":protocol": true, ":scheme": true, ":status": true,
	"accept": true, "accept-encoding": true, "access-control-allow-credentials": true,
	"access-control-allow-headers": true, "access-control-allow-methods": true, "access-control-allow-origin": true,
	"access-control-expose-headers": true, "access-control-max-age": true, "access-control-request-headers": true,
	"access-control-request-method": true, "authorization": true, "cache-control": true, "connection": true,
	"content-encoding": true, "content-length": true, "content-type": true, "date": true, "etag": true,
	"expect": true, "grpc-accept-encoding": true, "grpc-message": true, "grpc-status": true, "grpc-timeout": true,
	"host": true, "if-match": true, "if-modified-since": true, "if-none-match": true, "if-range": true,
	"if-unmodified-since": true, "keep-alive": true, "location": true, "origin": true, "pragma": true,
	"proxy-connection": true, "proxy-status": true, "referer": true, "server": true, "te": true,
	"transfer-encoding": true, "upgrade": true, "user-agent": true, "vary": true, "via": true,
	"x-envoy-external-address": true,
	"x-forwarded-client-cert":  true, "x-forwarded-for": true, "x-forwarded-host": true, "x-forwarded-port": true,
	"x-forwarded-proto": true, "x-request-id": true,
}

func isInline(name string) bool { return inlineNames[name] }
