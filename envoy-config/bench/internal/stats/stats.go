// Package stats is the arithmetic of the bench: medians, and how far the rounds
// are apart.
package stats

import (
	"math"
	"slices"
)

// Summary is what is kept of the rounds of one figure.
type Summary struct {
	Median float64 `json:"median"`
	Low    float64 `json:"low"`  // first quartile
	High   float64 `json:"high"` // third quartile
	Rounds int     `json:"rounds"`
}

// Summarize returns the median and the quartiles, interpolated where no value
// is in that place. Without values everything is NaN.
func Summarize(values []float64) Summary {
	sorted := slices.Clone(values)
	slices.Sort(sorted)
	return Summary{Median: quantile(sorted, 0.5), Low: quantile(sorted, 0.25), High: quantile(sorted, 0.75), Rounds: len(values)}
}

// Spread is the distance between the quartiles over the median: 0.05 means that
// the middle half of the rounds spans 5 %. NaN without values.
func (s Summary) Spread() float64 { return (s.High - s.Low) / s.Median }

// Differences are a[i]-b[i], of the rounds that both have: rounds are
// interleaved, so whatever slows the machine for a while affects both.
func Differences(a, b []float64) []float64 {
	n := min(len(a), len(b))
	out := make([]float64, n)
	for i := range n {
		out[i] = a[i] - b[i]
	}
	return out
}

// Percentile is the smallest value such that p (0 to 1) of all values are not
// greater. It sorts values in place; NaN without any.
func Percentile(values []float64, p float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	slices.Sort(values)
	i := int(math.Ceil(p*float64(len(values)))) - 1
	return values[min(max(i, 0), len(values)-1)]
}

func quantile(sorted []float64, q float64) float64 {
	if len(sorted) == 0 {
		return math.NaN()
	}
	at := q * float64(len(sorted)-1)
	below := int(at)
	above := min(below+1, len(sorted)-1)
	return sorted[below] + (at-float64(below))*(sorted[above]-sorted[below])
}
