// Package breaker decides whether a server may be called now, from how its
// earlier calls ended, in all workers together: a circuit breaker, the hold
// that a 429 asks for, and a cap on calls in flight. What the server is called
// for is its Role.
//
// What is known about one server is one record in the host's shared data,
// changed by compare-and-swap, so that all workers act as one: only one of them
// sends the probe. A record survives what may happen to it:
//
//   - A worker dies with its calls in flight. A permit counts until its lease is
//     over, and a probe too; nothing has to give it back.
//   - The record is damaged or lost. It starts again from what this worker saw
//     last, so that a damaged record does not close an open breaker.
//   - The host refuses, or 32 swaps in a row are lost. No call is made then: a
//     refusal is safe both ways: it neither admits a request nor adds
//     to a stampede. How a call ended is not noted then; its lease runs out.
//   - The clock goes back. A moment further ahead than any that could have been
//     noted counts as past: at worst one more probe is sent.
//
// What one token does to a server must not keep out the others. A call that
// failed after the server was asked counts once for each token, in a row and in
// a window, and a token that fails as a probe makes way for others; a
// connection that could not be made always counts. If a server fails for N
// tokens, at most N failures count, as long as N is no more than half of 512.
// So whoever has, or makes up, Breaker.Failures tokens for which a working
// server fails can open the breaker, as long as no other call is answered in
// between; and with fewer tokens than that in use, a server that fails is
// called about each of them, one call at a time.
//
// Nothing here admits a request: a call that is let through is still only a
// question to the server.
package breaker
