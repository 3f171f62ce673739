package document

import (
	"bytes"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Insert puts an item before the index of the list that is member name of a mapping of this document; the list's length
// is its end. A missing list is created.
func (d *Document) Insert(mapping *yaml.Node, name string, index int, item *yaml.Node) error {
	list := Member(mapping, name)
	if list == nil || list.Kind != yaml.SequenceNode || index >= len(list.Content) {
		return d.Append(mapping, name, item)
	}
	text, ok := d.inserted(list, max(index, 0), item)
	list.Content = append(list.Content[:index:index], append([]*yaml.Node{item}, list.Content[index:]...)...)
	return d.settle(text, ok)
}

// RemoveItem removes an item from the list that is member name of a mapping of this document, with the comment above
// it.
func (d *Document) RemoveItem(mapping *yaml.Node, name string, index int) error {
	list := Member(mapping, name)
	if list == nil || list.Kind != yaml.SequenceNode || index < 0 || index >= len(list.Content) {
		return fmt.Errorf("%s has no item %d", name, index)
	}
	text, ok := d.emptied(mapping, name)
	if !ok {
		text, ok = d.without(list, index)
	}
	list.Content = append(list.Content[:index:index], list.Content[index+1:]...)
	if len(list.Content) == 0 {
		list.Style |= yaml.FlowStyle
	}
	return d.settle(text, ok)
}

// RemoveMember removes a member from a mapping of this document; a missing one is not an error.
func (d *Document) RemoveMember(mapping *yaml.Node, name string) error {
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == name {
			text, ok := d.withoutMember(mapping, i)
			mapping.Content = append(mapping.Content[:i:i], mapping.Content[i+2:]...)
			return d.settle(text, ok)
		}
	}
	return nil
}

// inserted splices an item in before another one.
func (d *Document) inserted(list *yaml.Node, index int, item *yaml.Node) ([]byte, bool) {
	next := list.Content[index]
	at, ok := d.offset(next)
	if !ok {
		return nil, false
	}
	if list.Style&yaml.FlowStyle != 0 {
		return splice(d.text, at, at, inline(item)+", "), true
	}
	var lines strings.Builder
	first := "- "
	for l := range strings.Lines(render(item, next.Style&yaml.FlowStyle == 0)) {
		lines.WriteString(first + l)
		first = "  "
	}
	return d.insertAfter(d.head(next)-1, list.Column-1, lines.String())
}

// without cuts an item out.
func (d *Document) without(list *yaml.Node, index int) ([]byte, bool) {
	item := list.Content[index]
	if list.Style&yaml.FlowStyle != 0 {
		return d.cutFlow(list, list.Content, index, 1)
	}
	return d.cutLines(d.head(item), lastLine(item))
}

// withoutMember cuts the member out whose name is at index of a mapping's content.
func (d *Document) withoutMember(mapping *yaml.Node, index int) ([]byte, bool) {
	if mapping.Style&yaml.FlowStyle != 0 {
		return d.cutFlow(mapping, mapping.Content, index, 2)
	}
	name := mapping.Content[index]
	if index == 0 && mapping != d.root {
		return nil, false // it may follow the dash of a list
	}
	return d.cutLines(d.head(name), lastLine(mapping.Content[index+1]))
}

// cutFlow cuts n nodes out of a flow list or mapping, and one comma with them.
func (d *Document) cutFlow(in *yaml.Node, nodes []*yaml.Node, index, n int) ([]byte, bool) {
	start, ok := d.offset(nodes[index])
	if !ok {
		return nil, false
	}
	if index+n < len(nodes) {
		end, ok := d.offset(nodes[index+n])
		return splice(d.text, start, max(start, end), ""), ok
	}
	open, ok := d.offset(in)
	if !ok {
		return nil, false
	}
	length, ok := closing(d.text[open:])
	if !ok {
		return nil, false
	}
	if index > 0 {
		comma := strings.LastIndexByte(string(d.text[open:start]), ',')
		if comma < 0 {
			return nil, false
		}
		start = open + comma
	}
	return splice(d.text, start, max(start, open+length), ""), true
}

// cutLines cuts whole lines out, counted from 1.
func (d *Document) cutLines(first, last int) ([]byte, bool) {
	start := 0
	if first > 1 {
		var ok bool
		if start, ok = d.lineEnd(first - 1); !ok {
			return nil, false
		}
	}
	end, ok := d.lineEnd(last)
	if ok && (start == 0 || bytes.HasSuffix(d.text[:start], []byte("\n\n"))) && bytes.HasPrefix(d.text[end:], []byte("\n")) {
		end++ // of two blank lines one is enough
	}
	return splice(d.text, start, max(start, end), ""), ok
}

// head is the first line of a node's comment, or of the node.
func (d *Document) head(n *yaml.Node) int {
	comment := n.HeadComment
	if comment == "" && n.Kind == yaml.MappingNode && len(n.Content) > 0 {
		comment = n.Content[0].HeadComment
	}
	if comment == "" {
		return n.Line
	}
	return max(1, n.Line-1-strings.Count(comment, "\n"))
}

// AppendLines is Append with a line for each item, also in a flow list: a long list of keys stays readable, and a change of
// one shows as one line.
func (d *Document) AppendLines(mapping *yaml.Node, name string, items ...*yaml.Node) error {
	list := Member(mapping, name)
	if list == nil || list.Kind != yaml.SequenceNode || list.Style&yaml.FlowStyle == 0 || len(items)+len(list.Content) < 2 ||
		len(list.Content) == 0 && mapping.Style&yaml.FlowStyle == 0 {
		return d.Append(mapping, name, items...)
	}
	margin := "\n" + strings.Repeat(" ", d.margin(list.Line)+lineIndent)
	texts := make([]string, len(items))
	for i, item := range items {
		texts[i] = inline(item)
	}
	text, ok := d.beforeClosingWith(list, margin+strings.Join(texts, ","+margin), ",")
	list.Content = append(list.Content, items...)
	return d.settle(text, ok)
}

// lineIndent is how far an item on a line of its own is indented from the line that its list begins on.
const lineIndent = 4

// margin counts the blanks that a line begins with.
func (d *Document) margin(line int) int {
	start := 0
	if line > 1 {
		start, _ = d.lineEnd(line - 1)
	}
	rest := d.text[start:]
	return len(rest) - len(bytes.TrimLeft(rest, " "))
}
