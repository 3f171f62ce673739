package decode

import (
	"strconv"
	"strings"

	"github.com/sallyport-gateway/sallyport/filter/internal/ascii"
	"github.com/sallyport-gateway/sallyport/filter/internal/jsonobject"
)

// Env reads a variable of the environment in which the configuration applies.
type Env func(name string) (value string, ok bool)

// Reader reads typed values out of JSON and collects what is wrong. A method
// that cannot read a value returns the zero value, and notes the problem with
// the path of that value. What was read is meaningful only if no problem was
// noted.
type Reader struct {
	// Problems are those of the whole document so far.
	Problems Problems

	env  Env
	path []frame // from the top to the value that is being read
}

// NewReader makes a reader of one document. env gives the variables that
// secrets are read from.
func NewReader(env Env) *Reader { return &Reader{env: env} }

// frame is one level of the path to a value.
type frame struct {
	_     [0]func() // not comparable: an unused == costs the guest code
	name  string    // "" in a list
	index int
}

// Problem notes a problem of the value that is being read. The message
// continues after "path: "; it must not show a secret.
func (r *Reader) Problem(message string) {
	if r.Problems.Full() {
		r.Problems.Count()
		return
	}
	path := ""
	for i, f := range r.path {
		switch {
		case f.name == "":
			path += "[" + strconv.Itoa(f.index) + "]"
		case i > 0:
			path += "." + f.name
		default:
			path = f.name
		}
	}
	r.Problems.Add(path, message)
}

// Got notes a problem, and the text that was there.
//
//go:noinline
func (r *Reader) Got(message, text string) { r.Problem(message + ", got " + Quote(text)) }

// ProblemAt notes a problem of a member of the value that is being read.
//
//go:noinline
func (r *Reader) ProblemAt(name, message string) {
	r.path = append(r.path, frame{name: name})
	r.Problem(message)
	r.path = r.path[:len(r.path)-1]
}

// At reads what is below a name.
func (r *Reader) At(name string, read func()) {
	r.path = append(r.path, frame{name: name})
	read()
	r.path = r.path[:len(r.path)-1]
}

// Wrong notes what was wanted; what was there is named by its type only, so
// that a secret in the wrong place is not shown.
func (r *Reader) Wrong(v Value, wanted, remedy string) {
	r.Problem("must be " + wanted + ", got " + v.TypeName() + remedy)
}

// Unbounded is the limit of lists that only the document's size bounds.
const Unbounded = -1

// List reads a list of at most limit items; longer ones are a problem.
func (r *Reader) List(v Value, limit int, item func(v Value)) {
	if !v.IsList() {
		remedy := ""
		switch {
		case v.IsNull():
			remedy = "; leave it out, or write []"
		case v.IsString() || v.IsNumber():
			remedy = "; write it in brackets"
		}
		r.Wrong(v, "a list", remedy)
		return
	}
	level, i, tooLong := len(r.path), 0, false
	r.path = append(r.path, frame{})
	v.Each(func(_ string, v Value) bool {
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
		r.Problem("must have at most " + strconv.Itoa(limit) + " items")
	}
}

// NonEmpty refuses an empty list where an absent one means everything: whoever
// writes [] may well mean nothing.
func (r *Reader) NonEmpty(v Value, meaning string) {
	if v.IsList() && ascii.Trim(string(v[1:len(v)-1]), " \t\r\n") == "" {
		r.Problem("must not be empty; leave it out for " + meaning)
	}
}

// peek reads a string that is not kept.
func (r *Reader) peek(v Value) (s string, ok bool) {
	if !v.IsString() {
		remedy := ""
		if v.IsNumber() || v.IsBool() {
			remedy = "; write it in quotes"
		}
		r.Wrong(v, "a string", remedy)
		return "", false
	}
	return v.Content(), true
}

// Text reads a string. It is a copy, so that the configuration's bytes, and the
// secrets in them, can go.
func (r *Reader) Text(v Value) (s string, ok bool) {
	s, ok = r.peek(v)
	return strings.Clone(s), ok
}

// Strings reads a list of at most limit strings, each with one.
//
//go:noinline
func (r *Reader) Strings(v Value, limit int, one func(Value) string) []string {
	all := []string{}
	r.List(v, limit, func(v Value) { all = append(all, one(v)) })
	return all
}

// Boolean reads true or false.
func (r *Reader) Boolean(v Value) bool {
	if !v.IsBool() {
		remedy := ""
		if v.IsString() {
			remedy = "; write it without quotes"
		}
		r.Wrong(v, "true or false", remedy)
		return false
	}
	return v == "true"
}

// Integer reads a whole number within bounds. 1.0 is 1: some control planes
// only know doubles. low is not below 0, and high not beyond a NumericDate.
func (r *Reader) Integer(v Value, low, high int) int {
	wanted := "a whole number from " + strconv.Itoa(low) + " to " + strconv.Itoa(high)
	if !v.IsNumber() {
		remedy := ""
		if v.IsString() {
			remedy = "; write it without quotes"
		}
		r.Wrong(v, wanted, remedy)
		return 0
	}
	n, fraction, ok := jsonobject.NumericDate(v)
	if !ok || fraction || n < int64(low) || n > int64(high) {
		r.Problem("must be " + wanted + ", got " + Cut(string(v)))
		return 0
	}
	return int(n)
}

// Word reads one of a few strings, as its index among them.
func (r *Reader) Word(v Value, words ...string) (index int, ok bool) {
	s, ok := r.peek(v)
	if !ok {
		return 0, false
	}
	if index = IndexOf(words, s); index < 0 {
		r.Problem("must be " + oneOf(words) + ", got " + Quote(s) + Suggest(s, words))
		return 0, false
	}
	return index, true
}

// oneOf is `"a", "b" or "c"`.
func oneOf(words []string) string {
	list := ""
	for i, w := range words {
		switch {
		case i == 0:
		case i == len(words)-1:
			list += " or "
		default:
			list += ", "
		}
		list += Quote(w)
	}
	return list
}
