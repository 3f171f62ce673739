package jsonobject

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/sallyport-gateway/sallyport/filter/internal/ascii"
)

// Value is the text of one JSON value, known to be valid; "" is none at all.
// gjson's Result is seven times as large, is passed by value, and links float
// parsing: 60 KiB of a module.
type Value string

// Root is the outer value of a valid JSON text.
func Root(text []byte) Value { return Value(ascii.Trim(string(text), " \t\r\n")) }

func (v Value) IsObject() bool { return v.first() == '{' }
func (v Value) IsList() bool   { return v.first() == '[' }
func (v Value) IsString() bool { return v.first() == '"' }
func (v Value) IsBool() bool   { return v.first() == 't' || v.first() == 'f' }
func (v Value) IsNull() bool   { return v.first() == 'n' }
func (v Value) IsNumber() bool { return v.first() == '-' || v.first()-'0' < 10 }

// first tells the type.
func (v Value) first() byte {
	if v == "" {
		return 0
	}
	return v[0]
}

// TypeName says what v is, in the words of a problem.
func (v Value) TypeName() string {
	switch {
	case v.IsObject():
		return "an object"
	case v.IsList():
		return "a list"
	case v.IsString():
		return "a string"
	case v.IsBool():
		return "true or false"
	case v.IsNumber():
		return "a number"
	}
	return "null"
}

// Content is the text of a string, "" of anything else. It may share the
// document's memory.
//
//go:noinline
func (v Value) Content() string {
	if !v.IsString() {
		return ""
	}
	s := string(v[1 : len(v)-1])
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	return unescape(s)
}

// unescape replaces the escapes in what stands between the quotes of a valid
// string (RFC 8259 section 7). Half a surrogate pair becomes U+FFFD.
func unescape(s string) string {
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == '\\' {
			i++
			c = s[i]
			if c == 'u' {
				r := unit(s[i+1:])
				i += 4
				if rest := s[i+1:]; utf16.IsSurrogate(r) && len(rest) >= 6 && rest[0] == '\\' && rest[1] == 'u' {
					if pair := utf16.DecodeRune(r, unit(rest[2:])); pair != utf8.RuneError {
						r = pair
						i += 6
					}
				}
				b = utf8.AppendRune(b, r)
				continue
			}
			if letter := strings.IndexByte("bfnrt", c); letter >= 0 {
				c = "\b\f\n\r\t"[letter]
			}
		}
		b = append(b, c)
	}
	return string(b)
}

// unit is the number that s begins with in four hex digits.
func unit(s string) rune {
	high, _ := ascii.Unhex(s[0], s[1])
	low, _ := ascii.Unhex(s[2], s[3])
	return rune(high)<<8 | rune(low)
}

// Each goes through an object or a list; keys are unescaped, "" in a list. With
// gjson's own a large catalog takes a fifth longer to configure.
func (v Value) Each(item func(key string, v Value) bool) {
	rest := v[1 : len(v)-1].next()
	for len(rest) > 0 {
		key := ""
		if v.IsObject() {
			end := rest.stringEnd()
			key = rest[:end].Content()
			rest = rest[end:].next()
		}
		end := rest.end()
		if !item(key, rest[:end]) {
			return
		}
		rest = rest[end:].next()
	}
}

// next cuts off the blanks and punctuation before the next value.
func (v Value) next() Value {
	for i := range len(v) {
		switch v[i] {
		case ' ', '\t', '\r', '\n', ',', ':':
		default:
			return v[i:]
		}
	}
	return ""
}

// end is the length of the value that v begins with.
func (v Value) end() int {
	switch v[0] {
	case '"':
		return v.stringEnd()
	case '{', '[':
		level := 0
		for i := 0; i < len(v); i++ {
			switch v[i] {
			case '"':
				i += v[i:].stringEnd() - 1
			case '{', '[':
				level++
			case '}', ']':
				if level--; level == 0 {
					return i + 1
				}
			}
		}
		return len(v)
	}
	for i := range len(v) {
		switch v[i] {
		case ' ', '\t', '\r', '\n', ',':
			return i
		}
	}
	return len(v)
}

// stringEnd is the length of the string that v begins with, quotes included.
func (v Value) stringEnd() int {
	for i := 1; i < len(v); i++ {
		switch v[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(v)
}
