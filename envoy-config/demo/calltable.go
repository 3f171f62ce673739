package demo

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"time"
)

// usageRow is the calls of one app to one version of an API.
type usageRow struct {
	API     string           `json:"api"`
	Version string           `json:"version"`
	App     string           `json:"app"` // "" for unidentified callers
	Product string           `json:"product"`
	Calls   uint64           `json:"calls"`  // let through
	Errors  uint64           `json:"errors"` // of them, answered with 5xx
	Refused map[string]int64 `json:"refused"`
	P50     float64          `json:"p50_ms"` // of the calls that the page Trace remembers; -1 when there is none
	P95     float64          `json:"p95_ms"`
	Last    *time.Time       `json:"last,omitempty"`
}

const usagePrefix = "sallyport_usage."

// labelsOf reads a series' name, "sallyport_usage.sp_decision=allow|sp_app=portal|...".
func labelsOf(name string) (labels map[string]string, ok bool) {
	rest, ok := strings.CutPrefix(name, usagePrefix)
	if !ok {
		return nil, false
	}
	labels = map[string]string{}
	for part := range strings.SplitSeq(rest, "|") {
		if name, value, ok := strings.Cut(strings.TrimPrefix(part, "sp_"), "="); ok {
			labels[name] = value
		}
	}
	return labels, true
}

// usageRows adds up the filter's own series; times, which they do not have, come from the visits.
func usageRows(series map[string]uint64, seen []visit) []usageRow {
	rows := map[[4]string]*usageRow{}
	for name, value := range series {
		labels, ok := labelsOf(name)
		if !ok || value == 0 {
			continue
		}
		key := [4]string{labels["api"], labels["version"], labels["app"], labels["product"]}
		row := rows[key]
		if row == nil {
			row = &usageRow{API: key[0], Version: key[1], App: key[2], Product: key[3], Refused: map[string]int64{}, P50: -1, P95: -1}
			rows[key] = row
		}
		if labels["decision"] != "allow" {
			row.Refused[labels["reason"]] += int64(value)
			continue
		}
		row.Calls += value
		if labels["class"] == "5xx" {
			row.Errors += value
		}
	}
	out := make([]usageRow, 0, len(rows))
	for _, row := range rows {
		row.times(seen)
		out = append(out, *row)
	}
	slices.SortFunc(out, func(a, b usageRow) int {
		return cmp.Or(cmp.Compare(a.API, b.API), cmp.Compare(a.Version, b.Version), cmp.Compare(a.App, b.App), cmp.Compare(a.Product, b.Product))
	})
	return out
}

func (r *usageRow) times(seen []visit) {
	var took []float64
	for _, v := range seen {
		if v.API != r.API || v.Version != r.Version || v.App != r.App || v.Product != r.Product {
			continue
		}
		r.Last = &v.At
		if v.Decision == "allow" {
			took = append(took, v.Took)
		}
	}
	if len(took) > 0 {
		slices.Sort(took)
		r.P50, r.P95 = rank(took, 0.50), rank(took, 0.95)
	}
}

// rank is the nearest-rank quantile of sorted values.
func rank(sorted []float64, q float64) float64 {
	return sorted[max(int(math.Ceil(q*float64(len(sorted))))-1, 0)]
}
