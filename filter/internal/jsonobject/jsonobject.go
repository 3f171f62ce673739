// Package jsonobject reads the members of one JSON object from an untrusted
// sender: bounded in depth and number, in valid UTF-8, every name once. Parsers
// differ in which of two equal names they believe (RFC 8259 section 4), so an
// object that has two is refused.
package jsonobject

import (
	"errors"
	"unicode/utf8"

	"github.com/tidwall/gjson"
)

const (
	// MaxDepth bounds the nesting. The checker recurses at each level, and a
	// stack overflow in a guest ends its VM.
	MaxDepth = 32
	// MaxMembers bounds the members of the object. Each is looked at once, however
	// many there are.
	MaxMembers = 1024
	// maxUnixSeconds is the end of the year 9999, the last that RFC 3339 can write.
	maxUnixSeconds = 253402300799
)

// What can be wrong with an object.
var (
	ErrTooDeep        = errors.New("nested too deeply")
	ErrTooManyMembers = errors.New("too many members")
	ErrNotJSON        = errors.New("not JSON")
	ErrNotObject      = errors.New("not an object")
	ErrDuplicate      = errors.New("a member appears twice")
)

// Member is one member of an object; its name is unescaped.
type Member struct {
	_ [0]func() // not comparable: an unused == costs the guest code

	Name  string
	Value Value
}

// Read reads the outer object of a whole JSON text, its members in their order.
func Read(text []byte) ([]Member, error) {
	if depth(text) > MaxDepth {
		return nil, ErrTooDeep
	}
	if !utf8.Valid(text) || !gjson.ValidBytes(text) {
		return nil, ErrNotJSON
	}
	return Of(Root(text))
}

// Of reads an object inside a text that Read has accepted.
func Of(object Value) (members []Member, err error) {
	if !object.IsObject() {
		return nil, ErrNotObject
	}
	seen := make(map[string]struct{})
	object.Each(func(name string, value Value) bool {
		if _, twice := seen[name]; twice {
			err = ErrDuplicate
		} else if len(members) == MaxMembers {
			err = ErrTooManyMembers
		}
		seen[name] = struct{}{}
		members = append(members, Member{Name: name, Value: value})
		return err == nil
	})
	return members, err
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
