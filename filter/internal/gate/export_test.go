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

// Parked is the number of streams that wait.
func (g *Gate) Parked() (n int) {
	for _, line := range []*Stream{g.parked, g.due} {
		for s := line.next; s != line; s = s.next {
			n++
		}
	}
	return n
}

// MaxParkedBytes is the bound of Waiting.
const MaxParkedBytes = maxParkedBytes

// Queue has the gate make its queue.
func (g *Gate) Queue() (uint32, bool) { return g.peers.Queue() }

// Join makes somebody hear what other VMs say.
func (g *Gate) Join(b pipeline.Background) { g.peers.Join(b) }

// Waiting is how many bytes the streams that wait are counted with.
func (g *Gate) Waiting() int { return g.waiting }
