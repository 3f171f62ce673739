package scenario

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Property is what the host answers when the guest asks for a path, in every
// stream.
type Property struct {
	Path string // with dots between the parts
	Kind PropertyKind
	Text string // as the file writes the value
}

// PropertyKind is how the guest gets a property.
type PropertyKind string

// The kinds. The empty one is text, as it is.
const (
	PropertyInt  PropertyKind = "int"  // 8 bytes, little endian
	PropertyBool PropertyKind = "bool" // 1 byte
)

var propertyKinds = []PropertyKind{PropertyInt, PropertyBool}

func parseProperties(s passage, p *problems) []Property {
	var out []Property
	for i, line := range lines(s.text) {
		path, value, ok := strings.Cut(line, " = ")
		one := Property{Path: path, Text: value}
		if word, rest, typed := strings.Cut(path, " "); typed && slices.Contains(propertyKinds, PropertyKind(word)) {
			one.Kind, one.Path = PropertyKind(word), rest
		}
		if !ok || !isPropertyPath(one.Path) {
			p.addf(s.line+i, "property line %s is not PATH = VALUE, int PATH = N or bool PATH = true", quote(line))
			continue
		}
		if slices.ContainsFunc(out, func(o Property) bool { return o.Path == one.Path }) {
			p.addf(s.line+i, "second value for property %s: keep one", one.Path)
		}
		out = append(out, one)
	}
	if len(out) == 0 {
		p.addf(s.line, "section properties has no line PATH = VALUE: write one, or remove it")
	}
	return out
}

func isPropertyPath(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r == 0x7f })
}

// Int and Bool are the value of a property of that kind.
func (p *Property) Int() (int64, error) {
	n, err := strconv.ParseInt(p.Text, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("property %s: %s is not an integer", p.Path, quote(p.Text))
	}
	return n, nil
}

// Bool: see Int.
func (p *Property) Bool() (bool, error) {
	v, err := truth(p.Text)
	if err != nil {
		return false, fmt.Errorf("property %s: %w", p.Path, err)
	}
	return v, nil
}

func (p *Property) check() (err error) {
	switch p.Kind {
	case PropertyInt:
		_, err = p.Int()
	case PropertyBool:
		_, err = p.Bool()
	}
	return err
}

func (x *expander) properties(in []Property) []Property {
	out := slices.Clone(in)
	for i := range out {
		out[i].Text = x.Text(out[i].Text)
	}
	return out
}

// rehearseProperties checks the values once they are known.
func (r *reader) rehearseProperties(x *expander) {
	line := r.once["properties"]
	for _, p := range x.properties(r.file.setup.Properties) {
		if err := p.check(); err != nil {
			r.addf(line, "%v", err)
		}
	}
	r.drain(x, line)
}
