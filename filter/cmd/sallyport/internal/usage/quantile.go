package usage

import (
	"math"
	"slices"
)

// histogram is how many observations were at most so large: cumulative counts by upper bound, as Prometheus has them.
type histogram map[float64]float64

// quantile interpolates within a bucket, as Prometheus's histogram_quantile does; what is beyond the last bound is said to
// be that bound. NaN when nothing was observed.
func (h histogram) quantile(q float64) float64 {
	bounds := make([]float64, 0, len(h))
	for le := range h {
		bounds = append(bounds, le)
	}
	slices.Sort(bounds)
	if len(bounds) < 2 || !math.IsInf(bounds[len(bounds)-1], 1) || !(h[bounds[len(bounds)-1]] > 0) {
		return math.NaN()
	}
	rank := q * h[bounds[len(bounds)-1]]
	lower, below := 0.0, 0.0
	for _, le := range bounds {
		if count := h[le]; count >= rank && count > below {
			if math.IsInf(le, 1) {
				return lower
			}
			return lower + (le-lower)*(rank-below)/(count-below)
		}
		if !math.IsInf(le, 1) {
			lower, below = le, math.Max(below, h[le])
		}
	}
	return lower
}
