package engine

import "github.com/sallyport-gateway/sallyport/filter/internal/host"

import "github.com/sallyport-gateway/sallyport/filter/internal/pipeline"

// Report is what a tick does for metrics.
func (e *Engine) Report() { e.metrics.Report() }

// Run puts steps in the place of those that the configuration named.
func (e *Engine) Run(steps ...pipeline.Step) {
	for i := range e.sequences {
		e.sequences[i] = pipeline.NewSequence(steps...)
	}
}

// Parked is the number of streams that wait.
func (e *Engine) Parked() (n int) {
	for _, line := range []*Stream{e.parked, e.due} {
		for s := line.next; s != line; s = s.next {
			n++
		}
	}
	return n
}

// MaxParkedBytes is the bound of Waiting.
const MaxParkedBytes = maxParkedBytes

// Queue has the engine make its queue.
func (e *Engine) Queue() (uint32, bool) { return e.peers.Queue() }

// Join makes somebody hear what other VMs say.
func (e *Engine) Join(b host.Background) { e.peers.Join(b) }

// Waiting is how many bytes the streams that wait are counted with.
func (e *Engine) Waiting() int { return e.waiting }
