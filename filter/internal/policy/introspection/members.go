package introspection

import (
	"unicode/utf8"

	"github.com/tidwall/gjson"

	"github.com/sallyport-gateway/sallyport/filter/internal/fault"
)

const (
	// maxDepth bounds the nesting of an answer. The checker calls itself for
	// each level, and what overflows the stack of a guest ends its VM.
	maxDepth = 32
	// maxMembers bounds the members of the outer object.
	maxMembers = 256
)

// member is one member of a JSON object; its name is unescaped.
type member struct {
	name  string
	value gjson.Result
}

// readMembers reads the outer object of an answer. Every name may come once:
// readers differ in which of two they believe (RFC 8259 section 4). JSON that
// is no object has no active.
func readMembers(body []byte) (members []member, reason fault.Reason, ok bool) {
	if depth(body) > maxDepth {
		return nil, fault.IntrospectionTooLarge, false
	}
	if !utf8.Valid(body) || !gjson.ValidBytes(body) {
		return nil, fault.IntrospectionNotJSON, false
	}
	object := gjson.ParseBytes(body)
	if !object.IsObject() {
		return nil, fault.IntrospectionNoActive, false
	}
	seen := make(map[string]struct{})
	ok = true
	object.ForEach(func(name, value gjson.Result) bool {
		if _, twice := seen[name.Str]; twice {
			reason, ok = fault.IntrospectionDuplicateMember, false
		} else if len(members) == maxMembers {
			reason, ok = fault.IntrospectionTooLarge, false
		}
		seen[name.Str] = struct{}{}
		members = append(members, member{name: name.Str, value: value})
		return ok
	})
	return members, reason, ok
}

// depth is the deepest nesting of brackets outside strings, for any bytes.
func depth(b []byte) int {
	level, deepest, quoted := 0, 0, false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			level++
			deepest = max(deepest, level)
		case c == '}' || c == ']':
			level--
		}
	}
	return deepest
}
