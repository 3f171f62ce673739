package apigee

import (
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/apigee/condition"
	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/apigee/report"
	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/apigee/xmltree"
)

// ofRequest reports whether an AssignMessage changes the request itself, and not
// a message for a callout.
func ofRequest(x *xmltree.Node) bool {
	to := x.Child("AssignTo")
	if to == nil {
		return true
	}
	name := strings.ToLower(to.Text)
	return !strings.EqualFold(to.Attr("createNew"), "true") && (name == "" || name == "request" || name == "message") && !strings.EqualFold(to.Attr("type"), "response")
}

// assignment is what an AssignMessage does to the request.
type assignment struct {
	*api
	said    condition.Said
	set     []*yaml.Node
	headers []string // to remove
	queries []string // the same
	keys    bool     // removes keys, which remove_api_key does
	d       differences
	// rest is what the filter cannot do: without it the backend gets a
	// different message from the one that Apigee sends.
	rest []string
}

func (a *api) assignMessage(v visit) {
	x := v.policy.XML
	s := &assignment{api: a, said: v.say(a.context)}
	s.variables(x)
	if ofRequest(x) {
		for _, n := range x.All("Remove") {
			s.removals(n)
		}
		for _, how := range []string{"Set", "Add"} {
			for _, n := range x.All(how) {
				s.settings(how, n)
			}
		}
		if x.Child("Copy") != nil {
			s.rest = append(s.rest, "a copy of another message")
		}
	}
	s.steps(v)
	a.changes(x)
	s.conclude(v, ofRequest(x))
}

// removals removes headers and parameters.
func (s *assignment) removals(n *xmltree.Node) {
	for _, c := range childrenOf(n) {
		switch c.Name {
		case "Headers":
			if len(c.All("Header")) == 0 {
				s.rest = append(s.rest, "the removal of all headers")
			}
			for _, h := range c.All("Header") {
				s.takeHeaderOff(strings.ToLower(h.Attr("name")))
			}
		case "QueryParams":
			if len(c.All("QueryParam")) == 0 {
				s.rest = append(s.rest, "the removal of all parameters")
			}
			for _, q := range c.All("QueryParam") {
				s.takeQueryOff(q.Attr("name"))
			}
		default:
			s.rest = append(s.rest, "the removal of "+c.Name)
		}
	}
}

func (s *assignment) takeHeaderOff(name string) {
	switch {
	case s.keyLater(place{header: name}):
		s.keys = true
	case settable(name):
		s.headers = append(s.headers, name)
	default:
		s.rest = append(s.rest, "the removal of a header of the connection")
	}
}

var queryName = regexp.MustCompile(`^[A-Za-z0-9._~-]{1,64}$`)

func (s *assignment) takeQueryOff(name string) {
	const most = 8 // places of a remove_api_key
	switch {
	case s.keyLater(place{query: name}):
		s.keys = true
	case queryName.MatchString(name) && len(s.queries) < most:
		s.queries = append(s.queries, name)
	default:
		s.rest = append(s.rest, "the removal of a parameter")
	}
}

// settings sets headers; those that it cannot set it removes, so that no client
// can send them in the gateway's name.
func (s *assignment) settings(how string, n *xmltree.Node) {
	for _, c := range childrenOf(n) {
		switch c.Name {
		case "Headers":
			for _, h := range c.All("Header") {
				s.header(how, strings.ToLower(h.Attr("name")), h.Text)
			}
		case "QueryParams":
			for _, q := range c.All("QueryParam") {
				s.d.add("the parameter " + variableName(q.Attr("name")) + " is removed instead of set, so that no client can send it")
				s.takeQueryOff(q.Attr("name"))
			}
		case "StatusCode", "ReasonPhrase", "Version":
		default:
			s.rest = append(s.rest, "a new "+c.Name)
		}
	}
}

func (s *assignment) header(how, name, text string) {
	if !settable(name) {
		s.d.add("without a header that the proxy itself sets")
		return
	}
	value, why := s.headerValue(name, text)
	if value != nil && !s.said.Exact {
		value, why = nil, "its condition cannot be expressed"
	}
	if value == nil {
		s.d.add("the header " + name + " is removed instead of set, so that no client can send it: " + why)
		s.headers = append(s.headers, name)
		return
	}
	if how == "Add" {
		s.d.add("the header " + name + " is replaced, where Apigee adds a value")
	}
	s.set = append(s.set, value)
}

