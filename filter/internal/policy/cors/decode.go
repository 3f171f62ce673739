package cors

import (
	"time"

	"github.com/sallyport-gateway/sallyport/filter/internal/catalog"
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
			o.Methods, star = names(r, v, maxMethods, method)
		case "allow_headers":
			o.Headers, star = names(r, v, maxHeaders, (*decode.Reader).HeaderField)
		case "expose_headers":
			o.Expose, star = names(r, v, maxHeaders, (*decode.Reader).HeaderField)
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
		r.ProblemAt(stars, `must not be "*" with allow_credentials: browsers refuse both together; list them`)
	}
	p.Build = func(*policy.Site) pipeline.Step { return New(o) }
}

// origins reads a list of origins, or ["*"].
func origins(r *decode.Reader, v decode.Value) (list []Origin, star bool) {
	count := 0
	r.List(v, maxOrigins, func(v decode.Value) {
		count++
		r.Parse(v, func(s string) error {
			if s == all {
				star = true
				return nil
			}
			o, err := ParseOrigin(s)
			list = append(list, o)
			return err
		})
	})
	if count == 0 && v.IsList() {
		r.Problem(`must have at least one origin, such as "https://app.example.com"`)
	}
	alone(r, star, count)
	return list, star
}

// names reads a list of names, or ["*"].
func names(r *decode.Reader, v decode.Value, limit int, one func(*decode.Reader, decode.Value) string) (list []string, star bool) {
	r.List(v, limit, func(v decode.Value) {
		if v == `"*"` {
			list, star = append(list, all), true
			return
		}
		list = append(list, one(r, v))
	})
	alone(r, star, len(list))
	return list, star
}

func alone(r *decode.Reader, star bool, count int) {
	if star && count > 1 {
		r.Problem(`must have nothing beside "*", which is all`)
	}
}

func method(r *decode.Reader, v decode.Value) string {
	s, ok := r.Text(v)
	if ok && !catalog.ValidMethod(s) {
		r.Got(`must be a method in capital letters, such as "GET"`, s)
	}
	return s
}
