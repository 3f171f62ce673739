package config

import (
	"slices"

	"github.com/sallyport-gateway/sallyport/filter/internal/usage"
)

// Usage says how calls are recorded.
type Usage struct {
	// MaxSeries bounds the metrics with names of the catalog in them.
	MaxSeries int
	// Attributes are told to the host for its access log.
	Attributes []usage.Attribute
}

// DefaultMaxSeries is some fifty apps with three APIs each, their refusals and
// their latencies. A histogram of Envoy's is twenty lines for Prometheus.
const DefaultMaxSeries = 2000

// Each attribute is a hostcall more for every request; the app is the one that
// nothing else in an access log tells.
func defaultUsage() Usage {
	return Usage{MaxSeries: DefaultMaxSeries, Attributes: []usage.Attribute{usage.App}}
}

var usageMembers = members{names: []string{"max_series", "attributes"}}

func (r *reader) usage(v value, u *Usage) {
	r.object(v, &usageMembers, func(name string, v value) {
		switch name {
		case "max_series":
			u.MaxSeries = r.integer(v, 0, usage.MaxSeries)
		case "attributes":
			u.Attributes = r.attributes(v)
		}
	})
}

func (r *reader) attributes(v value) (attributes []usage.Attribute) {
	words := usage.AttributeNames()
	r.list(v, len(words), func(v value) {
		i, ok := r.word(v, words...)
		switch {
		case !ok:
		case slices.Contains(attributes, usage.Attribute(i)):
			r.problem("must be listed once, got it again")
		default:
			attributes = append(attributes, usage.Attribute(i))
		}
	})
	return attributes
}
