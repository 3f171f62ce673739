package envoyconfig

import (
	"fmt"
	"slices"
	"strings"
)

// Path leads to a place in a decoded document: a string is a member of a map, an int an index of a list, a Named
// the element of a list whose member "name" it is.
type Path []any

// Named is the "name" of a list's element.
type Named string

// Then is the path that continues from p.
func (p Path) Then(more ...any) Path { return append(slices.Clone(p), more...) }

func (p Path) String() string {
	var b strings.Builder
	for _, step := range p {
		switch step := step.(type) {
		case int:
			fmt.Fprintf(&b, "[%d]", step)
		case Named:
			fmt.Fprintf(&b, "[name=%s]", step)
		default:
			fmt.Fprintf(&b, ".%v", step)
		}
	}
	return strings.TrimPrefix(b.String(), ".")
}

// find returns what is at the path. It fails when there is nothing.
func (p Path) find(root any) (any, error) {
	node := root
	for i, step := range p {
		next, ok := descend(node, step)
		if !ok {
			return nil, fmt.Errorf("%s does not exist", p[:i+1])
		}
		node = next
	}
	return node, nil
}

func descend(node, step any) (any, bool) {
	switch step := step.(type) {
	case string:
		members, _ := node.(map[string]any)
		value, ok := members[step]
		return value, ok
	case int:
		list, _ := node.([]any)
		if step < 0 || step >= len(list) {
			return nil, false
		}
		return list[step], true
	case Named:
		list, _ := node.([]any)
		for _, element := range list {
			if name, _ := descend(element, "name"); name == string(step) {
				return element, true
			}
		}
	}
	return nil, false
}

// member finds the map that holds the path's last step, a member that must be there.
func (p Path) member(root any) (members map[string]any, name string, err error) {
	if _, err := p.find(root); err != nil {
		return nil, "", err
	}
	last := len(p) - 1
	name, ok := p[last].(string)
	if !ok {
		return nil, "", fmt.Errorf("%s is not a member of a map", p)
	}
	parent, err := p[:last].find(root)
	if err != nil {
		return nil, "", err
	}
	return parent.(map[string]any), name, nil
}
