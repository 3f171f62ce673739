// Package usage records who called what, and with what result: metric series,
// and attributes for the proxy's access log.
//
// Hosts keep every metric that was ever named, so no name may contain anything
// from a request: all parts come from the catalog, from an enumeration, or are
// absent. As a catalog can be large, and can be replaced by others, the number
// of names that contain anything from it is bounded too; see roster.
package usage

import (
	"time"

	"github.com/sallyport-gateway/sallyport/filter/internal/denial"
	"github.com/sallyport-gateway/sallyport/filter/internal/host"
)

// Call is a request whose end is known.
type Call struct {
	Allowed  bool
	Answered bool          // in the backend's place, as CORS preflights are
	Reason   denial.Reason // why not, when it was neither
	Party    Party
	KeyID    string // of a key that was verified; "" for none
	Status   int    // what the client got; 0 when it got nothing

	Now     int64         // unix nanoseconds
	Latency time.Duration // from the request's headers to its end; of allowed calls
}

// Party is who called what, as far as it is known: all names are from the
// catalog, or empty.
type Party struct{ App, Product, API, Version string }

// others stands for every party whose series the roster has no room for.
var others = Party{App: "other", Product: "other", API: "other", Version: "other"}

// keyPeriod is how often the last use of one key is reported to the host.
const keyPeriod = time.Minute

// Recorder writes metrics for one plugin instance in one VM. What it remembers
// is bounded by the roster, by the number of reasons and status classes, and by
// the cells.
type Recorder struct {
	metrics  host.Metrics
	roster   roster
	counters map[counter]host.Counter
	latency  map[Party]host.Histogram
	keys     map[string]keyUse
	cells    [cells]cell
	text     []byte // of the name that is being made
}

// keyUse is the metric of a key and when, in unix nanoseconds, it was written.
type keyUse struct {
	_ [0]func() // not comparable: an unused == costs the guest code

	metric string
	told   int64
}

// NewRecorder makes at most maxSeries series from the catalog, together with
// all recorders on the store.
func NewRecorder(maxSeries int, store host.Store, metrics host.Metrics) *Recorder {
	return &Recorder{
		metrics:  metrics,
		roster:   newRoster(store, maxSeries),
		counters: map[counter]host.Counter{},
		latency:  map[Party]host.Histogram{},
		keys:     map[string]keyUse{},
	}
}

// Record counts the call.
func (r *Recorder) Record(c *Call) {
	k := counterOf(c)
	at := &r.cells[k.cell()]
	if at.calls == nil || at.counter != k {
		*at = r.look(k)
	}
	at.calls.Add(1)
	if c.Allowed {
		at.latency.Observe(int64(c.Latency / time.Millisecond))
	}
	if c.KeyID != "" && (c.Now < at.from || c.Now >= at.due || c.KeyID != at.key) {
		at.key, at.from, at.due = c.KeyID, 0, 0
		if told, ok := r.used(c.KeyID, c.Now); ok {
			at.from, at.due = told, told+int64(keyPeriod)
		}
	}
	if at.passing {
		*at = cell{}
	}
}

// look finds the series of a kind of calls. When the host failed on the way, the
// next call looks again.
func (r *Recorder) look(k counter) cell {
	r.roster.failed = false
	c := cell{counter: k, calls: r.counter(k)}
	if k.allowed {
		c.latency = r.histogram(k.party)
	}
	c.passing = r.roster.failed
	return c
}

// counter gives a counter. One that there is no room for is remembered only in
// its cell: there can be as many as the catalog has combinations.
func (r *Recorder) counter(k counter) host.Counter {
	c, ok := r.counters[k]
	if ok {
		return c
	}
	if r.text = k.appendName(r.text[:0]); k.party != (Party{}) && k.party != others && !r.roster.admits(r.text) {
		k.party = others
		return r.counter(k)
	}
	c = r.metrics.Counter(string(r.text))
	r.counters[k] = c
	return c
}

func (r *Recorder) histogram(p Party) host.Histogram {
	h, ok := r.latency[p]
	if ok {
		return h
	}
	if r.text = p.appendLabels(append(r.text[:0], metricLatency...)); p != (Party{}) && p != others && !r.roster.admits(r.text) {
		return r.histogram(others)
	}
	h = r.metrics.Histogram(string(r.text))
	r.latency[p] = h
	return h
}

// used reports when a key was last used, once in a while, and gives the moment
// that was last reported. A key that there is no room for has no metric.
func (r *Recorder) used(id string, now int64) (told int64, ok bool) {
	use, ok := r.keys[id]
	if !ok {
		r.text = append(appendLabel(append(append(r.text[:0], metricKeyUsed...), tagKey...), id), '|')
		if !r.roster.admits(r.text) {
			return 0, false
		}
		use.metric = string(r.text)
	} else if since := now - use.told; 0 <= since && since < int64(keyPeriod) {
		return use.told, true
	}
	use.told = now
	r.keys[id] = use
	r.metrics.Gauge(use.metric, now/int64(time.Second))
	return now, true
}
