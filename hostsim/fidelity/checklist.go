package fidelity

// Checklist has what a simulated host must get right to be trusted, by topic. Cases name the rows that they cover,
// counted from 1.
var Checklist = []string{
	"Versions: up to 1.38 poll_oneoff fails and modules with missing imports are refused, from 1.39 on both work",
	"Local replies and continues wait for the end of the callback, in order; a reply stops the stream and passes our own response callbacks; two verdicts do what Envoy does",
	"Callouts belong to the root: every outcome, from a refused dispatch to an answer after the stream is gone",
	"Header maps: the first value of a repeated header, when a map is there and when it is gone, broken pairs, empty maps",
	"Shared data: one table by vm_id for the whole process, the rules of compare-and-swap, nothing is evicted",
	"N+1 instances and a canary, ticks on each, vm_start by plugin, and the order log, done, delete",
	"A crash: 503 for the VM's streams, what each failure policy does next, reload after a backoff",
	"Memory and allowed calls: which allocator is called, what may not be called from it or from initialization, the limit of memory",
	"Metrics with their odd rules, properties by version, clocks and randomness",
}
