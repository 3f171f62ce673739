package decode

import (
	"strconv"
	"unicode/utf8"

	"github.com/tidwall/gjson"

	"github.com/sallyport-gateway/sallyport/filter/internal/ascii"
)

const (
	// MaxBytes bounds a configuration; 20,000 keys take about five million.
	MaxBytes = 8 << 20
	// maxDepth bounds how deeply lists and objects nest: gjson recurses once
	// for each level, and reads a value again on each. A configuration needs 8.
	maxDepth = 16
)

// Document checks that data is one JSON object that can be read safely: UTF-8,
// of at most MaxBytes and not too deep. It notes what is wrong with it.
func (r *Reader) Document(data []byte) (root Value, ok bool) {
	if fault := documentFault(data); fault != "" {
		r.Problem(fault)
		return "", false
	}
	root = Value(ascii.Trim(string(data), " \t\r\n"))
	if !root.IsObject() {
		r.Problem("configuration must be a JSON object, got " + root.TypeName())
		return "", false
	}
	return root, true
}

func documentFault(data []byte) string {
	if len(data) == 0 {
		return "configuration is empty: give the filter its configuration as JSON"
	}
	if len(data) > MaxBytes {
		return "configuration must have at most " + strconv.Itoa(MaxBytes) + " bytes, got " + strconv.Itoa(len(data))
	}
	if !utf8.Valid(data) {
		return "configuration must be UTF-8"
	}
	depth, end, open := scan(data)
	switch {
	case depth > maxDepth:
		return "configuration must nest at most " + strconv.Itoa(maxDepth) + " levels deep"
	case end < len(data) && gjson.ValidBytes(data[:end]):
		return "configuration must be one JSON object, got more after byte " + strconv.Itoa(end)
	case open:
		return "configuration must be JSON, but it ends inside a list, an object or a string: is it cut off?"
	case !gjson.ValidBytes(data):
		return "configuration is not JSON: check commas, quotes and braces (YAML must be converted first)"
	}
	return ""
}

// scan looks at brackets and quotes only. depth is how deeply they nest; end is
// where the text after the first list or object begins, len(data) if that is
// blank; open reports that data ends inside something.
func scan(data []byte) (depth, end int, open bool) {
	level := 0
	for i := 0; i < len(data) && depth <= maxDepth; i++ {
		switch data[i] {
		case '"':
			for i++; i < len(data) && data[i] != '"'; i++ {
				if data[i] == '\\' {
					i++
				}
			}
			if i >= len(data) {
				return depth, len(data), true
			}
		case '{', '[':
			level++
			depth = max(depth, level)
		case '}', ']':
			level--
			if level == 0 {
				return depth, i + 1 + trailing(data[i+1:]), false
			}
		}
	}
	return depth, len(data), level > 0
}

// trailing is the length of rest if it is blank, 0 if it is not.
func trailing(rest []byte) int {
	for _, c := range rest {
		if c != ' ' && c != '\t' && c != '\n' && c != '\r' {
			return 0
		}
	}
	return len(rest)
}
