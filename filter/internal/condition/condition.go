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

//go:noinline
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

// Condition is one condition, made by Decode. The zero value is always unclear.
//
// A header counts with each of its lines, and each element of a line that is a
// list; a parameter of the query is compared decoded, once, as form data.
type Condition struct {
	_       [0]func() // not comparable: an unused == costs the guest code
	kind    kind
	methods []string             // of method, in capital letters
	path    *catalog.PathPattern // of path
	name    string               // of header, in lower case, and of query
	value   string               // of both, when equals is set; otherwise any will do
	equals  bool
	of      []Condition // of all, anyOf and not
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
	if named, holds := c.inLines(x.Edits.Set); named {
		return holds
	}
	if slices.Contains(x.Edits.Remove, c.name) {
		return false
	}
	_, holds := c.inLines(x.Headers)
	return holds
}

// inLines looks for the header in a list, and for the value in it.
//
//go:noinline
func (c *Condition) inLines(lines []pipeline.Header) (named, holds bool) {
	for i := range lines {
		if h := &lines[i]; h.Name == c.name {
			named = true
			holds = holds || c.isValue(h.Value)
		}
	}
	return named, holds
}

// isValue compares the value of a line, and the elements of what may be a list.
func (c *Condition) isValue(line string) bool {
	const blanks = " \t" // optional whitespace is not part of a value (RFC 9110 section 5.5)
	if !c.equals || ascii.Trim(line, blanks) == c.value {
		return true
	}
	for {
		end := strings.IndexByte(line, ',')
		if end < 0 {
			return ascii.Trim(line, blanks) == c.value
		}
		if ascii.Trim(line[:end], blanks) == c.value {
			return true
		}
		line = line[end+1:]
	}
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
		if formdata.DecodesTo(name, c.name) && (!c.equals || formdata.DecodesTo(value, c.value)) {
			return true
		}
		text = text[min(end+1, len(text)):]
	}
	return false
}
