package config

import (
	"github.com/sallyport-gateway/sallyport/filter/internal/catalog"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy/spikearrest"
)

var spikeArrestMembers = members{names: []string{"rate", "burst", "per", "weight", enabled, dryRun, onError}, required: 1}

func (r *reader) spikeArrest(v value, p *plan) {
	o := spikearrest.Options{Weight: 1}
	ok := r.object(v, &spikeArrestMembers, func(name string, v value) {
		switch name {
		case "rate":
			r.parse(v, func(s string) (err error) {
				o.Rate, err = spikearrest.ParseRate(s)
				return err
			})
		case "burst":
			o.Burst = r.integer(v, 1, spikearrest.MaxBurst)
		case "per":
			r.parse(v, func(s string) (err error) {
				o.Per, err = spikearrest.ParsePer(s)
				return err
			})
		case "weight":
			o.Weight = r.integer(v, 1, spikearrest.MaxWeight)
		default:
			r.common(name, v, p)
		}
	})
	if !ok {
		return
	}
	if o.Burst == 0 {
		o.Burst = spikearrest.DefaultBurst(o.Rate)
	}
	if o.Per.Kind == spikearrest.App {
		p.needs, p.cause = verifyAPIKey, "per: app"
	}
	p.perAPI = true
	whole := r.config
	p.build = func(_ *catalog.Catalog, ports Ports, id string) pipeline.Step {
		own := o
		own.ID = id
		if own.Per.Kind == spikearrest.ClientIP {
			own.Per.IPv6Prefix = whole.IPv6Prefix
		}
		return spikearrest.New(own, ports.Store, ports.Now)
	}
}

// parse reads a string with a policy's own parser, whose errors read on from
// the path: "must be ...".
func (r *reader) parse(v value, parser func(string) error) {
	s, ok := r.text(v)
	if !ok {
		return
	}
	if err := parser(s); err != nil {
		r.got(err.Error(), s)
	}
}
