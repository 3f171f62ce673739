package usage

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// Record is what a source knows about a period.
type Record struct {
	Period   Period // zero: since the start of an Envoy
	Counts   []Count
	Coverage Coverage

	latency map[Party]histogram
}

// Row is the usage of one API and version by one app through one product.
type Row struct {
	App     string `json:"app,omitempty"`
	Product string `json:"product,omitempty"`
	API     string `json:"api,omitempty"`
	Version string `json:"version,omitempty"`

	Calls  uint64            `json:"calls"`  // let through
	Errors uint64            `json:"errors"` // of these: answered 5xx
	Denied map[string]uint64 `json:"denied"` // refused, by reason

	// Milliseconds, of calls let through; absent when there was none, or they are not known.
	P50 *float64 `json:"p50_ms,omitempty"`
	P95 *float64 `json:"p95_ms,omitempty"`
	// LastSeen is when Prometheus first saw the latest call, refused ones included.
	LastSeen *time.Time `json:"last_seen,omitempty"`
}

// Rows are those of the parties that are wanted, by API, version, app and product.
func (r Record) Rows(f Filter) []Row {
	rows := map[Party]*Row{}
	for _, c := range r.Counts {
		if c.Calls == 0 || !f.wants(c.Party) {
			continue
		}
		row := rows[c.Party]
		if row == nil {
			row = &Row{App: c.App, Product: c.Product, API: c.API, Version: c.Version, Denied: map[string]uint64{}}
			row.P50, row.P95 = quantile(r.latency[c.Party], .5), quantile(r.latency[c.Party], .95)
			rows[c.Party] = row
		}
		row.add(c)
	}
	out := make([]Row, 0, len(rows))
	for _, row := range rows {
		out = append(out, *row)
	}
	slices.SortFunc(out, func(a, b Row) int {
		return cmp.Or(cmp.Compare(a.API, b.API), cmp.Compare(a.Version, b.Version), cmp.Compare(a.App, b.App), cmp.Compare(a.Product, b.Product))
	})
	return out
}

func (r *Row) add(c Count) {
	calls := uint64(math.Round(c.Calls))
	if c.Allowed {
		r.Calls += calls
		if c.Class == "5xx" {
			r.Errors += calls
		}
	} else {
		r.Denied[c.Reason] += calls
	}
	r.LastSeen = later(r.LastSeen, c.Last)
}

func later(have *time.Time, t time.Time) *time.Time {
	if t.IsZero() || (have != nil && !t.After(*have)) {
		return have
	}
	t = t.UTC().Truncate(time.Second)
	return &t
}

func quantile(h histogram, q float64) *float64 {
	v := h.quantile(q)
	if math.IsNaN(v) {
		return nil
	}
	v = math.Round(v*10) / 10
	return &v
}
