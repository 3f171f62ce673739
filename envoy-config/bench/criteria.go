package bench

import (
	"fmt"
	"math"
)

// Criterion is one of the limits that Sallyport must keep, with what was
// measured: a ratio, unless the unit says otherwise.
type Criterion struct {
	Number int     `json:"number"`
	What   string  `json:"what"`
	Value  float64 `json:"value"` // 0 when State is NotMeasured
	Bar    float64 `json:"bar"`
	AtMost bool    `json:"at_most"` // otherwise at least
	Unit   string  `json:"unit"`    // x, %, µs or MiB
	State  State   `json:"state"`
	Note   string  `json:"note,omitempty"`
}

// State is how a criterion stands.
type State string

// The states.
const (
	Met         State = "met"
	NotMet      State = "not met"
	NotMeasured State = "not measured"
	Aim         State = "an aim, not a bar"
)

// coresApart is how many cores two workers and the load generator need.
const coresApart = 4

// criteria compares what was measured with the bars.
func criteria(r *Report) []Criterion {
	added := func(name string) float64 { return figure(r, name, func(f *Figures) float64 { return f.Added.Median }) }
	cpu := func(name string) float64 { return figure(r, name, func(f *Figures) float64 { return f.CPU.Median }) }
	none := cpu(NoFilter)

	out := []Criterion{
		atMost(1, "whole sequence, added / ext_authz, added", added(Whole)/added(ExtAuthz), 0.19, "x"),
		atMost(1, "whole sequence, added / an unfiltered request", added(Whole)/none, 0.75, "x"),
		aim(atMost(1, "whole sequence, added / an unfiltered request", added(Whole)/none, 0.5, "x")),
		aim(atMost(1, "whole sequence, added / an empty Go filter, added", added(Whole)/added(EmptyGo), 5, "x")),
		atMost(2, "empty sequence, added / an unfiltered request", added(Empty)/none, 0.4, "x"),
	}
	for _, name := range []string{MissingKey, UnknownKey, GarbageToken, InactiveToken, SpikeArrest} {
		out = append(out, atMost(2, "refusal: "+name+", added / an unfiltered request", added(name)/none, 0.67, "x"))
	}
	out = append(out, Criterion{
		Number: 3, What: "allocations and hostcalls of a request", State: NotMeasured,
		Note: "a test: go test ./... -run AllowBudget -v; make profile shows both",
	})
	out = append(out,
		atMost(4, "10,000 apps / one, added", added(Apps)/added(Whole), 1.15, "x"),
		atMost(4, "1,000 APIs / one, added", added(APIs)/added(Whole), 1.15, "x"),
		atMost(4, "256 connections / one, added", added(Whole256)/added(WholeOne), 1.15, "x"),
		noted(atMost(4, "100,000 tokens, all alike / one, added", added(ManyTokens)/added(OneToken), 1.5, "x"),
			"nearly every request's token is looked up again in the cache that all workers share, as it is once a second"),
		noted(aim(atMost(4, "100,000 tokens, few often / one, added", added(SkewedToken)/added(OneToken), 1.5, "x")),
			"the n-th token is n times as rare as the first"),
		workersCriterion(r),
	)
	out = append(out, otherCriteria(r)...)
	return append(out, quotaCriteria(added)...)
}

// quotaCriteria are about what a quota adds to the same sequence without it.
func quotaCriteria(added func(string) float64) []Criterion {
	all := []Criterion{
		atMost(8, "quota, reconciled, added", added(QuotaReconciled), 1, "µs"),
		atMost(8, "quota, exact, added / Envoy's own ratelimit filter, added", added(QuotaExact)/added(NativeQuota), 1.3, "x"),
	}
	for i := range all {
		if all[i].State == NotMeasured {
			all[i].Note = "needs Redis and its service: make ratelimit"
		}
	}
	return all
}

// workersCriterion compares throughput where wrk has cores of its own, and
// elsewhere what each worker can do with a second of CPU.
func workersCriterion(r *Report) Criterion {
	const what = "two workers' throughput / one's"
	if r.Machine.Cores >= coresApart {
		rate := func(name string) float64 { return figure(r, name, func(f *Figures) float64 { return f.Rate.Median }) }
		return atLeast(4, what, rate(Whole2)/rate(WholeAlone), 1.8, "x")
	}
	cpu := func(name string) float64 { return figure(r, name, func(f *Figures) float64 { return f.CPU.Median }) }
	return noted(atLeast(4, what, 2*cpu(WholeAlone)/cpu(Whole2), 1.8, "x"),
		fmt.Sprintf("by CPU per request: wrk needs one of the %d cores, so throughput cannot be seen here", r.Machine.Cores))
}

func otherCriteria(r *Report) []Criterion {
	nan := math.NaN()
	memory := atMost(5, "memory, growth after the first tenth of 5 million requests", nan, 2, "%")
	if m := r.Memory; m != nil {
		memory = atMost(5, memory.What, 100*m.Growth, memory.Bar, memory.Unit)
		if m.Requests < m.Wanted {
			memory.State = NotMeasured
			memory.Note = fmt.Sprintf("only %d requests in the time available", m.Requests)
		}
	}
	latency := nan
	if h := r.HalfLoad; h != nil {
		latency = h.Added.Median
	}
	ready := nan
	if s := r.Startup; s != nil {
		ready = s.Sallyport.CPU.Median / s.Empty.CPU.Median
	}
	return []Criterion{
		memory,
		atMost(6, "99th percentile at half load, over no filter", latency, 100, "µs"),
		atMost(7, "module", float64(r.Module)/(1<<20), 3.75, "MiB"),
		atMost(7, "CPU from configuration to ready / an empty Go filter's", ready, 1.5, "x"),
	}
}

// figure is one of a case's figures, NaN when it was not measured.
func figure(r *Report, name string, get func(*Figures) float64) float64 {
	if f := r.find(name); f != nil {
		return get(f)
	}
	return math.NaN()
}

func atMost(number int, what string, value, bar float64, unit string) Criterion {
	return judge(Criterion{Number: number, What: what, Value: value, Bar: bar, Unit: unit, AtMost: true})
}

func atLeast(number int, what string, value, bar float64, unit string) Criterion {
	return judge(Criterion{Number: number, What: what, Value: value, Bar: bar, Unit: unit})
}

func judge(c Criterion) Criterion {
	switch {
	case math.IsNaN(c.Value) || math.IsInf(c.Value, 0):
		c.Value, c.State = 0, NotMeasured // neither is JSON
	case c.AtMost == (c.Value <= c.Bar) || c.Value == c.Bar:
		c.State = Met
	default:
		c.State = NotMet
	}
	return c
}

func aim(c Criterion) Criterion {
	if c.State == NotMet {
		c.State = Aim
	}
	return c
}

func noted(c Criterion, note string) Criterion {
	c.Note = note
	return c
}

// Missed are the criteria that are not met.
func (r *Report) Missed() (missed []Criterion) {
	for _, c := range r.Criteria {
		if c.State == NotMet {
			missed = append(missed, c)
		}
	}
	return missed
}
