package condition

import (
	"testing"

	"github.com/sallyport-gateway/sallyport/filter/internal/catalog"
	"github.com/sallyport-gateway/sallyport/filter/internal/denial"
	"github.com/sallyport-gateway/sallyport/filter/internal/host"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
)

func pattern(t testing.TB, s string) Condition {
	t.Helper()
	p, err := catalog.ParsePathPattern(s)
	if err != nil {
		t.Fatal(err)
	}
	return Path(p)
}

func Method(methods ...string) Condition      { return Condition{kind: method, methods: methods} }
func Path(p *catalog.PathPattern) Condition   { return Condition{kind: path, path: p} }
func Header(name string, v *string) Condition { return field(header, name, v) }
func Query(name string, v *string) Condition  { return field(query, name, v) }
func All(of ...Condition) Condition           { return Condition{kind: all, of: of} }
func Any(of ...Condition) Condition           { return Condition{kind: anyOf, of: of} }
func Not(c Condition) Condition               { return Condition{kind: not, of: []Condition{c}} }

func field(k kind, name string, v *string) Condition {
	c := Condition{kind: k, name: name, equals: v != nil}
	if v != nil {
		c.value = *v
	}
	return c
}

func value(s string) *string { return &s }

func request() *pipeline.Exchange {
	return &pipeline.Exchange{
		Method: "POST", Query: "a=1&b=x%20y&debug&a=2&c=1+1", HasQuery: true,
		API: pipeline.API{Name: "o", Version: "v1", PathSuffix: "/orders/7"},
		Headers: []host.Header{
			{Name: ":method", Value: "POST"}, {Name: "x-mode", Value: " fast\t"}, {Name: "x-list", Value: "one, two"}, {Name: "x-list", Value: "three"},
			{Name: "x-empty", Value: ""}, {Name: "x-removed", Value: "1"}, {Name: "x-forged", Value: "client"},
		},
		Edits: pipeline.Edits{Remove: []string{"x-removed", "x-forged"}, Set: []host.Header{{Name: "x-forged", Value: "ours"}}},
	}
}

func TestWhenJudge(t *testing.T) {
	unclear, yes, no := pattern(t, "/ORDERS/*"), Method("POST"), Method("GET")
	for name, tt := range map[string]struct {
		when Condition
		want Judgement
	}{
		"nothing":                         {Condition{}, Unclear},
		"method":                          {Method("GET", "POST"), Holds},
		"another method":                  {Method("GET", "PUT"), HoldsNot},
		"a method in small letters":       {Method("post"), HoldsNot},
		"path":                            {pattern(t, "/orders/*"), Holds},
		"another path":                    {pattern(t, "/items/**"), HoldsNot},
		"a path in another case":          {unclear, Unclear},
		"header":                          {Header("x-mode", nil), Holds},
		"header without a value":          {Header("x-empty", nil), Holds},
		"header that is not there":        {Header("x-none", nil), HoldsNot},
		"header with the value":           {Header("x-mode", value("fast")), Holds},
		"header with another value":       {Header("x-mode", value("Fast")), HoldsNot},
		"header with no value, asked for": {Header("x-empty", value("")), Holds},
		"header, second line":             {Header("x-list", value("three")), Holds},
		"header, an element":              {Header("x-list", value("two")), Holds},
		"header, the whole line":          {Header("x-list", value("one, two")), Holds},
		"header, part of an element":      {Header("x-list", value("tw")), HoldsNot},
		"header that was removed":         {Header("x-removed", nil), HoldsNot},
		"header that was set":             {Header("x-forged", value("ours")), Holds},
		"header that was replaced":        {Header("x-forged", value("client")), HoldsNot},
		"query":                           {Query("a", nil), Holds},
		"query without a value":           {Query("debug", nil), Holds},
		"query that is not there":         {Query("d", nil), HoldsNot},
		"query with the value":            {Query("a", value("1")), Holds},
		"query, second":                   {Query("a", value("2")), Holds},
		"query, another value":            {Query("a", value("3")), HoldsNot},
		"query, decoded":                  {Query("b", value("x y")), Holds},
		"query, decoded once":             {Query("b", value("x%20y")), HoldsNot},
		"query, plus":                     {Query("c", value("1 1")), Holds},
		"all":                             {All(yes, yes), Holds},
		"all but one":                     {All(yes, no), HoldsNot},
		"all, one unclear":                {All(yes, unclear), Unclear},
		"all, one unclear, one not":       {All(unclear, no), HoldsNot},
		"any":                             {Any(no, yes), Holds},
		"any, none":                       {Any(no, no), HoldsNot},
		"any, one unclear":                {Any(unclear, no), Unclear},
		"any, one unclear, one holds":     {Any(unclear, yes), Holds},
		"not":                             {Not(no), Holds},
		"not what holds":                  {Not(yes), HoldsNot},
		"not what is unclear":             {Not(unclear), Unclear},
		"not not":                         {Not(Not(All(Any(no, yes), Not(no)))), Holds},
	} {
		if got := tt.when.Judge(request()); got != tt.want {
			t.Errorf("%s: %d, want %d", name, got, tt.want)
		}
	}
}

// TestWhenSemicolons: some backends split a query at them, most do not.
func TestWhenSemicolons(t *testing.T) {
	for text, want := range map[string]Judgement{
		"x=1;admin=1": Unclear, "admin;x": Unclear, "x=1;y=2": HoldsNot, "admin=1;x=1": Unclear, "admin&x;y": Holds, "x%3Badmin": HoldsNot, "%61dmin=1": Holds, "%2561dmin": HoldsNot, "": HoldsNot,
		"&&admin": Holds,
	} {
		c := Query("admin", nil)
		if text == "admin=1;x=1" { // the name is read alike, the value is not
			c = Query("admin", value("1"))
		}
		if got := c.Judge(&pipeline.Exchange{Query: text}); got != want {
			t.Errorf("%s: %d, want %d", text, got, want)
		}
	}
	edited := &pipeline.Exchange{Query: "admin=1", Edits: pipeline.Edits{QueryChanged: true}}
	if c := Query("admin", nil); c.Judge(edited) != HoldsNot {
		t.Error("a parameter that was removed is seen")
	}
}

