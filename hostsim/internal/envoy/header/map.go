// Package header is Envoy's header map, and how long content-length says that a message is.
package header

import (
	"slices"
	"strings"

	"github.com/sallyport-gateway/sallyport/hostsim/abi"
)

// Map is Envoy's header map: names in lower case, pseudo headers first, and a repeated inline header joined to
// one entry. Source: Envoy source/common/http/header_map_impl.cc.
type Map struct {
	List abi.Headers
}

// Name is a header's name with what the host needs to know about it.
type Name struct {
	Text           string // in lower case
	inline, pseudo bool
}

func NewName(name string) Name {
	name = LowerName(name)
	return Name{Text: name, inline: isInline(name), pseudo: strings.HasPrefix(name, ":")}
}

// HostsOwn is about how many headers the host adds to a map: room for them is made in advance.
const HostsOwn = 6

// New takes headers as they come from the wire.
func New(h abi.Headers) *Map {
	m := &Map{List: make(abi.Headers, 0, len(h)+HostsOwn)}
	for _, f := range h {
		m.Add(LowerName(f.Name), f.Value)
	}
	return m
}

func LowerName(name string) string { return strings.ToLower(name) }

func (m *Map) Get(name string) (string, bool) {
	for i := range m.List {
		if m.List[i].Name == name {
			return m.List[i].Value, true
		}
	}
	return "", false
}

// GetBytes is Get without making a string of the name; an upper-case letter takes the slow way.
func (m *Map) GetBytes(name []byte) (string, bool) {
	for _, c := range name {
		if 'A' <= c && c <= 'Z' {
			return m.Get(LowerName(string(name)))
		}
	}
	for i := range m.List {
		if m.List[i].Name == string(name) {
			return m.List[i].Value, true
		}
	}
	return "", false
}

// Unique is the headers with those of the same name joined, as maps of properties have them.
func (m *Map) Unique() abi.Headers {
	if m == nil {
		return nil
	}
	out := make(abi.Headers, 0, len(m.List))
	for _, h := range m.List {
		if _, seen := out.Get(h.Name); !seen {
			value, _ := m.Joined(h.Name)
			out = append(out, abi.Header{Name: h.Name, Value: value})
		}
	}
	return out
}

// SizeOrNone is ByteSize, or 0 for no map.
func (m *Map) SizeOrNone() int {
	if m == nil {
		return 0
	}
	return m.ByteSize()
}

// Joined is all values of name with commas between, as the request.headers property gives them.
func (m *Map) Joined(name string) (value string, found bool) {
	for i := range m.List {
		switch {
		case m.List[i].Name != name:
		case found:
			return strings.Join(m.List.Values(name), ","), true
		default:
			value, found = m.List[i].Value, true
		}
	}
	return value, found
}

// Add is Put for a name in lower case.
func (m *Map) Add(name, value string) { m.Put(NewName(name), value) }

// Put appends a header; an inline header that already exists is joined with a comma.
func (m *Map) Put(name Name, value string) {
	if name.inline {
		for i := range m.List {
			if m.List[i].Name == name.Text {
				m.List[i].Value = joinInline(m.List[i].Value, value)
				return
			}
		}
	}
	if name.pseudo {
		at := 0
		for at < len(m.List) && strings.HasPrefix(m.List[at].Name, ":") {
			at++
		}
		if at < len(m.List) {
			m.List = slices.Insert(m.List, at, abi.Header{Name: name.Text, Value: value})
			return
		}
	}
	m.List = append(m.List, abi.Header{Name: name.Text, Value: value})
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

// Set is what a guest's replace does: the entry is a new one, at the end.
func (m *Map) Set(name, value string) {
	m.Remove(name)
	m.Add(name, value)
}

// Assign is what Envoy's own code does: an existing entry keeps its place.
func (m *Map) Assign(name, value string) {
	for i := range m.List {
		if m.List[i].Name == name {
			m.List[i].Value = value
			return
		}
	}
	m.Add(name, value)
}

func (m *Map) Remove(name string) {
	m.List = slices.DeleteFunc(m.List, func(f abi.Header) bool { return f.Name == name })
}

func (m *Map) ByteSize() int {
	n := 0
	for i := range m.List {
		n += len(m.List[i].Name) + len(m.List[i].Value)
	}
	return n
}

// Pairs is a view of the headers; nil for no map.
func (m *Map) Pairs() []abi.Header {
	if m == nil {
		return nil
	}
	return m.List
}

func (m *Map) Snapshot() abi.Headers {
	if m == nil {
		return nil
	}
	return m.List.Clone()
}

// Size is the number of entries, 0 for no map.
func (m *Map) Size() int {
	if m == nil {
		return 0
	}
	return len(m.List)
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

// GetOrNone is Get that also works for no map.
func (m *Map) GetOrNone(name string) (string, bool) {
	if m == nil {
		return "", false
	}
	return m.Get(name)
}
