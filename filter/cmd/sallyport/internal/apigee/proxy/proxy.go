// Package proxy reads the XML of a bundle as Apigee means it: policies, flows
// and their steps, faults and routes. It knows no gateway.
package proxy

import (
	"fmt"
	"path"
	"strings"

	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/apigee/bundle"
	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/apigee/condition"
	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/apigee/xmltree"
)

// Place is where something is, for people to read.
type Place struct {
	File string `json:"file"`
	Line int    `json:"line"`
}

func (p Place) String() string { return fmt.Sprintf("%s:%d", p.File, p.Line) }

// Problem is what makes a bundle unreadable. Message shows nothing of a
// policy's content, which may be a secret.
type Problem struct {
	Place
	Message string `json:"message"`
}

func (p Problem) String() string { return p.Place.String() + ": " + p.Message }

// Policy is one policy's file.
type Policy struct {
	Place
	Name, Type      string
	Off             bool // enabled="false"
	ContinueOnError bool
	XML             *xmltree.Node
}

// Step is a policy's place in a flow.
type Step struct {
	Place
	Policy    string
	Condition condition.Expr
	Unread    bool // the condition cannot be read
}

// Flow is a named list of steps for the request, and one for the response.
type Flow struct {
	Place
	Name              string // PreFlow, PostFlow, or the name of a conditional flow
	Conditional       bool
	Condition         condition.Expr
	Unread            bool
	Request, Response []Step
}

// FaultRule is what happens to a fault.
type FaultRule struct {
	Place
	Name      string
	Default   bool
	Condition condition.Expr
	Unread    bool
	Steps     []Step
}

// Route is a RouteRule. A Target and a URL of "" is the null route.
type Route struct {
	Place
	Name, Target, URL string
	Condition         condition.Expr
	Unread            bool
}

// Endpoint is a ProxyEndpoint or a TargetEndpoint.
type Endpoint struct {
	Place
	Name     string
	BasePath string
	Flows    []Flow // PreFlow, conditional flows, PostFlow, in the order in which they run
	After    []Step // PostClientFlow
	Faults   []FaultRule
	Routes   []Route
	XML      *xmltree.Node
}

// Proxy is a bundle that was read.
type Proxy struct {
	Kind     bundle.Kind
	Name     string
	Root     string
	Policies []*Policy
	Proxies  []*Endpoint
	Targets  []*Endpoint
	Shared   []*Endpoint // a shared flow's own: one Flow with the steps
	Problems []Problem
}

// Policy finds a policy by its name, or by its file's where the name differs.
func (p *Proxy) Policy(name string) *Policy {
	for _, policy := range p.Policies {
		if policy.Name == name {
			return policy
		}
	}
	for _, policy := range p.Policies {
		if fileName(policy.File) == name {
			return policy
		}
	}
	return nil
}

// Target finds a target endpoint.
func (p *Proxy) Target(name string) *Endpoint {
	for _, t := range p.Targets {
		if t.Name == name {
			return t
		}
	}
	return nil
}

func fileName(file string) string { return strings.TrimSuffix(path.Base(file), path.Ext(file)) }
