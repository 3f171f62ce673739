package document

import (
	"bytes"
	"strings"

	"go.yaml.in/yaml/v3"
)

// filled writes the first items of a list that stands empty in a block mapping ("keys: []") below its name, a line for each.
func (d *Document) filled(mapping *yaml.Node, name string, items []*yaml.Node) ([]byte, bool) {
	key, list := d.blockMember(mapping, name)
	if key == nil || len(list.Content) > 0 || list.Style&yaml.FlowStyle == 0 || items[0].Kind != yaml.MappingNode {
		return nil, false
	}
	colon, ok := d.colon(key)
	start, found := d.offset(list)
	if !ok || !found || start <= colon || len(bytes.TrimLeft(d.text[colon+1:start], " ")) > 0 {
		return nil, false
	}
	length, ok := closing(d.text[start:])
	if !ok {
		return nil, false
	}
	margin := strings.Repeat(" ", key.Column-1)
	var lines strings.Builder
	for _, item := range items {
		first := "- "
		for l := range strings.Lines(render(item, item.Style&yaml.FlowStyle == 0)) {
			lines.WriteString(margin + first + l)
			first = "  "
		}
	}
	end, ok := d.lineEnd(list.Line)
	if !ok {
		return nil, false
	}
	if d.text[end-1] != '\n' {
		return splice(d.text, colon+1, end, "\n"+lines.String()), true
	}
	return splice(splice(d.text, end, end, lines.String()), colon+1, start+length+1, ""), true
}

// emptied cuts the only item of a block list out and writes "[]" behind the list's name: an empty list has no block style.
func (d *Document) emptied(mapping *yaml.Node, name string) ([]byte, bool) {
	key, list := d.blockMember(mapping, name)
	if key == nil || len(list.Content) != 1 || list.Style&yaml.FlowStyle != 0 {
		return nil, false
	}
	colon, ok := d.colon(key)
	if !ok {
		return nil, false
	}
	text, ok := d.cutLines(d.head(list.Content[0]), lastLine(list.Content[0]))
	return splice(text, min(colon+1, len(text)), min(colon+1, len(text)), " []"), ok
}

// blockMember are the name and the list of a member of a block mapping, nil when it is not one.
func (d *Document) blockMember(mapping *yaml.Node, name string) (key, list *yaml.Node) {
	if mapping.Kind != yaml.MappingNode || mapping.Style&yaml.FlowStyle != 0 {
		return nil, nil
	}
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == name && mapping.Content[i+1].Kind == yaml.SequenceNode {
			return mapping.Content[i], mapping.Content[i+1]
		}
	}
	return nil, nil
}

// colon is the offset of the colon behind a member's name that stands without quotes.
func (d *Document) colon(key *yaml.Node) (int, bool) {
	start, ok := d.offset(key)
	at := start + len(key.Value)
	return at, ok && at < len(d.text) && d.text[at] == ':'
}
