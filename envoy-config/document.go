package envoyconfig

import (
	_ "embed"
	"encoding/json"
	"fmt"

	"sigs.k8s.io/yaml"
)

//go:embed envoy.yaml
var shipped []byte

// Document is the shipped envoy.yaml, decoded, to be changed place by place. Its methods do nothing after the first
// error, which Err tells.
type Document struct {
	root any
	err  error
}

// Parse decodes the shipped envoy.yaml, a fresh copy at each call.
func Parse() *Document {
	d := &Document{}
	if err := yaml.UnmarshalStrict(shipped, &d.root); err != nil {
		d.err = fmt.Errorf("parse envoy.yaml: %w", err)
	}
	return d
}

// Set replaces the member at the path. A path that leads nowhere is an error: a change of the file's shape must not
// go unseen.
func (d *Document) Set(value any, at Path) {
	d.change(at, func(members map[string]any, name string) { members[name] = value })
}

// Delete removes the member at the path, which must be there.
func (d *Document) Delete(at Path) {
	d.change(at, func(members map[string]any, name string) { delete(members, name) })
}

func (d *Document) change(at Path, do func(members map[string]any, name string)) {
	if d.err != nil {
		return
	}
	members, name, err := at.member(d.root)
	if err != nil {
		d.err = fmt.Errorf("change envoy.yaml: %w", err)
		return
	}
	do(members, name)
}

// Get answers what is at the path; it is part of the document, not a copy.
func (d *Document) Get(at Path) any {
	if d.err != nil {
		return nil
	}
	value, err := at.find(d.root)
	if err != nil {
		d.err = fmt.Errorf("read envoy.yaml: %w", err)
	}
	return value
}

// Err is the first error.
func (d *Document) Err() error { return d.err }

// JSON is the document for Envoy, which reads JSON as well as YAML.
func (d *Document) JSON() ([]byte, error) {
	if d.err != nil {
		return nil, d.err
	}
	out, err := json.Marshal(d.root)
	if err != nil {
		return nil, fmt.Errorf("encode the bootstrap: %w", err)
	}
	return out, nil
}
