package config

import (
	"github.com/sallyport-gateway/sallyport/filter/internal/catalog"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy/concurrency"
)

var concurrentCallsMembers = members{names: []string{"limit", "per", enabled, dryRun, onError}, required: 1}

func (r *reader) concurrentCalls(v value, p *plan) {
	var o concurrency.Options
	ok := r.object(v, &concurrentCallsMembers, func(name string, v value) {
		switch name {
		case "limit":
			o.Most = r.integer(v, 1, concurrency.MaxCalls)
		case "per":
			r.parse(v, func(s string) (err error) {
				o.Per, err = concurrency.ParsePer(s)
				return err
			})
		default:
			r.common(name, v, p)
		}
	})
	if !ok {
		return
	}
	if o.Per == concurrency.App {
		p.needs, p.cause = verifyAPIKey, "per: app"
	}
	p.perAPI = true
	whole := r.config
	p.build = func(_ *catalog.Catalog, ports Ports, id string) pipeline.Step {
		own := o
		own.ID, own.Report = id, whole.RateLimitHeaders.Admitted
		return concurrency.New(own, &ports)
	}
}
