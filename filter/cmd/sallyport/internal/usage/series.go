// Package usage reads what the filter recorded: who called which version of which API, and with what result. It queries
// a Prometheus server, or an Envoy itself, and reports only what they know.
package usage

import (
	"net/url"
	"time"

	"github.com/prometheus/common/model"
)

// The metrics of the filter, as a Prometheus server has them; see the operator's reference.
const (
	metricUsage   = "sallyport_usage"
	metricLatency = "sallyport_latency_ms"
	metricKeyUsed = "sallyport_key_last_used_seconds"
	// metricUptime is Envoy's own: seconds since its start, up to 5 s old.
	metricUptime = "envoy_server_uptime"
)

// other is what the filter says for app, product, API and version of calls for which usage.max_series left no room.
const other = "other"

// Period is from From (not included) to Until.
type Period struct{ From, Until time.Time }

// Party is who called what; what was not known is empty.
type Party struct{ App, Product, API, Version string }

// Filter says which parties are wanted. An empty part wants all.
type Filter struct{ App, API, Version string }

func (f Filter) wants(p Party) bool {
	return (f.App == "" || f.App == p.App) && (f.API == "" || f.API == p.API) && (f.Version == "" || f.Version == p.Version)
}

// Series is one counter of calls.
type Series struct {
	Party
	Allowed bool
	Reason  string // why not
	Class   string // "2xx"; empty when the client got nothing
}

// Count is a series and what it counted in a period.
type Count struct {
	Series
	Tally
}

// isCall is false for what the gateway answered in the backend's place: a CORS preflight is not a call.
func isCall(m model.Metric) bool { return m["decision"] != "answer" }

func seriesOf(m model.Metric) Series {
	return Series{
		Party: partyOf(m), Allowed: m["decision"] == "allow", Reason: string(m["reason"]), Class: string(m["class"]),
	}
}

func partyOf(m model.Metric) Party {
	return Party{App: name(m["app"]), Product: name(m["product"]), API: name(m["api"]), Version: name(m["version"])}
}

// name undoes the filter's percent-encoding of names.
func name(v model.LabelValue) string {
	if s, err := url.PathUnescape(string(v)); err == nil {
		return s
	}
	return string(v)
}