// variables looks for variables that are a part of the message, or choose where
// it goes.
func (s *assignment) variables(x *xmltree.Node) {
	for _, variable := range x.All("AssignVariable") {
		name := strings.ToLower(variable.TextAt("Name"))
		text := variable.TextAt("Value")
		if ref := variable.TextAt("Ref"); ref != "" {
			text = "{" + ref + "}"
		} else if t := variable.TextAt("Template"); t != "" {
			text = t
		}
		header, isHeader := strings.CutPrefix(name, "request.header.")
		switch {
		case isHeader && !strings.Contains(header, "."):
			s.header("Set", header, text)
		case strings.HasPrefix(name, "request.queryparam."):
			s.d.add("the parameter " + variableName(name[len("request.queryparam."):]) + " is removed instead of set, so that no client can send it")
			s.takeQueryOff(variable.TextAt("Name")[len("request.queryparam."):])
		case strings.HasPrefix(name, "request."), strings.HasPrefix(name, "message."), name == "proxy.pathsuffix":
			s.rest = append(s.rest, "another value of "+variableName(name))
		case name == "target.url", strings.HasPrefix(name, "target.copy."), name == "target.basepath":
			s.rest = append(s.rest, "another backend or path by "+name)
		}
	}
}

// steps adds the steps that are needed. What is removed because its condition
// cannot be expressed is removed from every request.
func (s *assignment) steps(v visit) {
	said := s.said
	if !said.Exact {
		said = condition.Said{Always: true}
	}
	if len(s.set)+len(s.headers) > 0 {
		options := mapping()
		if len(s.set) > 0 {
			put(options, "set", list(s.set...))
		}
		if len(s.headers) > 0 {
			slices.Sort(s.headers)
			put(options, "remove", slices.Compact(s.headers))
		}
		s.add(v, step{name: "set_headers", options: options}, said)
	}
	if len(s.queries) > 0 {
		if !said.Always || !s.said.Exact {
			s.d.add("parameters are removed from every request")
		}
		var places []*yaml.Node
		for _, name := range s.queries {
			places = append(places, flow(mapping("query", name)))
		}
		s.add(v, step{name: "remove_api_key", options: mapping("from", list(places...))}, condition.Said{Always: true})
	}
}

func (s *assignment) conclude(v visit, ofRequest bool) {
	some := len(s.set)+len(s.headers)+len(s.queries) > 0 || s.keys
	switch {
	case len(s.rest) > 0:
		slices.Sort(s.rest)
		s.deny(v, "the backend would get another message than Apigee sends: without "+strings.Join(slices.Compact(s.rest), ", "),
			"Envoy's route (prefix_rewrite, regex_rewrite), or the backend; once that is done, or if it is harmless, --accept it")
	case some || len(s.d) > 0:
		s.carried(v, s.d)
	case ofRequest:
		s.say(v, report.Dropped, "it only sets variables, which are Apigee's own", "")
	default:
		s.say(v, report.Dropped, "it builds a message for a callout, which the step for the callout does itself", "")
	}
}

// changes notes what is no longer as it came in.
func (a *api) changes(x *xmltree.Node) {
	change := func(name string) { a.changed[strings.ToLower(name)] = true }
	for _, how := range []string{"Set", "Add", "Remove", "Copy"} {
		if !ofRequest(x) {
			break
		}
		for _, n := range x.All(how) {
			messageChanges(n, how == "Copy", change)
		}
	}
	for _, variable := range x.All("AssignVariable") {
		change(variable.TextAt("Name"))
	}
}

// messageChanges are the changes of one Set, Add, Remove or Copy.
func messageChanges(n *xmltree.Node, copies bool, change func(variable string)) {
	for kind, prefix := range map[string]string{"Header": "request.header.", "QueryParam": "request.queryparam."} {
		for _, all := range n.All(kind + "s") {
			for _, one := range all.All(kind) {
				change(prefix + one.Attr("name"))
			}
			if len(all.Children) == 0 {
				change(prefix + "*")
			}
		}
		if copies {
			change(prefix + "*")
		}
	}
	if copies || n.Child("Verb") != nil {
		change("request.verb")
	}
	if copies || n.Child("Path") != nil {
		change("request.path")
		change("proxy.pathsuffix")
	}
}

func childrenOf(n *xmltree.Node) []*xmltree.Node {
	if n == nil {
		return nil
	}
	return n.Children
}

// keyLater reports whether any VerifyAPIKey takes its key from the place.
func (a *api) keyLater(p place) bool {
	for _, v := range a.visits {
		if v.policy.Type != "VerifyAPIKey" || v.policy.Off {
			continue
		}
		if at, ok := a.placeOf(v.policy.XML.Child("APIKey").Attr("ref")); ok && at.header == p.header && at.query == p.query {
			return true
		}
	}
	return false
}
