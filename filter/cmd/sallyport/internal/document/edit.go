package document

import (
	"bytes"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Append adds items to the list that is member name of a mapping of this document; a missing list is created. After
// this, as after Set, the nodes are new ones.
func (d *Document) Append(mapping *yaml.Node, name string, items ...*yaml.Node) error {
	if len(items) == 0 {
		return nil
	}
	list := Member(mapping, name)
	if list == nil {
		return d.Set(mapping, name, &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Content: items})
	}
	if list.Kind != yaml.SequenceNode {
		return fmt.Errorf("line %d: %s must be a list", list.Line, name)
	}
	text, ok := d.filled(mapping, name, items)
	if !ok {
		text, ok = d.appended(list, items)
	}
	list.Content = append(list.Content, items...)
	return d.settle(text, ok)
}

// Set gives a member of a mapping of this document a value; a member that is not there is added at the end.
func (d *Document) Set(mapping *yaml.Node, name string, value *yaml.Node) error {
	if mapping.Kind != yaml.MappingNode {
		return fmt.Errorf("line %d: %s must be in a mapping", mapping.Line, name)
	}
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == name {
			text, ok := d.replaced(mapping.Content[i+1], value)
			mapping.Content[i+1] = value
			return d.settle(text, ok)
		}
	}
	text, ok := d.added(mapping, name, value)
	mapping.Content = append(mapping.Content, Scalar(name), value)
	return d.settle(text, ok)
}

// settle takes the spliced text when it says what the changed nodes say, and the library's rendering otherwise.
func (d *Document) settle(text []byte, spliced bool) error {
	want, err := d.JSON()
	if err != nil {
		return err
	}
	if spliced && d.take(text, want) {
		return nil
	}
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	encoder.CompactSeqIndent()
	if err := encoder.Encode(d.root); err != nil {
		return fmt.Errorf("write YAML: %w", err)
	}
	if !d.take(out.Bytes(), want) {
		return fmt.Errorf("write YAML: the file cannot be changed without changing its meaning; edit it by hand")
	}
	return nil
}

func (d *Document) take(text []byte, want []byte) bool {
	changed, err := Parse(text)
	if err != nil {
		return false
	}
	got, err := changed.JSON()
	if err != nil || !bytes.Equal(got, want) {
		return false
	}
	*d = *changed
	return true
}

// appended splices items in at the end of a list.
func (d *Document) appended(list *yaml.Node, items []*yaml.Node) ([]byte, bool) {
	if list.Style&yaml.FlowStyle != 0 {
		texts := make([]string, len(items))
		for i, item := range items {
			texts[i] = inline(item)
		}
		return d.beforeClosing(list, strings.Join(texts, ", "))
	}
	if len(list.Content) == 0 {
		return nil, false
	}
	block := list.Content[len(list.Content)-1].Style&yaml.FlowStyle == 0
	var lines strings.Builder
	for _, item := range items {
		first := "- "
		for l := range strings.Lines(render(item, block)) {
			lines.WriteString(first + l)
			first = "  "
		}
	}
	return d.insertAfter(lastLine(list), list.Column-1, lines.String())
}

// added splices a new member in at the end of a mapping.
func (d *Document) added(mapping *yaml.Node, name string, value *yaml.Node) ([]byte, bool) {
	switch {
	case len(mapping.Content) == 0 && mapping == d.root && mapping.Style&yaml.FlowStyle == 0:
		text := d.text
		if len(text) > 0 && text[len(text)-1] != '\n' {
			text = append(bytes.Clone(text), '\n')
		}
		return append(bytes.Clone(text), member(name, value)...), true
	case mapping.Style&yaml.FlowStyle != 0:
		return d.beforeClosing(mapping, name+": "+inline(value))
	case len(mapping.Content) == 0:
		return nil, false
	}
	return d.insertAfter(lastLine(mapping), mapping.Column-1, member(name, value))
}

// replaced splices a value in the place of a scalar that is on one line, or of a flow list or mapping.
func (d *Document) replaced(old, value *yaml.Node) ([]byte, bool) {
	start, ok := d.offset(old)
	if ok && old.Kind != yaml.ScalarNode && old.Style&yaml.FlowStyle != 0 {
		end, closed := closing(d.text[start:])
		return splice(d.text, start, start+end+1, inline(value)), closed
	}
	if !ok || old.Kind != yaml.ScalarNode || value.Kind != yaml.ScalarNode {
		return nil, false
	}
	length := len(old.Value)
	if old.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0 {
		length += 2 // with escapes it is longer, and the comparison finds that out
	}
	if start+length > len(d.text) {
		return nil, false
	}
	return splice(d.text, start, start+length, inline(value)), true
}

