package condition

import (
	"slices"
	"strings"
)

// When is what the filter's when can say. The zero value is not a condition.
type When struct {
	Method []string
	Path   string
	Header *Pair
	Query  *Pair
	All    []When
	Any    []When
	Not    *When
}

// Pair is a header or a query parameter: there at all, or with that value.
type Pair struct {
	Name, Equals string
	Present      bool // it only has to be there
}

// Bounds of a when.
const (
	maxWhenDepth  = 4
	maxWhenLeaves = 32
	maxPathBytes  = 256
)

// Sense says which way a condition may err where it cannot be said exactly.
type Sense int

// A refusal may hit more requests than in Apigee, and what opens a door fewer.
const (
	AtLeast Sense = iota // the when is true for every request for which the condition is
	AtMost               // the when is true for no other request
)

// Said is a condition in the filter's words.
type Said struct {
	Always, Never bool // else When
	When          When
	Exact         bool
}

// Context is what is known of the place where a condition stands.
type Context struct {
	BasePath string // of the proxy, without a "/" at its end
	// Known gives the value of a variable that is the same for every request that
	// gets here; null for a variable that is not set.
	Known func(variable string) (value string, null, known bool)
	// Changed reports whether a step before has changed the variable, so that what
	// came with the request says nothing of it.
	Changed func(variable string) bool
}

// Say gives the condition as a when that errs only to one side. It is exact
// when both sides are the same.
func Say(e Expr, sense Sense, c Context) Said {
	f := fold(e, sense, c)
	switch {
	case f.constant && f.value:
		return Said{Always: true, Exact: f.exact}
	case f.constant:
		return Said{Never: true, Exact: f.exact}
	}
	if depth(f.when) > maxWhenDepth || leaves(f.when) > maxWhenLeaves {
		return Said{Always: sense == AtLeast, Never: sense == AtMost}
	}
	return Said{When: f.when, Exact: f.exact}
}

// Either gives a when that is true where one of two is; ok is false when that
// cannot be said within bounds.
func Either(x, y When) (w When, ok bool) {
	var parts []When
	for _, one := range []When{x, y} {
		if one.Any != nil {
			parts = append(parts, one.Any...)
		} else {
			parts = append(parts, one)
		}
	}
	w = anyOf(parts)
	return w, depth(w) <= maxWhenDepth && leaves(w) <= maxWhenLeaves
}

// folded is a when or a constant.
type folded struct {
	constant, value bool
	when            When
	exact           bool
}

func constant(value, exact bool) folded { return folded{constant: true, value: value, exact: exact} }

// guess is for what cannot be said.
func guess(s Sense) folded { return constant(s == AtLeast, false) }

func fold(e Expr, s Sense, c Context) folded {
	switch e := e.(type) {
	case nil:
		return constant(true, true)
	case Constant:
		return constant(bool(e), true)
	case Not:
		return negate(fold(e.Of, 1-s, c))
	case All:
		return join(e, s, c, true)
	case Any:
		return join(e, s, c, false)
	case Compare:
		return compare(e, s, c)
	}
	return guess(s)
}

func negate(f folded) folded {
	if f.constant {
		return constant(!f.value, f.exact)
	}
	return folded{when: opposite(f.when), exact: f.exact}
}

// opposite moves the not inwards, so that lists stay flat.
func opposite(w When) When {
	each := func(list []When) (out []When) {
		for _, sub := range list {
			out = append(out, opposite(sub))
		}
		return out
	}
	switch {
	case w.Not != nil:
		return *w.Not
	case w.All != nil:
		return When{Any: each(w.All)}
	case w.Any != nil:
		return When{All: each(w.Any)}
	}
	return When{Not: &w}
}

