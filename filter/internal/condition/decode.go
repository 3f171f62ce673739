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
func Decode(r *decode.Reader, v decode.Value) *Condition {
	d := decoder{Reader: r}
	c := &Condition{}
	d.condition(v, c, 1)
	if d.leaves > MaxLeaves {
		r.Problem("must test at most " + strconv.Itoa(MaxLeaves) + " things in total")
	}
	return c
}

type decoder struct {
	*decode.Reader
	leaves int
}

// condition fills c, which stays unclear when it cannot be read.
func (d *decoder) condition(v decode.Value, c *Condition, depth int) {
	if depth > MaxDepth {
		d.Problem("must nest at most " + strconv.Itoa(MaxDepth) + " levels deep")
		return
	}
	count := 0
	if d.Object(v, &members, func(name string, v decode.Value) {
		count++
		c.kind = method + kind(decode.IndexOf(members.Names, name))
		switch c.kind {
		case all, anyOf:
			d.several(v, c, depth)
			return
		case not:
			c.of = make([]Condition, 1)
			d.condition(v, &c.of[0], depth+1)
			return
		}
		d.leaves++
		d.leaf(v, c)
	}) && count != 1 {
		d.Problem("must have exactly one of method, path, header, query, all, any, not")
	}
	if count != 1 {
		c.kind = nothing
	}
}

func (d *decoder) leaf(v decode.Value, c *Condition) {
	switch c.kind {
	case method:
		d.methods(v, c)
	case path:
		d.Parse(v, func(s string) (err error) {
			c.path, err = catalog.ParsePathPattern(s)
			return err
		})
	default:
		d.field(v, c)
	}
}

func (d *decoder) several(v decode.Value, c *Condition, depth int) {
	d.List(v, MaxLeaves, func(v decode.Value) {
		c.of = append(c.of, Condition{})
		d.condition(v, &c.of[len(c.of)-1], depth+1)
	})
	if len(c.of) == 0 && v.IsList() {
		d.Problem("must have at least one condition")
	}
}

// methods reads one method, or a list.
func (d *decoder) methods(v decode.Value, c *Condition) {
	if v.IsString() {
		c.methods = []string{d.Method(v)}
		return
	}
	c.methods = d.Strings(v, maxMethods, d.Method)
	if len(c.methods) == 0 && v.IsList() {
		d.Problem("must have at least one method")
	}
}

// field reads {name: NAME, equals: VALUE}.
func (d *decoder) field(v decode.Value, c *Condition) {
	d.Object(v, &fieldMember, func(member string, v decode.Value) {
		switch {
		case member == "equals":
			c.value, c.equals = d.ShortText(v, maxValue), true
		case c.kind == header:
			c.name = d.header(v)
		default:
			c.name = d.parameter(v)
		}
	})
}

// header refuses the headers that only the gateway sets: from a client they
// mean nothing.
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
		d.Problem("must be the decoded name of a query parameter, of 1 to " + strconv.Itoa(maxName) + " bytes")
	}
	return s
}
