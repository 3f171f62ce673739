package envoyconfig

import (
	"embed"
	"encoding/json"
	"fmt"

	"sigs.k8s.io/yaml"
)

//go:embed envoy.yaml backend-sidecar.yaml quota-cluster.yaml secrets/*.yaml istio/base istio/overlays envoy-gateway/*.yaml envoy-gateway/quota
var shipped embed.FS

// Document is a shipped file, decoded, to be changed place by place. Its methods do nothing after the first error,
// which Err returns.
type Document struct {
	file string
	root any
	err  error
}

// Parse decodes the shipped envoy.yaml, a fresh copy at each call.
func Parse() *Document { return parse("envoy.yaml") }

// Sidecar decodes the shipped backend-sidecar.yaml, a fresh copy at each call.
func Sidecar() *Document { return parse("backend-sidecar.yaml") }

// Wrap makes a document of what is already decoded; file is its name in errors.
func Wrap(file string, root any) *Document { return &Document{file: file, root: root} }

// Shipped returns a file that is shipped for Envoy, Istio or Envoy Gateway, unchanged.
func Shipped(file string) ([]byte, error) { return shipped.ReadFile(file) }

func parse(file string) *Document {
	d := &Document{file: file}
	text, err := shipped.ReadFile(file)
	if err != nil {
		d.err = err
		return d
	}
	if err := yaml.UnmarshalStrict(text, &d.root); err != nil {
		d.err = fmt.Errorf("parse %s: %w", file, err)
	}
	return d
}

// Set replaces the member at the path. A path that leads nowhere is an error: a change of the file's shape must not go
// unnoticed.
func (d *Document) Set(value any, at Path) {
	d.change(at, func(members map[string]any, name string) { members[name] = value })
}

// Add sets the member at the path, which may be new; the object that gets it must be there.
func (d *Document) Add(value any, at Path) {
	if d.err != nil {
		return
	}
	last := len(at) - 1
	parent, err := at[:last].find(d.root)
	if err != nil {
		d.err = fmt.Errorf("change %s: %w", d.file, err)
		return
	}
	members, ok := parent.(map[string]any)
	name, isName := at[last].(string)
	if !ok || !isName {
		d.err = fmt.Errorf("change %s: %s is not a member of a map", d.file, at)
		return
	}
	members[name] = value
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
		d.err = fmt.Errorf("change %s: %w", d.file, err)
		return
	}
	do(members, name)
}

// Get returns what is at the path; it is part of the document, not a copy.
func (d *Document) Get(at Path) any {
	if d.err != nil {
		return nil
	}
	value, err := at.find(d.root)
	if err != nil {
		d.err = fmt.Errorf("read %s: %w", d.file, err)
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
		return nil, fmt.Errorf("encode %s: %w", d.file, err)
	}
	return out, nil
}

// YAML is the document for people and for Kubernetes.
func (d *Document) YAML() ([]byte, error) {
	text, err := d.JSON()
	if err != nil {
		return nil, err
	}
	if text, err = yaml.JSONToYAML(text); err != nil {
		return nil, fmt.Errorf("encode %s: %w", d.file, err)
	}
	return text, nil
}
