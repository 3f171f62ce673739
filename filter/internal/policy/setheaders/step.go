// Package setheaders implements the step set_headers, the part of Apigee's
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

type step Options

// New makes the step. What a client sends under one of the names, in any
// spelling that a backend could take for it, is removed, even if there is no
// value to set: a header that this step sets is never the client's own.
func New(o Options) pipeline.Step {
	s := step(o)
	return &s
}

// Name implements pipeline.Step.
func (s *step) Name() string { return "set_headers" }

// Apply implements pipeline.Step. It never refuses.
func (s *step) Apply(x *pipeline.Exchange) pipeline.Outcome {
	e := &x.Edits
	kept := 0
	for i := range e.Set { // by earlier steps
		if !s.replaces(e.Set[i].Name) {
			e.Set[kept] = e.Set[i]
			kept++
		}
	}
	e.Set = e.Set[:kept]
	for i := range x.Headers {
		if name := x.Headers[i].Name; s.replaces(name) {
			e.RemoveHeader(name)
		}
	}
	for i := range s.Set {
		if value := s.Set[i].value(x); value != "" {
			e.SetHeader(s.Set[i].Name, value)
		}
	}
	return pipeline.Continue()
}

// Skipped implements pipeline.Skipper: headers that say who calls belong to the
// gateway in every request, so that a condition of the step does not let
// clients forge them.
func (s *step) Skipped(x *pipeline.Exchange) {
	for i := range x.Headers {
		name := x.Headers[i].Name
		for j := range s.Set {
			if own := &s.Set[j]; own.vouches() && ascii.SameVariable(name, own.Name) {
				x.Edits.RemoveHeader(name)
			}
		}
	}
}

// vouches reports whether the value says who calls.
func (s *Setting) vouches() bool {
	return s.Source == Claim || s.Source == AppAttribute || s.Source == ProductAttribute
}

//go:noinline
func (s *step) replaces(name string) bool {
	for _, own := range s.Remove {
		if ascii.SameVariable(name, own) {
			return true
		}
	}
	for i := range s.Set {
		if ascii.SameVariable(name, s.Set[i].Name) {
			return true
		}
	}
	return false
}

// value is what to send, "" for nothing. What does not come from the
// configuration is encoded as identity headers are.
func (s *Setting) value(x *pipeline.Exchange) string {
	value := ""
	switch s.Source {
	case Literal:
		return s.Of
	case Claim:
		value = claim(x, s.Of)
	case AppAttribute:
		value = x.Caller.AppAttributes[s.Of]
	case ProductAttribute:
		value = x.Caller.ProductAttributes[s.Of]
	case ClientIP:
		return x.ClientAddress().String()
	}
	return identity.EncodeValue(value)
}

func claim(x *pipeline.Exchange, name string) string {
	t := x.Token
	if t == nil || !t.Active {
		return ""
	}
	switch slices.Index(Claims, name) {
	case 0:
		return t.Subject
	case 1:
		return t.Issuer
	case 2:
		return ascii.Join(t.Audience, " ")
	case 3:
		return t.ClientID
	case 4:
		return ascii.Join(t.Scopes, " ")
	}
	return ""
}

var (
	_ pipeline.Step    = (*step)(nil)
	_ pipeline.Skipper = (*step)(nil)
)