// TestWhenSpellings: what backends read in two ways gets round no step.
func TestWhenSpellings(t *testing.T) {
	tenant, param := Header("x-tenant", value("a")), Query("t", value("a"))
	lines := func(l ...string) (headers []host.Header) {
		for i := 0; i < len(l); i += 2 {
			headers = append(headers, host.Header{Name: l[i], Value: l[i+1]})
		}
		return headers
	}
	removed := pipeline.Edits{Remove: []string{"x_tenant"}}
	for name, tt := range map[string]struct {
		when Condition
		x    pipeline.Exchange
		want Judgement
	}{
		"method in small letters":            {Method("GET", "POST"), pipeline.Exchange{Method: "post"}, Unclear},
		"method in mixed letters":            {Method("POST"), pipeline.Exchange{Method: "Post"}, Unclear},
		"not a method in small letters":      {Not(Method("POST")), pipeline.Exchange{Method: "post"}, Unclear},
		"another method in small letters":    {Method("POST"), pipeline.Exchange{Method: "get"}, HoldsNot},
		"method with a hyphen":               {Method("POST"), pipeline.Exchange{Method: "M-SEARCH"}, HoldsNot},
		"header in another spelling":         {tenant, pipeline.Exchange{Headers: lines("x_tenant", "a")}, Unclear},
		"header in another spelling, at all": {Header("x-tenant", nil), pipeline.Exchange{Headers: lines("x.tenant", "")}, Unclear},
		"another spelling, another value":    {tenant, pipeline.Exchange{Headers: lines("x_tenant", "b")}, HoldsNot},
		"another spelling that was removed":  {tenant, pipeline.Exchange{Headers: lines("x_tenant", "a"), Edits: removed}, HoldsNot},
		"one of two lines":                   {tenant, pipeline.Exchange{Headers: lines("x-tenant", "b", "x-tenant", "a")}, Holds},
		"not one of two lines":               {Not(tenant), pipeline.Exchange{Headers: lines("x-tenant", "b", "x-tenant", "a")}, Unclear},
		"not the first of two lines":         {Not(tenant), pipeline.Exchange{Headers: lines("x-tenant", "a", "x-tenant", "b")}, Unclear},
		"not one of two spellings":           {Not(tenant), pipeline.Exchange{Headers: lines("x-tenant", "a", "x_tenant", "b")}, Unclear},
		"not twice the same":                 {Not(tenant), pipeline.Exchange{Headers: lines("x-tenant", "a", "x-tenant", "a")}, HoldsNot},
		"not an element":                     {Not(tenant), pipeline.Exchange{Headers: lines("x-tenant", "b, a")}, HoldsNot},
		"not what is not there":              {Not(tenant), pipeline.Exchange{}, Holds},
		"not not one of two lines":           {Not(Not(tenant)), pipeline.Exchange{Headers: lines("x-tenant", "b", "x-tenant", "a")}, Holds},
		"not any, one of two lines":          {Not(Any(tenant, Method("GET"))), pipeline.Exchange{Method: "POST", Headers: lines("x-tenant", "b", "x-tenant", "a")}, Unclear},
		"one of two parameters":              {param, pipeline.Exchange{Query: "t=b&t=a"}, Holds},
		"not one of two parameters":          {Not(param), pipeline.Exchange{Query: "t=b&t=a"}, Unclear},
		"not the first of two parameters":    {Not(param), pipeline.Exchange{Query: "t=a&%74=b"}, Unclear},
		"not twice the same parameter":       {Not(param), pipeline.Exchange{Query: "t=a&t=%61"}, HoldsNot},
	} {
		if got := tt.when.Judge(&tt.x); got != tt.want {
			t.Errorf("%s: %d, want %d", name, got, tt.want)
		}
	}
}

type refuser struct{ ran int }

func (*refuser) Name() string { return "refuser" }

func (r *refuser) Apply(*pipeline.Exchange) pipeline.Outcome {
	r.ran++
	return pipeline.DenyFor(denial.TokenMissing)
}

func TestWhenGuardsAStep(t *testing.T) {
	for name, tt := range map[string]struct {
		when      Condition
		continues bool
		reason    denial.Reason
		ran       int
	}{
		"holds":     {Method("POST"), false, denial.TokenMissing, 1},
		"holds not": {Method("GET"), true, 0, 0},
		"unclear":   {pattern(t, "/Orders/**"), false, denial.ConditionUnclear, 0},
		"zero":      {Condition{}, false, denial.ConditionUnclear, 0},
	} {
		step := &refuser{}
		g := Guard(step, &tt.when)
		o := g.Apply(request())
		d, _ := o.Denial()
		if o.Continues() != tt.continues || d.Reason != tt.reason || step.ran != tt.ran || g.Name() != "refuser" {
			t.Errorf("%s: continues %v, %s, ran %d times", name, o.Continues(), d.Reason, step.ran)
		}
	}
}

func TestWhenAllocatesNothing(t *testing.T) {
	c := All(Method("POST"), pattern(t, "/orders/*"), Not(Header("x-none", value("v"))), Query("b", value("x y")))
	x := request()
	if n := testing.AllocsPerRun(100, func() { c.Judge(x) }); n > 0 {
		t.Errorf("%v objects", n)
	}
}