// beforeClosing splices text in before the bracket that closes a flow list or mapping.
func (d *Document) beforeClosing(n *yaml.Node, text string) ([]byte, bool) {
	return d.beforeClosingWith(n, text, ", ")
}

// beforeClosingWith is beforeClosing with another separator after what is there.
func (d *Document) beforeClosingWith(n *yaml.Node, text, separator string) ([]byte, bool) {
	start, ok := d.offset(n)
	if !ok {
		return nil, false
	}
	end, ok := closing(d.text[start:])
	if !ok {
		return nil, false
	}
	if len(n.Content) > 0 {
		text = separator + text
	}
	return splice(d.text, start+end, start+end, text), true
}

// closing finds the bracket that closes the one that text begins with.
func closing(text []byte) (int, bool) {
	depth := 0
	for i := 0; i < len(text); i++ {
		switch c := text[i]; c {
		case '[', '{':
			depth++
		case ']', '}':
			if depth--; depth == 0 {
				return i, true
			}
		case '"', '\'':
			end := bytes.IndexByte(text[i+1:], c)
			if end < 0 {
				return 0, false
			}
			i += end + 1
		case '#':
			return 0, false // a comment may hold brackets: not worth the care
		}
	}
	return 0, false
}

// insertAfter splices lines in after a line, indented.
func (d *Document) insertAfter(line, indent int, lines string) ([]byte, bool) {
	at, ok := d.lineEnd(line)
	if !ok {
		return nil, false
	}
	margin := strings.Repeat(" ", indent)
	var b strings.Builder
	if at > 0 && d.text[at-1] != '\n' {
		b.WriteByte('\n')
	}
	for l := range strings.Lines(lines) {
		b.WriteString(margin + l)
	}
	return splice(d.text, at, at, b.String()), true
}

func splice(text []byte, from, to int, insert string) []byte {
	out := make([]byte, 0, len(text)+len(insert))
	out = append(out, text[:from]...)
	out = append(out, insert...)
	return append(out, text[to:]...)
}

// offset is where a node begins in the text. The library counts columns in characters.
func (d *Document) offset(n *yaml.Node) (int, bool) {
	if n.Line < 1 || n.Column < 1 {
		return 0, false
	}
	start := 0
	if n.Line > 1 {
		var ok bool
		if start, ok = d.lineEnd(n.Line - 1); !ok {
			return 0, false
		}
	}
	column := 1
	for i := range string(d.text[start:]) {
		if column == n.Column {
			return start + i, true
		}
		column++
	}
	return 0, false
}

// lineEnd is the offset after a line, counted from 1.
func (d *Document) lineEnd(line int) (int, bool) {
	at := 0
	for ; line > 0; line-- {
		i := bytes.IndexByte(d.text[at:], '\n')
		if i < 0 {
			return len(d.text), line == 1 && at < len(d.text)
		}
		at += i + 1
	}
	return at, true
}

func lastLine(n *yaml.Node) int {
	last := n.Line
	for _, child := range n.Content {
		last = max(last, lastLine(child))
	}
	return last
}

// render writes a node as text, in block style or on one line.
func render(n *yaml.Node, block bool) string {
	shown := *n
	shown.Style &^= yaml.FlowStyle
	if !block {
		shown.Style |= yaml.FlowStyle
	}
	var out strings.Builder
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	encoder.CompactSeqIndent()
	if err := encoder.Encode(&shown); err != nil {
		return ""
	}
	return out.String()
}

// OneLine is a node as text on one line, without comments.
func OneLine(n *yaml.Node) string { return inline(Bare(n)) }

// Bare is a copy of a node without comments.
func Bare(n *yaml.Node) *yaml.Node {
	bare := *n
	bare.HeadComment, bare.LineComment, bare.FootComment = "", "", ""
	bare.Content = make([]*yaml.Node, len(n.Content))
	for i, child := range n.Content {
		bare.Content[i] = Bare(child)
	}
	return &bare
}

func inline(n *yaml.Node) string { return strings.TrimSuffix(render(n, false), "\n") }

func member(name string, value *yaml.Node) string {
	m := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Content: []*yaml.Node{Scalar(name), value}}
	return render(m, true)
}
