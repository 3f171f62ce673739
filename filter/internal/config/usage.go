package config

import (
	"slices"

	"github.com/sallyport-gateway/sallyport/filter/internal/decode"
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

var usageMembers = decode.Members{Names: []string{"max_series", "attributes"}}

func (r *reader) usage(v decode.Value, u *Usage) {
	r.Object(v, &usageMembers, func(name string, v decode.Value) {
		switch name {
		case "max_series":
			u.MaxSeries = r.Integer(v, 0, usage.MaxSeries)
		case "attributes":
			u.Attributes = r.attributes(v)
		}
	})
}

func (r *reader) attributes(v decode.Value) (attributes []usage.Attribute) {
	words := usage.AttributeNames()
	r.List(v, len(words), func(v decode.Value) {
		i, ok := r.Word(v, words...)
		switch {
		case !ok:
		case slices.Contains(attributes, usage.Attribute(i)):
			r.Problem("must be listed once, got it again")
		default:
			attributes = append(attributes, usage.Attribute(i))
		}
	})
	return attributes
}
