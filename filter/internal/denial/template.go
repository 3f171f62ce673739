package denial

import (
	"errors"
	"strconv"
	"strings"

	"github.com/sallyport-gateway/sallyport/filter/internal/jsonobject"
)

// MaxTemplateBytes bounds a body that an operator writes.
const MaxTemplateBytes = 8 << 10

// Variables are what a template may say about a refusal, in {{ and }}. All come
// from the table or from the configuration: nothing from a request, an answer
// or an error gets into a body.
var Variables = []string{"reason", "code", "status", "text"}

// Template is the body of a refusal as an operator wrote it.
type Template struct {
	contentType string
	escape      func(b []byte, s string) []byte
	text        string
}

var errTemplate = errors.New(`must use "{{" only before reason, code, status or text, followed by "}}"`)

// ParseTemplate reads a body for a content type, "" for none. Variables are
// escaped for JSON, XML or HTML, depending on the content type.
func ParseTemplate(text, contentType string) (*Template, error) {
	if len(text) > MaxTemplateBytes {
		return nil, errors.New("must have at most " + strconv.Itoa(MaxTemplateBytes) + " bytes")
	}
	t := &Template{contentType: contentType, escape: escapeFor(contentType), text: text}
	for rest := text; rest != ""; {
		var variable int
		if _, variable, rest = next(rest); variable == unknown {
			return nil, errTemplate
		}
	}
	return t, nil
}

// What next finds besides an index of Variables.
const none, unknown = -1, -2

// next cuts a text after its first variable.
//
//go:noinline
func next(text string) (literal string, variable int, rest string) {
	at := strings.Index(text, "{{")
	if at < 0 {
		return text, none, ""
	}
	literal, rest = text[:at], text[at+2:]
	end := strings.Index(rest, "}}")
	if end < 0 {
		return literal, unknown, ""
	}
	name := rest[:end]
	for i := range Variables {
		if name == Variables[i] || name == " "+Variables[i]+" " {
			return literal, i, rest[end+2:]
		}
	}
	return literal, unknown, ""
}

func (t *Template) render(r *row, text string) []byte {
	values := [...]string{r.word, r.code, strconv.Itoa(r.status), text}
	var b []byte
	for rest := t.text; rest != ""; {
		var before string
		var variable int
		before, variable, rest = next(rest)
		if b = literal(b, before); variable >= 0 {
			b = t.escape(b, values[variable])
		}
	}
	return b
}

func escapeFor(contentType string) func([]byte, string) []byte {
	media, _, _ := strings.Cut(contentType, ";")
	switch {
	case endsIn(media, "json"):
		return appendJSON
	case endsIn(media, "xml"), endsIn(media, "html"):
		return appendMarkup
	}
	return literal
}

// endsIn ignores letter case and trailing blanks.
func endsIn(s, lower string) bool {
	for s != "" && (s[len(s)-1] == ' ' || s[len(s)-1] == '\t') {
		s = s[:len(s)-1]
	}
	if len(s) < len(lower) {
		return false
	}
	s = s[len(s)-len(lower):]
	for i := range len(lower) {
		if s[i]|0x20 != lower[i] {
			return false
		}
	}
	return true
}

// appendJSON appends what stands between the quotes of a string.
func appendJSON(b []byte, s string) []byte {
	at := len(b)
	b = jsonobject.AppendString(b, s)
	copy(b[at:], b[at+1:len(b)-1])
	return b[:len(b)-2]
}

// appendMarkup escapes for the content of an element and for an attribute.
func appendMarkup(b []byte, s string) []byte {
	for i := range len(s) {
		switch c := s[i]; c {
		case '&', '<', '>', '"', '\'':
			b = append(strconv.AppendInt(append(b, '&', '#'), int64(c), 10), ';')
		default:
			b = append(b, c)
		}
	}
	return b
}
