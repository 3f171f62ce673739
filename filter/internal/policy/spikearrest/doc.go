// Package spikearrest implements the step spike_arrest: Apigee's SpikeArrest, a
// rate that is smoothed instead of counted in windows.
//
// A rate of n per period has a slot of T = period/n, rounded up to a nanosecond.
// The algorithm is GCRA: of each caller only the theoretical arrival time (TAT)
// is kept, the moment at which all of its burst is free again. A message passes
// when at least one slot of the burst is free, and costs weight slots; like
// Apigee's message weight it is paid after admission, so a message may weigh
// more than the burst. A refused message costs nothing.
//
// # The bound
//
// For every limiter, every caller and any messages of that caller, whichever
// workers they ran on, whose clock readings lie within a span of length e,
//
//	admitted <= 1 + floor((burst - 1 + floor(e/T)) / weight)
//
// and so, with weight 1, admitted <= burst + floor(e/T). It is exact, with
// nothing added for concurrency: a message is admitted only by a
// compare-and-swap that replaces the very TAT from which it was decided. Proof:
// let n messages be admitted, in the order of their swaps. Each moves the TAT
// at least weight*T forward, and the first puts it at weight*T after its own
// clock reading at least, so before the last one the TAT is (n-1)*weight*T or
// more after the earliest reading. The last one was admitted, so that TAT was
// at most (burst-1)*T after its reading: (n-1)*weight*T <= (burst-1)*T + e.
//
// The proof needs that a caller's TAT never moves back. Three things could move
// it, and here is what each of them does:
//
//   - Full buckets. Callers hash into a fixed number of buckets of a fixed number
//     of entries. In a full bucket a newcomer takes the place of the entry with
//     the smallest TAT and inherits that TAT (the replacement of the space-saving
//     sketch). What a caller without an entry would get is the smallest TAT of its
//     bucket; that never falls, and it is at least the one with which the caller
//     was replaced. So the bound holds whatever is sent. The price is paid in the
//     other direction: when more callers than entries are active in one bucket at
//     once, some are refused early. All callers together are admitted no more than
//     Buckets*EntriesPerBucket times what one of them is.
//   - Damage. The value of a bucket may be overwritten in the host. It is then
//     taken for a bucket whose callers have all just spent their burst.
//   - The clock. All workers of a host read one clock. As long as that does not go
//     back, no TAT lies further ahead than a message admitted now would put it: it
//     was put there by a message whose reading was taken before. When one does,
//     either the reading at hand is old, or the clock was set back. So the clock is
//     read again, after the bucket was; this corrects an old reading, and
//     forgives nothing. What is too far ahead even then is brought back to the
//     furthest point there can be, as if its caller had just spent all of its
//     burst. So after the clock was set back, by however much, nobody waits longer
//     than for what one message costs, nor is admitted a burst for it; and the
//     bound holds in each stretch from one such step to the next. A clock that
//     jumps ahead gives every caller the burst that the time would, once.
//
// # Several limits, and weights by header
//
// A limiter may have up to MaxLimits limits, all of which must have room for a
// message, and a message may name its own weight. An entry then holds a TAT for
// each limit. They are judged together and written by one compare-and-swap, so
// what one limit refuses takes nothing from the others. The bound holds for each
// limit on its own: messages of a caller whose readings lie within e cost
//
//	at most burst - 1 + floor(e/T), without the last one of them
//
// by the same proof. Which entry has the smallest TAT is no longer one
// question, so the first entry of each bucket belongs to no caller: it holds,
// for each limit, the highest TAT that a newcomer has taken over. A caller
// without an entry begins there, which is no less than what it left; the entry
// that is taken is the one whose limits would all have room first. A header's
// weight is at most the configured one, and anything but a number from 1 to
// that counts as that one, so no text in the header makes a message cheaper
// than none.
//
// # Floods
//
// An entry is in use for weight*T after each message, and a flood of callers
// who are all active within such a time fills the table. Which bucket a caller
// has depends on a secret seed, so nobody can aim at one. A newcomer, or a
// caller that was away for so long that its entry was taken, is refused when
// all entries of its bucket lie further ahead than the burst allows. With a
// burst of 1 and callers that send one message each, that happens to 1 newcomer
// in 100 while 32,768 callers are active, to 1 in 6 with 49,152 and to every
// second with 65,536; with a burst of n it takes n messages of each. A caller
// that keeps sending keeps its entry. A shorter IPv6 prefix makes more networks
// one caller.
//
// Callers are told apart by 64 bits of a hash, SipHash-2-4-128 under the seed,
// and their bucket: two that share both, a chance of 1 in 2^76, share one
// limit.
//
// Counters live in the host's shared data, in keys that are made from the
// limiter's identity and all of its settings: they survive an update of the
// configuration that leaves these alone, and a changed limiter starts again: a
// caller may then spend the new burst at once, whatever it spent of the old one.
// The keys of limiters that are gone stay until the host's process ends, about
// 1.7 MiB each at most (2.8 MiB with MaxLimits limits), and 16 bytes for one that
// counts all messages together.
package spikearrest
