// Package usage records who called what, and what came of it: metric series,
// and attributes for the proxy's access log.
//
// Hosts keep every metric that was ever named, so no name may hold anything of
// a request: all are of the catalog, of an enumeration, or absent. As a catalog
// can be large, and can be replaced by others, the names that hold anything of
// it are bounded in number besides; see roster.
package usage

import (
	"time"

	"github.com/sallyport-gateway/sallyport/filter/internal/fault"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
	"github.com/sallyport-gateway/sallyport/filter/internal/sharedtable"
)

// Call is a request whose end is known.
type Call struct {
	Allowed bool
	Reason  fault.Reason // why not, when it was not allowed
	Party   Party
	KeyID   string // of a key that was verified; "" for none
	Status  int    // what the client got; 0 when it got nothing

	Now     int64         // unix nanoseconds
	Latency time.Duration // from the request's headers to its end; of allowed calls
}

// Party is who called what, as far as it is known: all names are of the
// catalog, or empty.
type Party struct{ App, Product, API, Version string }

// others stands for every party whose series the roster has no room for.
var others = Party{App: "other", Product: "other", API: "other", Version: "other"}

// keyPeriod is how often the last use of one key is told to the host.
const keyPeriod = time.Minute

// Recorder writes metrics for one plugin instance in one VM. What it remembers
// is bounded by the roster, and by the number of reasons and status classes.
type Recorder struct {
	metrics  pipeline.Metrics
	roster   roster
	counters map[counter]string
	latency  map[Party]string
	keys     map[string]keyUse
}

// keyUse is the metric of a key and when, in unix nanoseconds, it was written.
type keyUse struct {
	metric string
	told   int64
}

// NewRecorder names at most maxSeries series of the catalog, together with all
// recorders on the store.
func NewRecorder(maxSeries int, store sharedtable.Store, metrics pipeline.Metrics) *Recorder {
	return &Recorder{
		metrics:  metrics,
		roster:   newRoster(store, maxSeries),
		counters: map[counter]string{},
		latency:  map[Party]string{},
		keys:     map[string]keyUse{},
	}
}

// Record counts the call.
func (r *Recorder) Record(c Call) {
	r.metrics.Count(r.counter(counterOf(c)))
	if c.Allowed {
		r.metrics.Observe(r.histogram(c.Party), int64(c.Latency/time.Millisecond))
	}
	if c.KeyID != "" {
		r.used(c.KeyID, c.Now)
	}
}

// counter gives the name of a counter. One that there is no room for is not
// remembered: there can be as many as the catalog has combinations.
func (r *Recorder) counter(k counter) string {
	if name, ok := r.counters[k]; ok {
		return name
	}
	name := k.name()
	if k.party != (Party{}) && !r.roster.admits(name) {
		k.party = others
		name = k.name()
	}
	r.counters[k] = name
	return name
}

func (r *Recorder) histogram(p Party) string {
	if name, ok := r.latency[p]; ok {
		return name
	}
	name := metricLatency + p.labels()
	if p != (Party{}) && !r.roster.admits(name) {
		p = others
		name = metricLatency + p.labels()
	}
	r.latency[p] = name
	return name
}

// used tells when a key was last used, once in a while. A key that there is no
// room for has no metric.
func (r *Recorder) used(id string, now int64) {
	use, ok := r.keys[id]
	if !ok {
		use.metric = metricKeyUsed + tagKey + label(id) + "|"
		if !r.roster.admits(use.metric) {
			return
		}
	} else if since := now - use.told; 0 <= since && since < int64(keyPeriod) {
		return
	}
	use.told = now
	r.keys[id] = use
	r.metrics.Gauge(use.metric, now/int64(time.Second))
}
