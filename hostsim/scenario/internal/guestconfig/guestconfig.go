// Package guestconfig makes the JSON document that a guest gets from the YAML and JSON of a scenario.
package guestconfig

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"sigs.k8s.io/yaml"
)

// Source is the text that a guest's configuration is made from, with its
// ${...}. At most one of Raw, Whole and Patch is there; Patch goes over Base.
type Source struct {
	Raw   []byte // config.json: handed to the guest as it is
	Whole []byte // config.yaml
	Base  []byte // base.yaml of the folder
	Patch []byte // config.patch.yaml
}

// Empty reports whether there is no text.
func (c Source) Empty() bool {
	return c.Raw == nil && c.Whole == nil && c.Base == nil && c.Patch == nil
}

// Expander replaces every ${...} of a text.
type Expander func(text string) (string, error)

var errNoConfig = errors.New("no configuration: write a section config.yaml (empty when the filter has none) or config.json, or a file base.yaml beside the scenario")

// Render makes the JSON document for the guest. The ${...} are replaced before
// YAML is read, so that an unquoted one may become a number.
func (c Source) Render(x Expander) ([]byte, error) {
	switch {
	case c.Raw != nil:
		out, err := x(string(c.Raw))
		return []byte(out), err
	case c.Whole != nil:
		return yamlToJSON("config.yaml", c.Whole, x)
	case c.Base == nil:
		return nil, errNoConfig
	}
	base, err := yamlToJSON("base.yaml", c.Base, x)
	if err != nil || c.Patch == nil {
		return base, err
	}
	patch, err := yamlToJSON("config.patch.yaml", c.Patch, x)
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

func yamlToJSON(name string, text []byte, x Expander) ([]byte, error) {
	expanded, err := x(string(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
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
