package document

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strconv"

	"go.yaml.in/yaml/v3"

	"github.com/sallyport-gateway/sallyport/filter/internal/config"
)

// JSON is the document as the filter gets it. Words of YAML 1.1 such as off are booleans, as they are to Kubernetes.
// Members keep their order, and a duplicate stays, for the filter's loader to find.
func (d *Document) JSON() ([]byte, error) {
	var out bytes.Buffer
	if err := writeJSON(&out, d.root); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

func writeJSON(out *bytes.Buffer, n *yaml.Node) error {
	if out.Len() > config.MaxBytes {
		return fmt.Errorf("line %d: the configuration has more than %d bytes: does an alias repeat too much?", n.Line, config.MaxBytes)
	}
	switch n.Kind {
	case yaml.AliasNode:
		return writeJSON(out, n.Alias)
	case yaml.SequenceNode:
		return writeList(out, n)
	case yaml.MappingNode:
		return writeMapping(out, n)
	case yaml.ScalarNode:
		return writeScalar(out, n)
	}
	return fmt.Errorf("line %d: not a value", n.Line)
}

func writeList(out *bytes.Buffer, n *yaml.Node) error {
	out.WriteByte('[')
	for i, item := range n.Content {
		if i > 0 {
			out.WriteByte(',')
		}
		if err := writeJSON(out, item); err != nil {
			return err
		}
	}
	out.WriteByte(']')
	return nil
}

func writeMapping(out *bytes.Buffer, n *yaml.Node) error {
	out.WriteByte('{')
	for i := 0; i+1 < len(n.Content); i += 2 {
		name := n.Content[i]
		if name.Kind != yaml.ScalarNode {
			return fmt.Errorf("line %d: the name of a member must be a word", name.Line)
		}
		if name.ShortTag() == "!!merge" {
			return fmt.Errorf("line %d: merge keys (<<) are not supported: write the members out", name.Line)
		}
		if i > 0 {
			out.WriteByte(',')
		}
		writeString(out, name.Value)
		out.WriteByte(':')
		if err := writeJSON(out, n.Content[i+1]); err != nil {
			return err
		}
	}
	out.WriteByte('}')
	return nil
}

// yaml11Booleans are what older readers, Kubernetes' among them, take for booleans and yaml/v3 for strings.
var yaml11Booleans = map[string]string{
	"y": "true", "Y": "true", "yes": "true", "Yes": "true", "YES": "true", "on": "true", "On": "true", "ON": "true",
	"n": "false", "N": "false", "no": "false", "No": "false", "NO": "false", "off": "false", "Off": "false", "OFF": "false",
}

const quoted = yaml.SingleQuotedStyle | yaml.DoubleQuotedStyle | yaml.LiteralStyle | yaml.FoldedStyle | yaml.TaggedStyle

func writeScalar(out *bytes.Buffer, n *yaml.Node) error {
	switch n.ShortTag() {
	case "!!null":
		out.WriteString("null")
	case "!!bool":
		var b bool
		if err := n.Decode(&b); err != nil {
			return fmt.Errorf("line %d: not a boolean", n.Line)
		}
		out.WriteString(strconv.FormatBool(b))
	case "!!int", "!!float":
		return writeNumber(out, n)
	case "!!str", "!!timestamp":
		if word, ok := yaml11Booleans[n.Value]; ok && n.Style&quoted == 0 {
			out.WriteString(word)
			return nil
		}
		writeString(out, n.Value)
	default:
		return fmt.Errorf("line %d: values of type %s are not supported", n.Line, n.ShortTag())
	}
	return nil
}

func writeNumber(out *bytes.Buffer, n *yaml.Node) error {
	var i int64
	if n.ShortTag() == "!!int" && n.Decode(&i) == nil {
		out.WriteString(strconv.FormatInt(i, 10))
		return nil
	}
	var f float64
	if err := n.Decode(&f); err != nil || math.IsInf(f, 0) || math.IsNaN(f) {
		return fmt.Errorf("line %d: not a number that JSON can represent", n.Line)
	}
	out.WriteString(strconv.FormatFloat(f, 'g', -1, 64))
	return nil
}

func writeString(out *bytes.Buffer, s string) {
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(s) // a string has no error
	out.Truncate(out.Len() - 1)
}

// Objects visits every object of a decoded JSON value, the outer ones first.
func Objects(value any, visit func(map[string]any)) {
	switch value := value.(type) {
	case map[string]any:
		visit(value)
		for _, member := range value {
			Objects(member, visit)
		}
	case []any:
		for _, item := range value {
			Objects(item, visit)
		}
	}
}
