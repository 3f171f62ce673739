// Package xmltree reads small XML documents into trees that know their lines.
// It is strict and bounded: no DOCTYPE, so no entities but the five of XML
// itself, no duplicate attributes, nothing after the root.
package xmltree

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
)

// Bounds of one document. Apigee's own policies have some dozens of elements.
const (
	MaxBytes   = 2 << 20
	maxDepth   = 64
	maxNodes   = 50_000
	maxAttrs   = 64
	maxNameLen = 256
)

// Node is an element. Names are without their namespace, which Apigee does not
// use.
type Node struct {
	Name     string
	Attrs    []Attr
	Children []*Node
	Text     string // all text directly in it, without blanks around it
	Line     int
}

// Attr is an attribute.
type Attr struct{ Name, Value string }

// Error is a document that cannot be read.
type Error struct {
	Line    int
	Message string
}

func (e *Error) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.Message) }

// Attr gives an attribute, "" when it or the node is absent.
func (n *Node) Attr(name string) string {
	if n == nil {
		return ""
	}
	for _, a := range n.Attrs {
		if a.Name == name {
			return a.Value
		}
	}
	return ""
}

// Child gives the first child of that name, nil when there is none. Names in
// Apigee's documents differ in letter case between versions and editors.
func (n *Node) Child(name string) *Node {
	if n == nil {
		return nil
	}
	for _, c := range n.Children {
		if strings.EqualFold(c.Name, name) {
			return c
		}
	}
	return nil
}

// All gives the children of that name.
func (n *Node) All(name string) (found []*Node) {
	if n == nil {
		return nil
	}
	for _, c := range n.Children {
		if strings.EqualFold(c.Name, name) {
			found = append(found, c)
		}
	}
	return found
}

// At follows names down from n; nil when one is missing.
func (n *Node) At(path ...string) *Node {
	for _, name := range path {
		n = n.Child(name)
	}
	return n
}

// TextAt is the text of At, "" when there is none.
func (n *Node) TextAt(path ...string) string {
	if n = n.At(path...); n == nil {
		return ""
	}
	return n.Text
}

// MaxElements bounds what a Reader's documents may have together: a tree takes
// many times the memory of its text.
const MaxElements = 400_000

// Reader reads documents within common bounds. The zero value is ready for use.
type Reader struct{ elements int }

// Parse reads one document in UTF-8, UTF-16 or a charset of one byte that old
// editors write.
func (r *Reader) Parse(text []byte) (*Node, error) {
	if len(text) > MaxBytes {
		return nil, &Error{1, fmt.Sprintf("the file has more than %d bytes", MaxBytes)}
	}
	text, err := toUTF8(text)
	if err != nil {
		return nil, err
	}
	d := xml.NewDecoder(bytes.NewReader(text))
	d.CharsetReader = charset
	p := parser{d: d, all: &r.elements}
	for p.root == nil || len(p.open) > 0 {
		token, err := d.Token()
		if err != nil {
			return nil, p.fail(err)
		}
		if err := p.take(token); err != nil {
			return nil, err
		}
	}
	if err := p.end(); err != nil {
		return nil, err
	}
	return p.root, nil
}

type parser struct {
	d     *xml.Decoder
	root  *Node
	open  []*Node
	texts [][]byte // of the elements that are open
	nodes int
	all   *int // of the Reader
}

func (p *parser) at(message string) error {
	line, _ := p.d.InputPos()
	return &Error{line, message}
}

// fail does not quote the document: it may hold a secret.
func (p *parser) fail(err error) error {
	var syntax *xml.SyntaxError
	switch {
	case errors.Is(err, io.EOF):
		return p.at("the document ends too early, or is empty")
	case errors.As(err, &syntax) && strings.Contains(syntax.Msg, "entity"):
		return p.at("an entity that XML itself does not have, which is not accepted")
	}
	return p.at("not well-formed XML")
}

