package bench

import (
	"github.com/sallyport-gateway/sallyport/envoy-config/bench/internal/stats"
)

// Report is what a run found. Times of single requests are in microseconds.
type Report struct {
	When      string      `json:"when"` // RFC 3339
	Took      float64     `json:"took_seconds"`
	Short     bool        `json:"short"`
	Only      string      `json:"only,omitempty"`
	Machine   Machine     `json:"machine"`
	Module    int64       `json:"module_bytes"`
	Cases     []Figures   `json:"cases"`
	HalfLoad  *HalfLoad   `json:"half_load,omitempty"`
	Startup   *Startup    `json:"startup,omitempty"`
	Memory    *Memory     `json:"memory,omitempty"`
	Noise     float64     `json:"noise"`         // spread of the unfiltered baseline
	Foreign   float64     `json:"foreign_share"` // of a core, that other processes used meanwhile
	TooNoisy  bool        `json:"too_noisy"`
	Criteria  []Criterion `json:"criteria"`
	IdleShare float64     `json:"idle_share"` // of a core that the Envoy uses without requests
}

// Machine is where the figures come from.
type Machine struct {
	CPU    string `json:"cpu"`
	Cores  int    `json:"cores"`
	Kernel string `json:"kernel"`
	Envoy  string `json:"envoy"`
}

// Figures are the figures of one case.
type Figures struct {
	Name      string        `json:"name"`
	Group     string        `json:"group"`
	Base      string        `json:"base,omitempty"`
	CPU       stats.Summary `json:"cpu"`            // of Envoy and the servers around it, a request
	Helpers   stats.Summary `json:"helpers"`        // the servers' part of it
	Added     stats.Summary `json:"added,omitzero"` // above the base
	P50       stats.Summary `json:"p50"`            // latency with all connections busy
	P99       stats.Summary `json:"p99"`            // the same
	Rate      stats.Summary `json:"rate"`           // requests a second
	Generator stats.Summary `json:"generator"`      // CPU of wrk, a request; not part of any of the above
	rounds    []round       // in their order
}

// round is one case's share of a round.
type round struct{ cpu, helpers, p50, p99, rate, generator float64 }

// find returns the figures of a case, nil when it was not measured.
func (r *Report) find(name string) *Figures {
	for i := range r.Cases {
		if r.Cases[i].Name == name && len(r.Cases[i].rounds) > 0 {
			return &r.Cases[i]
		}
	}
	return nil
}

// summarize summarizes all rounds; what is added to a base is the differences
// within each round.
func (r *Report) summarize() {
	for i := range r.Cases {
		f := &r.Cases[i]
		f.CPU = f.of(func(r round) float64 { return r.cpu })
		f.Helpers = f.of(func(r round) float64 { return r.helpers })
		f.P50 = f.of(func(r round) float64 { return r.p50 })
		f.P99 = f.of(func(r round) float64 { return r.p99 })
		f.Rate = f.of(func(r round) float64 { return r.rate })
		f.Generator = f.of(func(r round) float64 { return r.generator })
		if base := r.find(f.Base); base != nil {
			cpu := func(r round) float64 { return r.cpu }
			f.Added = stats.Summarize(stats.Differences(f.values(cpu), base.values(cpu)))
		}
	}
	if base := r.find(NoFilter); base != nil {
		r.Noise = base.CPU.Spread()
		r.TooNoisy = r.Noise > noiseBound || r.Foreign > foreignBound
	}
}

func (f *Figures) values(get func(round) float64) []float64 {
	out := make([]float64, 0, len(f.rounds))
	for _, r := range f.rounds {
		out = append(out, get(r))
	}
	return out
}

func (f *Figures) of(get func(round) float64) stats.Summary { return stats.Summarize(f.values(get)) }
