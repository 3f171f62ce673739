package apigee

import (
	"strconv"

	"go.yaml.in/yaml/v3"

	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/apigee/condition"
)

// mapping makes a mapping of names and values in turn: nodes, texts, numbers.
func mapping(namesAndValues ...any) *yaml.Node {
	m := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
	for i := 0; i+1 < len(namesAndValues); i += 2 {
		put(m, namesAndValues[i].(string), namesAndValues[i+1])
	}
	return m
}

func put(m *yaml.Node, name string, value any) {
	m.Content = append(m.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: name}, scalar(value))
}

func scalar(v any) *yaml.Node {
	switch v := v.(type) {
	case *yaml.Node:
		return v
	case int:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!int", Value: strconv.Itoa(v)}
	case bool:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: strconv.FormatBool(v)}
	case []string:
		return texts(v)
	}
	return text(v.(string))
}

// text quotes whatever an older YAML reader would not read as text.
func text(s string) *yaml.Node {
	n := &yaml.Node{}
	n.SetString(s)
	switch s {
	case "y", "Y", "yes", "Yes", "YES", "on", "On", "ON", "n", "N", "no", "No", "NO", "off", "Off", "OFF":
		n.Style = yaml.DoubleQuotedStyle
	}
	return n
}

func texts(list []string) *yaml.Node {
	l := flow(&yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"})
	for _, s := range list {
		l.Content = append(l.Content, text(s))
	}
	return l
}

func list(items ...*yaml.Node) *yaml.Node {
	return &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Content: items}
}

// flow writes a node on one line.
func flow(n *yaml.Node) *yaml.Node {
	n.Style = yaml.FlowStyle
	return n
}

func whenNode(w condition.When) *yaml.Node {
	of := func(list []condition.When) *yaml.Node {
		l := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
		for _, sub := range list {
			l.Content = append(l.Content, whenNode(sub))
		}
		return l
	}
	pair := func(p *condition.Pair) *yaml.Node {
		if p.Present {
			return mapping("name", p.Name)
		}
		return mapping("name", p.Name, "equals", p.Equals)
	}
	switch {
	case len(w.Method) == 1:
		return flow(mapping("method", w.Method[0]))
	case len(w.Method) > 1:
		return flow(mapping("method", w.Method))
	case w.Path != "":
		return flow(mapping("path", w.Path))
	case w.Header != nil:
		return flow(mapping("header", pair(w.Header)))
	case w.Query != nil:
		return flow(mapping("query", pair(w.Query)))
	case w.Not != nil:
		return flow(mapping("not", whenNode(*w.Not)))
	case len(w.All) > 0:
		return flow(mapping("all", of(w.All)))
	}
	return flow(mapping("any", of(w.Any)))
}
