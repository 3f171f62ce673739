// Package condition judges whether a step is meant for a request: the when of a
// step. What backends could read in two ways is judged neither way, and whoever
// asks must refuse it then.
package condition

import (
	"slices"
	"strings"

	"github.com/sallyport-gateway/sallyport/filter/internal/ascii"
	"github.com/sallyport-gateway/sallyport/filter/internal/catalog"
	"github.com/sallyport-gateway/sallyport/filter/internal/formdata"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
)

// Bounds of a condition: each part of it costs every request.
const (
	MaxDepth  = 4  // conditions within conditions, itself included
	MaxLeaves = 32 // that look at something
)

// Judgement is whether a condition holds. The zero value is neither.
type Judgement uint8

const (
	Unclear Judgement = iota
	Holds
	HoldsNot
)

func judged(holds bool) Judgement {
	if holds {
		return Holds
	}
	return HoldsNot
}

type kind uint8

const (
	nothing kind = iota // always unclear
	method
	path
	header
	query
	all
	anyOf
	not
)

// Condition is one condition. The zero value is always unclear.
type Condition struct {
	_       [0]func() // not comparable: an unused == costs the guest code
	kind    kind
	methods []string
	path    *catalog.PathPattern
	name    string
	value   *string // nil for any
	of      []Condition
}

// Method holds for requests with one of the methods, in capital letters.
func Method(methods ...string) Condition { return Condition{kind: method, methods: methods} }

// Path holds for requests whose path below the API's base path matches.
func Path(p *catalog.PathPattern) Condition { return Condition{kind: path, path: p} }

// Header holds for requests that have the header, its name in lower case: with
// any value, or, unless value is nil, with that one. Each line counts, and each
// element of a line that is a list.
func Header(name string, value *string) Condition {
	return Condition{kind: header, name: name, value: value}
}

// Query is like Header, for a parameter of the query. Names and values are
// compared decoded, once, as form data.
func Query(name string, value *string) Condition {
	return Condition{kind: query, name: name, value: value}
}

// All holds when each of the conditions does.
func All(of ...Condition) Condition { return Condition{kind: all, of: of} }

// Any holds when one of the conditions does.
func Any(of ...Condition) Condition { return Condition{kind: anyOf, of: of} }

// Not holds when the condition does not.
func Not(c Condition) Condition { return Condition{kind: not, of: []Condition{c}} }

// Headers gives the names of the headers that the condition looks at.
func (c *Condition) Headers(names []string) []string {
	if c.kind == header {
		names = append(names, c.name)
	}
	for i := range c.of {
		names = c.of[i].Headers(names)
	}
	return names
}

// Judge looks at the request as the steps so far have left it.
func (c *Condition) Judge(x *pipeline.Exchange) Judgement {
	switch c.kind {
	case method:
		return judged(slices.Contains(c.methods, x.Method))
	case path:
		switch c.path.Match(x.API.PathSuffix) {
		case catalog.Matches:
			return Holds
		case catalog.MatchesNot:
			return HoldsNot
		}
	case header:
		return judged(c.inHeaders(x))
	case query:
		return c.judgeQuery(x)
	case all:
		return c.each(x, HoldsNot)
	case anyOf:
		return c.each(x, Holds)
	case not:
		return c.of[0].Judge(x).opposite()
	}
	return Unclear
}

func (j Judgement) opposite() Judgement {
	switch j {
	case Holds:
		return HoldsNot
	case HoldsNot:
		return Holds
	}
	return Unclear
}

// each is decided by the first condition that is judged so, whatever is unclear
// of the others; without one it is the opposite.
func (c *Condition) each(x *pipeline.Exchange, decides Judgement) Judgement {
	result := decides.opposite()
	for i := range c.of {
		switch j := c.of[i].Judge(x); j {
		case decides:
			return decides
		case Unclear:
			result = Unclear
		}
	}
	return result
}

func (c *Condition) inHeaders(x *pipeline.Exchange) bool {
	for i := len(x.Edits.Set) - 1; i >= 0; i-- {
		if h := &x.Edits.Set[i]; h.Name == c.name {
			return c.isValue(h.Value)
		}
	}
	if slices.Contains(x.Edits.Remove, c.name) {
		return false
	}
	for i := range x.Headers {
		if h := &x.Headers[i]; h.Name == c.name && c.isValue(h.Value) {
			return true
		}
	}
	return false
}

// isValue compares the value of a line, and the elements of what may be a list.
func (c *Condition) isValue(line string) bool {
	const blanks = " \t" // optional whitespace is not part of a value (RFC 9110 section 5.5)
	if c.value == nil || ascii.Trim(line, blanks) == *c.value {
		return true
	}
	for more := strings.IndexByte(line, ',') >= 0; more; {
		var element string
		if element, line, more = strings.Cut(line, ","); ascii.Trim(element, blanks) == *c.value {
			return true
		}
	}
	return false
}

// judgeQuery finds a condition unclear whose parameter is there only for those
// who split a query at semicolons too.
func (c *Condition) judgeQuery(x *pipeline.Exchange) Judgement {
	text := x.Query
	if x.Edits.QueryChanged {
		text = x.Edits.Query
	}
	holds := c.inQuery(text, false)
	if strings.IndexByte(text, ';') >= 0 && c.inQuery(text, true) != holds {
		return Unclear
	}
	return judged(holds)
}

func (c *Condition) inQuery(text string, semicolons bool) bool {
	for text != "" {
		end := 0
		for end < len(text) && text[end] != '&' && (text[end] != ';' || !semicolons) {
			end++
		}
		name, value, _ := strings.Cut(text[:end], "=")
		if formdata.DecodesTo(name, c.name) && (c.value == nil || formdata.DecodesTo(value, *c.value)) {
			return true
		}
		text = text[min(end+1, len(text)):]
	}
	return false
}
