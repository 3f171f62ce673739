package concurrency

import (
	"github.com/sallyport-gateway/sallyport/filter/internal/decode"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy"
)

var (
	optionMembers = decode.Members{Names: []string{"limit", "per"}, Required: 1}

	// perWords are in the order of the Kinds.
	perWords = []string{"api", "app"}
)

// Policy is concurrent_calls.
type Policy struct{}

// Decode implements policy.Kind.
func (*Policy) Decode(r *decode.Reader, v decode.Value, p *policy.Plan) {
	var o Options
	if !p.Options(r, v, &optionMembers, func(name string, v decode.Value) {
		switch name {
		case "limit":
			o.Most = r.Integer(v, 1, MaxCalls)
		case "per":
			i, _ := r.Word(v, perWords...)
			o.Per = Kind(i)
		}
	}) {
		return
	}
	if o.Per == App {
		p.Needs, p.Cause = policy.Caller, "per: app"
	}
	p.PerAPI = true
	p.Build = func(site *policy.Site) pipeline.Step {
		own := o
		own.ID, own.Report = site.ID, site.TellAdmitted
		return New(own, &site.Ports)
	}
}
