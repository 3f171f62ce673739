// Package concurrency implements the step concurrent_calls: at most so many
// requests of an API, or of an app at an API, are in progress at once, over all
// workers of a proxy.
//
// What is shared is a list of holders for each API or app: a worker, how many
// places it has taken, and until when that is to be believed. A worker counts
// its own streams itself and only publishes the number; the places that are
// taken are the sum of what all holders have published. A request is let in
// only by a compare-and-swap from a list whose sum, with this worker's own
// count, was below the limit, so as long as leases are kept no more than the
// limit are let in, whatever the workers do at the same time.
//
// A place is given back when the request is refused by a later step, or else
// when its stream ends, for whatever reason: an answer, a reset by the backend,
// a client that has gone.
//
// # The lease
//
// A worker that has places renews its entry every renewEvery, so a request may
// take as long as it likes. An entry that was not renewed for Lease is no
// longer counted: a worker that was lost with its streams gives its places back
// within Lease, and the engine's TickPeriod does not add to it. On the other
// hand, a worker that is held up for longer than Lease, and lives, may find
// that others were given its places; that many more are then in progress until
// its own have ended. A clock that jumps ahead by more than Lease does the same
// until the next renewal; one that is set back does not prolong a lease beyond
// Lease from then on.
//
// When the list was overwritten in the host, nobody knows what the others hold.
// Nobody is let in then for settleTime, after which all have published again.
//
// # Bounds
//
// A list has room for fewHolders, and for manyHolders where that is not enough;
// a worker that finds no room refuses with denial.ConcurrentCallsUnavailable.
// After an update of the configuration a worker counts as two until its old
// streams have ended. Lists are kept under a hash of the limiter and the app,
// and there are as many as the configuration has apps, and one for those
// without one. The limit is not part of the hash: a changed limit counts what
// is in progress.
package concurrency
