package spikearrest

import (
	"github.com/sallyport-gateway/sallyport/filter/internal/decode"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy"
)

var (
	optionMembers = decode.Members{Names: []string{"rate", "limits", "burst", "per", "weight"}}
	limitMembers  = decode.Members{Names: []string{"rate", "burst"}, Required: 1}
	weightMembers = decode.Members{Names: []string{"header", "max"}, Required: 2}
)

// noWeightHeaders carry other things than a weight.
var noWeightHeaders = []string{"authorization", "cookie"}

// Policy is spike_arrest.
type Policy struct{}

// decoder reads the options of one step.
type decoder struct {
	_ [0]func() // not comparable: an unused == costs the guest code

	*decode.Reader
	options      Options
	limit        Limit // that is given directly, not in the list
	one, several bool
}

// Decode implements policy.Kind.
func (*Policy) Decode(r *decode.Reader, v decode.Value, p *policy.Plan) {
	d := &decoder{Reader: r, options: Options{Weight: 1}}
	if !p.Options(r, v, &optionMembers, d.member) {
		return
	}
	o := &d.options
	switch {
	case d.several:
		if d.one {
			r.ProblemAt("limits", "must not be given beside rate; write that as one of them")
		} else if d.limit.Burst != 0 {
			r.ProblemAt("burst", "must not be given beside limits; give each limit its own")
		}
	case !d.one:
		r.ProblemAt("rate", "is required")
	default:
		d.add(d.limit)
	}
	p.Cause = "per: " + o.Per.word()
	switch o.Per.Kind {
	case App, Product:
		p.Needs = policy.Caller
	case TokenSubject:
		p.Needs = policy.Token
	}
	p.PerAPI = true
	p.Build = func(site *policy.Site) pipeline.Step {
		own := *o
		own.ID, own.Report = site.ID, site.TellAdmitted
		if own.Per.Kind == ClientIP {
			own.Per.IPv6Prefix = site.IPv6Prefix
		}
		return New(own, site.Ports.Store, site.Ports.Now)
	}
}

func (d *decoder) member(name string, v decode.Value) {
	switch name {
	case "limits":
		d.several = true
		d.NonEmpty(v, "a step with one rate")
		d.List(v, MaxLimits, d.oneOfThem)
	case "per":
		d.Parse(v, func(s string) (err error) {
			d.options.Per, err = ParsePer(s)
			return err
		})
	case "weight":
		if v.IsObject() {
			d.Object(v, &weightMembers, d.weightMember)
		} else {
			d.options.Weight = d.Integer(v, 1, MaxWeight)
		}
	default:
		d.one = d.one || name == "rate"
		d.limitMember(&d.limit, name, v)
	}
}

// oneOfThem reads one of several limits. Two of one rate would be one.
func (d *decoder) oneOfThem(v decode.Value) {
	var l Limit
	d.Object(v, &limitMembers, func(name string, v decode.Value) { d.limitMember(&l, name, v) })
	if d.options.has(l.Rate) {
		d.ProblemAt("rate", "must differ from that of the other limits")
	}
	d.add(l)
}

// has reports whether a rate that could be read is one of the limits.
func (o *Options) has(r Rate) bool {
	for i := range o.Further {
		if o.Further[i].Rate == r {
			return true
		}
	}
	return r.messages > 0 && r == o.Rate
}

// add gives a limit its default burst, and its place.
func (d *decoder) add(l Limit) {
	if l.Burst == 0 {
		l.Burst = DefaultBurst(l.Rate)
	}
	if o := &d.options; o.Burst == 0 {
		o.Rate, o.Burst = l.Rate, l.Burst
	} else {
		o.Further = append(o.Further, l)
	}
}

func (d *decoder) limitMember(l *Limit, name string, v decode.Value) {
	if name == "burst" {
		l.Burst = d.Integer(v, 1, MaxBurst)
		return
	}
	if v.IsNumber() { // the quotes alone would not make it one
		d.Problem(errRate.Error() + ", got " + decode.Cut(string(v)))
		return
	}
	d.Parse(v, func(s string) (err error) {
		l.Rate, err = ParseRate(s)
		return err
	})
}

func (d *decoder) weightMember(name string, v decode.Value) {
	if name == "header" {
		d.options.WeightHeader = d.HeaderName(v, noWeightHeaders)
		return
	}
	d.options.Weight = d.Integer(v, 1, MaxWeight)
}