func (p *parser) take(token xml.Token) error {
	switch t := token.(type) {
	case xml.StartElement:
		return p.start(t)
	case xml.EndElement:
		last := len(p.open) - 1
		p.open[last].Text = strings.TrimSpace(string(p.texts[last]))
		p.open, p.texts = p.open[:last], p.texts[:last]
	case xml.CharData:
		if len(p.open) > 0 {
			last := len(p.open) - 1
			p.texts[last] = append(p.texts[last], t...)
		} else if len(bytes.TrimSpace(t)) > 0 {
			return p.at("text outside the document")
		}
	case xml.Directive:
		return p.at("a DOCTYPE or another directive, which is not accepted: it can bring in entities and files from elsewhere")
	}
	return nil
}

func (p *parser) start(t xml.StartElement) error {
	line, _ := p.d.InputPos()
	if p.nodes++; p.nodes > maxNodes {
		return p.at(fmt.Sprintf("more than %d elements", maxNodes))
	}
	if *p.all++; *p.all > MaxElements {
		return p.at(fmt.Sprintf("more than %d elements in all bundles: import them in parts", MaxElements))
	}
	if len(p.open) == maxDepth {
		return p.at(fmt.Sprintf("elements nested deeper than %d", maxDepth))
	}
	if len(t.Attr) > maxAttrs || len(t.Name.Local) > maxNameLen {
		return p.at(fmt.Sprintf("an element with more than %d attributes, or a name of more than %d bytes", maxAttrs, maxNameLen))
	}
	n := &Node{Name: t.Name.Local, Line: line}
	for _, a := range t.Attr {
		if a.Name.Space == "xmlns" || a.Name.Local == "xmlns" {
			continue
		}
		for _, other := range n.Attrs {
			if other.Name == a.Name.Local {
				return p.at("an attribute that is there twice")
			}
		}
		n.Attrs = append(n.Attrs, Attr{a.Name.Local, a.Value})
	}
	if len(p.open) == 0 {
		p.root = n
	} else {
		parent := p.open[len(p.open)-1]
		parent.Children = append(parent.Children, n)
	}
	p.open = append(p.open, n)
	p.texts = append(p.texts, nil)
	return nil
}

// end accepts nothing but comments and blanks.
func (p *parser) end() error {
	for {
		token, err := p.d.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return p.fail(err)
		}
		switch t := token.(type) {
		case xml.StartElement:
			return p.at("a second document after the first")
		default:
			if err := p.take(t); err != nil {
				return err
			}
		}
	}
}

// toUTF8 reads the byte order mark, or the zeros of UTF-16 without one.
func toUTF8(text []byte) ([]byte, error) {
	utf16 := func(e unicode.Endianness) ([]byte, error) {
		out, err := unicode.UTF16(e, unicode.UseBOM).NewDecoder().Bytes(text)
		if err != nil {
			return nil, &Error{1, "not valid UTF-16, though it begins as such"}
		}
		return out, nil
	}
	switch {
	case bytes.HasPrefix(text, []byte("\xef\xbb\xbf")):
		return text[3:], nil
	case bytes.HasPrefix(text, []byte("\xfe\xff")), bytes.HasPrefix(text, []byte("\x00<")):
		return utf16(unicode.BigEndian)
	case bytes.HasPrefix(text, []byte("\xff\xfe")), bytes.HasPrefix(text, []byte("<\x00")):
		return utf16(unicode.LittleEndian)
	}
	return text, nil
}

// charset decodes what the XML declaration names. UTF-16 is already decoded.
func charset(label string, in io.Reader) (io.Reader, error) {
	var e encoding.Encoding
	switch strings.ToLower(label) {
	case "utf-8", "utf8", "utf-16", "utf-16le", "utf-16be", "us-ascii", "ascii":
		return in, nil
	case "iso-8859-1", "latin1":
		e = charmap.ISO8859_1
	case "windows-1252", "cp1252":
		e = charmap.Windows1252
	default:
		return nil, errors.New("unknown charset")
	}
	return e.NewDecoder().Reader(in), nil
}
