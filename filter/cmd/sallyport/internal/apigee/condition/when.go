package condition

// When is what the filter's when can express. The zero value is not a
// condition.
type When struct {
	Method []string
	Path   string
	Header *Pair
	Query  *Pair
	All    []When
	Any    []When
	Not    *When
}

// Pair is a header or a query parameter: present at all, or with that value.
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

// Sense says which way a condition may err if it cannot be expressed exactly.
type Sense int

// A refusal may hit more requests than in Apigee, and a permission fewer.
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

// Context is what is known about the place of a condition.
type Context struct {
	BasePath string // of the proxy, without a "/" at its end
	// Known gives the value of a variable that is the same for every request that
	// gets here; null for a variable that is not set.
	Known func(variable string) (value string, null, known bool)
	// Changed reports whether an earlier step has changed the variable, so that
	// what came with the request says nothing about it.
	Changed func(variable string) bool
}

// Say gives the condition as a when that errs only on one side. It is exact
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
// cannot be expressed within bounds.
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

// guess is for what cannot be expressed.
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
			// Whatever the others are, this guess decides.
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
