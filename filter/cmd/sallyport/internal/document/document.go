// Package document edits a YAML file without disturbing what a person wrote: comments, order, blank lines and style stay.
// A change is a splice of text that is parsed again and compared with what was meant; where the text is too unusual for a
// splice, the file is written again by the YAML library, which keeps comments and order, but not every blank line.
package document

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Document is one YAML document whose root is a mapping.
type Document struct {
	text []byte
	root *yaml.Node
}

// Parse reads exactly one document. An empty one is an empty mapping.
func Parse(text []byte) (*Document, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	var file yaml.Node
	switch err := decoder.Decode(&file); {
	case errors.Is(err, io.EOF):
		return &Document{root: &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Line: 1, Column: 1}}, nil
	case err != nil:
		return nil, fmt.Errorf("read YAML: %s", strings.TrimPrefix(err.Error(), "yaml: "))
	}
	if err := decoder.Decode(&yaml.Node{}); !errors.Is(err, io.EOF) {
		return nil, errors.New("read YAML: the file must hold one document: remove what follows \"---\"")
	}
	root := file.Content[0]
	if root.Kind != yaml.MappingNode {
		return nil, fmt.Errorf("read YAML: line %d: the configuration must be a mapping, such as \"version: 1\"", root.Line)
	}
	return &Document{text: text, root: root}, nil
}

// Text is the document as it is to be written.
func (d *Document) Text() []byte { return d.text }

// Root is the mapping of the document, which must not be changed.
func (d *Document) Root() *yaml.Node { return d.root }

// Member gives the value of a member of a mapping, nil when it is not there.
func Member(mapping *yaml.Node, name string) *yaml.Node {
	mapping = resolve(mapping)
	if mapping == nil || mapping.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == name {
			return resolve(mapping.Content[i+1])
		}
	}
	return nil
}

// Items gives the items of a list, none when it is not one.
func Items(list *yaml.Node) []*yaml.Node {
	list = resolve(list)
	if list == nil || list.Kind != yaml.SequenceNode {
		return nil
	}
	return list.Content
}

// Text gives a member that is a scalar, "" for all others.
func Text(mapping *yaml.Node, name string) string {
	if n := Member(mapping, name); n != nil && n.Kind == yaml.ScalarNode {
		return n.Value
	}
	return ""
}

func resolve(n *yaml.Node) *yaml.Node {
	if n != nil && n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

// Mapping makes a mapping of names and values in turn. Values that are not nodes become strings.
func Mapping(namesAndValues ...any) *yaml.Node {
	m := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Style: yaml.FlowStyle}
	for _, v := range namesAndValues {
		m.Content = append(m.Content, node(v))
	}
	return m
}

// List makes a list of strings.
func List(values ...string) *yaml.Node {
	l := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Style: yaml.FlowStyle}
	for _, v := range values {
		l.Content = append(l.Content, Scalar(v))
	}
	return l
}

// Scalar makes a string.
func Scalar(s string) *yaml.Node {
	n := &yaml.Node{}
	n.SetString(s)
	if _, ok := yaml11Booleans[s]; ok {
		n.Style = yaml.DoubleQuotedStyle
	}
	return n
}

func node(v any) *yaml.Node {
	if n, ok := v.(*yaml.Node); ok {
		return n
	}
	return Scalar(v.(string))
}
