package bench

import (
	"fmt"
	"strings"

	"github.com/sallyport-gateway/sallyport/envoy-config/bench/internal/stats"
)

const nameWidth = 34

// String is the report for a person: a table of all cases, the other parts, and
// each criterion with its bar.
func (r *Report) String() string {
	var b strings.Builder
	m := r.Machine
	fmt.Fprintf(&b, "Envoy %s, %d cores of %s, Linux %s\n", m.Envoy, m.Cores, m.CPU, m.Kernel)
	if len(r.Cases) > 0 {
		r.writeCases(&b)
	}
	r.writeParts(&b)
	r.writeCriteria(&b)
	if r.TooNoisy {
		fmt.Fprintf(&b, `
THE MACHINE WAS TOO NOISY. Do not trust these figures. The middle half of the unfiltered rounds spans %.1f %% (%.0f %% are allowed),
and other processes used %.2f of a core during the run (%.2f are allowed).
`, 100*r.Noise, 100*noiseBound, r.Foreign, foreignBound)
	}
	if r.Short {
		b.WriteString("\nA short run of one cold round: good for a look, not for a comparison.\n")
	}
	fmt.Fprintf(&b, "\n%.0f s in all.\n", r.Took)
	return b.String()
}

func (r *Report) writeCases(b *strings.Builder) {
	fmt.Fprintf(b, `
CPU of Envoy and of the servers around it per request, in µs: the median of the rounds (and their quartiles). "added" is
above the unfiltered case before it, taken within each round; "servers" is their part. p50 and p99 are latencies in µs with
all connections busy. "wrk" is the load generator's own CPU, which is not part of the others.
One worker, 16 connections, 8 headers and a direct response, unless it says otherwise. Idle, Envoy uses %.2f %% of a core.
`, 100*r.IdleShare)
	group := ""
	for i := range r.Cases {
		f := &r.Cases[i]
		if f.Group != group {
			group = f.Group
			fmt.Fprintf(b, "\n%-*s %20s %20s %8s %8s %8s %8s %6s\n", nameWidth, group, "CPU", "added", "servers", "p50", "p99", "req/s", "wrk")
		}
		added := ""
		if f.Base != "" {
			added = withQuartiles(f.Added)
		}
		fmt.Fprintf(b, "  %-*s %20s %20s %8.1f %8.0f %8.0f %8.0f %6.1f\n", nameWidth-2, f.Name, withQuartiles(f.CPU), added,
			f.Helpers.Median, f.P50.Median, f.P99.Median, f.Rate.Median, f.Generator.Median)
	}
}

func withQuartiles(s stats.Summary) string {
	if s.Rounds < 2 {
		return fmt.Sprintf("%.1f", s.Median)
	}
	return fmt.Sprintf("%.1f (%.1f-%.1f)", s.Median, s.Low, s.High)
}

func (r *Report) writeParts(b *strings.Builder) {
	if h := r.HalfLoad; h != nil {
		fmt.Fprintf(b, "\nLatency at half load, %d requests a second, 16 connections, µs:\n", h.Rate)
		fmt.Fprintf(b, "  no filter       p50 %6.0f   p99 %s\n", h.NoneP50.Median, withQuartiles(h.NoneP99))
		fmt.Fprintf(b, "  whole sequence  p50 %6.0f   p99 %s\n", h.P50.Median, withQuartiles(h.P99))
	}
	if s := r.Startup; s != nil {
		b.WriteString("\nFrom the start of Envoy to the first answer, seconds:\n")
		for _, x := range []struct {
			name string
			Start
		}{{"no filter", s.None}, {"empty Go filter", s.Empty}, {"Sallyport", s.Sallyport}} {
			fmt.Fprintf(b, "  %-16s CPU %.2f   clock %.2f\n", x.name, x.CPU.Median, x.Wall.Median)
		}
	}
	if m := r.Memory; m != nil && len(m.Samples) > 0 {
		last := m.Samples[len(m.Samples)-1]
		fmt.Fprintf(b, "\nMemory of Envoy with two workers over %d requests: %+.2f %% after the first tenth, %.1f MiB at the end.\n",
			m.Requests, 100*m.Growth, mebibytes(last.Bytes))
	}
}

func mebibytes(n uint64) float64 { return float64(n) / (1 << 20) }

func (r *Report) writeCriteria(b *strings.Builder) {
	b.WriteString("\nCriteria:\n")
	for _, c := range r.Criteria {
		fmt.Fprintf(b, "  %d  %-66s %s\n", c.Number, c.What, c.outcome())
	}
}

func (c Criterion) outcome() string {
	bar := ""
	if c.Unit != "" {
		word := "at least"
		if c.AtMost {
			word = "at most"
		}
		bar = fmt.Sprintf("%s %.4g %s: ", word, c.Bar, c.Unit)
	}
	value := ""
	if c.State != NotMeasured {
		value = fmt.Sprintf("%7.2f %s, ", c.Value, c.Unit)
	}
	note := ""
	if c.Note != "" {
		note = " (" + c.Note + ")"
	}
	return value + bar + string(c.State) + note
}
