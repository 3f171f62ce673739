package config

import (
	"github.com/sallyport-gateway/sallyport/filter/internal/catalog"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy/spikearrest"
)

var (
	spikeArrestMembers = members{names: []string{"rate", "limits", "burst", "per", "weight", enabled, dryRun, onError}}
	limitMembers       = members{names: []string{"rate", "burst"}, required: 1}
	weightMembers      = members{names: []string{"header", "max"}, required: 2}
)

func (r *reader) spikeArrest(v value, p *plan) {
	o := spikearrest.Options{Weight: 1}
	var one, several bool
	burst := 0
	ok := r.object(v, &spikeArrestMembers, func(name string, v value) {
		switch name {
		case "rate":
			one = true
			o.Rate = r.rate(v)
		case "limits":
			several = true
			r.limits(v, &o)
		case "burst":
			burst = r.integer(v, 1, spikearrest.MaxBurst)
		case "per":
			r.parse(v, func(s string) (err error) {
				o.Per, err = spikearrest.ParsePer(s)
				return err
			})
		case "weight":
			r.weight(v, &o)
		default:
			r.common(name, v, p)
		}
	})
	if !ok {
		return
	}
	switch {
	case one && several:
		r.problemAt("limits", "must not stand beside rate; write it as one of them")
	case !one && !several:
		r.problemAt("rate", "is required")
	case several && burst != 0:
		r.problemAt("burst", "must not stand beside limits; give each limit its own")
	case one && burst != 0:
		o.Burst = burst
	case one:
		o.Burst = spikearrest.DefaultBurst(o.Rate)
	}
	switch o.Per.Kind {
	case spikearrest.App:
		p.needs, p.cause = verifyAPIKey, "per: app"
	case spikearrest.Product:
		p.needs, p.cause = verifyAPIKey, "per: product"
	case spikearrest.TokenSubject:
		p.needs, p.cause = introspectToken, "per: token_subject"
	}
	p.perAPI = true
	whole := r.config
	p.build = func(_ *catalog.Catalog, ports Ports, id string) pipeline.Step {
		own := o
		own.ID, own.Report = id, whole.RateLimitHeaders.Admitted
		if own.Per.Kind == spikearrest.ClientIP {
			own.Per.IPv6Prefix = whole.IPv6Prefix
		}
		return spikearrest.New(own, ports.Store, ports.Now)
	}
}

func (r *reader) rate(v value) (rate spikearrest.Rate) {
	r.parse(v, func(s string) (err error) {
		rate, err = spikearrest.ParseRate(s)
		return err
	})
	return rate
}

// limits reads the list of limits that all hold. Two of one rate and burst are
// one, and were meant to be two.
func (r *reader) limits(v value, o *spikearrest.Options) {
	r.nonEmpty(v, "a step with one rate")
	var all []spikearrest.Limit
	r.list(v, spikearrest.MaxLimits, func(v value) {
		var l spikearrest.Limit
		r.object(v, &limitMembers, func(name string, v value) {
			switch name {
			case "rate":
				l.Rate = r.rate(v)
			case "burst":
				l.Burst = r.integer(v, 1, spikearrest.MaxBurst)
			}
		})
		if l.Burst == 0 {
			l.Burst = spikearrest.DefaultBurst(l.Rate)
		}
		for _, other := range all {
			if other.Rate == l.Rate && l.Rate != (spikearrest.Rate{}) {
				r.problemAt("rate", "must differ from that of the other limits")
				break
			}
		}
		all = append(all, l)
	})
	if len(all) > 0 {
		o.Rate, o.Burst, o.Further = all[0].Rate, all[0].Burst, all[1:]
	}
}

// weight reads what a message costs: a number, or the header that says so and the
// most that it may say.
func (r *reader) weight(v value, o *spikearrest.Options) {
	if !v.isObject() {
		o.Weight = r.integer(v, 1, spikearrest.MaxWeight)
		return
	}
	r.object(v, &weightMembers, func(name string, v value) {
		switch name {
		case "header":
			o.WeightHeader = r.headerName(v, noKeyHeaders)
		case "max":
			o.Weight = r.integer(v, 1, spikearrest.MaxWeight)
		}
	})
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
