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
	// Attributes are passed to the host for its access log.
	Attributes []usage.Attribute
}

// DefaultMaxSeries is enough for some fifty apps with three APIs each, their
// refusals and their latencies. One of Envoy's histograms is twenty lines for
// Prometheus.
const DefaultMaxSeries = 2000

// Each attribute costs every request one more hostcall; the app is the one that
// nothing else in an access log shows.
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
			r.Problem("must be listed only once")
		default:
			attributes = append(attributes, usage.Attribute(i))
		}
	})
	return attributes
}
