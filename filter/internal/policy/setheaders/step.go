// Package setheaders is the policy set_headers, the part of Apigee's
// AssignMessage that sets and removes headers of a request.
package setheaders

import (
	"slices"

	"github.com/sallyport-gateway/sallyport/filter/internal/ascii"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy/identity"
)

// Source is where the value of a header comes from. The zero value is none.
type Source uint8

const (
	NoSource         Source = iota
	Literal                 // Setting.Of itself
	Claim                   // of an active token; see Claims
	AppAttribute            // of the app whose key was verified
	ProductAttribute        // of the product that grants the call
	ClientIP                // the client's address
)

// Claims are those that a header may have, by the names of RFC 7662 section 2.2.
var Claims = []string{"sub", "iss", "aud", "client_id", "scope"}

// Setting is a header to set.
type Setting struct {
	Name   string // lower case
	Source Source
	Of     string // the text, or the name of the claim or the attribute
}

// Options are what to do with a request.
type Options struct {
	Set    []Setting
	Remove []string // lower case
}

type step struct {
	set     []Setting
	replace []string // every name, of those that are set too
}

// New makes the step. What a client sends under one of the names, in any spelling
// that a backend could take for it, is removed, also where there is no value to
// set: a header that this step sets is never the client's own.
func New(o Options) pipeline.Step {
	s := &step{set: slices.Clone(o.Set), replace: slices.Clone(o.Remove)}
	for i := range o.Set {
		if !slices.Contains(s.replace, o.Set[i].Name) {
			s.replace = append(s.replace, o.Set[i].Name)
		}
	}
	return s
}

// Name implements pipeline.Step.
func (s *step) Name() string { return "set_headers" }

// Apply implements pipeline.Step. It never refuses.
func (s *step) Apply(x *pipeline.Exchange) pipeline.Outcome {
	e := &x.Edits
	e.Set = slices.DeleteFunc(e.Set, func(h pipeline.Header) bool { return s.replaces(h.Name) })
	for i := range x.Headers {
		if name := x.Headers[i].Name; s.replaces(name) {
			e.RemoveHeader(name)
		}
	}
	for i := range s.set {
		if value := s.set[i].value(x); value != "" {
			e.SetHeader(s.set[i].Name, value)
		}
	}
	return pipeline.Continue()
}

func (s *step) replaces(name string) bool {
	for _, own := range s.replace {
		if ascii.SameVariable(name, own) {
			return true
		}
	}
	return false
}

// value is what to send, "" for nothing. What does not come from the
// configuration is encoded as identity headers are.
func (s *Setting) value(x *pipeline.Exchange) string {
	switch s.Source {
	case Literal:
		return s.Of
	case Claim:
		return identity.EncodeValue(claim(x, s.Of))
	case AppAttribute:
		return identity.EncodeValue(x.Caller.AppAttributes[s.Of])
	case ProductAttribute:
		return identity.EncodeValue(x.Caller.ProductAttributes[s.Of])
	case ClientIP:
		return x.ClientAddress().String()
	}
	return ""
}

func claim(x *pipeline.Exchange, name string) string {
	t := x.Token
	if t == nil || !t.Active {
		return ""
	}
	switch name {
	case "sub":
		return t.Subject
	case "iss":
		return t.Issuer
	case "aud":
		return joined(t.Audience)
	case "client_id":
		return t.ClientID
	case "scope":
		return joined(t.Scopes)
	}
	return ""
}

func joined(list []string) string {
	var b []byte
	for i, s := range list {
		if i > 0 {
			b = append(b, ' ')
		}
		b = append(b, s...)
	}
	return string(b)
}

var _ pipeline.Step = (*step)(nil)