// join makes all (neutral true) or any (neutral false) of a list.
func join(list []Expr, s Sense, c Context, neutral bool) folded {
	var parts []When
	exact := true
	for _, e := range list {
		f := fold(e, s, c)
		if f.constant && f.value != neutral {
			if f.exact {
				return f
			}
			// Whatever the others are, this guess rules.
			return constant(!neutral, false)
		}
		exact = exact && f.exact
		if f.constant {
			continue
		}
		if nested := f.when.All; neutral && nested != nil {
			parts = append(parts, nested...)
		} else if nested := f.when.Any; !neutral && nested != nil {
			parts = append(parts, nested...)
		} else {
			parts = append(parts, f.when)
		}
	}
	switch {
	case len(parts) == 0:
		return constant(neutral, exact)
	case len(parts) == 1:
		return folded{when: parts[0], exact: exact}
	case neutral:
		return folded{when: When{All: parts}, exact: exact}
	}
	return folded{when: anyOf(parts), exact: exact}
}

// anyOf puts methods together.
func anyOf(parts []When) When {
	var methods []string
	var others []When
	for _, p := range parts {
		if len(p.Method) > 0 {
			methods = append(methods, p.Method...)
		} else {
			others = append(others, p)
		}
	}
	if len(methods) > 0 {
		others = append([]When{{Method: methods}}, others...)
	}
	if len(others) == 1 {
		return others[0]
	}
	return When{Any: others}
}

func depth(w When) int {
	deepest := 0
	for _, list := range [][]When{w.All, w.Any} {
		for _, sub := range list {
			deepest = max(deepest, depth(sub))
		}
	}
	if w.Not != nil {
		deepest = max(deepest, depth(*w.Not))
	}
	return deepest + 1
}

func leaves(w When) int {
	n := len(w.All) + len(w.Any)
	if n == 0 && w.Not == nil {
		return 1
	}
	n = 0
	for _, list := range [][]When{w.All, w.Any} {
		for _, sub := range list {
			n += leaves(sub)
		}
	}
	if w.Not != nil {
		n += leaves(*w.Not)
	}
	return n
}

func compare(e Compare, s Sense, c Context) folded {
	if c.Known != nil {
		if value, null, known := c.Known(e.Variable); known {
			if yes, ok := judge(e, value, null); ok {
				return constant(yes, true)
			}
			return guess(s)
		}
	}
	name := strings.ToLower(e.Variable)
	switch {
	case c.Changed != nil && c.Changed(name):
		return guess(s)
	case name == "request.verb" || name == "message.verb":
		return method(e, s)
	case name == "proxy.pathsuffix":
		return path(e, s, "")
	case name == "request.path" || name == "message.path":
		return path(e, s, c.BasePath)
	}
	for _, prefix := range []string{"request.header.", "message.header."} {
		if header, ok := strings.CutPrefix(name, prefix); ok && judgedHeader(header) {
			return pair(e, s, func(p Pair) When { p.Name = header; return When{Header: &p} })
		}
	}
	for _, prefix := range []string{"request.queryparam.", "message.queryparam."} {
		if len(name) > len(prefix) && strings.HasPrefix(name, prefix) && plainName(name[len(prefix):]) {
			parameter := e.Variable[len(prefix):]
			return pair(e, s, func(p Pair) When { p.Name = parameter; return When{Query: &p} })
		}
	}
	return guess(s)
}

// plainName has no dot: what follows one is an index, or a count of values.
func plainName(s string) bool {
	const longest = 128
	return s != "" && len(s) <= longest && !strings.ContainsAny(s, ".{}[]")
}

