package condition

import (
	"strconv"

	"github.com/sallyport-gateway/sallyport/filter/internal/catalog"
	"github.com/sallyport-gateway/sallyport/filter/internal/decode"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy/identity"
)

const (
	maxMethods = 16
	maxName    = 128  // bytes of a parameter's name
	maxValue   = 1024 // bytes of a value
)

var (
	members     = decode.Members{Names: []string{"method", "path", "header", "query", "all", "any", "not"}}
	fieldMember = decode.Members{Names: []string{"name", "equals"}, Required: 1}
)

// Decode reads a condition.
func Decode(r *decode.Reader, v decode.Value) Condition {
	d := decoder{Reader: r}
	c := d.condition(v, 1)
	if d.leaves > MaxLeaves {
		r.Problem("must look at no more than " + strconv.Itoa(MaxLeaves) + " things in all")
	}
	return c
}

type decoder struct {
	*decode.Reader
	leaves int
}

func (d *decoder) condition(v decode.Value, depth int) (c Condition) {
	if depth > MaxDepth {
		d.Problem("must nest at most " + strconv.Itoa(MaxDepth) + " levels deep")
		return c
	}
	count := 0
	if !d.Object(v, &members, func(name string, v decode.Value) {
		count++
		d.leaves++
		switch name {
		case "method":
			c = Method(d.methods(v)...)
		case "path":
			d.Parse(v, func(s string) error {
				p, err := catalog.ParsePathPattern(s)
				c = Path(p)
				return err
			})
		case "header":
			c = Header(d.field(v, d.header))
		case "query":
			c = Query(d.field(v, d.parameter))
		case "all":
			c = All(d.several(v, depth)...)
		case "any":
			c = Any(d.several(v, depth)...)
		case "not":
			d.leaves--
			c = Not(d.condition(v, depth+1))
		}
	}) {
		return Condition{}
	}
	if count != 1 {
		d.Problem("must be either one of method, path, header, query, all, any, not")
		return Condition{}
	}
	return c
}

func (d *decoder) several(v decode.Value, depth int) (of []Condition) {
	d.leaves--
	d.List(v, MaxLeaves, func(v decode.Value) { of = append(of, d.condition(v, depth+1)) })
	if len(of) == 0 && v.IsList() {
		d.Problem("must have at least one condition")
	}
	return of
}

// methods reads one method, or a list.
func (d *decoder) methods(v decode.Value) (methods []string) {
	one := func(v decode.Value) {
		s, ok := d.Text(v)
		if ok && !catalog.ValidMethod(s) {
			d.Got(`must be a method in capital letters, such as "GET"`, s)
		}
		methods = append(methods, s)
	}
	if v.IsString() {
		one(v)
		return methods
	}
	d.List(v, maxMethods, one)
	if len(methods) == 0 && v.IsList() {
		d.Problem("must have at least one method")
	}
	return methods
}

// field reads {name: NAME, equals: VALUE}.
func (d *decoder) field(v decode.Value, named func(decode.Value) string) (name string, value *string) {
	d.Object(v, &fieldMember, func(member string, v decode.Value) {
		switch member {
		case "name":
			name = named(v)
		case "equals":
			s := d.ShortText(v, maxValue)
			value = &s
		}
	})
	return name, value
}

// header refuses those that the gateway alone sets: a client that sends one says
// nothing with it.
func (d *decoder) header(v decode.Value) string {
	name := d.HeaderName(v, nil)
	if identity.Forged(name, nil) {
		d.Got("must be a header that a client may send", name)
	}
	return name
}

func (d *decoder) parameter(v decode.Value) string {
	s, ok := d.Text(v)
	if ok && (s == "" || len(s) > maxName) {
		d.Problem("must be the name of a query parameter, of 1 to " + strconv.Itoa(maxName) + " bytes, as it is decoded")
	}
	return s
}
