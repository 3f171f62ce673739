package bench

import (
	"fmt"

	"github.com/sallyport-gateway/sallyport/envoy-config/bench/internal/chart"
)

// SVG is a chart of what each contender, each step and each refusal adds to a
// request. Cases that were not measured are left out.
func (r *Report) SVG() string {
	c := chart.Chart{
		Title: "What a filter adds to a request on Envoy",
		Subtitle: fmt.Sprintf("µs of CPU, above the %.1f µs of a request without a filter; Envoy %s, one worker",
			figure(r, NoFilter, func(f *Figures) float64 { return f.CPU.Median }), r.Machine.Envoy),
		Unit: "µs",
	}
	if r.TooNoisy {
		c.Subtitle += " (the machine was too noisy)"
	}
	for _, s := range []struct{ heading, group string }{
		{"Sallyport and others", GroupContenders}, {"Sallyport, each step alone", GroupSteps}, {"Sallyport, refusals", GroupRefusals},
	} {
		section := chart.Section{Heading: s.heading}
		for _, f := range r.Cases {
			if f.Group == s.group && f.Base != "" && f.Added.Rounds > 0 {
				name := f.Name
				if name == Whole {
					name = "Sallyport, " + name
				}
				section.Bars = append(section.Bars, chart.Bar{
					Name: name, Value: f.Added.Median, Low: f.Added.Low, High: f.Added.High, Emphasis: f.Name == Whole,
				})
			}
		}
		if len(section.Bars) > 0 {
			c.Sections = append(c.Sections, section)
		}
	}
	return c.SVG()
}
