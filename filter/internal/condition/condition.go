// Package condition judges whether a step is meant for a request: the when of a
// step. What backends could read in two ways is judged unclear, and the caller
// must then refuse the request.
package condition

import (
	"slices"
	"strings"

	"github.com/sallyport-gateway/sallyport/filter/internal/ascii"
	"github.com/sallyport-gateway/sallyport/filter/internal/catalog"
	"github.com/sallyport-gateway/sallyport/filter/internal/decode"
	"github.com/sallyport-gateway/sallyport/filter/internal/formdata"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
)

// Bounds of a condition: each part of it costs every request.
const (
	MaxDepth  = 4  // conditions within conditions, itself included
	MaxLeaves = 32 // the parts that look at the request
)

// Judgement is whether a condition holds. The zero value is Unclear.
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
// Of a header, each line counts, and each element of a line that is a list; a
// query parameter is compared after it was decoded, once, as form data.
type Condition struct {
	_       [0]func() // not comparable: an unused == costs the guest code
	kind    kind
	methods []string             // of method, in capital letters
	path    *catalog.PathPattern // of path
	name    string               // of header, in lower case, and of query
	value   string               // of both, when equals is set; otherwise any value will do
	equals  bool
	of      []Condition // of all, anyOf and not
}

// Judge looks at the request as the steps so far have left it.
func (c *Condition) Judge(x *pipeline.Exchange) Judgement { return c.judge(x, false) }

// judge is Judge, where negated says that the opposite of the condition is
// asked for: that one of several values is the right one does not make the
// others right.
func (c *Condition) judge(x *pipeline.Exchange, negated bool) Judgement {
	switch c.kind {
	case method:
		return c.judgeMethod(x.Method)
	case path:
		switch c.path.Match(x.API.PathSuffix) {
		case catalog.Matches:
			return Holds
		case catalog.MatchesNot:
			return HoldsNot
		}
	case header:
		return c.judgeHeaders(x, negated)
	case query:
		return c.judgeQuery(x, negated)
	case all:
		return c.each(x, HoldsNot, negated)
	case anyOf:
		return c.each(x, Holds, negated)
	case not:
		return c.of[0].judge(x, !negated).opposite()
	}
	return Unclear
}

// judgeMethod is unclear about a method that differs from one of those only in
// letter case: it is a different method (RFC 9110 section 9.1), but Django,
// Werkzeug and Symfony convert it to capital letters.
func (c *Condition) judgeMethod(sent string) Judgement {
	if slices.Contains(c.methods, sent) {
		return Holds
	}
	if !decode.ValidMethod(sent) {
		for _, m := range c.methods {
			if ascii.EqualFold(m, sent) {
				return Unclear
			}
		}
	}
	return HoldsNot
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

// each is decided by the first condition that is judged so, however unclear the
// others are. Without one it is the opposite, or Unclear if any of them is.
func (c *Condition) each(x *pipeline.Exchange, decides Judgement, negated bool) Judgement {
	result := decides.opposite()
	for i := range c.of {
		switch j := c.of[i].judge(x, negated); j {
		case decides:
			return decides
		case Unclear:
			result = Unclear
		}
	}
	return result
}

// judgeHeaders is unclear about a condition that holds only for backends that
// take another spelling of the header's name for it, and about a negated one
// when the lines are not all alike.
func (c *Condition) judgeHeaders(x *pipeline.Exchange, negated bool) Judgement {
	for i := range x.Edits.Set {
		if h := &x.Edits.Set[i]; h.Name == c.name {
			return judged(c.isValue(h.Value))
		}
	}
	holds, some, differ := false, false, false
	for i := range x.Headers {
		h := &x.Headers[i]
		if !ascii.SameVariable(h.Name, c.name) || slices.Contains(x.Edits.Remove, h.Name) {
			continue
		}
		is := c.isValue(h.Value)
		holds = holds || is && h.Name == c.name
		some, differ = some || is, differ || !is
	}
	if some != holds || holds && differ && negated {
		return Unclear
	}
	return judged(holds)
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

// judgeQuery is unclear about a condition whose parameter is there only for
// backends that split a query at semicolons too, and about a negated one when
// the parameter came with other values as well.
func (c *Condition) judgeQuery(x *pipeline.Exchange, negated bool) Judgement {
	text := x.Query
	if x.Edits.QueryChanged {
		text = x.Edits.Query
	}
	holds, differ := c.inQuery(text, false)
	if holds && differ && negated {
		return Unclear
	}
	if strings.IndexByte(text, ';') >= 0 {
		if also, _ := c.inQuery(text, true); also != holds {
			return Unclear
		}
	}
	return judged(holds)
}

func (c *Condition) inQuery(text string, semicolons bool) (holds, differ bool) {
	for text != "" {
		end := 0
		for end < len(text) && text[end] != '&' && (text[end] != ';' || !semicolons) {
			end++
		}
		name, value, _ := strings.Cut(text[:end], "=")
		if formdata.DecodesTo(name, c.name) {
			is := !c.equals || formdata.DecodesTo(value, c.value)
			holds, differ = holds || is, differ || !is
		}
		text = text[min(end+1, len(text)):]
	}
	return holds, differ
}
