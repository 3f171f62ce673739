package config

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"github.com/sallyport-gateway/sallyport/filter/internal/problem"
)

// reader reads typed values out of JSON and collects what is wrong. A method
// that cannot read gives the zero value, and has noted the problem.
type reader struct {
	problems problem.List
	env      Env
}

// value is a JSON value and where it stands.
type value struct {
	json  gjson.Result
	where location
}

// location is a step from a list or an object to one of its members. It becomes
// text only when there is a problem to report.
type location struct {
	parent *location // nil at the top
	name   string    // "" in a list
	index  int
}

func (l *location) String() string {
	if l.parent == nil {
		return l.name
	}
	above := l.parent.String()
	if l.name == "" {
		return above + "[" + strconv.Itoa(l.index) + "]"
	}
	if above == "" {
		return l.name
	}
	return above + "." + l.name
}

func (r *reader) problem(at location, message string) {
	if r.problems.Full() {
		r.problems.Count()
		return
	}
	r.problems.Add(at.String(), message)
}

// wrong notes what was wanted; what stood there is named by its type only, so
// that a secret in a wrong place is not shown.
func (r *reader) wrong(v value, wanted, remedy string) {
	r.problem(v.where, "must be "+wanted+", got "+typeName(v.json)+remedy)
}

func typeName(v gjson.Result) string {
	switch {
	case v.IsObject():
		return "an object"
	case v.IsArray():
		return "a list"
	}
	switch v.Type {
	case gjson.String:
		return "a string"
	case gjson.Number:
		return "a number"
	case gjson.True, gjson.False:
		return "true or false"
	}
	return "null"
}

// members says which members an object may have.
type members struct {
	names    []string // at most 32
	required int      // so many of the first must be there
	private  bool     // holds a secret: a member that nobody knows may be it
}

// object reads an object's members, each once. It reports whether v is one.
func (r *reader) object(v value, m *members, member func(name string, v value)) bool {
	if !v.json.IsObject() {
		remedy := ""
		if v.json.Type == gjson.Null {
			remedy = "; leave it out, or write {}"
		}
		r.wrong(v, "an object", remedy)
		return false
	}
	here := v.where
	var seen uint32
	v.json.ForEach(func(key, json gjson.Result) bool {
		i := indexOf(m.names, key.Str)
		if i < 0 {
			r.unknown(&here, key.Str, m)
			return true
		}
		at := location{parent: &here, name: m.names[i]}
		if seen&(1<<i) != 0 {
			r.problem(at, "must be given once, got it again")
			return true
		}
		seen |= 1 << i
		member(m.names[i], value{json, at})
		return true
	})
	for i, name := range m.names[:m.required] {
		if seen&(1<<i) == 0 {
			r.problem(location{parent: &here, name: name}, "is required")
		}
	}
	return true
}

func indexOf(names []string, name string) int {
	for i, known := range names {
		if known == name {
			return i
		}
	}
	return -1
}

func (r *reader) unknown(parent *location, name string, m *members) {
	if r.problems.Full() {
		r.problems.Count()
		return
	}
	suggestion := problem.Suggest(name, m.names)
	known := "; known are " + strings.Join(m.names, ", ")
	switch {
	case m.private && suggestion == "":
		r.problem(location{parent: parent, name: "?"}, "is no known member (its name is not shown, as it could be a secret)"+known)
	case plainName(name):
		r.problem(location{parent: parent, name: name}, "is no known member"+suggestion+known)
	default:
		r.problem(location{parent: parent, name: problem.Quote(name)}, "is no known member"+suggestion+known)
	}
}

func plainName(name string) bool {
	for _, c := range []byte(name) {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '_' && c != '-' {
			return false
		}
	}
	return name != "" && len(name) <= 40
}

