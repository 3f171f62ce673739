package scenario

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"sigs.k8s.io/yaml"
)

// configSource is the text that a guest's configuration is made from, with its
// ${...}. At most one of raw, whole and patch is there; patch goes over base.
type configSource struct {
	raw   []byte // config.json: handed to the guest as it is
	whole []byte // config.yaml
	base  []byte // base.yaml of the folder
	patch []byte // config.patch.yaml
}

func (c configSource) empty() bool {
	return c.raw == nil && c.whole == nil && c.base == nil && c.patch == nil
}

var errNoConfig = errors.New("no configuration: write a section config.yaml (empty when the filter has none) or config.json, or a file base.yaml beside the scenario")

// render makes the JSON document for the guest. The ${...} are replaced before
// YAML is read, so that an unquoted one may become a number.
func (c configSource) render(x *expander) ([]byte, error) {
	switch {
	case c.raw != nil:
		out := x.text(string(c.raw))
		return []byte(out), x.err
	case c.whole != nil:
		return yamlToJSON("config.yaml", c.whole, x)
	case c.base == nil:
		return nil, errNoConfig
	}
	base, err := yamlToJSON("base.yaml", c.base, x)
	if err != nil || c.patch == nil {
		return base, err
	}
	patch, err := yamlToJSON("config.patch.yaml", c.patch, x)
	if err != nil {
		return nil, err
	}
	target, err := decode(base)
	if err != nil {
		return nil, err
	}
	change, err := decode(patch)
	if err != nil {
		return nil, err
	}
	return encode(mergePatch(target, change))
}

func yamlToJSON(name string, text []byte, x *expander) ([]byte, error) {
	expanded := x.text(string(text))
	if x.err != nil {
		return nil, fmt.Errorf("%s: %w", name, x.err)
	}
	out, err := yaml.YAMLToJSONStrict([]byte(expanded))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return out, nil
}

// decode keeps numbers as they are written: a float64 would round a large one.
func decode(text []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, fmt.Errorf("decode configuration: %w", err)
	}
	return v, nil
}

func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, fmt.Errorf("encode configuration: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte{'\n'}), nil
}
