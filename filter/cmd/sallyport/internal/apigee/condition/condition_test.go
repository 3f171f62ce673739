package condition

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestParse(t *testing.T) {
	verb := func(op Op, v string) Compare { return Compare{Variable: "request.verb", Op: op, Value: v} }
	for text, want := range map[string]Expr{
		"":                                     nil,
		" \n":                                  nil,
		`request.verb = "GET"`:                 verb(Equal, "GET"),
		`(request.verb == "GET")`:              verb(Equal, "GET"),
		`"GET" Is request.verb`:                verb(Equal, "GET"),
		`request.verb NotEquals "GET"`:         verb(NotEqual, "GET"),
		`request.verb:="get"`:                  verb(EqualFold, "get"),
		`a ~/ "/x"`:                            Compare{Variable: "a", Op: MatchesPath, Value: "/x"},
		`a LikePath "/x"`:                      Compare{Variable: "a", Op: MatchesPath, Value: "/x"},
		`a ~~ "x|y"`:                           Compare{Variable: "a", Op: JavaRegex, Value: "x|y"},
		`a Like "x*"`:                          Compare{Variable: "a", Op: Matches, Value: "x*"},
		`a =| "x"`:                             Compare{Variable: "a", Op: StartsWith, Value: "x"},
		`a = null`:                             Compare{Variable: "a", Op: Equal, Null: true, Bare: true},
		`a = true`:                             Compare{Variable: "a", Op: Equal, Value: "true", Bare: true},
		`a >= 200`:                             Compare{Variable: "a", Op: GreaterOr, Value: "200", Bare: true},
		`a = b`:                                Unknown{},
		`a`:                                    Unknown{},
		`true`:                                 Constant(true),
		`not false`:                            Not{Constant(false)},
		`! (a = "1" and b = "2")`:              Not{All{Compare{Variable: "a", Op: Equal, Value: "1"}, Compare{Variable: "b", Op: Equal, Value: "2"}}},
		`a = "1" and b = "2" or c = "3"`:       Any{All{Compare{Variable: "a", Op: Equal, Value: "1"}, Compare{Variable: "b", Op: Equal, Value: "2"}}, Compare{Variable: "c", Op: Equal, Value: "3"}},
		`a = "1" && b = "2"`:                   All{Compare{Variable: "a", Op: Equal, Value: "1"}, Compare{Variable: "b", Op: Equal, Value: "2"}},
		`a = "and or (not)" OR b IsNot "null"`: Any{Compare{Variable: "a", Op: Equal, Value: "and or (not)"}, Compare{Variable: "b", Op: NotEqual, Value: "null"}},
	} {
		got, err := Parse(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: -want +got:\n%s", text, diff)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for _, text := range []string{
		`(`, `a = `, `a = "x`, `= "x"`, `a = "x" b = "y"`, `a = "x" and`, `a ? "x"`, `a = 'x'`, `a = "x\" or b"`, strings.Repeat("(", 40) + "true" + strings.Repeat(")", 40), strings.Repeat(" ", 1) + `a = "` + strings.Repeat("x", 20_000) + `"`,
	} {
		if e, err := Parse(text); err == nil {
			t.Errorf("%.40q is taken: %#v", text, e)
		} else if diff := cmp.Diff(Expr(Unknown{}), e); diff != "" {
			t.Errorf("%.40q: what cannot be read must be unknown:\n%s", text, diff)
		}
	}
}

// request is what a when looks at. Its headers and parameters have one value.
type request struct {
	method, suffix  string
	headers, params map[string]string
}

func (r request) variable(name string) (string, bool, bool) {
	switch name = strings.ToLower(name); {
	case name == "request.verb":
		return r.method, false, true
	case name == "proxy.pathsuffix":
		return r.suffix, false, true
	case strings.HasPrefix(name, "request.header."):
		v, ok := r.headers[strings.TrimPrefix(name, "request.header.")]
		return v, !ok, true
	case strings.HasPrefix(name, "request.queryparam."):
		v, ok := r.params[strings.TrimPrefix(name, "request.queryparam.")]
		return v, !ok, true
	}
	return "", false, false
}

// holds is the filter's way to judge a when; its path patterns take in what
// stands above "/**", and a "/" at the end.
func holds(w When, r request) bool {
	switch {
	case len(w.Method) > 0:
		for _, m := range w.Method {
			if m == r.method {
				return true
			}
		}
		return false
	case w.Path != "":
		return pathHolds(strings.Split(strings.TrimSuffix(w.Path, "/"), "/"), strings.Split(strings.TrimSuffix(r.suffix, "/"), "/"))
	case w.Header != nil:
		v, ok := r.headers[w.Header.Name]
		return ok && (w.Header.Present || v == w.Header.Equals)
	case w.Query != nil:
		v, ok := r.params[w.Query.Name]
		return ok && (w.Query.Present || v == w.Query.Equals)
	case w.Not != nil:
		return !holds(*w.Not, r)
	case len(w.All) > 0:
		for _, sub := range w.All {
			if !holds(sub, r) {
				return false
			}
		}
		return true
	}
	for _, sub := range w.Any {
		if holds(sub, r) {
			return true
		}
	}
	return false
}

func pathHolds(pattern, levels []string) bool {
	switch {
	case len(pattern) == 1 && pattern[0] == "**":
		return true
	case len(pattern) == 0 || len(levels) == 0:
		return len(pattern) == len(levels)
	}
	return like(pattern[0], levels[0]) && (pattern[0] != "*" || levels[0] != "") && pathHolds(pattern[1:], levels[1:])
}

var leaf = rapid.OneOf(
	rapid.SampledFrom([]Expr{Unknown{}, Constant(true), Constant(false), Compare{Variable: "flow.x", Op: Equal, Value: "1"}}),
	rapid.Custom(func(t *rapid.T) Expr {
		return Compare{Variable: "request.verb", Op: rapid.SampledFrom([]Op{Equal, NotEqual, EqualFold, Greater}).Draw(t, "op"), Value: rapid.SampledFrom([]string{"GET", "POST", "get"}).Draw(t, "method")}
	}),
	rapid.Custom(func(t *rapid.T) Expr {
		return Compare{Variable: "proxy.pathsuffix", Op: rapid.SampledFrom([]Op{Equal, NotEqual, MatchesPath, Matches, StartsWith, JavaRegex}).Draw(t, "op"),
			Value: rapid.SampledFrom([]string{"/", "/a", "/a/b", "/a/*", "/a*", "/*", "/**", "/a/**", "/a/**/b", "/*/b"}).Draw(t, "path")}
	}),
	rapid.Custom(func(t *rapid.T) Expr {
		c := Compare{Variable: rapid.SampledFrom([]string{"request.header.h", "request.queryparam.q"}).Draw(t, "of"), Op: rapid.SampledFrom([]Op{Equal, NotEqual, Matches}).Draw(t, "op"), Value: rapid.SampledFrom([]string{"1", "2"}).Draw(t, "value")}
		if rapid.Bool().Draw(t, "null") {
			c.Null, c.Bare, c.Value = true, true, ""
		}
		return c
	}),
)

func expression(depth int) *rapid.Generator[Expr] {
	if depth == 0 {
		return leaf
	}
	list := rapid.SliceOfN(rapid.Deferred(func() *rapid.Generator[Expr] { return expression(depth - 1) }), 1, 3)
	return rapid.OneOf(leaf,
		rapid.Map(list, func(l []Expr) Expr { return All(l) }),
		rapid.Map(list, func(l []Expr) Expr { return Any(l) }),
		rapid.Map(list, func(l []Expr) Expr { return Not{l[0]} }))
}

// TestApigeeFailClosedConditions leaves out paths with a "/" at their end, which
// makes no difference to the filter, as it makes none to most backends: whatever the condition, a refusal under it hits
// every request that Apigee could refuse, and what opens a door no other.
func TestApigeeFailClosedConditions(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := expression(3).Draw(t, "condition")
		r := request{
			method:  rapid.SampledFrom([]string{"GET", "POST", "PUT"}).Draw(t, "method"),
			suffix:  rapid.SampledFrom([]string{"/", "/a", "/ab", "/a/b", "/a/b/c", "/x/b", "/b"}).Draw(t, "suffix"),
			headers: map[string]string{}, params: map[string]string{},
		}
		if v := rapid.SampledFrom([]string{"", "1", "2"}).Draw(t, "header"); v != "" {
			r.headers["h"] = v
		}
		if v := rapid.SampledFrom([]string{"", "1", "2"}).Draw(t, "parameter"); v != "" {
			r.params["q"] = v
		}
		truth := Judge(e, r.variable)
		most, least := Say(e, AtMost, Context{}), Say(e, AtLeast, Context{})
		if refused := least.Always || !least.Never && holds(least.When, r); truth != No && !refused {
			t.Fatalf("at least: truth %v, and %+v does not hold", truth, least)
		}
		if opened := most.Always || !most.Never && holds(most.When, r); truth != Yes && opened {
			t.Fatalf("at most: truth %v, and %+v holds", truth, most)
		}
		for _, said := range []Said{most, least} {
			if !said.Always && !said.Never && (depth(said.When) > maxWhenDepth || leaves(said.When) > maxWhenLeaves) {
				t.Fatalf("out of bounds: %+v", said)
			}
		}
	})
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{`(a = "1" and b != null) or not c ~/ "/x/**"`, `a = "`, `((((`, `"x" = a`, "true && false"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		e, err := Parse(s)
		if err != nil && e != (Unknown{}) {
			t.Fatal("what cannot be read is not unknown")
		}
		if least := Say(e, AtLeast, Context{}); err != nil && !least.Always {
			t.Fatal("what cannot be read does not refuse")
		}
		Judge(e, func(string) (string, bool, bool) { return "", false, false })
	})
}
