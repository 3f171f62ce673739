package document

import (
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Line is where a path such as apps[3].keys[0].id is; for one that is missing or cannot be followed, it is the line of
// what should contain it. It is 1 for the path "".
func (d *Document) Line(path string) int {
	n, line := d.root, 1
	for path != "" && n != nil {
		var step string
		step, path = cutStep(path)
		next, at := descend(n, step)
		if next == nil {
			break
		}
		n, line = next, at
	}
	return line
}

// cutStep takes the first member or index off a path.
func cutStep(path string) (step, rest string) {
	path = strings.TrimPrefix(path, ".")
	if path == "" {
		return "", ""
	}
	end := strings.IndexAny(path[1:], ".[")
	if end < 0 {
		return path, ""
	}
	return path[:end+1], path[end+1:]
}

func descend(n *yaml.Node, step string) (*yaml.Node, int) {
	n = resolve(n)
	if index, ok := strings.CutPrefix(step, "["); ok {
		i, err := strconv.Atoi(strings.TrimSuffix(index, "]"))
		if err != nil || n.Kind != yaml.SequenceNode || i < 0 || i >= len(n.Content) {
			return nil, 0
		}
		return n.Content[i], n.Content[i].Line
	}
	if n.Kind != yaml.MappingNode {
		return nil, 0
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == step {
			return n.Content[i+1], n.Content[i].Line
		}
	}
	return nil, 0
}

var lineInError = regexp.MustCompile(`\bline ([1-9][0-9]*): `)

// ErrorLine gives the line that an error of Read names, 1 for none, and the error's text without it.
func ErrorLine(err error) (line int, text string) {
	text = err.Error()
	found := lineInError.FindStringSubmatchIndex(text)
	if found == nil {
		return 1, text
	}
	line, _ = strconv.Atoi(text[found[2]:found[3]])
	return line, text[:found[0]] + text[found[1]:]
}
