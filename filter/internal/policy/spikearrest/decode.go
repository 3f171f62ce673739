package spikearrest

import (
	"github.com/sallyport-gateway/sallyport/filter/internal/decode"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy"
)

var optionMembers = decode.Members{Names: []string{"rate", "burst", "per", "weight"}, Required: 1}

// Policy is spike_arrest.
type Policy struct{}

// Decode implements policy.Kind.
func (*Policy) Decode(r *decode.Reader, v decode.Value, p *policy.Plan) {
	o := Options{Weight: 1}
	ok := p.Options(r, v, &optionMembers, func(name string, v decode.Value) {
		switch name {
		case "rate":
			r.Parse(v, func(s string) (err error) {
				o.Rate, err = ParseRate(s)
				return err
			})
		case "burst":
			o.Burst = r.Integer(v, 1, MaxBurst)
		case "per":
			r.Parse(v, func(s string) (err error) {
				o.Per, err = ParsePer(s)
				return err
			})
		case "weight":
			o.Weight = r.Integer(v, 1, MaxWeight)
		}
	})
	if !ok {
		return
	}
	if o.Burst == 0 {
		o.Burst = DefaultBurst(o.Rate)
	}
	if o.Per.Kind == App {
		p.Needs, p.Cause = policy.Caller, "per: app"
	}
	p.PerAPI = true
	p.Build = func(site *policy.Site) pipeline.Step {
		own := o
		own.ID = site.ID
		if own.Per.Kind == ClientIP {
			own.Per.IPv6Prefix = site.IPv6Prefix
		}
		return New(own, site.Ports.Store, site.Ports.Now)
	}
}
