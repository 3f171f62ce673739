package config

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"github.com/sallyport-gateway/sallyport/filter/internal/ascii"
	"github.com/sallyport-gateway/sallyport/filter/internal/incomparable"
	"github.com/sallyport-gateway/sallyport/filter/internal/problem"
)

// reader reads typed values out of JSON and collects what is wrong. A method
// that cannot read gives the zero value, and has noted the problem where the
// reader stands.
type reader struct {
	problems problem.List
	env      Env
	path     []frame // from the top to the value that is being read
}

// frame is one level of the way to a value.
type frame struct {
	_ incomparable.Type

	name  string // "" in a list
	index int
}

// problem notes a problem of the value that is being read.
func (r *reader) problem(message string) {
	if r.problems.Full() {
		r.problems.Count()
		return
	}
	var b strings.Builder
	for i, f := range r.path {
		switch {
		case f.name == "":
			b.WriteString("[" + strconv.Itoa(f.index) + "]")
		case i > 0:
			b.WriteString("." + f.name)
		default:
			b.WriteString(f.name)
		}
	}
	r.problems.Add(b.String(), message)
}

// problemAt notes a problem of a member of the value that is being read.
//
//go:noinline
func (r *reader) problemAt(name, message string) {
	r.path = append(r.path, frame{name: name})
	r.problem(message)
	r.path = r.path[:len(r.path)-1]
}

// wrong notes what was wanted; what stood there is named by its type only, so
// that a secret in a wrong place is not shown.
func (r *reader) wrong(v value, wanted, remedy string) {
	r.problem("must be " + wanted + ", got " + v.typeName() + remedy)
}

// members says which members an object may have.
type members struct {
	names    []string // at most 32
	required int      // so many of the first must be there
	private  bool     // holds a secret: a member that nobody knows may be it
}

// object reads an object's members, each once. It reports whether v is one.
func (r *reader) object(v value, m *members, member func(name string, v value)) bool {
	if !v.isObject() {
		remedy := ""
		if v.isNull() {
			remedy = "; leave it out, or write {}"
		}
		r.wrong(v, "an object", remedy)
		return false
	}
	level := len(r.path)
	r.path = append(r.path, frame{})
	var seen uint32
	v.each(func(key string, v value) bool {
		i := indexOf(m.names, key)
		if i < 0 {
			r.unknown(key, m)
			return true
		}
		r.path[level].name = m.names[i]
		if seen&(1<<i) != 0 {
			r.problem("must be given once, got it again")
			return true
		}
		seen |= 1 << i
		member(m.names[i], v)
		return true
	})
	for i, name := range m.names[:m.required] {
		if seen&(1<<i) == 0 {
			r.path[level].name = name
			r.problem("is required")
		}
	}
	r.path = r.path[:level]
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

// unknown notes a member that nobody knows, in the reader's last frame.
func (r *reader) unknown(name string, m *members) {
	if r.problems.Full() {
		r.problems.Count()
		return
	}
	suggestion := problem.Suggest(name, m.names)
	shown, message := problem.Quote(name), "is no known member"
	switch {
	case m.private && suggestion == "":
		shown, message = "?", message+" (its name is not shown, as it could be a secret)"
	case plainName(name):
		shown = name
	}
	r.path[len(r.path)-1].name = shown
	r.problem(message + suggestion + "; known are " + strings.Join(m.names, ", "))
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
	if !v.isList() {
		remedy := ""
		switch {
		case v.isNull():
			remedy = "; leave it out, or write []"
		case v.isString() || v.isNumber():
			remedy = "; write it in brackets"
		}
		r.wrong(v, "a list", remedy)
		return
	}
	level, i, tooLong := len(r.path), 0, false
	r.path = append(r.path, frame{})
	v.each(func(_ string, v value) bool {
		if i == limit {
			tooLong = true
			return false
		}
		r.path[level] = frame{index: i}
		item(v)
		i++
		return true
	})
	r.path = r.path[:level]
	if tooLong {
		r.problem("must have at most " + strconv.Itoa(limit) + " items")
	}
}

// nonEmpty refuses a list that is written and empty where an absent one means
// everything: nobody who writes [] can be sure to mean that.
func (r *reader) nonEmpty(v value, meaning string) {
	if v.isList() && ascii.Trim(string(v[1:len(v)-1]), " \t\r\n") == "" {
		r.problem("must not be empty; leave it out for " + meaning)
	}
}

// peek reads a string that is not kept.
func (r *reader) peek(v value) (s string, ok bool) {
	if !v.isString() {
		remedy := ""
		if v.isNumber() || v.isBool() {
			remedy = "; write it in quotes"
		}
		r.wrong(v, "a string", remedy)
		return "", false
	}
	return v.content(), true
}

// text reads a string. It is a copy, so that the configuration's bytes, and the
// secrets in them, can go.
func (r *reader) text(v value) (s string, ok bool) {
	s, ok = r.peek(v)
	return strings.Clone(s), ok
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
	if !v.isBool() {
		remedy := ""
		if v.isString() {
			remedy = "; write it without quotes"
		}
		r.wrong(v, "true or false", remedy)
		return false
	}
	return v == "true"
}

// integer reads a whole number within bounds. 1.0 is 1: some control planes
// know doubles only.
func (r *reader) integer(v value, low, high int) int {
	wanted := "a whole number from " + strconv.Itoa(low) + " to " + strconv.Itoa(high)
	if !v.isNumber() {
		remedy := ""
		if v.isString() {
			remedy = "; write it without quotes"
		}
		r.wrong(v, wanted, remedy)
		return 0
	}
	n := gjson.Parse(string(v)).Num
	if n != math.Trunc(n) || n < float64(low) || n > float64(high) {
		r.problem("must be " + wanted + ", got " + problem.Cut(string(v)))
		return 0
	}
	return int(n)
}

// duration reads a string with units, such as "1.5s".
func (r *reader) duration(v value, low, high time.Duration) time.Duration {
	wanted := "a duration from " + low.String() + " to " + high.String()
	if !v.isString() {
		r.wrong(v, wanted, `; write it with a unit and in quotes, such as "2s"`)
		return 0
	}
	s := v.content()
	d, ok := parseDuration(s)
	if !ok || d < low || d > high {
		r.problem("must be " + wanted + ", got " + problem.Quote(s))
		return 0
	}
	return d
}

// word reads one of a few strings, as a number in their order.
func (r *reader) word(v value, words ...string) (index int, ok bool) {
	s, ok := r.peek(v)
	if !ok {
		return 0, false
	}
	if index = indexOf(words, s); index < 0 {
		r.problem("must be " + oneOf(words) + ", got " + problem.Quote(s) + problem.Suggest(s, words))
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