// list reads a list of at most limit items; longer ones are a problem.
func (r *reader) list(v value, limit int, item func(v value)) {
	if !v.json.IsArray() {
		remedy := ""
		switch v.json.Type {
		case gjson.Null:
			remedy = "; leave it out, or write []"
		case gjson.String, gjson.Number:
			remedy = "; write it in brackets"
		}
		r.wrong(v, "a list", remedy)
		return
	}
	here, i := v.where, 0
	v.json.ForEach(func(_, json gjson.Result) bool {
		if i == limit {
			r.problem(here, "must have at most "+strconv.Itoa(limit)+" items")
			return false
		}
		item(value{json, location{parent: &here, index: i}})
		i++
		return true
	})
}

// nonEmpty refuses a list that is written and empty where an absent one means
// everything: nobody who writes [] can be sure to mean that.
func (r *reader) nonEmpty(v value, meaning string) {
	if v.json.IsArray() && strings.Trim(v.json.Raw[1:len(v.json.Raw)-1], " \t\r\n") == "" {
		r.problem(v.where, "must not be empty; leave it out for "+meaning)
	}
}

// text reads a string. It is a copy, so that the configuration's bytes, and the
// secrets in them, can go.
func (r *reader) text(v value) (s string, ok bool) {
	if v.json.Type != gjson.String {
		remedy := ""
		if v.json.Type == gjson.Number || v.json.IsBool() {
			remedy = "; write it in quotes"
		}
		r.wrong(v, "a string", remedy)
		return "", false
	}
	return strings.Clone(v.json.Str), true
}

// texts reads a list of strings.
func (r *reader) texts(v value, limit int) []string {
	texts := []string{}
	r.list(v, limit, func(v value) {
		s, _ := r.text(v)
		texts = append(texts, s)
	})
	return texts
}

func (r *reader) boolean(v value) bool {
	if !v.json.IsBool() {
		remedy := ""
		if v.json.Type == gjson.String {
			remedy = "; write it without quotes"
		}
		r.wrong(v, "true or false", remedy)
		return false
	}
	return v.json.Bool()
}

// integer reads a whole number within bounds. 1.0 is 1: some control planes
// know doubles only.
func (r *reader) integer(v value, low, high int) int {
	wanted := "a whole number from " + strconv.Itoa(low) + " to " + strconv.Itoa(high)
	if v.json.Type != gjson.Number {
		remedy := ""
		if v.json.Type == gjson.String {
			remedy = "; write it without quotes"
		}
		r.wrong(v, wanted, remedy)
		return 0
	}
	n := v.json.Num
	if n != math.Trunc(n) || n < float64(low) || n > float64(high) {
		r.problem(v.where, "must be "+wanted+", got "+problem.Cut(v.json.Raw))
		return 0
	}
	return int(n)
}

// duration reads a string with units, such as "1.5s".
func (r *reader) duration(v value, low, high time.Duration) time.Duration {
	wanted := "a duration from " + low.String() + " to " + high.String()
	if v.json.Type != gjson.String {
		r.wrong(v, wanted, `; write it with a unit and in quotes, such as "2s"`)
		return 0
	}
	d, err := time.ParseDuration(v.json.Str)
	if err != nil || d < low || d > high {
		r.problem(v.where, "must be "+wanted+", got "+problem.Quote(v.json.Str))
		return 0
	}
	return d
}

// word reads one of a few strings, as a number in their order.
func (r *reader) word(v value, words ...string) (index int, ok bool) {
	s, ok := r.text(v)
	if !ok {
		return 0, false
	}
	if index = indexOf(words, s); index < 0 {
		r.problem(v.where, "must be "+oneOf(words)+", got "+problem.Quote(s)+problem.Suggest(s, words))
		return 0, false
	}
	return index, true
}

// oneOf is `"a", "b" or "c"`.
func oneOf(words []string) string {
	var b strings.Builder
	for i, w := range words {
		switch {
		case i == 0:
		case i == len(words)-1:
			b.WriteString(" or ")
		default:
			b.WriteString(", ")
		}
		b.WriteString(strconv.Quote(w))
	}
	return b.String()
}
