package cors

import (
	"time"

	"github.com/sallyport-gateway/sallyport/filter/internal/decode"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy"
)

const (
	maxOrigins = 64
	maxMethods = 16
	maxHeaders = 64
	maxMaxAge  = 24 * time.Hour // no browser remembers for longer
	all        = "*"
)

var optionMembers = decode.Members{Names: []string{"allow_origins", "allow_methods", "allow_headers", "expose_headers", "max_age", "allow_credentials"}, Required: 1}

// Policy is cors.
type Policy struct{}

// Decode implements policy.Kind.
func (*Policy) Decode(r *decode.Reader, v decode.Value, p *policy.Plan) {
	o := Options{MaxAge: Unsaid}
	stars := ""
	ok := p.Options(r, v, &optionMembers, func(name string, v decode.Value) {
		star := false
		switch name {
		case "allow_origins":
			o.Origins, star = origins(r, v)
			o.AnyOrigin = star
		case "allow_methods":
			o.Methods, star = names(r, v, maxMethods, r.Method)
		case "allow_headers":
			o.Headers, star = names(r, v, maxHeaders, r.HeaderField)
		case "expose_headers":
			o.Expose, star = names(r, v, maxHeaders, r.HeaderField)
		case "max_age":
			o.MaxAge = r.Duration(v, 0, maxMaxAge)
		case "allow_credentials":
			o.Credentials = r.Boolean(v)
		}
		if star {
			stars = name
		}
	})
	if !ok {
		return
	}
	if o.Credentials && stars != "" {
		r.ProblemAt(stars, `must not be "*" with allow_credentials: browsers refuse the two together; list them`)
	}
	p.Build = func(*policy.Site) pipeline.Step { return New(o) }
}

// origins reads a list of origins, or ["*"].
func origins(r *decode.Reader, v decode.Value) (list []Origin, star bool) {
	texts, star := names(r, v, maxOrigins, func(v decode.Value) string {
		r.Parse(v, func(s string) error {
			o, err := ParseOrigin(s)
			list = append(list, o)
			return err
		})
		return ""
	})
	if len(texts) == 0 && v.IsList() {
		r.Problem(`must have at least one origin, such as "https://app.example.com"`)
	}
	return list, star
}

// names reads a list of names, or ["*"].
func names(r *decode.Reader, v decode.Value, limit int, one func(decode.Value) string) (list []string, star bool) {
	list = r.Strings(v, limit, func(v decode.Value) string {
		if v == `"*"` {
			star = true
			return all
		}
		return one(v)
	})
	if star && len(list) > 1 {
		r.Problem(`must have nothing beside "*", which means all`)
	}
	return list, star
}