// hostHeaders are those that the filter does not judge: they are the proxy's, or
// its own.
var hostHeaders = []string{"connection", "content-length", "expect", "host", "http2-settings", "keep-alive", "proxy-authenticate",
	"proxy-authorization", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"}

func judgedHeader(s string) bool {
	return plainName(s) && !slices.Contains(hostHeaders, s) && !strings.HasPrefix(s, "x-envoy-") && !strings.HasPrefix(s, "x-sallyport-")
}

func method(e Compare, s Sense) folded {
	value := e.Value
	if e.Null || value == "" || e.Bare {
		return guess(s)
	}
	if e.Op == EqualFold {
		value = strings.ToUpper(value)
	}
	for _, c := range []byte(value) {
		if c < 'A' || c > 'Z' {
			return guess(s)
		}
	}
	w := When{Method: []string{value}}
	switch e.Op {
	case Equal, EqualFold, Matches, JavaRegex, MatchesPath:
		return folded{when: w, exact: true}
	case NotEqual:
		return negate(folded{when: w, exact: true})
	}
	return guess(s)
}

func pair(e Compare, s Sense, make func(Pair) When) folded {
	if e.Null {
		there := folded{when: make(Pair{Present: true}), exact: true}
		switch e.Op {
		case Equal, EqualFold:
			return negate(there)
		case NotEqual:
			return there
		}
		return guess(s)
	}
	// Apigee compares the first value, up to a comma; the filter any value.
	if e.Bare || e.Value == "" || strings.ContainsAny(e.Value, ",\r\n") || len(e.Value) > 1024 || e.Value != strings.TrimSpace(e.Value) {
		return guess(s)
	}
	there := folded{when: make(Pair{Equals: e.Value}), exact: true}
	switch e.Op {
	case Equal:
		return there
	case NotEqual:
		return negate(there)
	}
	return guess(s)
}

// path gives patterns on the path below the base path.
func path(e Compare, s Sense, base string) folded {
	if e.Null || e.Bare {
		return guess(s)
	}
	value, ok := strings.CutPrefix(e.Value, base)
	if !ok || base != "" && value != "" && value[0] != '/' {
		return guess(s)
	}
	switch e.Op {
	case Equal, NotEqual:
		if strings.Contains(value, "*") || !goodPath(value) {
			return guess(s)
		}
		f := folded{when: When{Path: value}, exact: true}
		if e.Op == NotEqual {
			return negate(f)
		}
		return f
	case MatchesPath:
		if !goodPath(value) || !goodPattern(value) {
			return guess(s)
		}
		if parent, ok := strings.CutSuffix(value, "/**"); ok {
			return below(parent, s)
		}
		return folded{when: When{Path: value}, exact: true}
	case Matches, StartsWith:
		return prefixed(e.Op, value, s)
	}
	return guess(s)
}

// prefixed is for patterns whose star goes over levels.
func prefixed(op Op, value string, s Sense) folded {
	head := value
	if op == Matches {
		var star bool
		if head, star = strings.CutSuffix(value, "*"); !star {
			if strings.ContainsAny(value, "*%") || !goodPath(value) {
				return guess(s)
			}
			return folded{when: When{Path: value}, exact: true}
		}
	}
	switch head {
	case "":
		return constant(true, true)
	case "/":
		return below("", s)
	}
	if strings.ContainsAny(head, "*%") || !goodPath(head) {
		return guess(s)
	}
	if parent, ok := strings.CutSuffix(head, "/"); ok {
		return below(parent, s)
	}
	return folded{when: When{Path: head + "*/**"}, exact: true}
}

// below is for all that lies below a path. The filter's pattern takes in the
// path itself, of which Apigee's matchers disagree.
func below(parent string, s Sense) folded {
	switch {
	case parent == "" && s == AtLeast:
		return constant(true, true)
	case parent == "":
		return folded{when: When{Not: &When{Path: "/"}}, exact: true}
	}
	under := When{Path: parent + "/**"}
	if s == AtLeast {
		return folded{when: under, exact: true}
	}
	return folded{when: When{All: []When{under, {Not: &When{Path: parent}}}}, exact: true}
}

// goodPath has only what every reader takes for itself.
func goodPath(p string) bool {
	if p == "" || p[0] != '/' || strings.Contains(p, "//") || len(p) > maxPathBytes {
		return false
	}
	for _, level := range strings.Split(p[1:], "/") {
		if level == "." || level == ".." {
			return false
		}
		for _, c := range []byte(level) {
			if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && strings.IndexByte("-._~*@+=,:!&'()", c) < 0 {
				return false
			}
		}
	}
	return true
}

// goodPattern has ** as its last level only.
func goodPattern(p string) bool {
	head, _ := strings.CutSuffix(p, "/**")
	return !strings.Contains(head, "**")
}
