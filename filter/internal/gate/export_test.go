package gate

import "github.com/sallyport-gateway/sallyport/filter/internal/pipeline"

// Report is what a tick does for metrics.
func (g *Gate) Report() { g.metrics.Report() }

// Run puts steps in the place of those that the configuration named.
func (g *Gate) Run(steps ...pipeline.Step) {
	for i := range g.sequences {
		g.sequences[i] = pipeline.NewSequence(steps...)
	}
}
