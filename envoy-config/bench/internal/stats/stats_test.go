package stats

import (
	"math"
	"testing"
)

func TestSummarize(t *testing.T) {
	for _, tt := range []struct {
		name              string
		values            []float64
		median, low, high float64
	}{
		{"one", []float64{3}, 3, 3, 3},
		{"two", []float64{4, 2}, 3, 2.5, 3.5},
		{"five, unsorted", []float64{5, 1, 4, 2, 3}, 3, 2, 4},
		{"one that is far off", []float64{10, 10, 10, 10, 90}, 10, 10, 10},
		{"differences below zero", []float64{-1, 1, 0}, 0, -0.5, 0.5},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := Summarize(tt.values)
			if s.Median != tt.median || s.Low != tt.low || s.High != tt.high || s.Rounds != len(tt.values) {
				t.Errorf("got %+v, want median %v, quartiles %v and %v", s, tt.median, tt.low, tt.high)
			}
		})
	}
	if s := Summarize(nil); !math.IsNaN(s.Median) || s.Rounds != 0 {
		t.Errorf("without values: %+v", s)
	}
}

func TestSummarizeLeavesTheRoundsInOrder(t *testing.T) {
	values := []float64{3, 1, 2}
	Summarize(values)
	if values[0] != 3 || values[1] != 1 || values[2] != 2 {
		t.Errorf("the rounds were sorted: %v", values)
	}
}

func TestSpread(t *testing.T) {
	if got := Summarize([]float64{8, 9, 10, 11, 12}).Spread(); got != 0.2 {
		t.Errorf("got %v, want 0.2", got)
	}
}

func TestDifferences(t *testing.T) {
	got := Differences([]float64{5, 7, 9}, []float64{1, 2})
	if len(got) != 2 || got[0] != 4 || got[1] != 5 {
		t.Errorf("got %v", got)
	}
}

func TestPercentile(t *testing.T) {
	values := make([]float64, 0, 100)
	for i := range 100 {
		values = append(values, float64(100-i))
	}
	for p, want := range map[float64]float64{0: 1, 0.5: 50, 0.99: 99, 1: 100} {
		if got := Percentile(values, p); got != want {
			t.Errorf("p%v: %v, want %v", 100*p, got, want)
		}
	}
	if got := Percentile(nil, 0.5); !math.IsNaN(got) {
		t.Errorf("without values: %v", got)
	}
}
