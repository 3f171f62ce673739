package setheaders

import (
	"github.com/sallyport-gateway/sallyport/filter/internal/decode"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy/identity"
)

const (
	maxHeaders       = 32 // to set, and to remove
	maxAttributeName = 128
)

var (
	optionMembers  = decode.Members{Names: []string{"set", "remove"}}
	settingMembers = decode.Members{Names: []string{"name", "value", "claim", "app_attribute", "product_attribute", "client_ip"}, Required: 1}
)

// sources are the members of a setting that say where the value comes from, in
// the order of Source.
var sources = []string{"value", "claim", "app_attribute", "product_attribute", "client_ip"}

// Policy is set_headers.
type Policy struct{}

// Decode implements policy.Kind.
func (*Policy) Decode(r *decode.Reader, v decode.Value, p *policy.Plan) {
	var o Options
	ok := p.Options(r, v, &optionMembers, func(name string, v decode.Value) {
		switch name {
		case "set":
			r.List(v, maxHeaders, func(v decode.Value) { o.Set = append(o.Set, setting(r, v, p)) })
		case "remove":
			r.List(v, maxHeaders, func(v decode.Value) { o.Remove = append(o.Remove, header(r, v)) })
		}
	})
	if !ok {
		return
	}
	if len(o.Set)+len(o.Remove) == 0 {
		r.Problem("must set or remove at least one header")
	}
	p.OwnHeaders = append(p.OwnHeaders, o.Remove...)
	for i := range o.Set {
		p.OwnHeaders = append(p.OwnHeaders, o.Set[i].Name)
	}
	p.Build = func(*policy.Site) pipeline.Step { return New(o) }
}

// setting reads {name: NAME} with one source, and notes what that needs.
func setting(r *decode.Reader, v decode.Value, p *policy.Plan) (s Setting) {
	count := 0
	if !r.Object(v, &settingMembers, func(name string, v decode.Value) {
		if name == "name" {
			s.Name = header(r, v)
			return
		}
		count++
		s.Source = Source(1 + decode.IndexOf(sources, name))
		switch s.Source {
		case Literal:
			if s.Of = r.HeaderValue(v); s.Of == "" && v.IsString() {
				r.Problem("must not be empty; list the header under remove to send none")
			}
		case Claim:
			if i, ok := r.Word(v, Claims...); ok {
				s.Of = Claims[i]
			}
			p.Needs |= policy.Token
		case AppAttribute, ProductAttribute:
			if s.Of = r.ShortText(v, maxAttributeName); s.Of == "" && v.IsString() {
				r.Problem("must be the name of an attribute")
			}
			p.Needs |= policy.Caller
		case ClientIP:
			if !r.Boolean(v) {
				r.Problem("must be true, or left out")
			}
		}
	}) {
		return s
	}
	if count != 1 {
		r.Problem("must have a name and exactly one of value, claim, app_attribute, product_attribute, client_ip")
	}
	p.Cause = "set_headers"
	return s
}

// header reads the name of a header that the backend gets only from this step.
func header(r *decode.Reader, v decode.Value) string {
	name := r.HeaderName(v, nil)
	if identity.Forged(name, nil) {
		r.Got("must not be a header that the gateway itself sets; identity_headers gives the names of those", name)
	}
	return name
}
