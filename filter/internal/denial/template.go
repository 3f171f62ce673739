package denial

import (
	"errors"
	"strconv"
	"strings"

	"github.com/sallyport-gateway/sallyport/filter/internal/ascii"
	"github.com/sallyport-gateway/sallyport/filter/internal/jsonobject"
)

// MaxTemplateBytes bounds a body that an operator writes.
const MaxTemplateBytes = 8 << 10

// Variables are what a template may say of a refusal, in {{ and }}. All come
// from the table or from the configuration: nothing of a request, an answer or
// an error gets into a body.
var Variables = []string{"reason", "code", "status", "text"}

// Template is the body of a refusal as an operator wrote it.
type Template struct {
	contentType string
	escape      func(b []byte, s string) []byte
	literals    []string // one more than variables
	variables   []int    // index into Variables
}

// ParseTemplate reads a body for a content type, "" for none. A variable is
// escaped as JSON, XML or HTML want it, by the content type.
func ParseTemplate(text, contentType string) (*Template, error) {
	if len(text) > MaxTemplateBytes {
		return nil, errors.New("must have at most " + strconv.Itoa(MaxTemplateBytes) + " bytes")
	}
	t := &Template{contentType: contentType, escape: escapeFor(contentType)}
	for {
		literal, rest, found := strings.Cut(text, "{{")
		t.literals = append(t.literals, strings.Clone(literal))
		if !found {
			return t, nil
		}
		name, rest, closed := strings.Cut(rest, "}}")
		index := indexOf(Variables, ascii.Trim(name, " "))
		if !closed || index < 0 {
			return nil, errors.New(`must have "{{" only in front of ` + strings.Join(Variables, ", ") + `, with "}}" behind it`)
		}
		t.variables = append(t.variables, index)
		text = rest
	}
}

func indexOf(names []string, name string) int {
	for i := range names {
		if names[i] == name {
			return i
		}
	}
	return -1
}

func (t *Template) render(r *row, text string) []byte {
	b := literal(nil, t.literals[0])
	for i, v := range t.variables {
		value := [...]string{r.word, r.code, strconv.Itoa(r.status), text}[v]
		b = literal(t.escape(b, value), t.literals[i+1])
	}
	return b
}

func escapeFor(contentType string) func([]byte, string) []byte {
	media, _, _ := strings.Cut(ascii.Lower(contentType), ";")
	media = ascii.Trim(media, " \t")
	switch {
	case strings.HasSuffix(media, "json"):
		return appendJSON
	case strings.HasSuffix(media, "xml"), strings.HasSuffix(media, "html"):
		return appendMarkup
	}
	return literal
}

// appendJSON is what stands between the quotes of a string.
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
