package gate

import "github.com/sallyport-gateway/sallyport/filter/internal/pipeline"

// Run puts steps in the place of those that the configuration named.
func (g *Gate) Run(steps ...pipeline.Step) {
	for i := range g.sequences {
		g.sequences[i] = pipeline.NewSequence(steps...)
	}
}

// Parked is the number of streams that wait.
func (g *Gate) Parked() (n int) {
	for _, line := range []*Stream{g.parked, g.due} {
		for s := line.next; s != line; s = s.next {
			n++
		}
	}
	return n
}

// MaxVerdicts and MaxParkedBytes are the bounds.
const (
	MaxVerdicts    = maxVerdicts
	MaxParkedBytes = maxParkedBytes
)
